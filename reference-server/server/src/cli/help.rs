//! The texts that explain the command line.

use http_container_abi::constants::{ABI_MAJOR, ABI_MINOR};

/// What help is wanted about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// The program.
    All,
    /// `run`.
    Run,
    /// `check`.
    Check,
    /// `inspect`.
    Inspect,
}

impl Topic {
    /// The command that shows this topic.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::All => "hc-server --help",
            Self::Run => "hc-server run --help",
            Self::Check => "hc-server check --help",
            Self::Inspect => "hc-server inspect --help",
        }
    }
}

/// The version of the server, and of the ABI that it speaks.
pub(super) fn version() -> String {
    format!("hc-server {} (HTTP Container ABI {ABI_MAJOR}.{ABI_MINOR})\n", env!("CARGO_PKG_VERSION"))
}

/// The text about a topic.
pub(super) const fn text(topic: Topic) -> &'static str {
    match topic {
        Topic::All => ALL,
        Topic::Run => RUN,
        Topic::Check => CHECK,
        Topic::Inspect => INSPECT,
    }
}

const ALL: &str = "\
hc-server: the reference server of the HTTP Container ABI

Usage:
  hc-server run CONFIG.toml              serve what the file says
  hc-server run --module ./libx.so       serve one module on every path, without a file
  hc-server check CONFIG.toml            check the file and load its modules, serve nothing
  hc-server inspect ./libx.so            show what a module is, without running it
  hc-server help COMMAND                 more about a command

Options:
  -h, --help       show this text
  -V, --version    show the versions of the server and of the ABI

Exit codes:
  0   it was done
  1   it was tried and failed: a module does not load, an address is taken ...
  2   the command line or the configuration is wrong; nothing was tried
";

const RUN: &str = "\
Serve, until SIGTERM or SIGINT; SIGUSR1 opens the log files anew.

Usage:
  hc-server run CONFIG.toml [OPTIONS]
  hc-server run --module ./libx.so [--config JSON] [OPTIONS]

Options (they win over the file):
  -m, --module FILE        serve this module on every path, without a file
  -c, --config JSON        the configuration of that module, a JSON object
  -l, --listen ADDRESS     127.0.0.1:8080, [::]:80, unix:/run/x.sock; may be given again
                           (default: 127.0.0.1:8080, this machine only)
  -w, --workers NUMBER     worker threads (default: one for every core)
      --log-level LEVEL    error, warn, info, debug or trace (default: info)
      --access-log FORMAT  off, common, combined or json, to standard output unless
                           the file names another place (default: off)
      --status-path PATH   answer PATH with counters, to peers on this machine only
      --validate           check modules live: each rule of the ABI that one breaks
                           is logged with its id, and all are summed up at the end
  -h, --help               show this text
";

const CHECK: &str = "\
Check a configuration file: every mistake is shown with its line and column.
Each module's library is loaded and its entry is checked; no instance is made,
and nothing is served.

Usage:
  hc-server check CONFIG.toml

Options:
  -h, --help    show this text

Exit codes:
  0   the file and its modules are good
  1   a module cannot be loaded
  2   the file is wrong
";

const INSPECT: &str = "\
Show what a module is: id, version, ABI, flags, and the schema of its configuration.
This is read from a note in the file, and runs no code of the module. Only a file
without a note is loaded, which runs its initialisers; the output says so.

Usage:
  hc-server inspect ./libx.so [--json]

Options:
      --json    as a JSON object
  -h, --help    show this text
";
