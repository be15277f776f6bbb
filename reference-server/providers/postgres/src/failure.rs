//! Why a statement failed, as the boundary tells it: a status, a SQLSTATE and the server's own words. Must not know what was
//! asked.

use std::error::Error as StdError;
use std::fmt::Write;

use http_container::provider::Outcome;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

use crate::notation::Malformed;
use crate::parameter::Unfit;

/// Values that do not fit the statement's placeholders by number.
const WRONG_VALUE_COUNT: &str = "07001";
const OUT_OF_RANGE: &str = "22003";

/// Why something failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// SQLSTATE, or empty.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The statement may have failed only since it was prepared too long ago.
    pub(crate) is_outdated: bool,
}

/// What became of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FailureKind {
    /// The statement was refused; the connection is as good as before.
    Refused,
    /// It was refused, and the connection is out of step.
    Broken,
    /// The connection is lost.
    Lost,
}

impl Failure {
    fn new(kind: FailureKind, code: &str, message: impl Into<String>) -> Self {
        Self { kind, code: code.to_owned(), message: message.into(), is_outdated: false }
    }

    /// A refusal of this crate's own, with the SQLSTATE for it.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, code, message)
    }

    /// The wrong number of values.
    pub(crate) fn value_count(placeholders: usize, values: usize) -> Self {
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let message = format!(
            "the statement has {}, and got {}",
            count(placeholders, "placeholder"),
            count(values, "value")
        );
        Self::refused(WRONG_VALUE_COUNT, message)
    }

    /// A column that cannot be read.
    pub(crate) fn malformed(column: &str, type_name: &str, _: Malformed) -> Self {
        let message = format!("the server sent no {type_name} for the column `{column}`");
        Self::new(FailureKind::Broken, "", message)
    }

    /// The server has closed the connection.
    pub(crate) fn closed() -> Self {
        Self::new(FailureKind::Lost, "", "the server has closed it")
    }

    /// Whether the server ended the statement because it was asked to.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.code == SqlState::QUERY_CANCELED.code()
    }

    /// As the boundary tells it.
    pub(crate) fn into_outcome(self) -> Outcome {
        let outcome = match self.kind {
            FailureKind::Refused => Outcome::failed(self.message),
            FailureKind::Broken => Outcome::failed(self.message).broken(),
            FailureKind::Lost => Outcome::lost(self.message),
        };
        outcome.code(self.code)
    }

    /// In one line, for an operator.
    pub(crate) fn explanation(&self) -> String {
        match self.code.as_str() {
            "" => self.message.clone(),
            code => format!("{} ({code})", self.message),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            return refused_by_server(refusal);
        }
        if let Some(unfit) = error.source().and_then(|source| source.downcast_ref::<Unfit>()) {
            return Self::refused(OUT_OF_RANGE, unfit.to_string());
        }
        let is_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
        let (kind, message) = match error.source() {
            // The library expects an answer, and COPY begins a conversation.
            None if !error.is_closed() => {
                (FailureKind::Broken, format!("{error}, as with COPY, which is not possible here"))
            }
            None => (FailureKind::Lost, error.to_string()),
            Some(source) if is_io => (FailureKind::Lost, format!("{error}: {source}")),
            Some(source) => (FailureKind::Broken, format!("{error}: {source}")),
        };
        Self::new(kind, "", message)
    }
}

fn refused_by_server(refusal: &DbError) -> Failure {
    let kind = match refusal.parsed_severity() {
        Some(Severity::Fatal | Severity::Panic) => FailureKind::Lost,
        _ => FailureKind::Refused,
    };
    let mut message = refusal.message().to_owned();
    if let Some(ErrorPosition::Original(position)) = refusal.position() {
        let _ = write!(message, " at character {position}");
    }
    for (what, text) in [("DETAIL", refusal.detail()), ("HINT", refusal.hint())] {
        if let Some(text) = text {
            let _ = write!(message, "\n{what}: {text}");
        }
    }
    let is_outdated = match refusal.code() {
        code if *code == SqlState::INVALID_SQL_STATEMENT_NAME => true,
        // The words for it depend on the server's language.
        code if *code == SqlState::FEATURE_NOT_SUPPORTED => {
            refusal.routine() == Some("RevalidateCachedQuery")
        }
        _ => false,
    };
    Failure { is_outdated, ..Failure::new(kind, refusal.code().code(), message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_container::Status;

    #[test]
    fn numbers_of_values_are_told() {
        let failure = Failure::value_count(2, 1);
        assert_eq!(failure.message, "the statement has 2 placeholders, and got 1 value");
        assert_eq!(failure.explanation(), "the statement has 2 placeholders, and got 1 value (07001)");
    }

    #[test]
    fn each_kind_has_its_status() {
        let status = |kind| Failure::new(kind, "", "").into_outcome().status();
        assert_eq!(status(FailureKind::Refused), Status::E_FAILED);
        assert_eq!(status(FailureKind::Broken), Status::E_FAILED);
        assert_eq!(status(FailureKind::Lost), Status::E_RESOURCE);
    }
}
