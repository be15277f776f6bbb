//! A request and its response in memory. What the host does to it is written to the world's log; what a test does to it
//! is told to the host as a server would. It must not know what modules do.

use super::world::World;
use bytes::Bytes;
use hc_host::{Container, Exchange, Gathered, Head, Read, Signal, Waiter};
use http_container_abi::{FieldStorage, FieldsView, RawFields, RequestStorage, Status};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

#[derive(Default)]
struct Wire {
    chunks: VecDeque<Bytes>,
    input: Option<Status>,
    room: usize,
    peer_gone: bool,
    reader: Waiter,
    writer: Waiter,
    body: Vec<u8>,
    head: Option<u16>,
    fault: Option<u16>,
    ended: Option<Status>,
}

pub struct Memory {
    request: RequestStorage,
    name: String,
    world: Arc<World>,
    trailers: OnceLock<FieldStorage>,
    wire: Mutex<Wire>,
}

impl Memory {
    pub fn new(request: RequestStorage, name: &str, world: &Arc<World>) -> Arc<Memory> {
        let wire = Wire { room: 16, ..Wire::default() };
        let (name, world) = (name.to_owned(), Arc::clone(world));
        Arc::new(Memory { request, name, world, trailers: OnceLock::new(), wire: Mutex::new(wire) })
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, text: &str) {
        assert!(self.wire().ended.is_none(), "{}: `{text}` after the end", self.name);
        self.world.note(&format!("{}> {text}", self.name));
    }

    fn tell_reader(&self, container: &Container, act: impl FnOnce(&mut Wire)) {
        let waiter = {
            let mut wire = self.wire();
            act(&mut wire);
            wire.reader.take()
        };
        waiter.into_iter().for_each(|task| container.signal(task, Signal::Body));
    }

    /// Body bytes come in.
    pub fn feed(&self, container: &Container, bytes: &[u8]) {
        self.tell_reader(container, |wire| wire.chunks.push_back(Bytes::copy_from_slice(bytes)));
    }

    /// The body is whole, or why it never will be.
    pub fn end_body(&self, container: &Container, status: Status) {
        self.tell_reader(container, |wire| {
            wire.input.get_or_insert(status);
        });
    }

    pub fn set_trailers(&self, name: &str, value: &str) {
        let mut fields = FieldStorage::new();
        fields.push(name.as_bytes(), value.as_bytes());
        fields.seal();
        let _ = self.trailers.set(fields);
    }

    /// The status with which the body was refused.
    pub fn refuse_body(&self, status: u16) {
        self.wire().fault = Some(status);
    }

    /// The peer takes bytes.
    pub fn give_room(&self, container: &Container, bytes: usize) {
        let waiter = {
            let mut wire = self.wire();
            wire.room += bytes;
            wire.writer.take()
        };
        waiter.into_iter().for_each(|task| container.signal(task, Signal::Write));
    }

    /// The peer is gone.
    pub fn leave(&self, container: &Container, task: u64) {
        let waiters = {
            let mut wire = self.wire();
            wire.peer_gone = true;
            wire.input.get_or_insert(Status::E_PEER);
            (wire.reader.take(), wire.writer.take())
        };
        waiters.0.into_iter().for_each(|task| container.signal(task, Signal::Body));
        waiters.1.into_iter().for_each(|task| container.signal(task, Signal::Write));
        container.signal(task, Signal::PeerGone);
    }

    pub fn ended(&self) -> Option<Status> {
        self.wire().ended
    }

    pub fn status(&self) -> Option<u16> {
        self.wire().head
    }

    pub fn body(&self) -> Vec<u8> {
        self.wire().body.clone()
    }
}

impl Exchange for Memory {
    fn request(&self) -> &RequestStorage {
        &self.request
    }

    fn read(&self, waiter: Waiter) -> Read {
        let mut wire = self.wire();
        assert!(wire.ended.is_none(), "{}: read after the end", self.name);
        if let Some(chunk) = wire.chunks.pop_front() {
            return Read::Chunk(chunk);
        }
        match wire.input {
            Some(Status::OK) => Read::End,
            Some(status) => Read::Failed(status),
            None => {
                wire.reader = waiter;
                Read::Pending
            }
        }
    }

    fn gather(&self, limit: u64, waiter: Waiter) -> Gathered {
        let mut wire = self.wire();
        let bytes: usize = wire.chunks.iter().map(|chunk| chunk.len()).sum();
        match wire.input {
            // What becomes of it is told as the peer's leaving.
            _ if wire.peer_gone => Gathered::Pending,
            _ if bytes as u64 > limit => Gathered::Refused(413),
            Some(Status::OK) => Gathered::Whole,
            Some(_) => Gathered::Refused(wire.fault.unwrap_or(400)),
            None => {
                wire.reader = waiter;
                Gathered::Pending
            }
        }
    }

    fn forget_reader(&self) {
        self.wire().reader = None;
    }

    fn trailers(&self) -> RawFields {
        self.trailers.get().map_or(RawFields::NONE, FieldStorage::raw)
    }

    fn respond(&self, head: &Head<'_>, body: &[u8]) -> Status {
        if self.wire().peer_gone {
            return Status::E_PEER;
        }
        self.note(&format!("{} {:?}", head.status, body.escape_ascii().to_string()));
        let mut wire = self.wire();
        wire.head = Some(head.status);
        wire.body.extend_from_slice(body);
        Status::OK
    }

    fn inform(&self, status: u16, _: FieldsView<'_>) -> Status {
        if self.wire().peer_gone {
            return Status::E_PEER;
        }
        self.note(&format!("interim {status}"));
        Status::OK
    }

    fn start(&self, head: &Head<'_>) -> Status {
        if self.wire().peer_gone {
            return Status::E_PEER;
        }
        self.note(&format!("{} ...", head.status));
        self.wire().head = Some(head.status);
        Status::OK
    }

    fn write(&self, data: &[u8], waiter: Waiter) -> (Status, usize) {
        let mut wire = self.wire();
        assert!(wire.ended.is_none(), "{}: write after the end", self.name);
        if wire.peer_gone {
            return (Status::E_PEER, 0);
        }
        let accepted = data.len().min(wire.room);
        wire.room -= accepted;
        wire.body.extend_from_slice(&data[..accepted]);
        if accepted == data.len() {
            return (Status::OK, accepted);
        }
        wire.writer = waiter;
        (Status::PENDING, accepted)
    }

    fn forget_writer(&self) {
        self.wire().writer = None;
    }

    fn end(&self, trailers: FieldsView<'_>) -> Status {
        if self.wire().peer_gone {
            return Status::E_PEER;
        }
        self.note(&format!("end {} trailers", trailers.len()));
        Status::OK
    }

    fn abort(&self) {
        self.note("abort");
    }

    fn refuse(&self, status: u16) {
        self.note(&format!("refuse {status}"));
        self.wire().head = Some(status);
    }

    fn body_fault(&self) -> Option<u16> {
        self.wire().fault
    }

    fn ended(&self, outcome: Status) {
        self.note(&format!("ended {}", outcome.name()));
        let mut wire = self.wire();
        assert_eq!(
            (wire.reader, wire.writer),
            (None, None),
            "{}: who has ended waits for nothing",
            self.name
        );
        wire.ended = Some(outcome);
    }
}
