//! One connection: the request side's bytes turned into events, and the decision what comes after a cycle.
//!
//! It owns no buffer and reads no clock. The response side is in `response`; which act is legal when is in
//! `state`.

use crate::chunked::{Chunk, ChunkedReader};
use crate::event::{CloseReason, Event, NextCycle, Outstanding, Received};
use crate::framing::Notes;
use crate::head::{Head, RequestBody, TargetForm, Version};
use crate::head_parser::{HeadReader, read_trailers};
use crate::limits::Limits;
use crate::lines::LineScan;
use crate::misuse::Misuse;
use crate::refusal::{Refusal, Rule};
use crate::response::ResponseBody;
use crate::span::FieldTable;
use crate::state::{Act, RequestState, ResponseState, step};

/// The server side of one HTTP/1.1 connection. See the crate's README for the loop that drives it.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) request: RequestState,
    pub(crate) response: ResponseState,
    pub(crate) version: Version,
    /// The request's method is HEAD: the response has no content.
    pub(crate) is_head: bool,
    /// The request's method is CONNECT: a success would promise a tunnel.
    pub(crate) is_connect: bool,
    /// `Expect: 100-continue` waits for an answer.
    pub(crate) continue_wanted: bool,
    /// Why the connection ends with this cycle, if it does.
    pub(crate) close: Option<CloseReason>,
    empty_lines: u8,
    scan: LineScan,
    body: Reading,
    pub(crate) response_body: ResponseBody,
}

