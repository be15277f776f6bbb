//! One case in one process: this program again, with a hidden command. Its process group is killed when it is over or late;
//! how it died is a verdict. Must not know what the case does.

use crate::case::{Case, Context, Outcome};
use crate::patience;
use crate::registry;
use crate::scratch::Scratch;
use crate::target::Target;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The hidden command.
pub const COMMAND: &str = "run-one-case";
/// Most lines of a process's own output that a report shows.
const OUTPUT_LINES: usize = 40;

/// Runs a case in a process of its own; how it ended, and how long it took.
#[must_use]
pub fn run(case: &Case, target: &Target, program: &Path, limit: Duration) -> (Outcome, Duration) {
    let started = Instant::now();
    let outcome = supervise(case, target, program, limit)
        .unwrap_or_else(|error| Outcome::crash(format!("the process of the case cannot be run: {error}")));
    (outcome, started.elapsed())
}

fn supervise(case: &Case, target: &Target, program: &Path, limit: Duration) -> io::Result<Outcome> {
    let scratch = Scratch::new()?;
    let (answer, progress, output) =
        (scratch.file("answer"), scratch.file("progress"), scratch.file("output"));
    let log = File::create(&output)?;
    let child = Command::new(program)
        .arg(COMMAND)
        .args([case.name, &serde_json::to_string(target)?])
        .args([&answer, &progress])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .env("TMPDIR", scratch.folder())
        .envs(environment(target).iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .spawn()?;
    let (status, is_late) = wait(child, limit)?;
    let mut outcome = match fs::read(&answer).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(outcome) if !is_late && status.success() => outcome,
        _ => death(status, is_late.then_some(limit)),
    };
    if outcome.verdict.is_bad() {
        outcome.seed = outcome.seed.or_else(|| last_seed(&progress));
        let text = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(OUTPUT_LINES);
        outcome.details.extend(lines[from..].iter().map(|line| format!("| {line}")));
    }
    Ok(outcome)
}

fn environment(target: &Target) -> &[(String, String)] {
    match target {
        Target::Module(module) => &module.environment,
        Target::Server(server) => &server.environment,
        Target::Http(_) => &[],
    }
}

/// Waits for the end and for at most `limit`; what is left of the process group is killed either way, while its number still
/// belongs to it.
fn wait(mut child: Child, limit: Duration) -> io::Result<(ExitStatus, bool)> {
    let group = Pid::from_child(&child);
    let (over, is_over) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let ended = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let _ = over.send(());
        ended.map(|_| ())
    });
    let is_late = is_over.recv_timeout(limit).is_err();
    // There may be nobody left in it.
    let _ = kill_process_group(group, Signal::KILL);
    waiter.join().map_err(|_| io::Error::other("the waiting thread panicked"))??;
    Ok((child.wait()?, is_late))
}

fn death(status: ExitStatus, late: Option<Duration>) -> Outcome {
    match (late, status.signal()) {
        (Some(limit), _) => Outcome::crash(format!("not over after {} s, killed", limit.as_secs())),
        (None, Some(signal)) => Outcome::crash(format!("killed by signal {signal}{}", signal_name(signal))),
        (None, None) => {
            Outcome::crash(format!("the process ended with {} and no verdict", status.code().unwrap_or(-1)))
        }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        _ => "",
    }
}

fn last_seed(progress: &Path) -> Option<u64> {
    let bytes = fs::read(progress).ok()?;
    let last = bytes.chunks_exact(8).next_back()?;
    last.try_into().ok().map(u64::from_le_bytes)
}

/// The hidden command: runs the case and leaves its outcome behind. `arguments`: name, target, answer, progress.
#[must_use]
pub fn inside(arguments: &[String]) -> ExitCode {
    let [name, target, answer, progress] = arguments else {
        eprintln!("{COMMAND} is for the program itself");
        return ExitCode::from(2);
    };
    let Ok(target) = serde_json::from_str::<Target>(target) else {
        eprintln!("{COMMAND}: no target");
        return ExitCode::from(2);
    };
    let Some(case) = registry::find(target.kind(), name) else {
        eprintln!("{COMMAND}: no case {name}");
        return ExitCode::from(2);
    };
    if matches!(&target, Target::Server(server) if server.is_in_a_hurry) {
        patience::hurry();
    }
    let mut context = Context::new(target, File::create(progress).ok());
    let mut outcome = (case.run)(&case, &mut context);
    if outcome.verdict.is_bad() {
        outcome.seed = outcome.seed.or(context.seed());
    }
    match serde_json::to_vec(&outcome).map_err(io::Error::other).and_then(|bytes| fs::write(answer, bytes)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{COMMAND}: {error}");
            ExitCode::FAILURE
        }
    }
}
