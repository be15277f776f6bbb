//! The kit proves itself: each fault, and the cases that must fail for it, no more and no fewer. Builds nothing; must not know how
//! cases find a fault.

pub mod containers;
mod echo;
mod faults;
pub mod modules;
pub mod wire;

pub use faults::{FAULTS, Fault, How};

use crate::case::{Outcome, Verdict};
use crate::runner::Ran;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What came out for one fault.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The fault; empty for the good module.
    pub fault: &'static str,
    /// The cases that had to fail.
    pub expected: &'static [&'static str],
    /// Those that failed or crashed.
    pub failed: Vec<(&'static str, Outcome)>,
}

impl Kill {
    /// Whether precisely those failed that had to.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        let failed: BTreeSet<&str> = self.failed.iter().map(|(name, _)| *name).collect();
        failed == self.expected.iter().copied().collect()
    }
}

/// The cases that failed or crashed.
fn failed(ran: Vec<Ran>) -> Vec<(&'static str, Outcome)> {
    let bad = ran.into_iter().filter(|ran| ran.outcome.verdict.is_bad());
    bad.map(|ran| (ran.case.name, ran.outcome)).collect()
}

/// A line for a fault.
#[must_use]
pub fn line(kill: &Kill) -> String {
    let names: Vec<String> = kill
        .failed
        .iter()
        .map(|(name, outcome)| match outcome.verdict {
            Verdict::Crash => format!("{name} (crash)"),
            _ => (*name).to_owned(),
        })
        .collect();
    let found = if names.is_empty() { "nothing fails".to_owned() } else { names.join(", ") };
    let mut line =
        format!("{:5} {:31} {found}", if kill.is_as_expected() { "ok" } else { "WRONG" }, kill.fault);
    if !kill.is_as_expected() {
        let _ = write!(line, "\n      expected: {}", kill.expected.join(", "));
        let has_failed = |name: &str| kill.failed.iter().any(|(failed, _)| *failed == name);
        let missing: Vec<&str> = kill.expected.iter().copied().filter(|name| !has_failed(name)).collect();
        if !missing.is_empty() {
            let _ = write!(line, "\n      does not fail: {}", missing.join(", "));
        }
        for (name, outcome) in &kill.failed {
            let _ = write!(line, "\n      {name}: {} [{}]", outcome.message, outcome.rule);
        }
    }
    line
}
