//! Receiving: bytes from the socket to request heads and body chunks.

use super::Shard;
use crate::body;
use crate::connection::{Connection, Ending};
use crate::door::Place;
use hc_host::Signal;
use hc_http1::{Connection as Http, Event, Limits, Received};
use std::io::ErrorKind;

/// Reading less at once would cost more than it bounds.
const LEAST_READ_BYTES: usize = 1024;

/// What a read brought.
enum Got {
    /// So many bytes, in the scratch buffer.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// The peer's end.
    End,
    /// The connection is lost.
    Lost,
}

impl Shard {
    /// Reads at most `most` bytes.
    fn read(&mut self, connection: &mut Connection, most: usize) -> Got {
        let most = most.clamp(LEAST_READ_BYTES, self.scratch.len());
        while connection.readable && !connection.eof {
            match connection.stream.read(&mut self.scratch[..most]) {
                Ok(0) => {
                    connection.eof = true;
                    return Got::End;
                }
                Ok(bytes) => {
                    // A short read has emptied the socket; what comes later makes an edge of its own.
                    connection.readable = bytes == most || connection.eof_ahead;
                    connection.progress(self.now_ns);
                    return Got::Bytes(bytes);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => connection.readable = false,
                    ErrorKind::Interrupted => {}
                    _ => return Got::Lost,
                },
            }
        }
        Got::Nothing
    }

    /// Between requests: parses what is there, reads more; `true` when something changed.
    pub(super) fn next_request(&mut self, place: Place, connection: &mut Connection) -> bool {
        if !connection.input.is_empty() {
            let input = connection.input.take_with(b"");
            let consumed = self.parse_head(place, connection, &input);
            connection.input.keep(input, consumed);
            if consumed > 0 || connection.exchange.is_some() || connection.ending != Ending::None {
                return true;
            }
        }
        match self.read(connection, self.common.plan.limits.pipelined_bytes) {
            Got::Bytes(bytes) => {
                self.feed(connection, bytes, |shard, connection, input| {
                    shard.parse_head(place, connection, input)
                });
                true
            }
            Got::Nothing => false,
            Got::End => {
                let input = connection.input.take_with(b"");
                self.parse_head(place, connection, &input);
                connection.ending != Ending::None
            }
            Got::Lost => self.give_up(connection),
        }
    }

    /// During a request body: hands on what is there, reads more; `true` when something changed.
    pub(super) fn more_body(&mut self, connection: &mut Connection) -> bool {
        if !connection.input.is_empty() {
            let input = connection.input.take_with(b"");
            let consumed = self.parse_body(connection, &input);
            connection.input.keep(input, consumed);
            if consumed > 0 {
                return true;
            }
        }
        match self.read(connection, usize::MAX) {
            Got::Bytes(bytes) => {
                self.feed(connection, bytes, Self::parse_body);
                true
            }
            Got::Nothing => false,
            Got::End => {
                self.tell_cut_off(connection);
                let input = connection.input.take_with(b"");
                self.parse_body(connection, &input);
                true
            }
            Got::Lost => self.give_up(connection),
        }
    }

    /// The peer ended inside its body: that it left comes before the body's fault, unless half-closed peers are waited for.
    fn tell_cut_off(&mut self, connection: &mut Connection) {
        if !self.common.plan.routes[connection.route as usize].half_close_waits && !connection.told_gone {
            connection.told_gone = true;
            self.host.container().signal(connection.task, Signal::PeerGone);
        }
    }

    fn give_up(&mut self, connection: &mut Connection) -> bool {
        self.lose(connection);
        connection.ending = Ending::Flush;
        false
    }

    /// Parses what was just read behind what was left before, and keeps what is not consumed.
    fn feed(
        &mut self,
        connection: &mut Connection,
        bytes: usize,
        parse: impl FnOnce(&mut Shard, &mut Connection, &[u8]) -> usize,
    ) {
        let scratch = std::mem::take(&mut self.scratch);
        if connection.input.is_empty() {
            if connection.exchange.is_none() {
                connection.head_ns = self.now_ns;
            }
            let consumed = parse(self, connection, &scratch[..bytes]);
            connection.input.keep_copy(&scratch[consumed..bytes]);
        } else {
            let input = connection.input.take_with(&scratch[..bytes]);
            let consumed = parse(self, connection, &input);
            connection.input.keep(input, consumed);
        }
        self.scratch = scratch;
    }

    /// One head, or why there is none; answers how many bytes are settled.
    fn parse_head(&mut self, place: Place, connection: &mut Connection, input: &[u8]) -> usize {
        let mut http = connection.http.take().map_or_else(Http::new, |http| *http);
        let mut fields = std::mem::take(&mut self.fields);
        let settled = match http.receive(input, connection.eof, &self.common.plan.http, &mut fields) {
            Ok(Received { consumed, event: Event::Head(head) }) => {
                self.open(place, connection, http, &input[..consumed], &head, &fields);
                consumed
            }
            Ok(Received { consumed, event: Event::Closed }) => {
                connection.ending = Ending::Flush;
                consumed
            }
            Ok(Received { consumed, .. }) => {
                connection.http = Some(Box::new(http));
                consumed
            }
            Err(refusal) => {
                self.refuse_head(connection, http, refusal);
                input.len()
            }
        };
        self.fields = fields;
        settled
    }

    /// As much of the body as the exchange takes; answers how many bytes are settled.
    fn parse_body(&mut self, connection: &mut Connection, input: &[u8]) -> usize {
        let Some(exchange) = connection.exchange.clone() else { return 0 };
        let limits = Limits {
            body_bytes: self.common.plan.routes[connection.route as usize].body_bytes,
            ..self.common.plan.http
        };
        let mut wire = exchange.wire();
        let eof = connection.eof;
        let filled =
            body::fill(&mut wire, input, eof, &limits, &mut self.fields, |bytes| drain(connection, bytes));
        // Before the lock is free: whoever sees the body's end may ask for them at once.
        if let Some(trailers) = filled.trailers {
            exchange.set_trailers(trailers);
        }
        drop(wire);
        let container = self.host.container();
        filled.reader.into_iter().for_each(|task| container.signal(task, Signal::Body));
        filled.gatherer.into_iter().for_each(|task| container.signal(task, Signal::Gathered));
        filled.settled
    }
}

/// Counts dropped bytes; `false` when it is too much, and the connection ends instead.
pub(super) fn drain(connection: &mut Connection, bytes: usize) -> bool {
    match connection.drain_bytes.checked_sub(bytes as u64) {
        Some(left) => {
            connection.drain_bytes = left;
            true
        }
        None => {
            connection.must_linger = true;
            connection.ending = Ending::Flush;
            false
        }
    }
}
