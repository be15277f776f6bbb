//! The table of task slots: reachable from every thread by handle, never unmapped, each slot owned by one worker's free
//! list at a time.
//!
//! A handle is a slot's index and a number that the slot never used before. Tasks, completions and whatever else belongs
//! to a task take their numbers from the same counter of their slot, so a handle of one sort is never one of another.
//! It must not know what a slot holds.

use http_container_abi::handle::{Generation, Handle, SLOT_COUNT};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

const CHUNK: usize = 256;
/// How many slots a process may have: what the index part of a handle can name.
pub const SLOTS: usize = SLOT_COUNT as usize;
/// Slots give out numbers of the lower half; the upper half is for handles of what lies in no slot.
const LAST: u64 = Generation::LAST.number() / 2;

/// The handle of something that lies in no slot, by its index and a number of its own; it equals no slot's handle.
pub fn pack_outside(index: u32, number: u64) -> u64 {
    pack(index, LAST + 1 + number)
}

/// The handle for a number of a slot; 0, which is never valid, for what no handle can name.
pub fn pack(index: u32, number: u64) -> u64 {
    Generation::new(number).and_then(|number| Handle::new(index, number)).map_or(0, Handle::pack)
}

/// Slot index and number of a handle; for what is no handle, a number that no slot ever gives.
pub fn unpack(handle: u64) -> (u32, u64) {
    Handle::unpack(handle).map_or((0, 0), |handle| (handle.slot(), handle.generation().number()))
}

/// One slot: its counter and its contents.
#[derive(Debug)]
pub struct Slot<T> {
    counter: u64,
    /// What the slot holds; meaningful while the slot is taken.
    pub contents: T,
}

impl<T> Slot<T> {
    /// A number that this slot never gave before; `None` when it has no more, which retires the slot.
    pub fn next_number(&mut self) -> Option<u64> {
        self.next_numbers(1)
    }

    /// As [`Slot::next_number`], for `count` numbers in a row: the first of them.
    pub fn next_numbers(&mut self, count: u64) -> Option<u64> {
        let first = self.counter + 1;
        let last = self.counter.checked_add(count).filter(|last| *last <= LAST)?;
        self.counter = last;
        Some(first)
    }

    /// Whether the slot may be taken again: enough numbers are left for a long task.
    pub fn is_reusable(&self) -> bool {
        self.counter < LAST / 2
    }
}

type Chunk<T> = Box<[Mutex<Slot<T>>]>;

/// All slots of a process.
pub struct Slots<T> {
    chunks: Box<[OnceLock<Chunk<T>>]>,
    used: Mutex<usize>,
}

impl<T: Default> Slots<T> {
    /// A table with no slots yet.
    pub fn new() -> Self {
        Slots { chunks: (0..SLOTS / CHUNK).map(|_| OnceLock::new()).collect(), used: Mutex::new(0) }
    }

    /// Locks the slot with that index; `None` for an index that was never handed out.
    #[inline]
    pub fn lock(&self, index: u32) -> Option<MutexGuard<'_, Slot<T>>> {
        let chunk = self.chunks.get(index as usize / CHUNK)?.get()?;
        Some(chunk[index as usize % CHUNK].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many slots were handed out so far.
    pub fn len(&self) -> u32 {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        (*used * CHUNK) as u32
    }

    /// Adds fresh slots to a worker's free list; adds none when the table is full.
    pub fn grow(&self, free: &mut Vec<u32>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(chunk) = self.chunks.get(*used) else { return };
        chunk.get_or_init(|| {
            (0..CHUNK).map(|_| Mutex::new(Slot { counter: 0, contents: T::default() })).collect()
        });
        let first = (*used * CHUNK) as u32;
        *used += 1;
        // The list is taken from its end: hand out low indices first.
        free.extend((first..first + CHUNK as u32).rev());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_repeat_and_run_out() {
        let mut slot = Slot { counter: LAST - 2, contents: () };
        assert_eq!(slot.next_number(), Some(LAST - 1));
        assert_eq!(slot.next_number(), Some(LAST));
        assert_eq!(slot.next_number(), None);
        assert!(!slot.is_reusable());
        let mut slot = Slot { counter: LAST - 2, contents: () };
        assert_eq!(slot.next_numbers(3), None);
        assert_eq!(slot.next_numbers(2), Some(LAST - 1), "what was refused has taken none");
    }

    #[test]
    fn grows_by_whole_chunks_and_refuses_unknown_indices() {
        let slots: Slots<u8> = Slots::new();
        let mut free = Vec::new();
        assert!(slots.lock(0).is_none());
        slots.grow(&mut free);
        assert_eq!((free.len(), free.last()), (CHUNK, Some(&0)));
        slots.grow(&mut free);
        assert_eq!(free.last(), Some(&(CHUNK as u32)));
        assert!(slots.lock(2 * CHUNK as u32 - 1).is_some());
        assert!(slots.lock(2 * CHUNK as u32).is_none());
    }
}
