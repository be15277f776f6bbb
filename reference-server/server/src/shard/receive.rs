//! Receiving: bytes from the socket to request heads and body chunks.

use super::Shard;
use crate::connection::{Connection, Ending};
use crate::door::Place;
use crate::exchange::{AHEAD_BYTES, Input, Progress, Wire};
use bytes::{Buf, Bytes, BytesMut};
use hc_host::Signal;
use hc_http1::{Event, Limits, Received, Refusal};
use http_container_abi::{FieldStorage, Status};
use std::io::ErrorKind;

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
    fn read(&mut self, connection: &mut Connection) -> Got {
        while connection.readable && !connection.eof {
            match connection.stream.read(&mut self.scratch) {
                Ok(0) => {
                    connection.eof = true;
                    return Got::End;
                }
                Ok(bytes) => {
                    // A short read has emptied the socket; what comes later makes an edge of its own.
                    connection.readable = bytes == self.scratch.len() || connection.eof_ahead;
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
            let mut input = std::mem::take(&mut connection.input);
            let consumed = self.parse_head(place, connection, &input);
            input.advance(consumed);
            if !input.is_empty() {
                connection.input = input;
            }
            if consumed > 0 || connection.exchange.is_some() || connection.ending != Ending::None {
                return true;
            }
        }
        match self.read(connection) {
            Got::Bytes(bytes) => {
                self.feed_head(place, connection, bytes);
                true
            }
            Got::Nothing => false,
            Got::End => {
                let input = std::mem::take(&mut connection.input);
                self.parse_head(place, connection, &input);
                connection.ending != Ending::None
            }
            Got::Lost => {
                self.lose(connection);
                connection.ending = Ending::Flush;
                false
            }
        }
    }

    /// Parses what was just read, with what was left before; keeps what is not consumed.
    fn feed_head(&mut self, place: Place, connection: &mut Connection, bytes: usize) {
        if connection.input.is_empty() {
            connection.head_ns = self.now_ns;
            let scratch = std::mem::take(&mut self.scratch);
            let consumed = self.parse_head(place, connection, &scratch[..bytes]);
            if consumed < bytes {
                connection.input = BytesMut::from(&scratch[consumed..bytes]);
            }
            self.scratch = scratch;
            return;
        }
        let mut input = std::mem::take(&mut connection.input);
        input.extend_from_slice(&self.scratch[..bytes]);
        let consumed = self.parse_head(place, connection, &input);
        input.advance(consumed);
        if !input.is_empty() {
            connection.input = input;
        }
    }

    /// One head, or why there is none; answers how many bytes are settled.
    fn parse_head(&mut self, place: Place, connection: &mut Connection, input: &[u8]) -> usize {
        let mut fields = std::mem::take(&mut self.fields);
        let settled =
            match connection.http.receive(input, connection.eof, &self.common.plan.http, &mut fields) {
                Ok(Received { consumed, event: Event::Head(head) }) => {
                    self.open(place, connection, &input[..consumed], &head, &fields);
                    consumed
                }
                Ok(Received { consumed, event: Event::Closed }) => {
                    connection.ending = Ending::Flush;
                    consumed
                }
                Ok(Received { consumed, .. }) => consumed,
                Err(refusal) => {
                    self.refuse_head(connection, refusal);
                    input.len()
                }
            };
        self.fields = fields;
        settled
    }

    /// During a request body: hands on what is there, reads more; `true` when something changed.
    pub(super) fn more_body(&mut self, connection: &mut Connection) -> bool {
        if !connection.input.is_empty() {
            let mut input = std::mem::take(&mut connection.input);
            let consumed = self.parse_body(connection, &input);
            input.advance(consumed);
            if !input.is_empty() {
                connection.input = input;
            }
            if consumed > 0 {
                return true;
            }
        }
        match self.read(connection) {
            Got::Bytes(bytes) => {
                self.feed_body(connection, bytes);
                true
            }
            Got::Nothing => false,
            Got::End => {
                let input = std::mem::take(&mut connection.input);
                self.parse_body(connection, &input);
                true
            }
            Got::Lost => {
                self.lose(connection);
                connection.ending = Ending::Flush;
                false
            }
        }
    }

    fn feed_body(&mut self, connection: &mut Connection, bytes: usize) {
        if connection.input.is_empty() {
            let scratch = std::mem::take(&mut self.scratch);
            let consumed = self.parse_body(connection, &scratch[..bytes]);
            if consumed < bytes {
                connection.input = BytesMut::from(&scratch[consumed..bytes]);
            }
            self.scratch = scratch;
            return;
        }
        let mut input = std::mem::take(&mut connection.input);
        input.extend_from_slice(&self.scratch[..bytes]);
        let consumed = self.parse_body(connection, &input);
        input.advance(consumed);
        if !input.is_empty() {
            connection.input = input;
        }
    }

    /// As much of the body as the exchange takes; answers how many bytes are settled.
    fn parse_body(&mut self, connection: &mut Connection, input: &[u8]) -> usize {
        let Some(exchange) = connection.exchange.clone() else { return 0 };
        let limits = Limits {
            body_bytes: self.common.plan.routes[connection.route as usize].body_bytes,
            ..self.common.plan.http
        };
        let mut settled = 0;
        let mut wire = exchange.wire();
        while wire.input == Input::Open && wire.queued < AHEAD_BYTES {
            let drops = wire.progress == Progress::Complete && wire.ended.is_some();
            let rest = &input[settled..];
            match wire.http.receive(rest, connection.eof, &limits, &mut self.fields) {
                Ok(Received { consumed, event: Event::Data(range) }) => {
                    settled += consumed;
                    if drops && !drain(connection, range.len()) {
                        break;
                    }
                    if !drops {
                        wire.queued += range.len();
                        wire.chunks.push_back(Bytes::copy_from_slice(&rest[range]));
                    }
                }
                Ok(Received { consumed, event: Event::End }) => {
                    if !self.fields.is_empty() {
                        let mut trailers = FieldStorage::new();
                        self.fields.iter(rest).for_each(|(name, value)| {
                            trailers.push(&name.to_ascii_lowercase(), value);
                        });
                        trailers.seal();
                        exchange.set_trailers(trailers);
                    }
                    settled += consumed;
                    wire.input = Input::Ended;
                }
                Ok(Received { consumed, .. }) => {
                    settled += consumed;
                    break;
                }
                Err(refusal) => {
                    fail_body(&mut wire, refusal);
                    settled = input.len();
                }
            }
        }
        let has_news = !wire.chunks.is_empty() || wire.input != Input::Open;
        wire.asked &= !has_news;
        let reader = if has_news { wire.wake_reader() } else { None };
        drop(wire);
        if let Some(task) = reader {
            self.host.container().signal(task, Signal::Body);
        }
        settled
    }
}

/// Counts dropped bytes; `false` when it is too much, and the connection ends instead.
fn drain(connection: &mut Connection, bytes: usize) -> bool {
    match connection.drain_bytes.checked_sub(bytes as u64) {
        Some(left) => {
            connection.drain_bytes = left;
            true
        }
        None => {
            connection.ending = Ending::Flush;
            false
        }
    }
}

/// The peer broke the rules inside the body, or cut it off.
fn fail_body(wire: &mut Wire, refusal: Refusal) {
    let status = refusal.status();
    wire.input = Input::Failed(if status == 413 { Status::E_LIMIT } else { Status::E_PEER });
    wire.fault = Some(status);
}
