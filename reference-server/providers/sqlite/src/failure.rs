//! Why something was not done, in the words and numbers that a user is told. Must not know who that is.

use std::fmt;

use rusqlite::ffi;

use crate::sqlstate;

/// What became of the database, or of the statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The database refused the statement.
    Refused,
    /// Somebody else has a lock. Nothing was done: it may be tried again.
    Busy,
    /// The statement was interrupted.
    Interrupted,
    /// The answer is longer than may wait for its reader.
    TooLong,
    /// The database refused the statement since something is wrong with its file: open it anew before the next one.
    Broken,
}

/// A failure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// SQLSTATE, or empty.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failure {
    /// A refusal of this crate's own.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, code, message: message.into() }
    }

    pub(crate) fn interrupted() -> Self {
        Self { kind: Kind::Interrupted, code: "57014", message: "interrupted".into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if self.code.is_empty() { Ok(()) } else { write!(out, " ({})", self.code) }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(error, message) => {
                of(error, message.unwrap_or_else(|| error.to_string()))
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => of(error, msg),
            rusqlite::Error::Empty => Self::refused("42601", "the text holds no statement"),
            rusqlite::Error::MultipleStatement => {
                Self::refused("42601", "the text holds several statements: run it as a script")
            }
            other => Self::refused("", other.to_string()),
        }
    }
}

fn of(error: ffi::Error, message: String) -> Failure {
    let kind = match error.extended_code & 0xff {
        // Trying again would meet the same old snapshot.
        _ if error.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => Kind::Refused,
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Kind::Busy,
        ffi::SQLITE_INTERRUPT => Kind::Interrupted,
        ffi::SQLITE_IOERR | ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Kind::Broken,
        _ => Kind::Refused,
    };
    Failure { kind, code: sqlstate::of(error.extended_code, &message), message }
}
