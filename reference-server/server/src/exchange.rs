//! One request and its response on an HTTP/1.1 connection, seen from both sides: the task reads and answers through
//! [`hc_host::Exchange`], the connection fills and empties through [`Wire`]. The two may be on different workers.
//!
//! Invariant: the lock is never held while the host is called, so the host may hold its own while it calls here.

use crate::door::{self, Door, Place};
use crate::wire::{AHEAD_BYTES, Input, Progress, Wire, answer, framed};
use hc_host::{Gathered, Head, Read, Waiter};
use hc_http1::{Connection, Length, Outcome};
use http_container_abi::{FieldStorage, FieldsView, RawFields, RequestStorage, Status};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
        self.wire.get_mut().unwrap_or_else(PoisonError::into_inner).begin(http, input);
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

impl hc_host::Exchange for HttpExchange {
    fn request(&self) -> &RequestStorage {
        &self.request
    }

    fn read(&self, waiter: Waiter) -> Read {
        let mut wire = self.wire();
        let was_full = wire.queued >= AHEAD_BYTES;
        if let Some(chunk) = wire.pop_chunk() {
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
        let tell = wire.invite_body() || first;
        drop(wire);
        if tell {
            self.act(|_| ());
        }
        Read::Pending
    }

    fn gather(&self, limit: u64, waiter: Waiter) -> Gathered {
        let mut wire = self.wire();
        let is_news = wire.gathering.is_none();
        let gathered = wire.gather(self.request.head().content_length(), limit, waiter);
        if gathered == Gathered::Pending {
            let tell = wire.invite_body() || is_news;
            drop(wire);
            if tell {
                self.act(|_| ());
            }
        }
        gathered
    }

    fn forget_reader(&self) {
        let mut wire = self.wire();
        wire.reader = None;
        wire.end_gathering();
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
            wire.decide_close(self.drain_bytes, self.door.is_stopping());
            if wire.overrule(head.status) {
                return Status::OK;
            }
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
            // The module may read the whole body meanwhile; what it leaves is drained or ends the connection then.
            wire.decide_close(u64::MAX, self.door.is_stopping());
            if wire.overrule(head.status) {
                return Status::OK;
            }
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
        if wire.overruled {
            return (Status::OK, data.len());
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
            if wire.overruled {
                return Status::OK;
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
            if !wire.overruled {
                wire.http.abort();
                wire.progress = Progress::Aborted;
            }
        });
    }

    fn refuse(&self, status: u16) {
        self.act(|wire| {
            if wire.peer_gone || wire.progress != Progress::None {
                wire.http.abort();
                wire.progress = Progress::Aborted;
                return;
            }
            wire.decide_close(self.drain_bytes, self.door.is_stopping());
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

#[cfg(test)]
mod tests {
    use super::*;
    use hc_host::Exchange as _;
    use hc_http1::{Event, FieldTable, Limits};
    use hc_scheduler::{Scheduler, Unpark};
    use http_container_abi::constants::address_family;
    use http_container_abi::{RequestFacts, RequestSpans, hc_address};

    struct Nobody;

    impl Unpark for Nobody {
        fn unpark(&self) {}
    }

    /// An exchange on this thread's shard, for a request whose head ends with that.
    fn exchange(framing: &str, content_length: Option<u64>) -> HttpExchange {
        let (scheduler, _queues) = Scheduler::new(hc_scheduler::Config::default(), vec![Box::new(Nobody)]);
        let door = Door::new(0, scheduler, Arc::default());
        door.enter();
        let mut exchange = HttpExchange::new(door);
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n");
        let mut http = Connection::new();
        let received = http.receive(head.as_bytes(), false, &Limits::default(), &mut FieldTable::new());
        assert!(matches!(received.unwrap().event, Event::Head(_)));
        let spans = RequestSpans { scheme: "http", ..RequestSpans::default() };
        let nowhere = hc_address { ip: [0; 16], port: 0, family: address_family::UNIX };
        let facts = RequestFacts {
            id: 1,
            version: 11,
            content_length,
            deadline_ns: None,
            peer: nowhere,
            local: nowhere,
            tls: None,
        };
        exchange.request.seal(&spans, std::iter::empty(), facts);
        exchange.begin(http, Input::Open);
        exchange
    }

    fn sent_bytes(exchange: &HttpExchange) -> usize {
        exchange.wire().out.len()
    }

    fn notes(exchange: &HttpExchange) -> usize {
        let mut places = Vec::new();
        exchange.door.take(&mut places);
        exchange.wire().heard();
        places.len()
    }

    /// The connection hears once that the body is wanted: for its time limit, and to read on.
    #[test]
    fn a_body_that_is_wanted_whole_is_asked_for_once() {
        let exchange = exchange("Expect: 100-continue\r\nContent-Length: 5", Some(5));
        assert_eq!(exchange.gather(5, Some(1)), Gathered::Pending);
        assert_eq!(exchange.wire().out, b"HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(notes(&exchange), 1);
        assert_eq!(exchange.gather(5, Some(1)), Gathered::Pending);
        assert_eq!((sent_bytes(&exchange), notes(&exchange)), (25, 0));
    }

    #[test]
    fn a_body_that_is_too_long_is_not_asked_for() {
        let exchange = exchange("Expect: 100-continue\r\nContent-Length: 5", Some(5));
        assert_eq!(exchange.gather(4, Some(1)), Gathered::Refused(413));
        assert_eq!((sent_bytes(&exchange), notes(&exchange)), (0, 0));
    }

    #[test]
    fn a_waiter_can_be_forgotten() {
        let exchange = exchange("Transfer-Encoding: chunked", None);
        assert_eq!(exchange.gather(4, Some(1)), Gathered::Pending);
        exchange.forget_reader();
        assert!(exchange.wire().gathering.is_none());
    }
}
