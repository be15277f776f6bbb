//! Where log lines go: standard output, standard error or a file, which can be opened anew while others write to it.
//! Knows nothing of what lines mean.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::LogTarget;

/// One place that lines go to, shared by all who write there.
#[derive(Debug)]
pub(super) struct Output {
    target: LogTarget,
    stream: Mutex<Arc<Stream>>,
    /// Goes up whenever `stream` is another one, so that writers look at the mutex only then.
    generation: AtomicU64,
}

/// An open descriptor.
#[derive(Debug)]
pub(super) struct Stream {
    file: File,
    /// For everything but regular files: there a long write can be taken apart (a pipe that is full), so that only one
    /// may be under way. Writes to a regular file are kept whole by the system.
    turn: Option<Mutex<()>>,
}

/// A log that could not be opened.
#[derive(Debug)]
pub struct LogOpenError {
    /// Which.
    pub target: LogTarget,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for LogOpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            LogTarget::File(path) => write!(formatter, "cannot open the log `{}`", path.display()),
            LogTarget::StandardOutput => formatter.write_str("cannot log to standard output"),
            LogTarget::StandardError => formatter.write_str("cannot log to standard error"),
        }?;
        write!(formatter, ": {}", self.error)?;
        match self.error.kind() {
            io::ErrorKind::NotFound => formatter.write_str("; make its folder first"),
            io::ErrorKind::PermissionDenied => formatter.write_str("; let the server's user write there"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for LogOpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Output {
    /// Open it. A file is made when it is not there, and only ever appended to.
    pub(super) fn open(target: &LogTarget) -> Result<Self, LogOpenError> {
        let stream = Mutex::new(Arc::new(Stream::open(target)?));
        Ok(Self { target: target.clone(), stream, generation: AtomicU64::new(0) })
    }

    /// Open a file of the same name anew, after it was moved away. When that fails, the old one stays in use.
    pub(super) fn reopen(&self) -> Result<(), LogOpenError> {
        if !matches!(self.target, LogTarget::File(_)) {
            return Ok(());
        }
        let stream = Arc::new(Stream::open(&self.target)?);
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = stream;
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// What goes up with every [`Output::reopen`].
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The stream that is in use now.
    pub(super) fn stream(&self) -> Arc<Stream> {
        Arc::clone(&self.stream.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Stream {
    fn open(target: &LogTarget) -> Result<Self, LogOpenError> {
        let file = match target {
            LogTarget::File(path) => OpenOptions::new().append(true).create(true).open(path),
            LogTarget::StandardOutput => io::stdout().as_fd().try_clone_to_owned().map(File::from),
            LogTarget::StandardError => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        };
        let opened = file.and_then(|file| {
            let regular = file.metadata()?.is_file();
            Ok(Self { file, turn: (!regular).then(Mutex::default) })
        });
        opened.map_err(|error| LogOpenError { target: target.clone(), error })
    }

    /// Write all of `lines`, in one system call when the system takes it so. When it fails, a part may be written.
    pub(super) fn write(&self, lines: &[u8]) -> io::Result<()> {
        let _turn = self.turn.as_ref().map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        (&self.file).write_all(lines)
    }
}
