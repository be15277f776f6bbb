//! Counters of a shard: one writer, readable from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that its shard adds to.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds and answers the new value; for the owning shard only (a plain load and store).
    pub fn add(&self, amount: u64) -> u64 {
        let value = self.0.load(Ordering::Relaxed).wrapping_add(amount);
        self.0.store(value, Ordering::Relaxed);
        value
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened in one shard.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Tally {
    /// Connections accepted.
    pub accepted: Count,
    /// Connections that ended.
    pub closed: Count,
    /// Requests whose head was complete and in order.
    pub requests: Count,
    /// Requests that were refused by the parser.
    pub refused: Count,
    /// Responses that were sent whole.
    pub responses: Count,
    /// Responses that were broken off.
    pub aborted: Count,
    /// Time limits of connections that passed.
    pub timeouts: Count,
    /// Times that accepting paused.
    pub accept_pauses: Count,
}

impl Tally {
    /// Sums of all shards by name.
    pub fn sums(shards: &[Tally]) -> [(&'static str, u64); 9] {
        let sum = |pick: fn(&Tally) -> u64| shards.iter().map(pick).sum();
        [
            ("connections_open", sum(|tally| tally.accepted.get() - tally.closed.get())),
            ("connections_accepted", sum(|tally| tally.accepted.get())),
            ("connections_closed", sum(|tally| tally.closed.get())),
            ("requests", sum(|tally| tally.requests.get())),
            ("requests_refused", sum(|tally| tally.refused.get())),
            ("responses", sum(|tally| tally.responses.get())),
            ("responses_aborted", sum(|tally| tally.aborted.get())),
            ("timeouts", sum(|tally| tally.timeouts.get())),
            ("accept_pauses", sum(|tally| tally.accept_pauses.get())),
        ]
    }
}
