//! The host's reports as lines of the error log.

use crate::log::{ErrorLog, LogLevel};
use hc_host::{Level, Report, Reporter};
use std::fmt::Display;

/// Writes reports to the error log.
pub struct LogReporter {
    log: ErrorLog,
}

impl LogReporter {
    /// A reporter over that log.
    pub fn new(log: ErrorLog) -> Self {
        LogReporter { log }
    }
}

fn log_level(level: Level) -> LogLevel {
    match level {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Debug,
        Level::Trace => LogLevel::Trace,
    }
}

impl Reporter for LogReporter {
    fn wants(&self, level: Level) -> bool {
        self.log.enabled(log_level(level))
    }

    fn report(&self, report: &Report<'_>) {
        let status = report.status.map(|status| match status.name() {
            // Modules have numbers of their own, which have no names here [error.names].
            "HC_?" => status.0.to_string(),
            name => name.to_owned(),
        });
        let task = format!("{:#x}", report.task);
        let mut facts: Vec<(&str, &dyn Display)> = Vec::with_capacity(5);
        if !report.module.is_empty() {
            facts.push(("module", &report.module));
        }
        if report.task != 0 {
            facts.push(("task", &task));
        }
        if report.request != 0 {
            facts.push(("request", &report.request));
        }
        if !report.rule.is_empty() {
            facts.push(("rule", &report.rule));
        }
        if let Some(status) = &status {
            facts.push(("status", status));
        }
        self.log.write(log_level(report.level), &facts, report.text);
    }
}
