//! One request and its response on an HTTP/1.1 connection, seen from both sides: the task reads and answers through
//! [`hc_host::Exchange`], the connection fills and empties through [`Wire`]. The two may be on different workers.
//!
//! Invariant: the lock is never held while the host is called, so the host may hold its own while it calls here.

use crate::door::{self, Door, Place};
use bytes::Bytes;
use hc_host::{Head, Read, Waiter};
use hc_http1::{Connection, Length, Outcome, Outstanding, Refusal};
use http_container_abi::{FieldStorage, FieldsView, RawFields, RequestStorage, Status};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Response bytes that may wait for the peer before a module must wait.
pub const OUT_BYTES: usize = 64 << 10;
/// Body bytes that may wait for the module before the peer must wait.
pub const AHEAD_BYTES: usize = 64 << 10;

/// How far the response is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Progress {
    /// No final head was written.
    #[default]
    None,
    /// The head was.
    Started,
    /// All was.
    Complete,
    /// It was broken off.
    Aborted,
}

/// How far the request body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Input {
    /// More may come.
    #[default]
    Open,
    /// It is whole.
    Ended,
    /// No more comes, and it is not whole.
    Failed(Status),
}

/// What both sides share.
#[derive(Default)]
pub struct Wire {
    /// The state machine of the connection, lent by the connection for this cycle.
    pub http: Connection,
    /// Bytes to send.
    pub out: Vec<u8>,
    /// Bytes that the connection took and the peer did not yet take.
    pub unsent: usize,
    /// Body chunks that the module has not read.
    pub chunks: VecDeque<Bytes>,
    /// Their bytes.
    pub queued: usize,
    /// The request body.
    pub input: Input,
    /// The response.
    pub progress: Progress,
    /// The status that was sent.
    pub status: u16,
    /// Content bytes that were handed over to be sent.
    pub body_bytes: u64,
    /// The peer is gone: nothing can be sent.
    pub peer_gone: bool,
    /// The task has ended, and with what.
    pub ended: Option<Status>,
    /// Status for a body that was refused.
    pub fault: Option<u16>,
    /// Who waits for body bytes.
    pub reader: Waiter,
    /// Who waits for room.
    pub writer: Waiter,
    /// The module has asked for body bytes since the last ones came.
    pub asked: bool,
    /// The connection was told and has not looked yet.
    pub noted: bool,
}

/// One request and its response.
pub struct HttpExchange {
    /// The request head.
    pub request: RequestStorage,
    /// Where the connection is.
    pub place: Place,
    /// How to reach it.
    pub door: Arc<Door>,
    /// Most body bytes that are drained to keep the connection.
    pub drain_bytes: u64,
    trailers: OnceLock<Box<FieldStorage>>,
    wire: Mutex<Wire>,
}

impl HttpExchange {
    /// An exchange that is to be filled in before it is shared.
    pub fn new(door: Arc<Door>) -> HttpExchange {
        HttpExchange {
            request: RequestStorage::new(),
            place: Place::default(),
            door,
            drain_bytes: 0,
            trailers: OnceLock::new(),
            wire: Mutex::default(),
        }
    }

    /// Begins the next cycle with the connection's state machine.
    pub fn begin(&mut self, http: Connection, input: Input) {
        self.trailers.take();
        let wire = self.wire.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Member by member: the buffers stay, and nothing is made only to be dropped.
        wire.http = http;
        wire.out.clear();
        wire.unsent = 0;
        wire.chunks.clear();
        wire.queued = 0;
        wire.input = input;
        wire.progress = Progress::None;
        wire.status = 0;
        wire.body_bytes = 0;
        wire.peer_gone = false;
        wire.ended = None;
        wire.fault = None;
        wire.reader = None;
        wire.writer = None;
        wire.asked = false;
        wire.noted = false;
    }

    /// The shared part.
    pub fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the trailers of the request body.
    pub fn set_trailers(&self, fields: FieldStorage) {
        let _ = self.trailers.set(Box::new(fields));
    }

    /// Locks, acts, and tells the connection once.
    fn act<R>(&self, act: impl FnOnce(&mut Wire) -> R) -> R {
        let mut wire = self.wire();
        let answer = act(&mut wire);
        let first = !std::mem::replace(&mut wire.noted, true);
        drop(wire);
        if first {
            self.door.note(self.place);
        }
        answer
    }
}

impl Wire {
    /// The connection has heard.
    pub fn heard(&mut self) {
        self.noted = false;
    }

