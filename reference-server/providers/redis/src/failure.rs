//! Why an operation failed, as the boundary tells it. Must not know which operation it was.

use http_container::provider::Outcome;

/// Why an operation failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    kind: FailureKind,
    pub(crate) message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FailureKind {
    /// The server refused it.
    Refused,
    /// The server is full.
    Full,
    /// The server is no more what it was, or was not understood.
    Broken,
}

impl Failure {
    /// The server's error, which begins with a word for its kind.
    pub(crate) fn refused(text: &str) -> Self {
        let kind = match text.split(' ').next() {
            Some("OOM") => FailureKind::Full,
            // A replica now, or a server that starts: another connection may find a better one.
            Some("READONLY" | "MASTERDOWN" | "LOADING" | "NOAUTH") => FailureKind::Broken,
            // In the words of a script that was refused it.
            _ if text.contains("OOM command not allowed") => FailureKind::Full,
            _ => FailureKind::Refused,
        };
        Self { kind, message: text.to_owned() }
    }

    /// The replies are not those of what was asked.
    pub(crate) fn out_of_step() -> Self {
        Self { kind: FailureKind::Broken, message: "the server answered what was not asked".to_owned() }
    }

    /// As the boundary tells it.
    pub(crate) fn into_outcome(self) -> Outcome {
        match self.kind {
            FailureKind::Refused => Outcome::failed(self.message),
            FailureKind::Full => Outcome::limit(self.message),
            FailureKind::Broken => Outcome::failed(self.message).broken(),
        }
    }
}
