//! Receiving: bytes from the socket to request heads and body chunks.

use super::Shard;
use crate::connection::{Connection, Ending};
use crate::door::Place;
use crate::wire::{AHEAD_BYTES, Input, Progress, Wire};
use hc_host::Signal;
use hc_http1::{Connection as Http, Event, Limits, Outstanding, Received, Refusal};
use http_container_abi::{FieldStorage, Status};
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
        let mut settled = 0;
        // What one read brought is one chunk for the module, however many the peer made of it.
        let mut gathered = Vec::new();
        let mut wire = exchange.wire();
        while wire.input == Input::Open && may_parse(&wire, gathered.len()) {
            let drops = drops(&wire);
            let rest = &input[settled..];
            match wire.http.receive(rest, connection.eof, &limits, &mut self.fields) {
                Ok(Received { consumed, event: Event::Data(range) }) => {
                    settled += consumed;
                    if drops && !drain(connection, range.len()) {
                        break;
                    }
                    if !drops {
                        gathered.extend_from_slice(&rest[range]);
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
        wire.push_chunk(gathered.into());
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

/// Whether there is room for more of the body; its end takes none, and no further byte announces it.
fn may_parse(wire: &Wire, gathered: usize) -> bool {
    wire.queued + gathered < AHEAD_BYTES || wire.http.outstanding() == Outstanding::Known(0)
}

/// Whether nobody will read the body: it is dropped, up to a limit, to keep the connection.
fn drops(wire: &Wire) -> bool {
    wire.progress == Progress::Complete && wire.ended.is_some()
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

/// The peer broke the rules inside the body, or cut it off.
fn fail_body(wire: &mut Wire, refusal: Refusal) {
    let status = refusal.status();
    wire.input = Input::Failed(if status == 413 { Status::E_LIMIT } else { Status::E_PEER });
    wire.fault = Some(status);
}
