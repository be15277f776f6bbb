//! One task as the kit's host sees it. Pure data. Must not call a module.

use super::record::{Answer, Phase};
use super::script::BodyEnd;
use http_container_abi::constants::event_kind;
use http_container_abi::{Event, FieldStorage, Opaque, RequestStorage, Status, Work};
use std::sync::Arc;

/// What an operation waits for.
#[derive(Debug)]
pub enum Wait {
    /// Bytes of the request body.
    Body,
    /// Room for the response.
    Write,
    /// A time (ns).
    Timer(u64),
    /// A completion, by its handle.
    Completion(u64),
    /// Offloaded work.
    Offload(Work),
    /// Offloaded work that runs beside, by its number.
    Beside(u64),
    /// An edge: the registration, and the interest.
    Fd(u64, u32),
    /// The head of a child's response.
    ChildHead(u64),
    /// The body of a child's response.
    ChildBody(u64),
    /// A request to a member.
    Member,
    /// Room for rows of a member.
    MemberRoom,
    /// Leases; whether the module gave a time.
    Acquire(bool),
    /// The answer to a statement on that lease.
    Sql(u64),
    /// Rows of that lease.
    SqlRows(u64),
    /// The answer of a store on that lease.
    Kv(u64),
    /// A message on that lease.
    KvMessage(u64),
}

/// Where a task is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// Not started.
    Fresh,
    /// Inside a step.
    Running,
    /// Between steps.
    Parked,
    /// Inside `finish`.
    Finishing,
    /// Over.
    Gone,
}

/// The request body.
#[derive(Debug)]
pub struct Feed {
    /// All of it.
    pub bytes: Vec<u8>,
    /// How much was given out.
    pub given: usize,
    /// How it ends.
    pub end: BodyEnd,
    /// The chunk that the module may look at.
    pub shown: Option<Vec<u8>>,
    /// Whether the end was told.
    pub is_over: bool,
    /// The next read goes on, whatever is chosen: an event promised it.
    pub is_promised: bool,
    /// A child has it.
    pub is_taken: bool,
    /// The trailers.
    pub trailers: FieldStorage,
}

/// A task.
#[derive(Debug)]
pub struct Task {
    /// The script that it is for, if it is a request.
    pub script: Option<usize>,
    /// Its worker.
    pub worker: u32,
    /// One of `enum hc_task_kind`.
    pub kind: u32,
    /// Its request.
    pub request: Option<Arc<RequestStorage>>,
    /// Whether its response has no body, whatever is written.
    pub is_head: bool,
    /// The peer speaks HTTP/1.0.
    pub is_old: bool,
    /// What `spawn` was given.
    pub arg: Opaque,
    /// What the module keeps.
    pub state: Opaque,
    /// Where it is.
    pub life: Life,
    /// Why it is being cancelled.
    pub cancel: Option<Status>,
    /// When it is cancelled for its time (ns).
    pub deadline_ns: u64,
    /// Outstanding operations that have not happened.
    pub waits: Vec<(u64, Wait)>,
    /// Events that were not delivered, with the work that they bring back.
    pub latched: Vec<Event>,
    /// Works whose event is latched.
    pub done_works: Vec<(u64, Work)>,
    /// Operations on leases, by token, until their event is delivered.
    pub lease_tokens: Vec<(u64, u64)>,
    /// Notices that it asked for, and those that came.
    pub notices: (u32, u32),
    /// Its body.
    pub feed: Feed,
    /// Its response.
    pub answer: Answer,
    /// Room for the response; `None`: always enough.
    pub room: Option<usize>,
    /// How often there was room again.
    pub rooms: u32,
    /// The peer is gone.
    pub is_alone: bool,
    /// How often it yielded.
    pub suspensions: u32,
    /// How many calls it made.
    pub calls: u32,
}

