//! From words to a command. Reads nothing but the words: files, addresses and JSON are looked at later.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::Parser;

use super::UsageError;
use super::help::Topic;
use crate::config::{AccessFormat, LogLevel, MAXIMUM_WORKERS, nearest};

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Serve.
    Run(Box<RunOptions>),
    /// Check a configuration file and the modules that it names.
    Check(PathBuf),
    /// Tell what a library is.
    Inspect {
        /// The library.
        library: PathBuf,
        /// As JSON, for programs.
        json: bool,
    },
    /// Show how to use a command.
    Help(Topic),
    /// Show the versions.
    Version,
}

/// What to serve, and what the command line says over the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RunOptions {
    pub(super) file: Option<PathBuf>,
    pub(super) module: Option<PathBuf>,
    pub(super) config: Option<String>,
    pub(super) listen: Vec<String>,
    pub(super) workers: Option<usize>,
    pub(super) log_level: Option<LogLevel>,
    /// `Some(None)`: off.
    pub(super) access_log: Option<Option<AccessFormat>>,
    pub(super) status_path: Option<String>,
    pub(super) validate: bool,
}

const COMMANDS: [&str; 5] = ["run", "check", "inspect", "help", "version"];
const RUN_OPTIONS: [&str; 9] =
    ["module", "config", "listen", "workers", "log-level", "access-log", "status-path", "validate", "help"];

/// Read the arguments; the first is the program's name.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut parser = Parser::from_iter(arguments);
    match parser.next()? {
        None => {
            Err(usage("a command is missing", "say `hc-server run CONFIG.toml`, or see `hc-server --help`"))
        }
        Some(Short('h') | Long("help")) => Ok(Command::Help(Topic::All)),
        Some(Short('V') | Long("version")) => Ok(Command::Version),
        // Whoever begins with it means to run something.
        Some(Long("validate")) => parse_validate(parser),
        Some(Long(option)) => Err(unknown_option(option, &["help", "version", "validate"], Topic::All)),
        Some(Short(option)) => Err(unknown_short(option, Topic::All)),
        Some(Value(word)) => match word.to_str() {
            Some("run") => parse_run(parser, false),
            Some("check") => parse_check(parser),
            Some("inspect") => parse_inspect(parser),
            Some("help") => parse_help(parser),
            Some("version") => Ok(Command::Version),
            _ => Err(unknown_command(&word)),
        },
    }
}

fn parse_run(mut parser: Parser, validate: bool) -> Result<Command, UsageError> {
    let mut options = RunOptions { validate, ..RunOptions::default() };
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(Topic::Run)),
            Short('m') | Long("module") => set_once("--module", &mut options.module, parser.value()?.into())?,
            Short('c') | Long("config") => {
                let text = text(parser.value()?, "--config")?;
                set_once("--config", &mut options.config, text)?;
            }
            Short('l') | Long("listen") => options.listen.push(text(parser.value()?, "--listen")?),
            Short('w') | Long("workers") => {
                let workers = number(&parser.value()?, "--workers", MAXIMUM_WORKERS)?;
                set_once("--workers", &mut options.workers, workers)?;
            }
            Long("log-level") => {
                let level = word(parser.value()?, "--log-level", LogLevel::WORDS)?;
                set_once("--log-level", &mut options.log_level, level)?;
            }
            Long("access-log") => {
                let formats = AccessFormat::WORDS.iter().map(|&(word, format)| (word, Some(format)));
                let words: Vec<_> = std::iter::once(("off", None)).chain(formats).collect();
                let format = word(parser.value()?, "--access-log", &words)?;
                set_once("--access-log", &mut options.access_log, format)?;
            }
            Long("status-path") => {
                let path = text(parser.value()?, "--status-path")?;
                set_once("--status-path", &mut options.status_path, path)?;
            }
            Long("validate") => options.validate = true,
            Long(option) => return Err(unknown_option(option, &RUN_OPTIONS, Topic::Run)),
            Short(option) => return Err(unknown_short(option, Topic::Run)),
            Value(file) => set_once("the configuration file", &mut options.file, file.into())?,
        }
    }
    match (&options.file, &options.module) {
        (None, None) => Err(usage(
            "there is nothing to run",
            "say `hc-server run CONFIG.toml`, or `hc-server run --module ./libx.so` for one module without a file",
        )),
        (Some(file), Some(_)) => Err(usage(
            format!("`{}` and `--module` are two things to run", file.display()),
            "leave `--module` out and name the module in a [[module]] of the file",
        )),
        (Some(_), None) if options.config.is_some() => Err(usage(
            "`--config` is for a module that is run without a file",
            "write the module's configuration into the file: `config = { ... }` in its [[module]]",
        )),
        _ => Ok(Command::Run(Box::new(options))),
    }
}

