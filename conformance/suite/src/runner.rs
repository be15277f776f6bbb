//! Runs chosen cases, several at once, and tells as each ends. Must not know how that is shown.

use crate::case::{Case, Outcome};
use crate::child;
use crate::target::Target;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A case that was run.
#[derive(Clone)]
pub struct Ran {
    /// The case.
    pub case: Case,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// Runs the cases, `at_once` at a time; `tell` is called on this thread as each ends. They come back in their order.
///
/// # Errors
/// When this program does not find itself.
pub fn run(
    cases: &[Case],
    target: &Target,
    at_once: usize,
    limit: Duration,
    tell: impl FnMut(&Ran),
) -> io::Result<Vec<Ran>> {
    Ok(run_as(&std::env::current_exe()?, cases, target, at_once, limit, tell))
}

/// As [`run`], with the program at `program` in the place of this one.
#[must_use]
pub fn run_as(
    program: &Path,
    cases: &[Case],
    target: &Target,
    at_once: usize,
    limit: Duration,
    mut tell: impl FnMut(&Ran),
) -> Vec<Ran> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<Option<Ran>> = vec![None; cases.len()];
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..at_once.clamp(1, cases.len().max(1)) {
            let (sender, next, program) = (sender.clone(), &next, program);
            scope.spawn(move || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (outcome, took) = child::run(case, target, program, limit);
                    if sender.send(Ran { case: *case, outcome, took }).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for ran in receiver {
            tell(&ran);
            let index = cases.iter().position(|case| case.name == ran.case.name).unwrap_or_default();
            done[index] = Some(ran);
        }
    });
    done.into_iter().flatten().collect()
}
