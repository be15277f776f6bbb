//! What the host needs from whoever carries a request and its response: a connection, a stream, a parent task, a test.
//!
//! An exchange may be driven by two sides at once (a task on one worker, a connection on another), so all of it is
//! `&self`. It must not call back into the host, and must not call a module.

use bytes::Bytes;
use http_container_abi::{FieldsView, RawFields, RequestStorage, Status};

/// The next part of a request body.
#[derive(Debug)]
pub enum Read {
    /// Never empty.
    Chunk(Bytes),
    /// The body is whole.
    End,
    /// Nothing yet. When a waiter was named, the host hears [`crate::Signal::Body`] for it.
    Pending,
    /// The body is cut off (`E_PEER`) or over its limit (`E_LIMIT`).
    Failed(Status),
}

/// How far a body is that is to be whole before its request is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gathered {
    /// All of it is there.
    Whole,
    /// Not yet: the host hears [`crate::Signal::Gathered`] for the waiter.
    Pending,
    /// It will never be: the status with which the request is refused (400, 408, 413).
    Refused(u16),
}

/// The head of a response. The fields have been checked; `content-length` may be among them and agrees with `length`.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// 200 to 599.
    pub status: u16,
    /// As the module gave them.
    pub fields: FieldsView<'a>,
    /// Of the body, in bytes, when it is known.
    pub length: Option<u64>,
}

/// Who is woken by [`crate::Container::signal`] when a pending read or write may go on: a task handle, or nobody.
pub type Waiter = Option<u64>;

/// One request and its response.
pub trait Exchange: Send + Sync {
    /// The request head; the same for the whole life of the exchange.
    fn request(&self) -> &RequestStorage;

    /// The next chunk of the request body.
    fn read(&self, waiter: Waiter) -> Read;

    /// Collects the request body ahead of every `read`, up to `limit` bytes.
    fn gather(&self, limit: u64, waiter: Waiter) -> Gathered;

    /// Forgets the waiter of a pending read, or of a body that is collected.
    fn forget_reader(&self);

    /// The trailer fields, once `read` said `End`: a view that lives as long as the exchange.
    fn trailers(&self) -> RawFields;

    /// Head and body in one.
    fn respond(&self, head: &Head<'_>, body: &[u8]) -> Status;

    /// An interim response; `DISCARDED` where the protocol has none.
    fn inform(&self, status: u16, fields: FieldsView<'_>) -> Status;

    /// The head of a response whose body follows.
    fn start(&self, head: &Head<'_>) -> Status;

    /// As much of `data` as there is room for: `OK` (all), `PENDING` (fewer; the waiter hears
    /// [`crate::Signal::Write`]), or `E_PEER`.
    fn write(&self, data: &[u8], waiter: Waiter) -> (Status, usize);

    /// Forgets the waiter of a pending write.
    fn forget_writer(&self);

    /// The end of the response; `DISCARDED` when the protocol had no place for the trailers.
    fn end(&self, trailers: FieldsView<'_>) -> Status;

    /// Breaks the response off so that the peer sees it.
    fn abort(&self);

    /// The container's own answer in the module's stead: a status from 400 to 599. Only before the response started.
    fn refuse(&self, status: u16);

    /// Whether the request's body was refused by its own framing or size: the status that says so (400, 413).
    fn body_fault(&self) -> Option<u16>;

    /// The task has ended; no call comes after this one.
    fn ended(&self, outcome: Status);
}
