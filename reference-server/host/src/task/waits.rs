//! What a task waits for.

use crate::wheel::Key;
use std::fmt;

/// What a task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// `body_read`.
    Body,
    /// `response_write`.
    Write,
    /// `timer`; the key is `None` for the cooperative yield, which fires at once.
    Timer(Key),
    /// `completion`, by the number in its handle.
    Completion,
    /// `hc.fd/1` wait: the registration's handle and the interest.
    Fd(u64, u32),
    /// `hc.dispatch/1` open, for the child that the parent knows by that handle.
    ChildHead(u64),
    /// `hc.dispatch/1` read.
    ChildBody(u64),
    /// `acquire`, by the ticket under which it waits.
    Acquire(u64),
    /// An operation on the lease of that number.
    Lease(u64, LeaseWait),
    /// `hc.provider/1` next or rows.
    Member,
    /// `hc.offload/1` run.
    Offload,
}

/// What is awaited of a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseWait {
    /// The answer to an operation: withdrawing it poisons the lease.
    Answer,
    /// More of it, rows or messages.
    More,
}

/// One outstanding operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The module's token.
    pub token: u64,
    /// The slot's number for it, as in the completion's handle.
    pub number: u64,
    /// What it waits for.
    pub wait: Wait,
}

impl fmt::Display for Operation {
    /// For whoever asks why a task did not go on.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.wait {
            Wait::Body => "the body",
            Wait::Write => "room for the response",
            Wait::Timer(_) => "a timer",
            Wait::Completion => "a completion",
            Wait::Fd(..) => "a descriptor",
            Wait::ChildHead(_) | Wait::ChildBody(_) => "a child task",
            Wait::Acquire(_) => "a resource",
            Wait::Lease(..) => "the answer of a resource",
            Wait::Member => "a request to a member",
            Wait::Offload => "work that was handed over",
        };
        write!(out, "{what} (token {})", self.token)
    }
}
