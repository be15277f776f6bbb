//! Why a statement failed. Must not know the statement.

use std::fmt;

use http_container_abi::Status;

use super::value::Mismatch;

/// Why a statement failed, or an answer was not what was expected. `?` makes an [`Error`](crate::Error) of it, with the same
/// status.
#[derive(Clone, PartialEq, Eq)]
pub struct SqlError {
    status: Status,
    code: Box<str>,
    message: Box<str>,
}

impl SqlError {
    pub(crate) fn new(status: Status, message: impl Into<Box<str>>) -> Self {
        Self { status, code: Box::default(), message: message.into() }
    }

    pub(super) fn of_database(status: Status, code: &[u8], message: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into();
        let message = if message.is_empty() { status.text().into() } else { text(message) };
        Self { status, code: text(code), message }
    }

    pub(super) fn unexpected(message: impl Into<Box<str>>) -> Self {
        Self::new(Status::E_FAILED, message)
    }

    /// The status: `E_FAILED` when the database refused the statement, or the answer is not what was expected; `E_RESOURCE`
    /// when the connection is lost; `E_STATE` when the lease is poisoned; `E_CANCELLED` when the statement was interrupted.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// SQLSTATE, five characters, as `"23505"` for a value that there may be only once; empty where the database gives none.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The database's own words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Mismatch> for SqlError {
    fn from(mismatch: Mismatch) -> Self {
        Self::unexpected(mismatch.to_string())
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if self.code.is_empty() { Ok(()) } else { write!(out, " (SQLSTATE {})", self.code) }
    }
}

impl fmt::Debug for SqlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {self}", self.status.name())
    }
}

impl std::error::Error for SqlError {}