    /// Bytes for which there is room.
    pub fn room(&self) -> usize {
        OUT_BYTES.saturating_sub(self.out.len() + self.unsent)
    }

    /// Whoever waits for body bytes, to be signalled.
    pub fn wake_reader(&mut self) -> Waiter {
        self.reader.take()
    }

    /// A buffer to write into: one that went round, so that a request that waits holds none.
    fn prepare(&mut self) {
        if self.out.capacity() == 0 {
            self.out = door::spare_buffer();
        }
    }

    /// Says in the response that the connection ends with it, when too much of the request would have to be drained.
    fn decide_close(&mut self, drain_bytes: u64) {
        self.prepare();
        let too_much = match self.http.outstanding() {
            Outstanding::Nothing => false,
            Outstanding::Known(bytes) => bytes > drain_bytes,
            Outstanding::Unknown => drain_bytes == 0,
        };
        if too_much || matches!(self.input, Input::Failed(_)) {
            self.http.close_after_response();
        }
    }

    fn write_whole(&mut self, head: &Head<'_>, body: &[u8]) -> Status {
        let fields = framed(head.fields);
        let date = door::date();
        let written = match told_length(head, body) {
            Some(length) => self
                .http
                .response_head(&mut self.out, head.status, fields, Length::Known(length), &date)
                .and_then(|outcome| self.http.response_end(&mut self.out, []).map(|_| outcome)),
            None => self.http.respond_whole(&mut self.out, head.status, fields, body, &date),
        };
        match written {
            Ok(outcome) => {
                self.status = head.status;
                self.progress = Progress::Complete;
                if outcome == Outcome::Written {
                    self.body_bytes += body.len() as u64;
                }
                Status::OK
            }
            Err(_) => self.break_off(),
        }
    }

    /// What the host checked cannot be misuse; if it is one all the same, nobody is told half a response.
    fn break_off(&mut self) -> Status {
        self.http.abort();
        self.progress = Progress::Aborted;
        Status::E_INVALID
    }
}

/// The fields without `content-length`, which the framing writes itself.
fn framed<'a>(fields: FieldsView<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
    fields.iter().filter(|(name, _)| name.len() != 14 || !name.eq_ignore_ascii_case(b"content-length"))
}

/// The length that a module told for a response that has no body here (HEAD, 304) though a GET's would have one.
fn told_length(head: &Head<'_>, body: &[u8]) -> Option<u64> {
    let told =
        if body.is_empty() && !head.fields.is_empty() { head.fields.get("content-length") } else { None };
    told.and_then(|told| str::from_utf8(told).ok()?.trim().parse().ok()).filter(|&told: &u64| told > 0)
}

impl hc_host::Exchange for HttpExchange {
    fn request(&self) -> &RequestStorage {
        &self.request
    }

    fn read(&self, waiter: Waiter) -> Read {
        let mut wire = self.wire();
        if let Some(chunk) = wire.chunks.pop_front() {
            let was_full = wire.queued >= AHEAD_BYTES;
            wire.queued -= chunk.len();
            let has_room = was_full && wire.queued < AHEAD_BYTES && wire.input == Input::Open;
            drop(wire);
            if has_room {
                self.act(|_| ());
            }
            return Read::Chunk(chunk);
        }
        match wire.input {
            Input::Ended => return Read::End,
            Input::Failed(status) => return Read::Failed(status),
            Input::Open => {}
        }
        wire.reader = waiter;
        let first = !std::mem::replace(&mut wire.asked, true);
        let mut tell = first;
        if wire.http.wants_continue() {
            let Wire { http, out, .. } = &mut *wire;
            tell |= http.write_continue(out).is_ok();
        }
        drop(wire);
        if tell {
            self.act(|_| ());
        }
        Read::Pending
    }

    fn forget_reader(&self) {
        self.wire().reader = None;
    }

    fn trailers(&self) -> RawFields {
        self.trailers.get().map_or(RawFields::NONE, |fields| fields.raw())
    }

    fn respond(&self, head: &Head<'_>, body: &[u8]) -> Status {
        self.act(|wire| {
            if wire.peer_gone {
                wire.progress = Progress::Aborted;
                return Status::E_PEER;
            }
            wire.decide_close(self.drain_bytes);
            wire.write_whole(head, body)
        })
    }

