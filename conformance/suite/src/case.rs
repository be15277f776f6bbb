//! What a case is, and how it ends. Must not know how cases are run or reported.

use crate::target::{Kind, Target};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;

/// The sections, in the order of reports.
pub const SECTIONS: [&str; 14] = [
    "abi-layout",
    "lifecycle",
    "request",
    "body-in",
    "body-out",
    "waiting",
    "cancel",
    "resources",
    "gates",
    "threads",
    "faults",
    "isolation",
    "versioning",
    "http",
];

/// One thing that is tested.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name in kebab-case, for ever.
    pub name: &'static str,
    /// One of [`SECTIONS`].
    pub section: &'static str,
    /// What reports sum up beside sections, such as `valid` and `invalid`; empty for none.
    pub group: &'static str,
    /// The rules of the specification that it verifies.
    pub rules: &'static [&'static str],
    /// What it tests.
    pub subject: Kind,
    /// Tests it. It may panic: that is a crash of the case.
    pub run: fn(&Case, &mut Context) -> Outcome,
}

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The rules held.
    Pass,
    /// The rules held, but it was slow.
    Warn,
    /// It does not apply to what is tested.
    Skip,
    /// A rule was broken.
    Fail,
    /// The process of the case died or did not end in time.
    Crash,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 5] =
        [Verdict::Pass, Verdict::Warn, Verdict::Skip, Verdict::Fail, Verdict::Crash];

    /// Its name, as reports have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Skip => "skip",
            Verdict::Fail => "fail",
            Verdict::Crash => "crash",
        }
    }

    /// Whether it makes the whole run fail.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Verdict::Fail | Verdict::Crash)
    }
}

/// A verdict with its reasons.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence; may be empty for a pass.
    pub message: String,
    /// What else helps: one line each.
    #[serde(default)]
    pub details: Vec<String>,
    /// The rule that was broken, when the case can tell.
    #[serde(default)]
    pub rule: String,
    /// The seed with which it happened, when the case has seeds.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Outcome {
    /// The rules held.
    #[must_use]
    pub fn pass() -> Outcome {
        Outcome::new(Verdict::Pass, "")
    }

    /// It does not apply, since ...
    #[must_use]
    pub fn skip(why: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Skip, why)
    }

    /// A rule was broken.
    #[must_use]
    pub fn fail(why: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Fail, why)
    }

    /// The rules held, but it was slow.
    #[must_use]
    pub fn warn(why: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Warn, why)
    }

    /// The process of the case died, or did not end.
    #[must_use]
    pub fn crash(why: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Crash, why)
    }

    fn new(verdict: Verdict, message: impl Into<String>) -> Outcome {
        Outcome { verdict, message: message.into(), details: Vec::new(), rule: String::new(), seed: None }
    }

    /// With one more line of details.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Outcome {
        self.details.push(line.into());
        self
    }

    /// With the rule that was broken.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Outcome {
        self.rule = rule.into();
        self
    }
}

/// What a case is run with.
pub struct Context {
    /// What is tested.
    pub target: Target,
    progress: Option<File>,
    seed: Option<u64>,
}

impl Context {
    /// A context whose progress goes to that file, so that it outlives a crash.
    #[must_use]
    pub fn new(target: Target, progress: Option<File>) -> Context {
        Context { target, progress, seed: None }
    }

    /// The case goes on with that seed: a crash from now on is reported with it.
    pub fn at_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
        if let Some(file) = &mut self.progress {
            // A report without its seed is better than no report.
            let _ = file.write_all(&seed.to_le_bytes());
        }
    }

    /// The seed at which the case is.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }
}
