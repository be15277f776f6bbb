//! Driving a connection: whatever happened, bring the exchange's answer out and the peer's bytes in, as far as both go.

use super::Shard;
use super::receive::drain;
use crate::connection::{Connection, Ending, Fate};
use crate::door::{self, Place};
use crate::exchange::HttpExchange;
use crate::wire::{Input, OUT_BYTES, Progress, Wire};
use hc_host::Signal;
use hc_http1::{CloseReason, NextCycle};
use std::io::ErrorKind;
use std::sync::Arc;

/// How often a body is read from before others get their turn.
const BODY_READS: u32 = 16;

/// What the exchange allows the connection to do.
enum Settled {
    /// There is no exchange, or it has just ended: a request may come.
    Free,
    /// The request body may go on.
    Body,
    /// Nothing until the exchange says more.
    Wait,
    /// The connection ends.
    End,
}

impl Shard {
    /// Goes on as far as possible.
    pub(super) fn drive(&mut self, place: Place, connection: &mut Connection) -> Fate {
        let mut body_reads = 0;
        loop {
            if connection.ending != Ending::None {
                break;
            }
            let went_on = match self.settle(connection) {
                Settled::Free => {
                    // A request that is complete goes to its task first.
                    self.next_request(place, connection) && (connection.task == 0 || connection.has_body)
                }
                Settled::Body if body_reads == BODY_READS => {
                    self.door.note(place);
                    false
                }
                Settled::Body => {
                    body_reads += 1;
                    self.more_body(connection)
                }
                Settled::Wait | Settled::End => false,
            };
            if !went_on {
                break;
            }
        }
        self.mind_gone(place, connection);
        if connection.unsent() == 0 && connection.ending == Ending::None {
            return Fate::Keep;
        }
        // With a further request under way its answer may still join these bytes.
        let is_pipelined = connection.exchange.is_some() && connection.ending == Ending::None;
        if connection.unsent() > 0 && is_pipelined && connection.unsent() < OUT_BYTES {
            if !std::mem::replace(&mut connection.to_flush, true) {
                self.to_flush.push(place);
            }
            return Fate::Keep;
        }
        self.flush(connection)
    }

    /// Takes over what the task's side did.
    fn settle(&mut self, connection: &mut Connection) -> Settled {
        let Some(exchange) = connection.exchange.clone() else { return Settled::Free };
        let mut wire = exchange.wire();
        wire.heard();
        take_bytes(connection, &mut wire);
        match wire.progress {
            Progress::Aborted => {
                connection.broken = true;
                self.finish_cycle(connection, &wire);
                drop(wire);
                self.release(connection, exchange);
                connection.ending = Ending::Flush;
                return Settled::End;
            }
            Progress::Complete => {}
            Progress::None | Progress::Started => return body_or_wait(&wire),
        }
        // The module may still read a body whose response is complete.
        let body_lives = wire.input == Input::Open && wire.ended.is_none();
        if body_lives {
            return body_or_wait(&wire);
        }
        // What came before the task ended is dropped like what comes now; a full queue would let nothing through.
        if wire.ended.is_some() && wire.has_unread() {
            let dropped = wire.drop_unread();
            if wire.input == Input::Open && !drain(connection, dropped) {
                return Settled::End;
            }
        }
        match wire.http.next_cycle() {
            NextCycle::NotYet => Settled::Body,
            NextCycle::Ready => {
                self.finish_cycle(connection, &wire);
                drop(wire);
                self.release(connection, exchange);
                Settled::Free
            }
            NextCycle::MustClose(reason) => {
                // Of a refused CONNECT's tunnel the peer may be sending the first bytes.
                connection.must_linger |= wire.input != Input::Ended || reason == CloseReason::ConnectRefused;
                self.finish_cycle(connection, &wire);
                drop(wire);
                self.release(connection, exchange);
                connection.ending = Ending::Flush;
                Settled::End
            }
        }
    }

    /// Gives the exchange back for the next request, if no task holds it any more.
    fn release(&mut self, connection: &mut Connection, exchange: Arc<HttpExchange>) {
        connection.exchange = None;
        connection.task = 0;
        connection.told_gone = false;
        self.keep_exchange(exchange);
    }

    /// A peer that closed its half while its request is under way is told to the task, after the task's first step.
    fn mind_gone(&mut self, place: Place, connection: &mut Connection) {
        let Some(exchange) = &connection.exchange else { return };
        if connection.told_gone
            || !(connection.eof || connection.eof_ahead)
            || connection.ending != Ending::None
        {
            return;
        }
        if self.common.plan.routes[connection.route as usize].half_close_waits {
            return;
        }
        let wire = exchange.wire();
        let is_whole = wire.input != Input::Open || connection.eof;
        if is_whole && wire.progress != Progress::Complete && wire.ended.is_none() {
            self.gone.push((place, connection.task));
        }
    }

    /// Sends what there is to send, and ends the connection when that was the last.
    pub(super) fn flush(&mut self, connection: &mut Connection) -> Fate {
        if connection.unsent() > 0 {
            if self.send(connection) == Fate::Close {
                return Fate::Close;
            }
            self.make_room(connection);
        }
        match connection.ending {
            Ending::Flush if connection.unsent() == 0 => self.end_half(connection),
            Ending::Lingering => self.linger(connection),
            _ => Fate::Keep,
        }
    }

    fn send(&mut self, connection: &mut Connection) -> Fate {
        while connection.unsent() > 0 && connection.writable {
            match connection.stream.write(&connection.outbox[connection.sent..]) {
                Ok(0) => return Fate::Close,
                Ok(bytes) => {
                    connection.sent += bytes;
                    connection.progress(self.now_ns);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => connection.writable = false,
                    ErrorKind::Interrupted => {}
                    _ => {
                        self.lose(connection);
                        return Fate::Close;
                    }
                },
            }
        }
        if connection.unsent() == 0 {
            connection.sent = 0;
            connection.outbox.clear();
            if connection.exchange.is_none() {
                door::keep_buffer(std::mem::take(&mut connection.outbox));
            }
        }
        Fate::Keep
    }

    /// Tells the exchange how much is still unsent, and a waiting writer that there is room.
    fn make_room(&mut self, connection: &Connection) {
        let Some(exchange) = &connection.exchange else { return };
        let mut wire = exchange.wire();
        wire.unsent = connection.unsent();
        let writer = if wire.room() >= OUT_BYTES / 2 { wire.writer.take() } else { None };
        drop(wire);
        if let Some(task) = writer {
            self.host.container().signal(task, Signal::Write);
        }
    }
}

/// Moves the exchange's bytes to the connection.
fn take_bytes(connection: &mut Connection, wire: &mut Wire) {
    if wire.out.is_empty() {
        return;
    }
    if connection.unsent() == 0 {
        connection.outbox.clear();
        connection.sent = 0;
        std::mem::swap(&mut connection.outbox, &mut wire.out);
    } else {
        connection.outbox.extend_from_slice(&wire.out);
        wire.out.clear();
    }
    wire.unsent = connection.unsent();
}

fn body_or_wait(wire: &Wire) -> Settled {
    if wire.input == Input::Open && wire.has_room_for_body(0) { Settled::Body } else { Settled::Wait }
}
