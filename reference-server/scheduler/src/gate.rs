//! The gate in front of an inbox: after it has closed and emptied, no item can come in any more.
//!
//! It must not know what passes through it. One word holds the closed flag and the number of callers
//! inside, so there is no moment between looking at the flag and being counted.

use crate::sync::{AtomicUsize, Ordering, yield_now};

const CLOSED: usize = 1;
const ONE_INSIDE: usize = 2;

/// Lets callers through until it is closed, and tells when the last has left.
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicUsize,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { word: AtomicUsize::new(0) }
    }

    /// Goes through if the gate is open. The caller is counted as inside until the pass is dropped.
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        // Acquire: a refused caller sees what the closing thread did before it closed.
        let before = self.word.fetch_add(ONE_INSIDE, Ordering::Acquire);
        let pass = Pass { gate: self };
        if before & CLOSED == 0 { Some(pass) } else { None }
    }

    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Waits until everyone who came in before the gate closed has left. What they did inside is
    /// visible afterwards. They are between two atomic operations, so the wait is short.
    pub(crate) fn wait_until_empty(&self) {
        debug_assert!(self.is_closed(), "an open gate may never be empty");
        while self.word.load(Ordering::Acquire) != CLOSED {
            yield_now();
        }
    }
}

/// Proof that the holder went through an open gate.
#[derive(Debug)]
pub(crate) struct Pass<'gate> {
    gate: &'gate Gate,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Release: pairs with the load in `wait_until_empty`.
        self.gate.word.fetch_sub(ONE_INSIDE, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
