//! Sleeping and waking: the one protocol by which a worker goes to sleep and is woken. `SLEEPING.md`
//! tells it as a story; this is the contract.
//!
//! It must not know queues, items, descriptors or clocks: what to look at before sleeping and how to
//! interrupt a sleep are the caller's. It is written against `crate::sync`, so that loom can run it.
//!
//! # States, one word per worker
//! ```text
//!            announce                          wake (targeted)
//!   AWAKE ---------------> SLEEPING ------------------------------> AWAKE, unpark sent
//!     ^                       |  |  wake_any (takes the search)
//!     |   withdraw            |  +----------------------------> SEARCHING, unpark sent
//!     +-----------------------+                                     | withdraw: AWAKE and
//!     |                                                             v the claim is the worker's
//!     +--------------------------- end_search ------------------ SEARCHING
//!          begin_search (takes the search): AWAKE -> SEARCHING
//! ```
//! `searcher` is one flag for the whole process: the claim to be the one worker that looks for work
//! on others' queues, or that has been woken to do so.
//!
//! # Invariants
//! 1. Only the owner leaves AWAKE. Only a waker that wins the compare-exchange on SLEEPING sends an
//!    unpark: one per announced sleep, none to a worker that is awake.
//! 2. *Targeted*: who queues something for worker i and then calls `wake(i)`, and worker i that
//!    announces and then looks at its queues, cannot both miss: each writes, passes a sequentially
//!    consistent fence, then reads what the other wrote. In the single order of the fences one is
//!    first, and the other sees the first one's write.
//! 3. *Any*: who publishes work and calls `wake_any` either wakes a sleeper, or saw every worker
//!    awake, or saw the claim taken. In the last case its fence came before the release of the claim,
//!    so whoever releases must pass a fence and look once more (`end_search` does the fence; the look
//!    is the caller's duty), and a waker that releases a claim it could not use scans the states
//!    again.

use std::marker::PhantomData;

use crate::padded::Padded;
use crate::sync::{AtomicBool, AtomicU8, Ordering, fence};

const AWAKE: u8 = 0;
const SEARCHING: u8 = 1;
const SLEEPING: u8 = 2;

/// The store-load barrier of the protocol. It is a parameter so that the model checker's tests can
/// leave it out and show that they notice.
pub(crate) trait Barrier {
    fn full();
}

/// The barrier that everything but those tests uses.
#[derive(Debug)]
pub(crate) struct SeqCstFence;

impl Barrier for SeqCstFence {
    fn full() {
        fence(Ordering::SeqCst);
    }
}

/// How a worker came out of an announced sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// Nobody woke it: a time-out, readiness of a descriptor, or a change of mind.
    Unasked,
    /// Somebody queued something for it; an unpark was sent.
    Woken,
    /// Somebody has more work than it wants; an unpark was sent, and the search claim is now this
    /// worker's to end.
    WokenToSearch,
}

#[derive(Debug)]
pub(crate) struct Parking<B = SeqCstFence> {
    searcher: Padded<AtomicBool>,
    states: Box<[Padded<AtomicU8>]>,
    barrier: PhantomData<fn() -> B>,
}

impl<B: Barrier> Parking<B> {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            searcher: Padded(AtomicBool::new(false)),
            states: (0..workers).map(|_| Padded(AtomicU8::new(AWAKE))).collect(),
            barrier: PhantomData,
        }
    }

    /// Worker `worker` says that it is about to sleep. It must now look at everything it could be
    /// woken for, and sleep only if there is nothing; either way it calls `withdraw` afterwards.
    pub(crate) fn announce(&self, worker: usize) {
        // Relaxed is enough: the barrier orders it before the looks that follow.
        self.states[worker].store(SLEEPING, Ordering::Relaxed);
        B::full();
    }

    /// Worker `worker` is awake again, for whatever reason.
    pub(crate) fn withdraw(&self, worker: usize) -> Withdrawn {
        let state = &self.states[worker];
        // Acquire on failure too: the worker sees what its waker did before the wake.
        match state.compare_exchange(SLEEPING, AWAKE, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Withdrawn::Unasked,
            Err(SEARCHING) => Withdrawn::WokenToSearch,
            Err(_) => Withdrawn::Woken,
        }
    }

    /// Something has been queued for `worker`. True: the caller must unpark it, now and once.
    pub(crate) fn wake(&self, worker: usize) -> bool {
        B::full();
        let state = &self.states[worker];
        state.load(Ordering::Relaxed) == SLEEPING
            && state.compare_exchange(SLEEPING, AWAKE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// There is work on `from`'s queue worth another worker. Some: the caller must unpark that
    /// worker, which has been given the search claim. None: all are awake, or one is searching.
    pub(crate) fn wake_any(&self, from: usize) -> Option<usize> {
        loop {
            B::full();
            if self.searcher.load(Ordering::Relaxed) || self.sleeper_after(from).is_none() {
                return None;
            }
            if !self.claim_search() {
                return None;
            }
            while let Some(worker) = self.sleeper_after(from) {
                let state = &self.states[worker];
                let to = state.compare_exchange(SLEEPING, SEARCHING, Ordering::AcqRel, Ordering::Relaxed);
                if to.is_ok() {
                    return Some(worker);
                }
            }
            // Every sleeper woke by itself. While the claim was ours another caller may have relied
            // on it, and a worker may have gone to sleep: look again.
            self.searcher.store(false, Ordering::Release);
        }
    }

    /// Worker `worker`, awake, becomes the one searcher, if there is none.
    pub(crate) fn begin_search(&self, worker: usize) -> bool {
        let free = !self.searcher.load(Ordering::Relaxed) && self.claim_search();
        if free {
            self.states[worker].store(SEARCHING, Ordering::Relaxed);
        }
        free
    }

    /// The searcher stops. It must now look once more at what it searched: work published while it
    /// held the claim woke nobody.
    pub(crate) fn end_search(&self, worker: usize) {
        self.states[worker].store(AWAKE, Ordering::Relaxed);
        self.searcher.store(false, Ordering::Release);
        B::full();
    }

    /// Whether `worker` has announced sleep. A hint: it may have changed by now.
    pub(crate) fn is_sleeping(&self, worker: usize) -> bool {
        self.states[worker].load(Ordering::Relaxed) == SLEEPING
    }

    fn claim_search(&self) -> bool {
        let claim = self.searcher.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed);
        claim.is_ok()
    }

    /// The next sleeping worker after `from`, in ring order, so that helpers are chosen in turn.
    fn sleeper_after(&self, from: usize) -> Option<usize> {
        let count = self.states.len();
        (1..count).map(|step| (from + step) % count).find(|&worker| self.is_sleeping(worker))
    }
}
#[cfg(all(test, loom))]
mod loom_tests;
