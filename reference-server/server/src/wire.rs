//! What a connection and the task of its request share: the protocol's state, bytes to send, body chunks, who waits.
//!
//! Plain data and the writing of responses into it. It must not know threads, locks or sockets.

use crate::body::Gathering;
use crate::door;
use bytes::Bytes;
use hc_host::{Head, Waiter};
use hc_http1::{Connection, Length, Outcome, Outstanding, Refusal};
use http_container_abi::{FieldsView, Status};
use std::collections::VecDeque;

/// Response bytes that may wait for the peer before a module must wait.
pub const OUT_BYTES: usize = 64 << 10;
/// What a queued chunk counts beside its bytes: a peer that sends many small ones must wait as early.
const CHUNK_COST_BYTES: usize = 64;
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
    /// Their bytes, and what keeping them costs.
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
    /// The container has answered such a request in the module's stead: what the module sends is dropped.
    pub overruled: bool,
    /// The body is collected before the task is started.
    pub gathering: Option<Gathering>,
    /// Who waits for body bytes.
    pub reader: Waiter,
    /// Who waits for room.
    pub writer: Waiter,
    /// The module has asked for body bytes since the last ones came.
    pub asked: bool,
    /// The connection was told and has not looked yet.
    pub noted: bool,
}

impl Wire {
    /// Begins the next cycle with the connection's state machine.
    pub fn begin(&mut self, http: Connection, input: Input) {
        // Member by member: the buffers stay, and nothing is made only to be dropped.
        self.http = http;
        self.out.clear();
        self.unsent = 0;
        self.chunks.clear();
        self.queued = 0;
        self.input = input;
        self.progress = Progress::None;
        self.status = 0;
        self.body_bytes = 0;
        self.peer_gone = false;
        self.ended = None;
        self.fault = None;
        self.overruled = false;
        self.gathering = None;
        self.reader = None;
        self.writer = None;
        self.asked = false;
        self.noted = false;
    }

    /// Queues body bytes for the module.
    pub fn push_chunk(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.queued += chunk.len() + CHUNK_COST_BYTES;
            self.chunks.push_back(chunk);
        }
    }

    /// The next body bytes.
    pub fn pop_chunk(&mut self) -> Option<Bytes> {
        let chunk = self.chunks.pop_front()?;
        self.queued -= chunk.len() + CHUNK_COST_BYTES;
        Some(chunk)
    }

    /// Whether there are body bytes that the module has not read, or some are collected for it.
    pub fn has_unread(&self) -> bool {
        self.queued > 0 || self.gathering.is_some()
    }

    /// Drops them; answers how many bytes it was.
    pub fn drop_unread(&mut self) -> usize {
        self.end_gathering();
        self.queued = 0;
        self.chunks.drain(..).map(|chunk| chunk.len()).sum()
    }

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

    /// Tells a peer that waits for it to send the body; answers whether there is something to send for that.
    pub fn invite_body(&mut self) -> bool {
        self.http.wants_continue() && self.http.write_continue(&mut self.out).is_ok()
    }

    /// A buffer to write into: one that went round, so that a request that waits holds none.
    fn prepare(&mut self) {
        if self.out.capacity() == 0 {
            self.out = door::spare_buffer();
        }
    }

    /// Says in the response that the connection ends with it, when too much of the request would have to be drained.
    pub fn decide_close(&mut self, drain_bytes: u64, is_stopping: bool) {
        self.prepare();
        let too_much = match self.http.outstanding() {
            Outstanding::Nothing => false,
            Outstanding::Known(bytes) => bytes > drain_bytes,
            Outstanding::Unknown => drain_bytes == 0,
        };
        if too_much || is_stopping || matches!(self.input, Input::Failed(_)) {
            self.http.close_after_response();
        }
    }

    /// A success is not said of bytes that turned out to be no request while none of the answer was written (RFC 9112
    /// sections 2.2, 6.3 and 8): the container answers instead. An error of the module's own stands, and so does what it
    /// says of a body that was only too long [connection.refusal.overrule].
    pub fn overrule(&mut self, status: u16) -> bool {
        let fault = self.fault.filter(|&fault| status < 400 && fault != 413);
        if let Some(fault) = fault {
            self.overruled = true;
            answer(self, fault);
        }
        fault.is_some()
    }

    /// Head and body in one.
    pub fn write_whole(&mut self, head: &Head<'_>, body: &[u8]) -> Status {
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
    pub fn break_off(&mut self) -> Status {
        self.http.abort();
        self.progress = Progress::Aborted;
        Status::E_INVALID
    }
}

/// The fields without `content-length`, which the framing writes itself.
pub fn framed<'a>(fields: FieldsView<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
    fields.iter().filter(|(name, _)| name.len() != 14 || !name.eq_ignore_ascii_case(b"content-length"))
}

/// The length that a module told for a response that has no body here (HEAD, 304) though a GET's would have one.
fn told_length(head: &Head<'_>, body: &[u8]) -> Option<u64> {
    let told =
        if body.is_empty() && !head.fields.is_empty() { head.fields.get("content-length") } else { None };
    told.and_then(|told| str::from_utf8(told).ok()?.trim().parse().ok()).filter(|&told: &u64| told > 0)
}

/// The container's own answer: a line of text.
pub fn answer(wire: &mut Wire, status: u16) {
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
