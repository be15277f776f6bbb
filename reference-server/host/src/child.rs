//! The exchange between a parent task and its child (`hc.dispatch/1`): the child answers into it, the parent reads from it.
//!
//! Both run on one worker. What one does to the other is noted as a nudge and told when the step has ended, so no lock of
//! a task is taken under another's.

use crate::dispatch::Nudge;
use crate::exchange::{Exchange, Head, Read, Waiter};
use crate::worker;
use crate::{Container, container::lock};
use bytes::Bytes;
use http_container_abi::{FieldStorage, FieldsView, RawFields, RequestStorage, Status};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

/// How many response bytes a child may be ahead of its parent.
const AHEAD_BYTES: usize = 64 << 10;

/// Where a child's request body comes from.
pub(crate) enum ChildBody {
    Given(Mutex<Option<Bytes>>),
    Parents(Arc<dyn Exchange>),
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
    failed: Option<Status>,
    writer: Waiter,
}

pub(crate) struct ChildExchange {
    request: RequestStorage,
    body: ChildBody,
    container: Weak<Container>,
    parent: u64,
    child: AtomicU64,
    head: OnceLock<ChildHead>,
    trailers: OnceLock<FieldStorage>,
    answer: Mutex<Answer>,
}

impl ChildExchange {
    pub fn new(request: RequestStorage, body: ChildBody, container: Weak<Container>, parent: u64) -> Self {
        ChildExchange {
            request,
            body,
            container,
            parent,
            child: AtomicU64::new(0),
            head: OnceLock::new(),
            trailers: OnceLock::new(),
            answer: Mutex::default(),
        }
    }

    pub fn name(&self, child: u64) {
        self.child.store(child, Ordering::Relaxed);
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
        match answer.failed {
            Some(status) => Read::Failed(status),
            None if answer.whole => Read::End,
            None => Read::Pending,
        }
    }

    pub fn response_trailers(&self) -> Option<RawFields> {
        lock(&self.answer).whole.then(|| self.trailers.get().map_or(RawFields::NONE, FieldStorage::raw))
    }

    /// The child ended with that outcome: what it did not give will not come.
    pub fn close_with(&self, outcome: Status) {
        let mut answer = lock(&self.answer);
        if !answer.whole {
            answer.failed.get_or_insert(if outcome.0 <= -100 { outcome } else { Status::E_FAILED });
        }
    }

    fn set_head(&self, head: &Head<'_>) {
        let mut fields = FieldStorage::new();
        fields.copy_from(head.fields);
        let _ = self.head.set(ChildHead { status: head.status, length: head.length, fields });
        self.nudge(Nudge::Head { parent: self.parent, child: self.child.load(Ordering::Relaxed) });
    }

    fn nudge_reader(&self) {
        self.nudge(Nudge::Body { parent: self.parent, child: self.child.load(Ordering::Relaxed) });
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
        match &self.body {
            ChildBody::Given(body) => match lock(body).take() {
                Some(chunk) => Read::Chunk(chunk),
                None => Read::End,
            },
            ChildBody::Parents(exchange) => exchange.read(waiter),
        }
    }

    fn forget_reader(&self) {
        if let ChildBody::Parents(exchange) = &self.body {
            exchange.forget_reader();
        }
    }

    fn trailers(&self) -> RawFields {
        match &self.body {
            ChildBody::Given(_) => RawFields::NONE,
            ChildBody::Parents(exchange) => exchange.trailers(),
        }
    }

    fn respond(&self, head: &Head<'_>, body: &[u8]) -> Status {
        let bodyless = self.request.method() == b"HEAD" || matches!(head.status, 204 | 205 | 304);
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
            let mut fields = FieldStorage::new();
            fields.copy_from(trailers);
            let _ = self.trailers.set(fields);
        }
        lock(&self.answer).whole = true;
        self.nudge_reader();
        Status::OK
    }

    fn abort(&self) {
        lock(&self.answer).failed.get_or_insert(Status::E_FAILED);
        self.nudge_reader();
    }

    fn refuse(&self, _status: u16) {
        lock(&self.answer).failed.get_or_insert(Status::E_FAILED);
    }

    fn body_fault(&self) -> Option<u16> {
        match &self.body {
            ChildBody::Given(_) => None,
            ChildBody::Parents(exchange) => exchange.body_fault(),
        }
    }

    fn ended(&self, outcome: Status) {
        self.close_with(outcome);
    }
}
