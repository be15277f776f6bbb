//! The one status type: numbers, names and texts in one table, which is that of spec/text/13-errors.md [error.texts]. Must not know who returns a status, or why.

use core::fmt;

/// An `hc_status`. Zero and above: it went on; below zero: it did not. Any number is a legal value, since it comes from
/// the other side of the boundary; those that version 1.0 defines are constants of this type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Status(pub i32);

/// One row of the table of statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// The status.
    pub status: Status,
    /// Its name in the header.
    pub name: &'static str,
    /// What it says, for people.
    pub text: &'static str,
}

macro_rules! statuses {
    ($($constant:ident = $number:literal, $name:literal, $text:literal;)*) => {
        impl Status {
            $(#[doc = concat!("`", $name, "`: ", $text, ".")] pub const $constant: Status = Status($number);)*

            /// Every status of this version, in the order of the header.
            pub const TABLE: &'static [StatusRow] =
                &[$(StatusRow { status: Status::$constant, name: $name, text: $text }),*];

            const fn row(self) -> Option<(&'static str, &'static str)> {
                match self.0 { $($number => Some(($name, $text)),)* _ => None }
            }
        }
    };
}

statuses! {
    OK = 0, "HC_OK", "done";
    PENDING = 1, "HC_PENDING", "not yet: an event will come";
    END = 2, "HC_END", "there is no more";
    DISCARDED = 3, "HC_DISCARDED", "taken and thrown away";

    E_FAILED = -1, "HC_E_FAILED", "the module failed";
    E_GONE = -2, "HC_E_GONE", "the handle or operation no longer exists";
    E_STATE = -3, "HC_E_STATE", "not allowed in this state";
    E_INVALID = -4, "HC_E_INVALID", "an argument breaks a rule";
    E_BUSY = -5, "HC_E_BUSY", "one such operation is under way already";
    E_TOKEN = -6, "HC_E_TOKEN", "the token is 0 or in use";
    E_TIMEOUT = -7, "HC_E_TIMEOUT", "the time of the operation is over";
    E_CANCELLED = -8, "HC_E_CANCELLED", "cancelled or withdrawn";
    E_LIMIT = -9, "HC_E_LIMIT", "a limit is reached";
    E_UNSUPPORTED = -10, "HC_E_UNSUPPORTED", "not supported by this container or version";
    E_THREAD = -11, "HC_E_THREAD", "called on a wrong thread or worker";
    E_DRAINING = -12, "HC_E_DRAINING", "the container is stopping";
    E_PEER = -13, "HC_E_PEER", "the peer is gone or broke the protocol";
    E_LOST = -14, "HC_E_LOST", "the task yielded with nothing outstanding";
    E_TOO_LATE = -15, "HC_E_TOO_LATE", "it has happened already";
    E_RESOURCE = -16, "HC_E_RESOURCE", "no such resource, or it cannot be reached";
    E_MEMORY = -17, "HC_E_MEMORY", "memory could not be had";
    E_FIELD = -18, "HC_E_FIELD", "a header or trailer field was refused";
    E_PANIC = -19, "HC_E_PANIC", "a panic or exception reached the boundary";
    E_VERSION = -20, "HC_E_VERSION", "the versions do not fit together";
    E_CONFIG = -21, "HC_E_CONFIG", "the configuration was refused";
    E_IO = -22, "HC_E_IO", "the operating system refused";

    CANCELLED_PEER = -101, "HC_CANCELLED_PEER", "cancelled: the peer went away";
    CANCELLED_DEADLINE = -102, "HC_CANCELLED_DEADLINE", "cancelled: the deadline passed";
    CANCELLED_DRAIN = -103, "HC_CANCELLED_DRAIN", "cancelled: the container is stopping";
    CANCELLED_RELOAD = -104, "HC_CANCELLED_RELOAD", "cancelled: a newer generation serves";
    CANCELLED_PARENT = -105, "HC_CANCELLED_PARENT", "cancelled: the parent task ended";
    CANCELLED_MODULE = -106, "HC_CANCELLED_MODULE", "cancelled: the module asked for it";
    CANCELLED_FAULT = -107, "HC_CANCELLED_FAULT", "cancelled: the module instance failed";
}

impl Status {
    /// `HC_DONE`: as the result of a step, the task is done.
    pub const DONE: Status = Status::OK;
    /// `HC_YIELD`: as the result of a step, the task yields.
    pub const YIELD: Status = Status::PENDING;
    /// `HC_FAIL`: as the result of a step, the task failed for a reason of the module's own.
    pub const FAIL: Status = Status::E_FAILED;

    /// The name in the header, or `HC_?` for a number that this version does not define.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.row() {
            Some((name, _)) => name,
            None => "HC_?",
        }
    }

    /// What the status says, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self.row() {
            Some((_, text)) => text,
            None => "a status that this version does not define",
        }
    }

    /// Whether the status is defined in this version.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.row().is_some()
    }

    /// Whether it is kept for versions to come: no module may give it [error.number.module].
    #[must_use]
    pub const fn is_unlisted(self) -> bool {
        self.0 >= -1000 && self.0 < 0 && !self.is_known()
    }

    /// Whether it did not go on: any number below zero.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 < 0
    }

    /// Whether it is one of `HC_CANCELLED_*`: why a task was cancelled.
    #[must_use]
    pub const fn is_cancelled(self) -> bool {
        self.0 <= Status::CANCELLED_PEER.0 && self.0 >= Status::CANCELLED_FAULT.0
    }

    /// `Ok(())` for zero and above, the status as the error below.
    ///
    /// # Errors
    /// The status itself, when it is an error.
    pub const fn ok(self) -> Result<(), Status> {
        if self.is_error() { Err(self) } else { Ok(()) }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.name(), self.0, self.text())
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}({})", self.name(), self.0)
    }
}

impl std::error::Error for Status {}

impl From<Status> for i32 {
    fn from(status: Status) -> i32 {
        status.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_and_name_occurs_once() {
        for (at, row) in Status::TABLE.iter().enumerate() {
            assert_eq!(row.status.name(), row.name);
            assert_eq!(row.status.text(), row.text);
            for other in &Status::TABLE[at + 1..] {
                assert!(other.status != row.status && other.name != row.name, "{row:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_name_tells_the_sign() {
        for row in Status::TABLE {
            let below = row.name.starts_with("HC_E_") || row.name.starts_with("HC_CANCELLED_");
            assert_eq!(row.status.is_error(), below, "{row:?}");
            assert_eq!(row.status.is_cancelled(), row.name.starts_with("HC_CANCELLED_"), "{row:?}");
        }
    }

    #[test]
    fn an_unknown_number_still_prints() {
        assert_eq!(Status(-999).to_string(), "HC_? (-999): a status that this version does not define");
        assert_eq!(format!("{:?}", Status::E_GONE), "HC_E_GONE(-2)");
        assert!(!Status(-999).is_known() && Status(-999).is_error() && !Status(-999).is_cancelled());
    }

    #[test]
    fn numbers_below_a_thousand_are_the_modules_own() {
        for unlisted in [-1000, -999, -100] {
            assert!(Status(unlisted).is_unlisted(), "{unlisted}");
        }
        for listed in [-1001, 0, 1, Status::E_GONE.0, Status::CANCELLED_PEER.0] {
            assert!(!Status(listed).is_unlisted(), "{listed}");
        }
    }
}
