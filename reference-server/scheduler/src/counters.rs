//! What each worker has done, countable from any thread. It must not know why a count went up.
//!
//! A worker writes its own counts with a plain load and store, so counting costs no locked
//! instruction; a reader sees each count a little late, never torn.

use std::sync::atomic::{AtomicU64, Ordering};

/// A snapshot of one worker's counts since the scheduler was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerCounters {
    /// Items taken from another worker's queue.
    pub steals: u64,
    /// Looks at another worker's queue that seemed to pay and came back with nothing.
    pub steal_misses: u64,
    /// System calls made to wake another worker, whatever for.
    pub wakes_sent: u64,
    /// Sleeps that this worker entered.
    pub parks: u64,
    /// Sleeps from which another thread woke it.
    pub woken: u64,
    /// Rounds spent looking for work before sleeping.
    pub spins: u64,
}

/// A snapshot of what threads that are not workers, or act through the scheduler, have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedCounters {
    /// System calls made to wake a worker for an injected item, a notification or the close.
    pub wakes_sent: u64,
    /// Items taken by `Scheduler::rescue`.
    pub rescued: u64,
}

/// A count with one writing thread.
#[derive(Debug, Default)]
pub(crate) struct OwnCount(AtomicU64);

impl OwnCount {
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A count with many writing threads.
#[derive(Debug, Default)]
pub(crate) struct SharedCount(AtomicU64);

impl SharedCount {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(crate) struct OwnCounters {
    pub(crate) steals: OwnCount,
    pub(crate) steal_misses: OwnCount,
    pub(crate) wakes_sent: OwnCount,
    pub(crate) parks: OwnCount,
    pub(crate) woken: OwnCount,
    pub(crate) spins: OwnCount,
}

impl OwnCounters {
    pub(crate) fn snapshot(&self) -> WorkerCounters {
        WorkerCounters {
            steals: self.steals.get(),
            steal_misses: self.steal_misses.get(),
            wakes_sent: self.wakes_sent.get(),
            parks: self.parks.get(),
            woken: self.woken.get(),
            spins: self.spins.get(),
        }
    }
}
