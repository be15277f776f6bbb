//! What became of a request, as a member says it. Must not know who is told.

use std::time::Duration;

use bytes::Bytes;
use http_container_abi::constants::member_flag;
use http_container_abi::{ReplyView, ResultView, Status};

use crate::kv::milliseconds;

/// What became of a request; for [`done`](super::Member::done).
#[derive(Clone, Debug)]
#[must_use = "an outcome is nothing before `done` has it"]
pub struct Outcome {
    status: Status,
    flags: u32,
    affected: u64,
    code: String,
    message: String,
    reply: Option<Reply>,
}

/// What an operation on a store answers; what it does not answer is 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// Whether there was one, or it was stored.
    pub found: bool,
    /// The value.
    pub value: Bytes,
    /// The sum of an addition; how many get a message.
    pub number: i64,
    /// What is left of the time to live; `None`: for ever.
    pub ttl: Option<Duration>,
}

impl Reply {
    /// A reply that says only whether there was one, or it was stored.
    #[must_use]
    pub fn found(found: bool) -> Self {
        Self { found, ..Self::default() }
    }

    /// A reply with a number.
    #[must_use]
    pub fn number(number: i64) -> Self {
        Self { found: true, number, ..Self::default() }
    }

    /// A reply with a value that lives for so long; `None`: for ever.
    #[must_use]
    pub fn value(value: Bytes, ttl: Option<Duration>) -> Self {
        Self { found: true, value, number: 0, ttl }
    }
}

impl Outcome {
    fn of(status: Status) -> Self {
        let (code, message) = (String::new(), String::new());
        Self { status, flags: 0, affected: 0, code, message, reply: None }
    }

    /// It was done.
    pub fn ok() -> Self {
        Self::of(Status::OK)
    }

    /// It was done, with an answer.
    pub fn reply(reply: Reply) -> Self {
        Self { reply: Some(reply), ..Self::ok() }
    }

    /// The other end refused it, in its own words.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::of(Status::E_FAILED) }
    }

    /// The provider does not serve requests of this kind \[provider.next.unknown\].
    pub fn unsupported() -> Self {
        let message = "the provider does not serve requests of this kind";
        Self { message: message.to_owned(), ..Self::of(Status::E_UNSUPPORTED) }
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.status == Status::E_UNSUPPORTED
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.flags & member_flag::DIRTY != 0
    }

    /// The other end is full.
    pub fn limit(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::of(Status::E_LIMIT) }
    }

    /// It was interrupted.
    pub fn interrupted() -> Self {
        Self::of(Status::E_CANCELLED)
    }

    /// The connection is lost, so the member is broken: end its task.
    pub fn lost(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::of(Status::E_RESOURCE) }.broken()
    }

    /// Rows that a statement inserted, changed, deleted or answered.
    pub fn affected(self, rows: u64) -> Self {
        Self { affected: rows, ..self }
    }

    /// The failure's SQLSTATE, five characters.
    pub fn code(self, code: impl Into<String>) -> Self {
        Self { code: code.into(), ..self }
    }

    /// The member is not as a fresh one: in a transaction, subscribed, changed by what ran. It is reset when the lease ends.
    /// Holds until an outcome without it.
    pub fn dirty(self) -> Self {
        Self { flags: self.flags | member_flag::DIRTY, ..self }
    }

    /// As [`dirty`](Self::dirty), where that is so.
    pub fn dirty_if(self, is_dirty: bool) -> Self {
        if is_dirty { self.dirty() } else { self }
    }

    /// The member can do nothing more: it is thrown away when the lease ends.
    pub fn broken(self) -> Self {
        Self { flags: self.flags | member_flag::BROKEN, ..self }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Shows it as it crosses the boundary.
    pub(super) fn with_result<R>(self, show: impl FnOnce(&ResultView<'_>) -> R) -> R {
        show(&ResultView {
            status: self.status,
            flags: self.flags,
            affected: self.affected,
            code: self.code.as_bytes(),
            message: self.message.as_bytes(),
            reply: self.reply.as_ref().map(|reply| ReplyView {
                found: reply.found.into(),
                value: &reply.value,
                number: reply.number,
                ttl_ms: reply.ttl.map_or(0, milliseconds),
            }),
        })
    }
}
