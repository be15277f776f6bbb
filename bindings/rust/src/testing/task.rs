//! One task as the fake container sees it. Pure data with the rules of its transitions. Must not call a module.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_container_abi::{Event, FieldStorage, Opaque, RequestStorage, Status};

use super::answer::Answer;

/// What an operation waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wait {
    Body,
    Write,
    /// When it fires (ns), and the number by which equal times keep their order.
    Timer(u64, u64),
    Completion(u64),
    Acquire,
    Descriptor(u64, u32),
    ChildHead(u64),
    ChildBody(u64),
    Offload,
    /// A statement or a transaction on that lease; rows; an operation on a store; a message.
    Sql(u64),
    SqlRows(u64),
    Kv(u64),
    KvMessage(u64),
    /// A member's next request, and room for more rows.
    Member,
    MemberRoom,
}

/// Where the response is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Phase {
    #[default]
    None,
    Open,
    Complete,
}

/// How a request body goes on after the chunks at hand.
pub(super) enum Rest {
    Open,
    Ended,
    Cut(Status),
}

/// The request body as it is fed.
pub(super) struct Feed {
    pub(super) chunks: VecDeque<Bytes>,
    /// The chunk that the module looks at; kept alive until the next read.
    pub(super) shown: Option<Bytes>,
    pub(super) rest: Rest,
    pub(super) trailers: FieldStorage,
    pub(super) has_ended: bool,
    pub(super) is_taken: bool,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            shown: None,
            rest: Rest::Open,
            trailers: FieldStorage::new(),
            has_ended: false,
            is_taken: false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.chunks.is_empty() || !matches!(self.rest, Rest::Open)
    }
}

/// A live or ended task.
pub(super) struct Task {
    pub(super) module: usize,
    pub(super) worker: u32,
    pub(super) kind: u32,
    pub(super) request: Option<Arc<RequestStorage>>,
    pub(super) argument: Opaque,
    pub(super) state: Opaque,
    pub(super) is_started: bool,
    pub(super) is_queued: bool,
    pub(super) cancel: Option<Status>,
    /// How it ended, when its `finish` waits for the end of a lease.
    pub(super) ending: Option<Status>,
    pub(super) in_finish: bool,
    pub(super) outcome: Option<Status>,
    pub(super) waits: Vec<(u64, Wait)>,
    pub(super) latched: Vec<Event>,
    pub(super) notices: u32,
    pub(super) raised: u32,
    pub(super) feed: Feed,
    pub(super) phase: Phase,
    pub(super) answer: Answer,
    pub(super) body: BytesMut,
    /// Bytes that `response_write` may still take; `None`: all.
    pub(super) room: Option<usize>,
    pub(super) has_no_body: bool,
    /// What it is to its parent.
    pub(super) child: Option<ChildSide>,
    pub(super) children: Vec<u64>,
    /// The child that took over its body.
    pub(super) heir: Option<u64>,
}

/// What a parent sees of its child.
pub(super) struct ChildSide {
    pub(super) parent: u64,
    pub(super) is_closed: bool,
    pub(super) fields: FieldStorage,
    pub(super) trailers: FieldStorage,
    pub(super) is_head_told: bool,
    /// Bytes of the body that the parent has read.
    pub(super) read: usize,
    pub(super) shown: Option<Bytes>,
}

impl Task {
    pub(super) fn new(module: usize, worker: u32, kind: u32) -> Self {
        Self {
            module,
            worker,
            kind,
            request: None,
            argument: Opaque::NULL,
            state: Opaque::NULL,
            is_started: false,
            is_queued: false,
            cancel: None,
            ending: None,
            in_finish: false,
            outcome: None,
            waits: Vec::new(),
            latched: Vec::new(),
            notices: 0,
            raised: 0,
            feed: Feed::new(),
            phase: Phase::None,
            answer: Answer::default(),
            body: BytesMut::new(),
            room: None,
            has_no_body: false,
            child: None,
            children: Vec::new(),
            heir: None,
        }
    }

    pub(super) fn find(&self, token: u64) -> Option<usize> {
        self.waits.iter().position(|(found, _)| *found == token)
    }

    pub(super) fn is_waiting_for(&self, wanted: impl Fn(&Wait) -> bool) -> Option<u64> {
        self.waits.iter().find(|(_, wait)| wanted(wait)).map(|(token, _)| *token)
    }

    /// What the test may see of it.
    pub(super) fn answer(&self) -> Answer {
        Answer { outcome: self.outcome, body: Bytes::copy_from_slice(&self.body), ..self.answer.clone() }
    }
}