    fn inform(&self, status: u16, fields: FieldsView<'_>) -> Status {
        self.act(|wire| {
            if wire.peer_gone {
                return Status::E_PEER;
            }
            match wire.http.interim(&mut wire.out, status, framed(fields)) {
                Ok(Outcome::Written) => Status::OK,
                Ok(Outcome::Discarded) => Status::DISCARDED,
                Err(_) => Status::E_INVALID,
            }
        })
    }

    fn start(&self, head: &Head<'_>) -> Status {
        self.act(|wire| {
            if wire.peer_gone {
                return Status::E_PEER;
            }
            wire.decide_close(self.drain_bytes);
            let length = head.length.map_or(Length::Unknown, Length::Known);
            let written = wire.http.response_head(
                &mut wire.out,
                head.status,
                framed(head.fields),
                length,
                &door::date(),
            );
            if written.is_err() {
                return wire.break_off();
            }
            wire.status = head.status;
            wire.progress = Progress::Started;
            Status::OK
        })
    }

    fn write(&self, data: &[u8], waiter: Waiter) -> (Status, usize) {
        let mut wire = self.wire();
        if wire.peer_gone || wire.progress == Progress::Aborted {
            return (Status::E_PEER, 0);
        }
        let accepted = data.len().min(wire.room());
        if accepted < data.len() {
            wire.writer = waiter;
        }
        drop(wire);
        if accepted == 0 && !data.is_empty() {
            return (Status::PENDING, 0);
        }
        self.act(|wire| {
            let Wire { http, out, .. } = &mut *wire;
            if http.response_data(out, &data[..accepted]).is_err() {
                return (wire.break_off(), 0);
            }
            wire.body_bytes += accepted as u64;
            (if accepted == data.len() { Status::OK } else { Status::PENDING }, accepted)
        })
    }

    fn forget_writer(&self) {
        self.wire().writer = None;
    }

    fn end(&self, trailers: FieldsView<'_>) -> Status {
        self.act(|wire| {
            if wire.peer_gone {
                wire.progress = Progress::Aborted;
                return Status::E_PEER;
            }
            match wire.http.response_end(&mut wire.out, trailers.iter()) {
                Ok(outcome) => {
                    wire.progress = Progress::Complete;
                    match outcome {
                        Outcome::Written => Status::OK,
                        Outcome::Discarded => Status::DISCARDED,
                    }
                }
                Err(_) => wire.break_off(),
            }
        })
    }

    fn abort(&self) {
        self.act(|wire| {
            wire.http.abort();
            wire.progress = Progress::Aborted;
        });
    }

    fn refuse(&self, status: u16) {
        self.act(|wire| {
            if wire.peer_gone || wire.progress != Progress::None {
                wire.http.abort();
                wire.progress = Progress::Aborted;
                return;
            }
            wire.decide_close(self.drain_bytes);
            answer(wire, status);
        });
    }

    fn body_fault(&self) -> Option<u16> {
        self.wire().fault
    }

    fn ended(&self, outcome: Status) {
        // A task that ended with its response has been noted by that.
        let mut wire = self.wire();
        wire.ended = Some(outcome);
        let settled = wire.noted;
        drop(wire);
        if !settled {
            self.act(|_| ());
        }
    }
}

/// The container's own answer: a line of text.
fn answer(wire: &mut Wire, status: u16) {
    answer_with(wire, status, &format!("{status} {}\n", hc_http1::reason(status)));
}

/// The answer to bytes that are no request: status, and which rule they break.
pub fn answer_refusal(wire: &mut Wire, refusal: &Refusal) {
    let status = refusal.status();
    let text = format!(
        "{status} {}\n{} ({}, {})\n",
        hc_http1::reason(status),
        refusal.sentence(),
        refusal.name(),
        refusal.section()
    );
    answer_with(wire, status, &text);
}

/// An answer of the container's with that text.
pub fn answer_with(wire: &mut Wire, status: u16, body: &str) {
    let fields: [(&[u8], &[u8]); 2] =
        [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Retry-After", b"1")];
    let fields = &fields[..if status == 503 { 2 } else { 1 }];
    let written = wire.http.respond_whole(
        &mut wire.out,
        status,
        fields.iter().copied(),
        body.as_bytes(),
        &door::date(),
    );
    wire.status = status;
    match written {
        Ok(outcome) => {
            wire.progress = Progress::Complete;
            if outcome == Outcome::Written {
                wire.body_bytes += body.len() as u64;
            }
        }
        Err(_) => {
            wire.http.abort();
            wire.progress = Progress::Aborted;
        }
    }
}
