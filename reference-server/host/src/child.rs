//! The exchange between a parent task and its child (`hc.dispatch/1`): the child answers into it, the parent reads from it.
//!
//! What one does to the other is noted as a nudge and told when the step has ended, so no lock of a task is taken under
//! another's. Both run on one worker, unless one of them is of a module that blocks.

use crate::dispatch::Nudge;
use crate::exchange::{Exchange, Gathered, Head, Read, Waiter};
use crate::worker;
use crate::{Container, container::lock};
use bytes::Bytes;
use http_container_abi::{FieldStorage, FieldsView, RawFields, RequestStorage, Status};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, Weak};

/// How many response bytes a child may be ahead of its parent.
const AHEAD_BYTES: usize = 64 << 10;

/// Where a child's request body comes from.
pub(crate) enum ChildBody {
    Given(Option<Bytes>),
    Parents {
        exchange: Arc<dyn Exchange>,
        /// The parent has ended, and nothing is read any more. The child may still hold the trailers.
        is_over: bool,
    },
}

/// The response head, set once.
pub(crate) struct ChildHead {
    pub status: u16,
    pub length: Option<u64>,
    pub fields: FieldStorage,
}

#[derive(Default)]
struct Answer {
    chunks: VecDeque<Bytes>,
    ahead: usize,
    whole: bool,
    failed: bool,
    writer: Waiter,
}

pub(crate) struct ChildExchange {
    request: RequestStorage,
    body: Mutex<ChildBody>,
    container: Weak<Container>,
    /// The parent's task, and the handle by which it knows the child.
    parent: (u64, u64),
    head: OnceLock<ChildHead>,
    trailers: OnceLock<FieldStorage>,
    answer: Mutex<Answer>,
}

impl ChildExchange {
    pub fn new(
        request: RequestStorage,
        body: ChildBody,
        container: Weak<Container>,
        parent: (u64, u64),
    ) -> Self {
        ChildExchange {
            request,
            body: Mutex::new(body),
            container,
            parent,
            head: OnceLock::new(),
            trailers: OnceLock::new(),
            answer: Mutex::default(),
        }
    }

    /// The parent has ended: its request's body is not read any more.
    pub fn detach(&self) {
        if let ChildBody::Parents { exchange, is_over } = &mut *lock(&self.body) {
            exchange.forget_reader();
            *is_over = true;
        }
    }

    /// Whether the next read has an answer.
    pub fn has_news(&self) -> bool {
        let answer = lock(&self.answer);
        !answer.chunks.is_empty() || answer.whole || answer.failed
    }

    pub fn head(&self) -> Option<&ChildHead> {
        self.head.get()
    }

    /// The next chunk of the response body for the parent.
    pub fn take(&self) -> Read {
        let mut answer = lock(&self.answer);
        if let Some(chunk) = answer.chunks.pop_front() {
            answer.ahead -= chunk.len();
            let writer = answer.writer.take();
            drop(answer);
            if let Some(writer) = writer {
                self.nudge(Nudge::Room { child: writer });
            }
            return Read::Chunk(chunk);
        }
        let has_no_body = || {
            let status = self.head.get().map_or(0, |head| head.status);
            self.is_bodyless(status)
        };
        match &*answer {
            Answer { failed: true, .. } => Read::Failed(Status::E_FAILED),
            Answer { whole: true, .. } => Read::End,
            _ if has_no_body() => Read::End,
            _ => Read::Pending,
        }
    }

    /// The trailers of the response, once it was read to its end.
    pub fn response_trailers(&self) -> RawFields {
        self.trailers.get().map_or(RawFields::NONE, FieldStorage::raw)
    }

    fn is_bodyless(&self, status: u16) -> bool {
        self.request.method() == b"HEAD" || matches!(status, 204 | 205 | 304)
    }

    /// What the child did not give will not come.
    fn fail(&self) {
        let mut answer = lock(&self.answer);
        answer.failed |= !answer.whole;
    }

