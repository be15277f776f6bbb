//! Does what the command line says. Must not know what cases do.

use crate::case::{Case, Outcome};
use crate::expectation::Expectations;
use crate::options::{self, Command, Options};
use crate::report::{self, Report};
use crate::runner::{self, Ran};
use crate::self_test::containers::{self, Extent};
use crate::self_test::{self, Kill};
use crate::target::{Kind, ModuleTarget, Target};
use crate::{child, registry, trace};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == child::COMMAND) {
        return child::inside(&arguments[1..]);
    }
    match options::parse(&arguments).and_then(|(command, options)| act(command, &options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(what) => {
            eprintln!("hc-conformance: {what}\nhc-conformance --help tells what there is");
            ExitCode::from(2)
        }
    }
}

fn act(command: Command, options: &Options) -> Result<bool, String> {
    match command {
        Command::Help => print!("{}", options::HELP),
        Command::Version => println!("hc-conformance {}", env!("CARGO_PKG_VERSION")),
        Command::List(subject) => list(subject, options),
        Command::Trace => print!("{}", trace::table()),
        Command::Run(target) => return run(target, options),
        Command::Fuzz(module, duration) => return fuzz(&module, duration, options),
        Command::SelfTest(bad) => return self_test(bad.as_deref(), options),
    }
    Ok(true)
}

fn list(subject: Option<Kind>, options: &Options) {
    let of_subject = |case: &Case| subject.is_none_or(|subject| case.subject == subject);
    for case in registry::all().iter().filter(|case| of_subject(case) && is_chosen(case, options)) {
        println!("{:7} {:11} {}  {}", case.subject.name(), case.section, case.name, case.rules.join(" "));
    }
}

/// Whether a case passes the filters and is of the sections.
#[must_use]
pub fn is_chosen(case: &Case, options: &Options) -> bool {
    let fits = |filter: &String| match filter.strip_prefix('=') {
        Some(name) => case.name == name,
        None => case.name.contains(filter.as_str()),
    };
    let has_name = options.filters.is_empty() || options.filters.iter().any(fits);
    has_name && (options.sections.is_empty() || options.sections.iter().any(|name| name == case.section))
}

fn run(target: Target, options: &Options) -> Result<bool, String> {
    crate::first_look::at(&target)?;
    let expectations = match &options.expect {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Expectations::parse(&text)?
        }
        None => Expectations::default(),
    };
    let failed = failed_before(options)?;
    let known = registry::all();
    for name in expectations.names() {
        if !known.iter().any(|case| case.name == name) {
            return Err(format!("--expect names {name}, and there is no such case"));
        }
    }
    let is_wanted = |case: &Case| {
        let had_failed = failed.as_ref().is_none_or(|names| names.iter().any(|name| name == case.name));
        case.subject == target.kind() && is_chosen(case, options) && had_failed
    };
    let (skipped, cases): (Vec<Case>, Vec<Case>) = known
        .into_iter()
        .filter(is_wanted)
        .partition(|case| expectations.of(case.name).is_some_and(|expected| expected.is_skipped));
    if cases.is_empty() && skipped.is_empty() && failed.is_none() {
        return Err("no case is chosen".into());
    }
    let started = Instant::now();
    let mut terminal = report::Terminal::new(options.is_quiet, cases.len());
    let mut ran = runner::run(&cases, &target, options.at_once, options.limit, |ran| {
        let judged = expectations.judge(ran.case.name, ran.outcome.clone());
        terminal.tell(&Ran { outcome: judged, ..ran.clone() }, &target);
    })
    .map_err(|error| format!("this program cannot run itself: {error}"))?;
    for ran in &mut ran {
        ran.outcome = expectations.judge(ran.case.name, ran.outcome.clone());
    }
    ran.extend(skipped.into_iter().map(|case| {
        let reason = expectations.of(case.name).map(|expected| expected.reason.clone()).unwrap_or_default();
        Ran { case, outcome: Outcome::skip(reason), took: Duration::ZERO }
    }));
    let report = Report { target, took: started.elapsed(), ran };
    terminal.sum(&report);
    write_all(&report, options)?;
    Ok(report.is_well())
}

/// Runs with new seeds until the time is over or something fails.
fn fuzz(module: &ModuleTarget, duration: Duration, options: &Options) -> Result<bool, String> {
    /// Seeds of one round.
    const ROUND: u64 = 200;
    crate::first_look::at(&Target::Module(module.clone()))?;
    let started = Instant::now();
    let mut first_seed = module.first_seed;
    while started.elapsed() < duration {
        let last_seed = first_seed.saturating_add(ROUND - 1);
        println!("seeds {first_seed}..{last_seed}");
        let target = ModuleTarget { first_seed, last_seed, ..module.clone() };
        if !run(Target::Module(target), options)? {
            return Ok(false);
        }
        first_seed = last_seed.saturating_add(1);
    }
    Ok(true)
}

/// Proves the kit: the half about modules, and without a module of its own the half about containers as well.
fn self_test(bad: Option<&Path>, options: &Options) -> Result<bool, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let tell = |kill: &Kill| {
        if !options.is_quiet || !kill.is_as_expected() {
            println!("{}", self_test::line(kill));
        }
    };
    if let Some(bad) = bad {
        return self_test_of_modules(bad, &program, options.at_once, tell);
    }
    let (bad, bench) = containers::Bench::build(&program)?;
    // Filters are about faults of containers.
    let is_well = !options.filters.is_empty() || self_test_of_modules(&bad, &program, options.at_once, tell)?;
    let is_whole = options.is_all || !options.filters.is_empty();
    let extent = if is_whole { Extent::Everything } else { Extent::Sample };
    let kills = containers::run(&bench, &program, options.at_once, extent, &options.filters, tell)?;
    Ok(sum_of_kills(&kills, &containers::unproven(), "containers") && is_well)
}

fn self_test_of_modules(
    bad: &Path,
    program: &Path,
    at_once: usize,
    tell: impl FnMut(&Kill),
) -> Result<bool, String> {
    let kills = self_test::modules::run(bad, program, at_once, tell)
        .map_err(|error| format!("{}: {error}", bad.display()))?;
    Ok(sum_of_kills(&kills, &self_test::modules::unproven(), "modules"))
}

/// The last line of a half; whether all is as it should be.
fn sum_of_kills(kills: &[Kill], unproven: &[&str], half: &str) -> bool {
    for case in unproven {
        println!("WRONG no fault makes {case} fail");
    }
    let as_expected = kills.iter().filter(|kill| kill.is_as_expected()).count();
    println!(
        "{half}: {as_expected} of {} as expected, the good ones among them; {} cases unproven",
        kills.len(),
        unproven.len()
    );
    as_expected == kills.len() && unproven.is_empty()
}

/// The names of cases that failed in the report of the run before.
fn failed_before(options: &Options) -> Result<Option<Vec<String>>, String> {
    let Some(path) = options.json.as_ref().filter(|_| options.is_only_failed) else { return Ok(None) };
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    report::json::failed(&text).map(Some).map_err(|error| format!("{}: {error}", path.display()))
}

fn write_all(report: &Report, options: &Options) -> Result<(), String> {
    type Render = fn(&Report) -> String;
    let wanted: [(&Option<std::path::PathBuf>, Render); 4] = [
        (&options.json, report::json::render),
        (&options.junit, report::junit::render),
        (&options.html, report::html::render),
        (&options.badge, report::badge::render),
    ];
    for (path, render) in wanted {
        if let Some(path) = path {
            fs::write(path, render(report)).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}
