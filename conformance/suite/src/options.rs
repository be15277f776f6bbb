//! The command line, read. Must not do what it says.

use crate::target::{HttpTarget, Kind, ModuleTarget, ServerTarget, Target};
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` prints.
pub const HELP: &str = "\
hc-conformance: does it keep the rules of the HTTP Container ABI?

  hc-conformance module PATH.so [OPTIONS]       a module, driven by an adversarial host
  hc-conformance server --adapter EXE           a container, through its adapter
  hc-conformance http --url http://HOST:PORT/   any HTTP/1.1 server
  hc-conformance fuzz PATH.so [OPTIONS]         a module, with new seeds until the time is over
  hc-conformance self-test                      each fault of bad modules and bad containers is found by its case: the
                                                kill matrix; to be run in the repository, for it builds what it needs;
                                                with --filter TEXT only those faults of containers, against all cases
                                                about containers; with --all every fault, which takes hours
  hc-conformance self-test BAD.so               the same of a bad module that was built
  hc-conformance list [module|server|http]      the cases, with their sections and rules
  hc-conformance trace                          the table of rules and cases, tab-separated
  hc-conformance --help | --version

Which cases:
  --filter TEXT        those whose name contains TEXT (=TEXT: is TEXT); may be given several times
  --section NAME       those of a section; may be given several times
  --only-failed        those that failed or crashed in the report that lies at --json
  --expect FILE        lines `skip CASE reason` and `fail CASE reason`

Of modules:
  --config JSON        the configuration that `create` is given        (default {})
  --config-file FILE   the same, from a file
  --path PATH?QUERY    a path for its requests; may be given several times (default: the kit's own)
  --field 'NAME: VALUE'  a field for its requests; may be given several times
  --peer HOST:PORT     what a provider is connected with, as it stands in its configuration
  --seed N             the first seed                                  (default 1)
  --seeds A..B         all seeds from A to B                           (default 1..20)
  --reproduce N        that seed only, and the host's record of it
  --duration S         fuzz: for how many seconds                      (default 60)

Of servers:
  --adapter EXE        answers name, version, capabilities, start CONFIG.json
  --probes DIR         the folder with the built probe modules         (default: beside this program)

How:
  -j N, -jN            cases at once                                       (default: processors)
  --timeout S          most seconds of one case                        (default 60)
  --quiet              the sum only
  --json FILE  --junit FILE  --html FILE  --badge FILE                 reports

Exit: 0 all well (warnings and skips included), 1 something failed or crashed, 2 the command line was not understood,
or what it names is not there.
";

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Run cases on a target.
    Run(Target),
    /// Run a module with new seeds for a time.
    Fuzz(ModuleTarget, Duration),
    /// Run every fault: of that bad module, or of both halves, built anew.
    SelfTest(Option<PathBuf>),
    /// Print the cases of a subject, or of all.
    List(Option<Kind>),
    /// Print rules and cases.
    Trace,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// Which cases and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Parts of names; none: all.
    pub filters: Vec<String>,
    /// Sections; none: all.
    pub sections: Vec<String>,
    /// Only what failed in the report at `json`.
    pub is_only_failed: bool,
    /// Every fault against every case.
    pub is_all: bool,
    /// The file with expectations.
    pub expect: Option<PathBuf>,
    /// Cases at once.
    pub at_once: usize,
    /// Most time of one case.
    pub limit: Duration,
    /// The sum only.
    pub is_quiet: bool,
    /// Where the JSON report goes.
    pub json: Option<PathBuf>,
    /// Where the JUnit report goes.
    pub junit: Option<PathBuf>,
    /// Where the HTML report goes.
    pub html: Option<PathBuf>,
    /// Where the badge goes.
    pub badge: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            filters: Vec::new(),
            sections: Vec::new(),
            is_only_failed: false,
            is_all: false,
            expect: None,
            at_once: std::thread::available_parallelism().map_or(1, usize::from),
            limit: Duration::from_secs(60),
            is_quiet: false,
            json: None,
            junit: None,
            html: None,
            badge: None,
        }
    }
}

/// What only some commands take, until the command is known to take it.
#[derive(Default)]
struct Given {
    words: Vec<String>,
    module: ModuleTarget,
    server: ServerTarget,
    http: HttpTarget,
    duration: Option<Duration>,
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// What was not understood.
pub fn parse(arguments: &[String]) -> Result<(Command, Options), String> {
    let mut options = Options::default();
    let mut given = Given::default();
    given.module = ModuleTarget { config: "{}".into(), first_seed: 1, last_seed: 20, ..given.module };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--help" | "-h" | "help" => return Ok((Command::Help, options)),
            "--version" | "-V" => return Ok((Command::Version, options)),
            "--only-failed" => options.is_only_failed = true,
            "--all" => options.is_all = true,
            "--quiet" | "-q" => options.is_quiet = true,
            // `-j2` is short for `-j 2`, as other programs have it.
            short if short.starts_with("-j") && short.len() > 2 => {
                set(&mut options, &mut given, "-j", short[2..].to_owned())?;
            }
            name if name.starts_with('-') && name.len() > 1 => {
                let name = name.to_owned();
                set(&mut options, &mut given, &name, value()?)?;
            }
            word => given.words.push(word.to_owned()),
        }
    }
    if options.is_only_failed && options.json.is_none() {
        return Err("--only-failed needs --json FILE, the report of the run before".into());
    }
    Ok((command(given)?, options))
}

fn set(options: &mut Options, given: &mut Given, name: &str, value: String) -> Result<(), String> {
    match name {
        "--filter" => options.filters.push(value),
        "--section" if crate::case::SECTIONS.contains(&value.as_str()) => options.sections.push(value),
        "--section" => return Err(format!("no section {value}: {}", crate::case::SECTIONS.join(", "))),
        "--expect" => options.expect = Some(value.into()),
        "--json" => options.json = Some(value.into()),
        "--junit" => options.junit = Some(value.into()),
        "--html" => options.html = Some(value.into()),
        "--badge" => options.badge = Some(value.into()),
        "-j" => options.at_once = number(name, &value)?.try_into().unwrap_or(usize::MAX),
        "--timeout" => options.limit = Duration::from_secs(number(name, &value)?),
        "--config" => given.module.config = value,
        "--config-file" => {
            given.module.config =
                std::fs::read_to_string(&value).map_err(|error| format!("{value}: {error}"))?;
        }
        "--path" if value.starts_with('/') => given.module.paths.push(value),
        "--field" => {
            let (name, value) = value.split_once(':').ok_or("--field wants NAME: VALUE")?;
            given.module.fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        "--peer" => given.module.peer = value,
        "--path" => return Err("--path wants a path that begins with /".into()),
        "--seed" => {
            let first = number(name, &value)?;
            (given.module.first_seed, given.module.last_seed) = (first, first.saturating_add(19));
        }
        "--reproduce" => {
            given.module.environment.push((crate::module::REPRODUCTION.into(), "1".into()));
            (given.module.first_seed, given.module.last_seed) =
                (number(name, &value)?, number(name, &value)?);
        }
        "--seeds" => {
            let (first, last) = value.split_once("..").ok_or("--seeds wants A..B")?;
            let (first, last) = (number(name, first)?, number(name, last.trim_start_matches('='))?);
            if last < first {
                return Err("--seeds A..B: B is below A".into());
            }
            (given.module.first_seed, given.module.last_seed) = (first, last);
        }
        "--duration" => given.duration = Some(Duration::from_secs(number(name, &value)?)),
        "--adapter" => given.server.adapter = whole(name, &value)?,
        "--probes" => given.server.probes = whole(name, &value)?,
        "--url" => given.http.url = value,
        _ => return Err(format!("no option {name}")),
    }
    Ok(())
}

/// A path that means the same in every folder: containers are started in others.
fn whole(name: &str, value: &str) -> Result<PathBuf, String> {
    std::path::absolute(value).map_err(|error| format!("{name} {value}: {error}"))
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} wants a number: {value}"))
}

fn command(given: Given) -> Result<Command, String> {
    let words: Vec<&str> = given.words.iter().map(String::as_str).collect();
    let module = |path: &str| ModuleTarget { path: path.into(), ..given.module.clone() };
    match words[..] {
        [] => Err("no command".into()),
        ["module", path] => Ok(Command::Run(Target::Module(module(path)))),
        ["fuzz", path] => Ok(Command::Fuzz(module(path), given.duration.unwrap_or(Duration::from_secs(60)))),
        ["module" | "fuzz", ..] => Err("which module? PATH.so".into()),
        ["server"] if given.server.adapter.as_os_str().is_empty() => Err("server needs --adapter EXE".into()),
        ["server"] => Ok(Command::Run(Target::Server(given.server))),
        ["http"] if given.http.url.is_empty() => Err("http needs --url URL".into()),
        ["http"] => Ok(Command::Run(Target::Http(given.http))),
        ["self-test", path] => Ok(Command::SelfTest(Some(path.into()))),
        ["self-test"] => Ok(Command::SelfTest(None)),
        ["list"] => Ok(Command::List(None)),
        ["list", "module"] => Ok(Command::List(Some(Kind::Module))),
        ["list", "server"] => Ok(Command::List(Some(Kind::Server))),
        ["list", "http"] => Ok(Command::List(Some(Kind::Http))),
        ["trace"] => Ok(Command::Trace),
        _ => Err(format!("no command {}", given.words.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(Command, Options), String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_and_options_are_read() {
        let (command, options) =
            read("module a.so --config {} --seeds 1..1000 -j 3 --filter x --section waiting").unwrap();
        let Command::Run(Target::Module(module)) = command else { panic!("not a module") };
        assert_eq!((module.first_seed, module.last_seed), (1, 1000));
        assert_eq!((options.at_once, options.filters, options.sections.len()), (3, vec!["x".to_owned()], 1));
        assert_eq!(read("list -j2").unwrap().1.at_once, 2);
        assert_eq!(read("list -j 2").unwrap().1.at_once, 2);
        assert_eq!(read("list module").unwrap().0, Command::List(Some(Kind::Module)));
        assert!(matches!(read("http --url http://a/").unwrap().0, Command::Run(Target::Http(_))));
        assert!(matches!(read("server --adapter x").unwrap().0, Command::Run(Target::Server(_))));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in [
            "",
            "module",
            "server",
            "http",
            "what",
            "module a.so --no x",
            "module a.so --seeds 3",
            "module a.so --seeds 3..1",
            "module a.so --section none",
            "module a.so --filter",
            "module a.so --only-failed",
            "module a.so -jx",
            "module a.so -j",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