    fn set_head(&self, head: &Head<'_>) {
        let _ = self.head.set(ChildHead {
            status: head.status,
            length: head.length,
            fields: lower_case(head.fields),
        });
        let (parent, child) = self.parent;
        self.nudge(Nudge::Head { parent, child, status: head.status });
    }

    fn nudge_reader(&self) {
        let (parent, child) = self.parent;
        self.nudge(Nudge::Body { parent, child });
    }

    fn nudge(&self, nudge: Nudge) {
        worker::with_current(self.container.as_ptr(), |worker| worker.nudges.borrow_mut().push(nudge));
    }
}

impl Exchange for ChildExchange {
    fn request(&self) -> &RequestStorage {
        &self.request
    }

    fn read(&self, waiter: Waiter) -> Read {
        match &mut *lock(&self.body) {
            ChildBody::Given(body) => body.take().map_or(Read::End, Read::Chunk),
            ChildBody::Parents { is_over: true, .. } => Read::Failed(Status::E_PEER),
            ChildBody::Parents { exchange, .. } => exchange.read(waiter),
        }
    }

    fn gather(&self, _limit: u64, _waiter: Waiter) -> Gathered {
        // Gates are for the requests of peers [gate.peers].
        Gathered::Whole
    }

    fn forget_reader(&self) {
        if let ChildBody::Parents { exchange, is_over: false } = &*lock(&self.body) {
            exchange.forget_reader();
        }
    }

    fn trailers(&self) -> RawFields {
        match &*lock(&self.body) {
            ChildBody::Parents { exchange, .. } => exchange.trailers(),
            ChildBody::Given(_) => RawFields::NONE,
        }
    }

    fn respond(&self, head: &Head<'_>, body: &[u8]) -> Status {
        let bodyless = self.is_bodyless(head.status);
        {
            let mut answer = lock(&self.answer);
            if !body.is_empty() && !bodyless {
                answer.ahead += body.len();
                answer.chunks.push_back(Bytes::copy_from_slice(body));
            }
            answer.whole = true;
        }
        self.set_head(head);
        Status::OK
    }

    fn inform(&self, _status: u16, _fields: FieldsView<'_>) -> Status {
        Status::DISCARDED
    }

    fn start(&self, head: &Head<'_>) -> Status {
        self.set_head(head);
        Status::OK
    }

    fn write(&self, data: &[u8], waiter: Waiter) -> (Status, usize) {
        let mut answer = lock(&self.answer);
        let accepted = data.len().min(AHEAD_BYTES.saturating_sub(answer.ahead));
        if accepted > 0 {
            answer.ahead += accepted;
            answer.chunks.push_back(Bytes::copy_from_slice(&data[..accepted]));
        }
        let all = accepted == data.len();
        if !all {
            answer.writer = waiter;
        }
        drop(answer);
        if accepted > 0 {
            self.nudge_reader();
        }
        (if all { Status::OK } else { Status::PENDING }, accepted)
    }

    fn forget_writer(&self) {
        lock(&self.answer).writer = None;
    }

    fn end(&self, trailers: FieldsView<'_>) -> Status {
        if !trailers.is_empty() {
            let _ = self.trailers.set(lower_case(trailers));
        }
        lock(&self.answer).whole = true;
        self.nudge_reader();
        Status::OK
    }

    fn abort(&self) {
        self.fail();
        self.nudge_reader();
    }

    fn refuse(&self, _status: u16) {
        self.fail();
    }

    fn body_fault(&self) -> Option<u16> {
        match &*lock(&self.body) {
            ChildBody::Parents { exchange, is_over: false } => exchange.body_fault(),
            ChildBody::Parents { .. } | ChildBody::Given(_) => None,
        }
    }

    fn ended(&self, _outcome: Status) {
        self.fail();
    }
}

/// A copy with names in lower case, as a parent sees them.
fn lower_case(fields: FieldsView<'_>) -> FieldStorage {
    let mut copy = FieldStorage::new();
    for (name, value) in fields.iter() {
        copy.push(&name.to_ascii_lowercase(), value.trim_ascii());
    }
    copy.seal();
    copy
}