impl Task {
    /// A fresh task with nothing in it.
    #[must_use]
    pub fn new(worker: u32, kind: u32) -> Task {
        let feed = Feed {
            bytes: Vec::new(),
            given: 0,
            end: BodyEnd::Whole,
            shown: None,
            is_over: false,
            is_promised: false,
            is_taken: false,
            trailers: FieldStorage::new(),
        };
        Task {
            script: None,
            worker,
            kind,
            request: None,
            is_head: false,
            is_old: false,
            arg: Opaque::NULL,
            state: Opaque::NULL,
            life: Life::Fresh,
            cancel: None,
            deadline_ns: u64::MAX,
            waits: Vec::new(),
            latched: Vec::new(),
            done_works: Vec::new(),
            lease_tokens: Vec::new(),
            notices: (0, 0),
            feed,
            answer: Answer::default(),
            room: None,
            rooms: 0,
            is_alone: false,
            suspensions: 0,
            calls: 0,
        }
    }

    /// Whether it is not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.life != Life::Gone
    }

    /// The place of the outstanding operation with that token.
    #[must_use]
    pub fn find(&self, token: u64) -> Option<usize> {
        self.waits.iter().position(|(found, _)| *found == token)
    }

    /// Whether a token is in use.
    #[must_use]
    pub fn has_token(&self, token: u64) -> bool {
        self.find(token).is_some() || self.latched.iter().any(|event| event.token == token)
    }

    /// Whether an operation of that sort is outstanding, latched ones included.
    #[must_use]
    pub fn is_waiting(&self, kind: u32, is_it: impl Fn(&Wait) -> bool) -> bool {
        self.waits.iter().any(|(_, wait)| is_it(wait)) || self.latched.iter().any(|event| event.kind == kind)
    }

    /// Whether an operation of that kind on that lease is outstanding.
    #[must_use]
    pub fn is_waiting_for(&self, kind: u32, lease: u64) -> bool {
        let of_lease = |token: u64| self.lease_tokens.contains(&(token, lease));
        let is_kind = |wait: &Wait| match wait {
            Wait::SqlRows(_) => kind == event_kind::SQL_ROWS,
            Wait::KvMessage(_) => kind == event_kind::KV_MESSAGE,
            Wait::ChildBody(_) => kind == event_kind::CHILD_BODY,
            _ => false,
        };
        self.waits.iter().any(|(token, wait)| is_kind(wait) && of_lease(*token))
            || self.latched.iter().any(|event| event.kind == kind && of_lease(event.token))
    }

    /// A lease is over: its operations are withdrawn. Their tokens.
    pub fn end_lease(&mut self, lease: u64) -> Vec<u64> {
        let (ended, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.lease_tokens).into_iter().partition(|(_, of)| *of == lease);
        self.lease_tokens = left;
        let tokens: Vec<u64> = ended.into_iter().map(|(token, _)| token).collect();
        self.waits.retain(|(token, _)| !tokens.contains(token));
        tokens
    }

    /// Whether the response has no body on the wire, whatever is written.
    #[must_use]
    pub fn has_no_body(&self) -> bool {
        self.is_head || matches!(self.answer.status, 204 | 205 | 304)
    }

    /// The peer leaves: what was not whole stays so.
    pub fn lose_peer(&mut self) {
        self.is_alone = true;
        if matches!(self.answer.phase, Phase::None | Phase::Open) {
            self.answer.phase = Phase::Aborted;
        }
    }
}

impl Wait {
    /// The lease, registration or child that it is about.
    #[must_use]
    pub fn lease(&self) -> Option<u64> {
        match self {
            Wait::Sql(lease) | Wait::SqlRows(lease) | Wait::Kv(lease) | Wait::KvMessage(lease) => {
                Some(*lease)
            }
            Wait::Fd(registration, _) => Some(*registration),
            Wait::ChildHead(child) | Wait::ChildBody(child) => Some(*child),
            _ => None,
        }
    }
}

impl Task {
    /// The event with that token is delivered: the argument of a work is the module's again.
    pub fn forget_token(&mut self, token: u64) {
        self.lease_tokens.retain(|(of, _)| *of != token);
        if let Some(place) = self.done_works.iter().position(|(of, _)| *of == token) {
            self.done_works.remove(place).1.forget();
        }
    }
}
