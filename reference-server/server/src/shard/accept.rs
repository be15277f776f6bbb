//! Accepting connections: as many as wait, as long as there are descriptors and the limit allows it.

use super::{Shard, connection_token};
use crate::config::LogLevel;
use crate::connection::Connection;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;

/// How long accepting pauses when the process has no more descriptors or connections to give, ns.
const PAUSE_NS: u64 = 50_000_000;
/// How many are accepted before others get their turn.
const BATCH: usize = 256;

impl Shard {
    /// Accepts from the listener with that index until none waits.
    pub(super) fn accept(&mut self, index: usize) {
        for _ in 0..BATCH {
            if self.listeners.get(index).is_none() || self.accept_at_ns.is_some() {
                return;
            }
            let limit = self.common.plan.limits.connections;
            if self.common.connections.load(Ordering::Relaxed) >= limit {
                return self.pause("the process has its limit of connections");
            }
            match self.listeners[index].0.accept() {
                Ok((stream, peer)) => {
                    self.common.connections.fetch_add(1, Ordering::Relaxed);
                    let place = self.table.reserve();
                    self.common.tally[self.index].accepted.add(1);
                    let connection = Connection::new(stream, peer, index as u16, self.now_ns);
                    self.table.put(place, Box::new(connection));
                    self.newborn.push(place);
                    // Very often the request is there already: reading at once saves a turn.
                    self.drive_with(place, |_| ());
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                    _ => return self.pause(&format!("accepting failed: {error}")),
                },
            }
        }
        // More may wait, and the edge is used up: come back at once.
        self.accept_at_ns = Some(self.now_ns);
    }

    fn pause(&mut self, why: &str) {
        self.accept_at_ns = Some(self.now_ns + PAUSE_NS);
        if self.common.tally[self.index].accept_pauses.add(1) == 1
            || self.common.tally[self.index].accept_pauses.get().is_multiple_of(100)
        {
            let text = format!("{why}; connections wait in the system's queue until one is free");
            self.common.errors.write(LogLevel::Warn, &[("worker", &self.index)], &text);
        }
    }

    /// Goes on accepting when a pause is over.
    pub(super) fn resume_accepting(&mut self) {
        if self.accept_at_ns.is_some_and(|at_ns| at_ns <= self.now_ns) {
            self.accept_at_ns = None;
            (0..self.listeners.len()).for_each(|index| self.accept(index));
        }
    }

    /// Puts connections of this turn that live on into the poll set, which then tells what came meanwhile. One that was
    /// answered and closed in its first turn never gets there.
    pub(super) fn watch_newborn(&mut self) {
        let mut newborn = std::mem::take(&mut self.newborn);
        for place in newborn.drain(..) {
            let Some(mut connection) = self.table.take(place) else { continue };
            match connection.stream.register(self.poll.registry(), connection_token(place)) {
                Ok(()) => self.table.put(place, connection),
                Err(error) => {
                    let text = format!("a connection cannot be watched: {error}");
                    self.common.errors.write(LogLevel::Warn, &[("worker", &self.index)], &text);
                    self.close(place, *connection);
                }
            }
        }
        self.newborn = newborn;
    }

    /// Takes what has been queued, then closes the listening sockets.
    pub(super) fn stop_listening(&mut self) {
        self.accept_at_ns = None;
        (0..self.listeners.len()).for_each(|index| self.accept(index));
        self.accept_at_ns = None;
        self.listeners.clear();
    }
}