/// `hc-server --validate [run] ...`.
fn parse_validate(parser: Parser) -> Result<Command, UsageError> {
    let mut arguments = parser.clone();
    match arguments.next()? {
        Some(Value(word)) if word == "run" => parse_run(arguments, true),
        _ => parse_run(parser, true),
    }
}

fn parse_check(mut parser: Parser) -> Result<Command, UsageError> {
    let mut file = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(Topic::Check)),
            Long(option) => return Err(unknown_option(option, &["help"], Topic::Check)),
            Short(option) => return Err(unknown_short(option, Topic::Check)),
            Value(value) => set_once("the configuration file", &mut file, value.into())?,
        }
    }
    let missing = || usage("the configuration file is missing", "say `hc-server check CONFIG.toml`");
    file.map(Command::Check).ok_or_else(missing)
}

fn parse_inspect(mut parser: Parser) -> Result<Command, UsageError> {
    let mut library = None;
    let mut json = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(Topic::Inspect)),
            Long("json") => json = true,
            Long(option) => return Err(unknown_option(option, &["json", "help"], Topic::Inspect)),
            Short(option) => return Err(unknown_short(option, Topic::Inspect)),
            Value(value) => set_once("the library", &mut library, value.into())?,
        }
    }
    let missing = || usage("the library is missing", "say `hc-server inspect ./libx.so`");
    library.map(|library| Command::Inspect { library, json }).ok_or_else(missing)
}

fn parse_help(mut parser: Parser) -> Result<Command, UsageError> {
    match parser.next()? {
        Some(Value(word)) => match word.to_str() {
            Some("run") => Ok(Command::Help(Topic::Run)),
            Some("check") => Ok(Command::Help(Topic::Check)),
            Some("inspect") => Ok(Command::Help(Topic::Inspect)),
            _ => Err(unknown_command(&word)),
        },
        _ => Ok(Command::Help(Topic::All)),
    }
}

fn set_once<T>(name: &str, slot: &mut Option<T>, value: T) -> Result<(), UsageError> {
    if slot.replace(value).is_some() {
        return Err(usage(format!("{name} is given twice"), "give it once"));
    }
    Ok(())
}

fn text(value: OsString, option: &str) -> Result<String, UsageError> {
    value.into_string().map_err(|value| {
        usage(format!("the value of {option} is not UTF-8: {}", value.display()), "write it in UTF-8")
    })
}

fn number(value: &OsStr, option: &str, most: usize) -> Result<usize, UsageError> {
    let number =
        value.to_str().and_then(|text| text.parse().ok()).filter(|number| (1..=most).contains(number));
    let problem = || format!("{option} cannot be `{}`", value.display());
    number.ok_or_else(|| usage(problem(), format!("write a number from 1 to {most}")))
}

fn word<T: Copy>(value: OsString, option: &str, words: &[(&'static str, T)]) -> Result<T, UsageError> {
    let text = text(value, option)?;
    if let Some(&(_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(value);
    }
    let known = words.iter().map(|(word, _)| *word);
    let all = known.clone().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let help = match nearest(&text, known) {
        Some(meant) => format!("did you mean `{meant}`? it is one of {all}"),
        None => format!("write one of {all}"),
    };
    Err(usage(format!("{option} cannot be `{}`", text.escape_debug()), help))
}

fn unknown_command(word: &OsStr) -> UsageError {
    let shown = word.to_string_lossy();
    let help = if shown.ends_with(".toml") {
        format!("did you mean `hc-server run {shown}`?")
    } else if shown.contains(".so") {
        format!("did you mean `hc-server run --module {shown}`, or `hc-server inspect {shown}`?")
    } else {
        match nearest(&shown, COMMANDS) {
            Some(meant) => format!("did you mean `hc-server {meant}`?"),
            None => format!("the commands are {}; see `hc-server --help`", COMMANDS.join(", ")),
        }
    };
    usage(format!("there is no command `{}`", shown.escape_debug()), help)
}

fn unknown_option(option: &str, known: &[&'static str], topic: Topic) -> UsageError {
    let help = match nearest(option, known.iter().copied()) {
        Some(meant) => format!("did you mean `--{meant}`?"),
        None => format!("see `{}`", topic.command()),
    };
    usage(format!("there is no option `--{}`", option.escape_debug()), help)
}

fn unknown_short(option: char, topic: Topic) -> UsageError {
    usage(format!("there is no option `-{}`", option.escape_debug()), format!("see `{}`", topic.command()))
}

fn usage(problem: impl Into<String>, help: impl Into<String>) -> UsageError {
    UsageError { problem: problem.into(), help: help.into() }
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        match error {
            lexopt::Error::MissingValue { option: Some(option) } => {
                usage(format!("the value of {option} is missing"), "write it after the option")
            }
            lexopt::Error::UnexpectedValue { option, value } => usage(
                format!("{option} takes no value, and got `{}`", value.display()),
                "leave the value out",
            ),
            other => usage(other.to_string(), "see `hc-server --help`"),
        }
    }
}
