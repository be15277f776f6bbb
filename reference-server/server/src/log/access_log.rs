//! The access log: a buffer per worker in front of one output. A worker formats lines into its own buffer, with no lock
//! and no system call, and writes it once a turn of its event loop, or when it is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::access::AccessRecord;
use super::clock::DateCache;
use super::error_log::ErrorLog;
use super::output::{LogOpenError, Output, Stream};
use crate::config::{AccessFormat, LogLevel, LogTarget};

/// A worker's buffer is written when it holds this many bytes.
const BUFFER_BYTES: usize = 16 * 1024;
/// A buffer that one long line made larger than this is given back.
const KEPT_BYTES: usize = 64 * 1024;

/// The access log of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessLog {
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    format: AccessFormat,
    output: Output,
    errors: ErrorLog,
    lost_lines: AtomicU64,
    failing: AtomicBool,
}

/// The buffer of one worker. What it holds is written at the latest when it is dropped.
#[derive(Debug)]
pub struct AccessWriter {
    shared: Arc<Shared>,
    stream: Arc<Stream>,
    generation: u64,
    buffer: Vec<u8>,
    lines: u64,
    /// A write failed, perhaps in the middle of a line.
    torn: bool,
}

impl AccessLog {
    /// Open it; `None` as format: it is off. Lost lines are reported to `errors`.
    pub fn open(
        format: Option<AccessFormat>,
        target: &LogTarget,
        errors: &ErrorLog,
    ) -> Result<Self, LogOpenError> {
        let Some(format) = format else { return Ok(Self { shared: None }) };
        let (errors, lost_lines, failing) = (errors.clone(), AtomicU64::new(0), AtomicBool::new(false));
        let output = Output::open(target)?;
        Ok(Self { shared: Some(Arc::new(Shared { format, output, errors, lost_lines, failing })) })
    }

    /// The buffer for one worker; `None` when the log is off.
    pub fn writer(&self) -> Option<AccessWriter> {
        self.shared.as_ref().map(|shared| AccessWriter {
            generation: shared.output.generation(), // Before the stream: a reopening in between is then seen later.
            stream: shared.output.stream(),
            shared: Arc::clone(shared),
            buffer: Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 4),
            lines: 0,
            torn: false,
        })
    }

    /// Lines that could not be written since the start.
    pub fn lost_lines(&self) -> u64 {
        self.shared.as_ref().map_or(0, |shared| shared.lost_lines.load(Ordering::Relaxed))
    }

    pub(super) fn reopen(&self) -> Result<(), LogOpenError> {
        self.shared.as_ref().map_or(Ok(()), |shared| shared.output.reopen())
    }
}

impl AccessWriter {
    /// Add a line; its time is the clock's.
    pub fn record(&mut self, record: &AccessRecord<'_>, clock: &DateCache) {
        record.push_line(self.shared.format, clock, &mut self.buffer);
        self.lines += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    /// Write what was recorded; to be called once a turn of the event loop. Lines that cannot be written are dropped
    /// and counted: a full disk stops no request.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let generation = self.shared.output.generation();
        if self.generation != generation {
            self.generation = generation;
            self.stream = self.shared.output.stream();
            self.torn = false;
        }
        if self.torn {
            self.buffer.insert(0, b'\n');
        }
        let written = self.stream.write(&self.buffer);
        self.torn = written.is_err();
        self.shared.report(self.lines, written);
        self.lines = 0;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BYTES);
    }
}

impl Drop for AccessWriter {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Shared {
    /// Count lost lines, and tell once when it begins and once when it is over.
    fn report(&self, lines: u64, written: std::io::Result<()>) {
        match written {
            Ok(()) => {
                if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
                    let lost = self.lost_lines.load(Ordering::Relaxed);
                    let text = "the access log can be written again; lines since the start were lost";
                    self.errors.write(LogLevel::Warn, &[("lost", &lost)], text);
                }
            }
            Err(error) => {
                self.lost_lines.fetch_add(lines, Ordering::Relaxed);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let text = "the access log cannot be written; its lines are lost until it can";
                    self.errors.write(LogLevel::Error, &[("error", &error)], text);
                }
            }
        }
    }
}
