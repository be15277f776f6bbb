//! Drives a `Connection` the way a server does and writes down what happened, one line per event.
//!
//! Data is merged, so that the log does not depend on how the input was cut. Shared by the tests of this
//! crate.
#![allow(dead_code, reason = "every test binary uses its own part of the driver")]

pub mod response_reader;

use hc_http1::{
    CloseReason, Connection, Date, Event, FieldTable, Head, Limits, NextCycle, Received, RequestBody,
    TargetForm, Version, copy_head_lowercased,
};

pub const DATE: &Date = b"Sun, 06 Nov 1994 08:49:37 GMT";
pub const NO_FIELDS: [(&[u8], &[u8]); 0] = [];

/// A connection, its buffer and its log.
pub struct Driver {
    pub connection: Connection,
    limits: Limits,
    fields: FieldTable,
    buffer: Vec<u8>,
    data: Vec<u8>,
    pub log: Vec<String>,
    pub out: Vec<u8>,
    over: bool,
}

impl Driver {
    pub fn new(limits: Limits) -> Self {
        Self {
            connection: Connection::new(),
            limits,
            fields: FieldTable::new(),
            buffer: Vec::new(),
            data: Vec::new(),
            log: Vec::new(),
            out: Vec::new(),
            over: false,
        }
    }

    /// The log of `pieces` arriving one after the other.
    pub fn log_of<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>, eof: bool) -> Vec<String> {
        let mut driver = Self::new(limits);
        for piece in pieces {
            driver.feed(piece, false);
        }
        driver.feed(b"", eof);
        driver.finish()
    }

    /// Bytes arrive; every event that follows from them is handled.
    pub fn feed(&mut self, piece: &[u8], eof: bool) {
        self.buffer.extend_from_slice(piece);
        while !self.over {
            let buffer = std::mem::take(&mut self.buffer);
            let received = self.connection.receive(&buffer, eof, &self.limits, &mut self.fields);
            let more = match received {
                Err(refusal) => {
                    self.note_refusal(refusal);
                    false
                }
                Ok(Received { consumed, event }) => {
                    assert!(consumed <= buffer.len());
                    let more = self.handle(&buffer[..consumed], event);
                    self.buffer = buffer[consumed..].to_vec();
                    more
                }
            };
            if !more {
                return;
            }
        }
    }

    /// The log, with what was left when no more bytes came.
    pub fn finish(mut self) -> Vec<String> {
        self.flush();
        if !self.over
            && (!self.buffer.is_empty()
                || self.connection.request_state() != hc_http1::state::RequestState::Idle)
        {
            self.log.push("waits".into());
        }
        self.log
    }

    fn flush(&mut self) {
        if !self.data.is_empty() {
            self.log.push(format!("data {}", self.data.escape_ascii()));
            self.data.clear();
        }
    }

    fn note_refusal(&mut self, refusal: hc_http1::Refusal) {
        self.flush();
        self.log.push(format!("{} {}", refusal.status(), refusal.name()));
        let answer = self.connection.respond_whole(&mut self.out, refusal.status(), NO_FIELDS, b"", DATE);
        _ = answer.expect("a refusal can be answered when no response was begun");
        let again = self.connection.receive(b"GET / HTTP/1.1\r\n", false, &self.limits, &mut self.fields);
        assert_eq!(
            again.map(|received| received.event),
            Ok(Event::Closed),
            "nothing is read after a refusal"
        );
        assert_eq!(self.connection.next_cycle(), NextCycle::MustClose(CloseReason::Refused));
        self.over = true;
    }

    /// Writes an event down; false when there is nothing more to do with these bytes.
    fn handle(&mut self, consumed: &[u8], event: Event) -> bool {
        match event {
            Event::NeedMore => return false,
            Event::Data(range) => {
                assert!(!range.is_empty());
                self.data.extend_from_slice(&consumed[range]);
            }
            Event::Head(head) => {
                self.log.push(describe(&head, consumed));
                self.note_fields(consumed);
                if !head.has_body() {
                    return self.answer();
                }
            }
            Event::End => {
                self.flush();
                self.log.push("end".into());
                self.note_fields(consumed);
                return self.answer();
            }
            Event::Closed => {
                self.flush();
                self.log.push("closed".into());
                self.over = true;
            }
            Event::Paused => panic!("every request is answered at once"),
        }
        true
    }

    /// The fields that matter to the case: those that framed the message are in the head's line.
    fn note_fields(&mut self, consumed: &[u8]) {
        let mut copy = Vec::new();
        copy_head_lowercased(consumed, consumed.len(), &self.fields, &mut copy);
        for (name, value) in self.fields.iter(&copy) {
            if !matches!(name, b"host" | b"content-length" | b"transfer-encoding" | b"connection") {
                self.log.push(format!("field {}: {}", name.escape_ascii(), value.escape_ascii()));
            }
        }
    }

    fn answer(&mut self) -> bool {
        _ = self
            .connection
            .respond_whole(&mut self.out, 404, NO_FIELDS, b"", DATE)
            .expect("the request is whole");
        match self.connection.next_cycle() {
            NextCycle::Ready => true,
            NextCycle::MustClose(reason) => {
                self.log.push(format!("close {reason:?}"));
                self.over = true;
                false
            }
            NextCycle::NotYet => panic!("request and response are whole"),
        }
    }
}

/// A head as one line: only what is not the usual is named.
fn describe(head: &Head, bytes: &[u8]) -> String {
    let text = |span: hc_http1::Span| span.of(bytes).escape_ascii().to_string();
    let mut line = format!("head {} {}", text(head.method), text(head.target));
    if head.version == Version::Http10 {
        line += " 1.0";
    }
    if head.form != TargetForm::Origin {
        line += &format!(" {}", format!("{:?}", head.form).to_lowercase());
    }
    if let Some(scheme) = head.scheme {
        line += &format!(" scheme={}", text(scheme));
    }
    match head.authority {
        Some(authority) => line += &format!(" authority={}", text(authority)),
        None => line += " no-authority",
    }
    if head.path != head.target {
        line += &format!(" path={}", text(head.path));
    }
    if let Some(query) = head.query {
        line += &format!(" query={}", text(query));
    }
    match head.body {
        RequestBody::Empty => {}
        RequestBody::Known(length) => line += &format!(" length={length}"),
        RequestBody::Chunked => line += " chunked",
    }
    for (is, word) in [
        (head.expect_continue, " expects-continue"),
        (head.upgrade, " upgrade"),
        (head.accepts_trailers, " trailers"),
    ] {
        line += if is { word } else { "" };
    }
    line
}
