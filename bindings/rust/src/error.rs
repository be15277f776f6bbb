//! Why a handler failed, and what becomes of it: an answer for the peer, or a failed task. Must not know how either is sent.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use http_container_abi::Status;

use crate::sql::SqlError;
use crate::timer::Elapsed;

/// Any failure of a handler. `?` makes one from every error type.
///
/// An error with an HTTP status ([`Error::http`]) is the module's own answer: the peer gets that status and the message.
/// Every other error fails the task: the cause goes to the container's log, and the container answers 500; or 413 for a body
/// over the limit, or 503 with Retry-After for `E_RESOURCE`, `E_BUSY`, `E_TIMEOUT` and `E_DRAINING`
/// \[task.fail.unavailable\]. After the response has started it is broken off.
pub struct Error {
    kind: Kind,
    message: Box<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Http(StatusCode),
    Container(Status),
}

impl Error {
    /// The handler failed, for a reason of its own.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::with_status(Status::E_FAILED, message)
    }

    /// An answer for the peer: `status`, and `message` as plain text.
    #[must_use]
    pub fn http(status: StatusCode, message: impl Into<String>) -> Self {
        Self { kind: Kind::Http(status), message: message.into().into() }
    }

    /// A failure with a status of the ABI.
    #[must_use]
    pub fn with_status(status: Status, message: impl Into<String>) -> Self {
        let status = if status.is_error() { status } else { Status::E_FAILED };
        Self { kind: Kind::Container(status), message: message.into().into() }
    }

    /// The container refused `what`, with the reason it gives.
    #[cold]
    pub(crate) fn refused(what: &str, status: Status) -> Self {
        let reason = crate::context::try_current()
            .and_then(|context| context.host.refusal().map(|(rule, text)| format!(" [{rule}]: {text}")));
        let reason = reason.unwrap_or_else(|| format!(": {}", status.text()));
        Self::with_status(status, format!("{what} was refused ({}){reason}", status.name()))
    }

    /// The HTTP status that the peer gets from the module itself, if this is such an error.
    #[must_use]
    pub fn http_status(&self) -> Option<StatusCode> {
        match self.kind {
            Kind::Http(status) => Some(status),
            Kind::Container(_) => None,
        }
    }

    /// The status of the ABI with which the task fails.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.kind {
            Kind::Http(_) => Status::E_FAILED,
            Kind::Container(status) => status,
        }
    }

    /// The message, with the causes.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: StdError + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            next = cause.source();
        }
        Self::with_status(status_of(&error), message)
    }
}

/// The status that an error of this crate carries somewhere in its chain of causes: it may have come back through another
/// library.
fn status_of(error: &(dyn StdError + 'static)) -> Status {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<BodyError>() {
            return error.status();
        }
        if let Some(error) = error.downcast_ref::<SqlError>() {
            return error.status();
        }
        if error.is::<Elapsed>() {
            return Status::E_TIMEOUT;
        }
        next = error.source();
    }
    Status::E_FAILED
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Http(status) => write!(out, "{status}: {self}"),
            Kind::Container(status) => write!(out, "{}: {self}", status.name()),
        }
    }
}

/// Why a body ended before it was whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BodyError {
    status: Status,
    what: Cow<'static, str>,
}

impl BodyError {
    pub(crate) fn new(status: Status, what: impl Into<Cow<'static, str>>) -> Self {
        Self { status, what: what.into() }
    }

    /// The status of the ABI: `E_PEER` when the peer broke off, `E_LIMIT` when the body is too long, `E_GONE` when the task
    /// it belongs to has ended, `E_FAILED` when its producer failed.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}: {})", self.what, self.status.name(), self.status.text())
    }
}

impl StdError for BodyError {}
