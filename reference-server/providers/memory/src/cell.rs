//! A shard behind its lock, with two figures of it that can be read without the lock: when its oldest entry was used, and when
//! its next one expires. Must not know what they are read for.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::shard::{NEVER, Shard};

/// Alone on its cache lines, so that work in one shard does not slow down its neighbours.
#[repr(align(128))]
pub(crate) struct Cell {
    shard: Mutex<Shard>,
    oldest_use: AtomicU64,
    next_expiry_ns: AtomicU64,
}

impl Cell {
    pub(crate) fn new() -> Self {
        let (oldest_use, next_expiry_ns) = (AtomicU64::new(u64::MAX), AtomicU64::new(NEVER));
        Self { shard: Mutex::new(Shard::new()), oldest_use, next_expiry_ns }
    }

    /// Takes the lock.
    pub(crate) fn open(&self) -> Open<'_> {
        // A panic inside a shard would be a fault of this crate; its entries are still the best there are.
        Open { cell: self, shard: self.shard.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// When the oldest entry was used, in the count of uses; `u64::MAX` when there is none.
    pub(crate) fn oldest_use(&self) -> u64 {
        self.oldest_use.load(Ordering::Relaxed)
    }

    /// When the next entry expires; [`NEVER`] when none does.
    pub(crate) fn next_expiry_ns(&self) -> u64 {
        self.next_expiry_ns.load(Ordering::Relaxed)
    }
}

/// The lock of a shard, taken. When it is given back, the figures are set.
pub(crate) struct Open<'a> {
    cell: &'a Cell,
    shard: MutexGuard<'a, Shard>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let publish = |place: &AtomicU64, figure: u64| {
            if place.load(Ordering::Relaxed) != figure {
                place.store(figure, Ordering::Relaxed);
            }
        };
        publish(&self.cell.oldest_use, self.shard.oldest().map_or(u64::MAX, |(_, used_at)| used_at));
        publish(&self.cell.next_expiry_ns, self.shard.next_expiry().map_or(NEVER, |(_, next)| next));
    }
}

impl Deref for Open<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}
