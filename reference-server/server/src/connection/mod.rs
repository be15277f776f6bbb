//! One connection's record, and the phases of its life that have a time limit.

use crate::exchange::HttpExchange;
use crate::stream::Stream;
use bytes::{Buf, BytesMut};
use hc_host::wheel::Key;
use hc_http1::Connection as Http;
use http_container_abi::raw::hc_address;
use std::sync::Arc;

/// What the connection waits for, as far as it is under a time limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The rest of a request head.
    Head,
    /// The next request.
    Idle,
    /// Body bytes that a module has asked for, or that are to be drained.
    Body,
    /// The peer, to take response bytes.
    Write,
    /// The peer's own end, after ours.
    Linger,
    /// A task: its own deadline holds.
    Task,
}

/// What becomes of the connection after it was driven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes on.
    Keep,
    /// It is closed now.
    Close,
}

/// How the end comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ending {
    /// It does not.
    #[default]
    None,
    /// Send what is left, then end the own half and wait for the peer's end.
    Flush,
    /// The own half has ended.
    Lingering,
}

/// One connection.
pub struct Connection {
    /// The socket.
    pub stream: Stream,
    /// The peer's address.
    pub peer: hc_address,
    /// Which listener it came from.
    pub listener: u16,
    /// Edges of the socket that were not used up.
    pub readable: bool,
    /// Likewise.
    pub writable: bool,
    /// The peer has ended its half.
    pub eof: bool,
    /// The kernel says that the peer's end lies behind what was not read.
    pub eof_ahead: bool,
    /// How the end comes, if it does.
    pub ending: Ending,
    /// Broken off: the peer must see it.
    pub broken: bool,
    /// The task of the exchange has been started with the peer's end known.
    pub told_gone: bool,
    /// The peer may still be sending what nobody will read: the end must not destroy the answer on its way.
    pub must_linger: bool,
    /// In the list of connections with bytes to be flushed.
    pub to_flush: bool,
    /// The phase, and since when (ns).
    pub phase: Phase,
    /// When the phase began or last made progress, ns.
    pub since_ns: u64,
    /// The armed timer.
    pub timer: Option<Key>,
    /// Its time, ns; the deadline may have moved on since.
    pub timer_ns: u64,
    /// When the current request's first byte came, ns.
    pub head_ns: u64,
    /// Body bytes that are dropped since no module reads them: so many are left.
    pub drain_bytes: u64,
    /// The protocol's state while a head is incomplete; before that it is a new one, during a cycle the exchange has it.
    pub http: Option<Box<Http>>,
    /// Received and not consumed.
    pub input: Leftover,
    /// Taken from the exchange and not sent.
    pub outbox: Vec<u8>,
    /// How many of these were sent.
    pub sent: usize,
    /// The request under way.
    pub exchange: Option<Arc<HttpExchange>>,
    /// Its task.
    pub task: u64,
    /// Its route.
    pub route: u32,
    /// Whether it has a body.
    pub has_body: bool,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(stream: Stream, peer: hc_address, listener: u16, now_ns: u64) -> Connection {
        Connection {
            stream,
            peer,
            listener,
            readable: true,
            writable: true,
            eof: false,
            eof_ahead: false,
            ending: Ending::None,
            broken: false,
            told_gone: false,
            must_linger: false,
            to_flush: false,
            phase: Phase::Head,
            since_ns: now_ns,
            timer: None,
            timer_ns: u64::MAX,
            head_ns: now_ns,
            drain_bytes: 0,
            http: None,
            input: Leftover::default(),
            outbox: Vec::new(),
            sent: 0,
            exchange: None,
            task: 0,
            route: 0,
            has_body: false,
        }
    }

    /// Bytes that wait for the peer.
    pub fn unsent(&self) -> usize {
        self.outbox.len() - self.sent
    }

    /// Enters a phase, or stays in it; the clock starts when it is a new one.
    pub fn enter(&mut self, phase: Phase, now_ns: u64) {
        if self.phase != phase {
            self.phase = phase;
            self.since_ns = now_ns;
        }
    }

    /// The peer or the module made progress: the phase's clock starts again.
    pub fn progress(&mut self, now_ns: u64) {
        self.since_ns = now_ns;
    }
}

/// Bytes that were received and not consumed; most connections have none most of the time, and then it is one word.
#[derive(Default)]
pub struct Leftover(Option<Box<BytesMut>>);

impl Leftover {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Takes them out, with `more` behind them.
    pub fn take_with(&mut self, more: &[u8]) -> Box<BytesMut> {
        let mut bytes = self.0.take().unwrap_or_default();
        bytes.extend_from_slice(more);
        bytes
    }

    /// Puts back what was not consumed of what was taken out.
    pub fn keep(&mut self, mut bytes: Box<BytesMut>, consumed: usize) {
        bytes.advance(consumed);
        self.0 = (!bytes.is_empty()).then_some(bytes);
    }

    /// Keeps a copy of these bytes.
    pub fn keep_copy(&mut self, bytes: &[u8]) {
        self.0 = (!bytes.is_empty()).then(|| Box::new(BytesMut::from(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Connection>() <= 184, "{}", size_of::<Connection>());
    }
}
