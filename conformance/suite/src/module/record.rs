//! What the kit's host found out about a module in one run. Must not know how it was found.

use http_container_abi::Status;

/// A rule that the module broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule's id.
    pub rule: &'static str,
    /// What it did.
    pub text: String,
}

/// A line of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// One of `enum hc_log_level`.
    pub level: u32,
    /// The text.
    pub text: String,
}

/// Where a response stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// Nothing was sent.
    #[default]
    None,
    /// The head was.
    Open,
    /// All was.
    Complete,
    /// It was broken off.
    Aborted,
}

/// What a module answered to one script.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Where the response stands.
    pub phase: Phase,
    /// The status code.
    pub status: u32,
    /// The fields of the head.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Its length as it was told.
    pub length: Option<u64>,
}

/// How the task of a script ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// What `finish` was given.
    pub outcome: Status,
    /// The answer.
    pub answer: Answer,
    /// How often it yielded.
    pub suspensions: u32,
    /// How many calls it made.
    pub calls: u32,
}

/// Everything about one run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The rules that were broken.
    pub violations: Vec<Violation>,
    /// Lines of the log.
    pub log: Vec<LogLine>,
    /// The tasks of the scripts, in the scripts' order; `None` for one that was never started.
    pub ended: Vec<Option<Ended>>,
    /// How many calls were made that can be refused.
    pub calls: u64,
    /// How many steps were run.
    pub steps: u64,
    /// Whether what happens is written down: it takes most of a run's time.
    pub is_traced: bool,
    /// What happened, line by line; the first lines of it.
    pub trace: Vec<String>,
    /// The longest time that a step spent off the processor after it had gone to sleep by itself (ns).
    pub longest_sleep_ns: u64,
    /// How many calls were made of `extension`, with the ids.
    pub extensions: Vec<String>,
    /// Names of resources that were asked for.
    pub resources: Vec<String>,
    /// Interfaces that were offered.
    pub offers: Vec<String>,
    /// How `create` ended.
    pub create: Option<Status>,
}

/// Most lines of what happened.
pub const TRACE_LINES: usize = 4000;

impl Record {
    /// Writes down what happened.
    pub fn trace(&mut self, line: impl FnOnce() -> String) {
        if self.is_traced && self.trace.len() < TRACE_LINES {
            self.trace.push(line());
        }
    }

    /// Writes down that a rule was broken.
    pub fn violate(&mut self, rule: &'static str, text: String) {
        self.trace(|| format!("!! {text} [{rule}]"));
        if self.violations.len() < 100 {
            self.violations.push(Violation { rule, text });
        }
    }
}
