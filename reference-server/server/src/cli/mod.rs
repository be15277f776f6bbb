//! The command line of `hc-server`: from arguments to a command, and from its outcome to an exit code.
//!
//! | exit code | meaning |
//! | ---: | --- |
//! | 0 | it was done |
//! | 1 | it was tried and failed: a module does not load, an address is taken, a log cannot be opened |
//! | 2 | the command line or the configuration is wrong; nothing was tried |
//!
//! What was asked for goes to standard output, every complaint to standard error. Serving is handed in from outside, so
//! nothing here knows of sockets.

mod arguments;
mod check;
mod help;
mod inspect;
mod overrides;

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Command;

use crate::config::{Config, ConfigErrors};
use crate::log::Logs;

/// Exit code: it was tried and failed.
const FAILED: u8 = 1;
/// Exit code: the command line or the configuration is wrong.
const REFUSED: u8 = 2;

/// Why a command came to nothing.
#[derive(Debug)]
enum Failure {
    /// The command line is wrong.
    Usage(UsageError),
    /// The configuration file is wrong.
    Config(ConfigErrors),
    /// It was tried and failed. Lines for the operator.
    Failed(Vec<String>),
}

/// What is wrong with the command line, and what to do.
#[derive(Debug, PartialEq, Eq)]
struct UsageError {
    problem: String,
    help: String,
}

/// Do what the arguments say; the first is the program's name. `serve` runs the server and comes back when it has been
/// shut down.
pub fn main<A, S>(arguments: A, serve: S) -> ExitCode
where
    A: IntoIterator<Item = OsString>,
    S: FnOnce(&Config, Logs) -> Result<(), Box<dyn Error + Send + Sync>>,
{
    let outcome = match arguments::parse(arguments) {
        Ok(Command::Help(topic)) => Ok(help::text(topic).to_owned()),
        Ok(Command::Version) => Ok(help::version()),
        Ok(Command::Check(file)) => check::check(&file),
        Ok(Command::Inspect { library, json }) => inspect::inspect(&library, json),
        Ok(Command::Run(options)) => overrides::config(&options).and_then(|config| run(&config, serve)),
        Err(error) => Err(Failure::Usage(error)),
    };
    match outcome {
        Ok(text) => {
            // Whoever closed standard output does not want the rest.
            let _ = io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _ = write!(io::stderr().lock(), "{failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run<S>(config: &Config, serve: S) -> Result<String, Failure>
where
    S: FnOnce(&Config, Logs) -> Result<(), Box<dyn Error + Send + Sync>>,
{
    let logs = Logs::open(&config.log).map_err(|error| Failure::Failed(vec![error.to_string()]))?;
    match serve(config, logs) {
        Ok(()) => Ok(String::new()),
        Err(error) => Err(Failure::Failed(vec![error.to_string()])),
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => REFUSED,
            Self::Failed(_) => FAILED,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => {
                writeln!(formatter, "hc-server: {}", error.problem)?;
                writeln!(formatter, "  help: {}", error.help)
            }
            Self::Config(errors) => writeln!(formatter, "{errors}"),
            Self::Failed(lines) => lines.iter().try_for_each(|line| writeln!(formatter, "hc-server: {line}")),
        }
    }
}
