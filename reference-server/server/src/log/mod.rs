//! What happened: the access log, the error log, and the texts of time.
//!
//! Lines are safe against injection: no byte that a peer or a module chose can end a line, leave its quotes or steer a
//! terminal. Nothing here knows of sockets, tasks or requests beyond the facts it is handed.

mod access;
mod access_log;
mod clock;
mod error_log;
mod escape;
mod output;

pub use access::{AccessRecord, Remote};
pub use access_log::{AccessLog, AccessWriter};
pub use clock::{DateCache, rfc3339_milliseconds};
pub use error_log::ErrorLog;
pub(crate) use escape::is_deceptive;
pub use output::LogOpenError;

use crate::config::LogConfig;
pub use crate::config::LogLevel;

/// Both logs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Logs {
    /// A line a request.
    pub access: AccessLog,
    /// A line for everything that the operator should know.
    pub error: ErrorLog,
}

impl Logs {
    /// Open both as the configuration says.
    pub fn open(config: &LogConfig) -> Result<Self, LogOpenError> {
        let error = ErrorLog::open(config.error_format, config.level, &config.error_target)?;
        let access = AccessLog::open(config.access, &config.access_target, &error)?;
        Ok(Self { access, error })
    }

    /// Open the files anew, after they were moved away (SIGUSR1). Each worker goes over to the new file with its next
    /// write. A file that cannot be opened stays as it is, and the first such error is answered.
    pub fn reopen(&self) -> Result<(), LogOpenError> {
        let error = self.error.reopen();
        self.access.reopen().and(error)
    }
}