/// How far the request content was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Nothing,
    Known { remaining: u64 },
    Chunked(ChunkedReader),
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    /// A connection on which nothing has happened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            request: RequestState::Idle,
            response: ResponseState::Idle,
            version: Version::Http10,
            is_head: false,
            is_connect: false,
            continue_wanted: false,
            close: None,
            empty_lines: 0,
            scan: LineScan::new(),
            body: Reading::Nothing,
            response_body: ResponseBody::Nothing,
        }
    }

    /// Reads `input`, the bytes received and not yet consumed, and reports one event. `eof` says that no byte
    /// will ever follow. Call it again until it says `NeedMore`, `Paused` or `Closed`.
    ///
    /// `fields` is filled by `Head` and `End` and otherwise left in an unspecified state.
    ///
    /// # Errors
    /// The peer broke a rule: answer with its status and close.
    #[inline]
    pub fn receive(
        &mut self,
        input: &[u8],
        eof: bool,
        limits: &Limits,
        fields: &mut FieldTable,
    ) -> Result<Received, Refusal> {
        let received = match self.request {
            RequestState::Idle => self.receive_head(input, eof, limits, fields),
            RequestState::Body => self.receive_body(input, eof, limits, fields),
            RequestState::Done => Ok(Received { consumed: 0, event: Event::Paused }),
            RequestState::Closed | RequestState::Failed => {
                Ok(Received { consumed: input.len(), event: Event::Closed })
            }
        };
        if received.is_err() {
            self.refuse(input);
        }
        received
    }

    #[inline]
    fn receive_head(
        &mut self,
        input: &[u8],
        eof: bool,
        limits: &Limits,
        fields: &mut FieldTable,
    ) -> Result<Received, Refusal> {
        let base = if input.first().is_some_and(|&byte| byte > b'\r') {
            0
        } else {
            self.skip_empty_lines(input, limits)?
        };
        let mut reader = HeadReader { head: Head::EMPTY, notes: Notes::default(), fields, limits };
        let Some(end) = reader.read(input, base, &mut self.scan)? else {
            return self.head_is_incomplete(input, base, eof);
        };
        reader.judge()?;
        let head = &reader.head;
        self.is_head = head.method.of(input) == b"HEAD";
        self.version = head.version;
        // Content that is here already waits for nothing (RFC 9110 section 10.1.1).
        self.continue_wanted = head.expect_continue && input.len() == end;
        self.is_connect = head.form == TargetForm::Authority;
        if self.is_connect {
            self.close = Some(CloseReason::ConnectRefused);
        } else if !head.keep_alive {
            self.close = Some(CloseReason::Requested);
        }
        self.body = match head.body {
            RequestBody::Empty => Reading::Nothing,
            RequestBody::Known(remaining) => Reading::Known { remaining },
            RequestBody::Chunked => Reading::Chunked(ChunkedReader::new()),
        };
        self.go(if head.has_body() { Act::ReceiveHead } else { Act::ReceiveWhole });
        self.scan = LineScan::new();
        Ok(Received { consumed: end, event: Event::Head(reader.head) })
    }

    /// Steps over the empty lines before a request line (RFC 9112 section 2.2) and returns their length.
    #[cold]
    fn skip_empty_lines(&mut self, input: &[u8], limits: &Limits) -> Result<usize, Refusal> {
        let mut base = 0;
        loop {
            match &input[base..] {
                [b'\r', b'\n', ..] if self.scan.is_fresh() => {
                    if self.empty_lines >= limits.empty_lines {
                        return Err(Rule::EmptyLines.into());
                    }
                    self.empty_lines += 1;
                    base += 2;
                }
                _ => return Ok(base),
            }
        }
    }

    #[cold]
    fn head_is_incomplete(&mut self, input: &[u8], base: usize, eof: bool) -> Result<Received, Refusal> {
        if !eof {
            return Ok(Received { consumed: base, event: Event::NeedMore });
        }
        if base < input.len() {
            return Err(Rule::TruncatedHead.into());
        }
        self.go(Act::PeerEnd);
        self.close = Some(CloseReason::PeerClosed);
        Ok(Received { consumed: base, event: Event::Closed })
    }

    fn receive_body(
        &mut self,
        input: &[u8],
        eof: bool,
        limits: &Limits,
        fields: &mut FieldTable,
    ) -> Result<Received, Refusal> {
        if !input.is_empty() {
            // RFC 9110 section 10.1.1: no 100 is needed once content arrives.
            self.continue_wanted = false;
        }
        let received = match &mut self.body {
            Reading::Nothing => end_of(0, fields),
            Reading::Known { remaining: 0 } => end_of(0, fields),
            Reading::Known { remaining } => {
                let bytes =
                    usize::try_from(*remaining).map_or(input.len(), |remaining| remaining.min(input.len()));
                *remaining -= bytes as u64;
                if bytes == 0 {
                    need_more(0)
                } else {
                    Received { consumed: bytes, event: Event::Data(0..bytes) }
                }
            }
            Reading::Chunked(reader) => match reader.advance(input, limits)? {
                Chunk::NeedMore => need_more(input.len()),
                Chunk::Data { start, bytes } => {
                    Received { consumed: start + bytes, event: Event::Data(start..start + bytes) }
                }
                Chunk::Trailers { start } => self.receive_trailers(input, start, limits, fields)?,
            },
        };
        match received.event {
            Event::Data(_) => self.go(Act::ReceiveData),
            Event::End => self.go(Act::ReceiveEnd),
            _ if eof => return Err(Rule::TruncatedBody.into()),
            _ => {}
        }
        Ok(received)
    }

    fn receive_trailers(
        &mut self,
        input: &[u8],
        start: usize,
        limits: &Limits,
        fields: &mut FieldTable,
    ) -> Result<Received, Refusal> {
        let length = read_trailers(input, start, &mut self.scan, limits, fields)?;
        Ok(length.map_or(need_more(start), |end| {
            self.scan = LineScan::new();
            Received { consumed: end, event: Event::End }
        }))
    }

    /// Whether the peer waits for `write_continue` before it sends the content.
    #[inline]
    #[must_use]
    pub const fn wants_continue(&self) -> bool {
        self.continue_wanted
    }

    /// How much request content has not been received yet. The server reads on and drops it, or closes.
    #[must_use]
    pub const fn outstanding(&self) -> Outstanding {
        match (self.request, self.body) {
            (RequestState::Body, Reading::Known { remaining }) => Outstanding::Known(remaining),
            (RequestState::Body, Reading::Chunked(_)) => Outstanding::Unknown,
            _ => Outstanding::Nothing,
        }
    }

    /// State of the request side.
    #[must_use]
    pub const fn request_state(&self) -> RequestState {
        self.request
    }

    /// State of the response side.
    #[must_use]
    pub const fn response_state(&self) -> ResponseState {
        self.response
    }

    /// The connection will not be used again: says so in the response head if that is not written yet.
    pub fn close_after_response(&mut self) {
        self.close_for(CloseReason::Decided);
    }

    /// Whether the connection will be closed after this cycle, as far as is known now.
    #[must_use]
    pub const fn closes(&self) -> bool {
        self.close.is_some()
    }

    /// Gives the cycle up: whatever was written, only closing remains.
    pub fn abort(&mut self) {
        self.go(Act::Abort);
        self.close_for(CloseReason::Aborted);
    }

    /// Asks whether the next request may be received, and resets the connection for it if so.
    #[inline]
    pub fn next_cycle(&mut self) -> NextCycle {
        match (self.request, self.response) {
            (_, ResponseState::Failed) | (RequestState::Closed, _) => {}
            (_, ResponseState::Idle | ResponseState::Body) => return NextCycle::NotYet,
            (RequestState::Body, ResponseState::Done) if self.close.is_none() => return NextCycle::NotYet,
            _ => {}
        }
        if let Some(reason) = self.close {
            return NextCycle::MustClose(reason);
        }
        self.go(Act::NextCycle);
        self.is_head = false;
        self.version = Version::Http10;
        self.continue_wanted = false;
        self.empty_lines = 0;
        self.body = Reading::Nothing;
        self.response_body = ResponseBody::Nothing;
        NextCycle::Ready
    }

    /// `input` is what was refused. The answer to a HEAD has no content, also when its head was wrong further
    /// on (RFC 9110 section 9.3.2).
    #[cold]
    fn refuse(&mut self, mut input: &[u8]) {
        if self.request == RequestState::Idle {
            while let [b'\r', b'\n', rest @ ..] = input {
                input = rest;
            }
            self.is_head = input.starts_with(b"HEAD ");
        }
        self.go(Act::Refuse);
        self.close = Some(CloseReason::Refused);
    }

    /// Notes a reason to close; the first one stands.
    pub(crate) fn close_for(&mut self, reason: CloseReason) {
        self.close.get_or_insert(reason);
    }

    /// Takes a step that this file knows to be legal.
    #[inline]
    fn go(&mut self, act: Act) {
        let took = self.take(act);
        debug_assert!(took.is_ok(), "{act:?} must be legal in {:?} x {:?}", self.request, self.response);
    }

    /// Takes a step if the table has it.
    #[inline]
    pub(crate) fn take(&mut self, act: Act) -> Result<(), Misuse> {
        let (request, response) = (self.request, self.response);
        (self.request, self.response) =
            step(act, request, response).ok_or(Misuse::State { act, request, response })?;
        Ok(())
    }
}

fn need_more(consumed: usize) -> Received {
    Received { consumed, event: Event::NeedMore }
}

/// The end of content without trailers.
fn end_of(consumed: usize, fields: &mut FieldTable) -> Received {
    fields.clear();
    Received { consumed, event: Event::End }
}
