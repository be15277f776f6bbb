//! What the host has to say, and to whom: a sink that the server supplies.

use http_container_abi::Status;

/// How bad it is; the numbers are `enum hc_log_level`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u32)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something is odd and was mended.
    Warn = 2,
    /// Normal, worth knowing.
    Info = 3,
    /// For module authors.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl Level {
    /// From `enum hc_log_level`; what is out of range is the nearest.
    pub fn from_abi(level: u32) -> Level {
        match level {
            0 | 1 => Level::Error,
            2 => Level::Warn,
            3 => Level::Info,
            4 => Level::Debug,
            _ => Level::Trace,
        }
    }
}

/// One line for the log. Texts of modules are as they gave them: the sink escapes.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// How bad it is.
    pub level: Level,
    /// The module's configured name, or "" for the container's own.
    pub module: &'a str,
    /// The task's handle, or 0.
    pub task: u64,
    /// The request's id, or 0.
    pub request: u64,
    /// The rule of the specification that was broken, or "".
    pub rule: &'static str,
    /// The status that goes with it, if any.
    pub status: Option<Status>,
    /// The sentence.
    pub text: &'a str,
}

/// Takes reports, from any thread.
pub trait Reporter: Send + Sync {
    /// Whether reports of that level are kept at all.
    fn wants(&self, level: Level) -> bool;
    /// Keeps one.
    fn report(&self, report: &Report<'_>);
}
