//! Lines for the container's log, with the task they belong to. Must not know where the container writes them.

use std::fmt;
use std::sync::Arc;

use http_container_abi::constants::log_level;

use crate::context;
use crate::gate::Gate;

/// How much a log line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u32)]
pub enum Level {
    /// Something failed.
    Error = log_level::ERROR,
    /// Something may fail.
    Warn = log_level::WARN,
    /// Something worth knowing happened.
    Info = log_level::INFO,
    /// For the author of the module.
    Debug = log_level::DEBUG,
    /// For the author of the module, at length.
    Trace = log_level::TRACE,
}

/// Writes one line with the current task's number; the macros call it. Outside a module's callbacks it writes to standard
/// error, since no container is known there; threads of the module's own use a [`Logger`].
pub fn write(level: Level, text: fmt::Arguments<'_>) {
    let text = Text::of(text);
    match context::try_current() {
        Some(context) => context.host.log(context.task.get(), level as u32, text.as_str()),
        None => eprintln!("{level:?}: {}", text.as_str()),
    }
}

enum Text {
    Literal(&'static str),
    Made(String),
}

impl Text {
    fn of(text: fmt::Arguments<'_>) -> Self {
        text.as_str().map_or_else(|| Self::Made(text.to_string()), Self::Literal)
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// Writes to the container's log from any thread; lines are dropped once the instance has ended.
#[derive(Clone)]
pub struct Logger {
    gate: Arc<Gate>,
}

impl Logger {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    /// Writes one line, of no task.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        let text = Text::of(text);
        self.gate.with(|host| host.log(0, level as u32, text.as_str()));
    }
}

/// Writes a line to the container's log: `log!(Level::Info, "{} bytes", n)`.
#[macro_export]
macro_rules! log {
    ($level:expr, $($text:tt)+) => { $crate::log::write($level, ::core::format_args!($($text)+)) };
}

/// Logs at [`Level::Error`](crate::log::Level::Error).
#[macro_export]
macro_rules! error { ($($text:tt)+) => { $crate::log!($crate::log::Level::Error, $($text)+) }; }

/// Logs at [`Level::Warn`](crate::log::Level::Warn).
#[macro_export]
macro_rules! warn { ($($text:tt)+) => { $crate::log!($crate::log::Level::Warn, $($text)+) }; }

/// Logs at [`Level::Info`](crate::log::Level::Info).
#[macro_export]
macro_rules! info { ($($text:tt)+) => { $crate::log!($crate::log::Level::Info, $($text)+) }; }

/// Logs at [`Level::Debug`](crate::log::Level::Debug).
#[macro_export]
macro_rules! debug { ($($text:tt)+) => { $crate::log!($crate::log::Level::Debug, $($text)+) }; }
