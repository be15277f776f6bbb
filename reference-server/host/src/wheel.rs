//! A hierarchical timing wheel: insert, cancel and advance in constant time, at a resolution of one millisecond.
//!
//! Time is an argument, so whole runs replay. An entry never fires early: a deadline is rounded up to the next tick.
//! It must not know what its entries mean.

const LEVELS: usize = 6;
const SLOTS: usize = 64;
const BITS: u32 = 6;
const NONE: u32 = u32::MAX;

/// The resolution of the wheel, in nanoseconds.
pub const TICK_NS: u64 = 1_000_000;

/// Names an entry so that it can be cancelled; the generation refuses a key whose entry has fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    index: u32,
    generation: u32,
}

struct Entry<T> {
    value: Option<T>,
    tick: u64,
    generation: u32,
    list: u32,
    previous: u32,
    next: u32,
}

/// Timers with values of type `T`.
pub struct Wheel<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    heads: Vec<u32>,
    occupied: [u64; LEVELS],
    tick: u64,
    len: usize,
}

impl<T> Wheel<T> {
    /// An empty wheel that starts at `now_ns`.
    pub fn new(now_ns: u64) -> Self {
        Wheel {
            entries: Vec::new(),
            free: NONE,
            heads: vec![NONE; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            tick: now_ns / TICK_NS,
            len: 0,
        }
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no entry waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an entry that is due at `deadline_ns`; at the next tick when that has passed.
    pub fn insert(&mut self, deadline_ns: u64, value: T) -> Key {
        let tick = deadline_ns.div_ceil(TICK_NS).max(self.tick + 1);
        let index = self.allocate(tick, value);
        self.link(index);
        self.len += 1;
        Key { index, generation: self.entries[index as usize].generation }
    }

    /// Takes an entry out; `None` when it fired or was cancelled before.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get(key.index as usize)?;
        if entry.generation != key.generation || entry.value.is_none() {
            return None;
        }
        self.unlink(key.index);
        self.len -= 1;
        self.release(key.index)
    }

    /// The time (ns) before which nothing is due and `advance` has nothing to do; `None` when the wheel is empty.
    pub fn next_ns(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let mut best = u64::MAX;
        for level in 0..LEVELS {
            if self.occupied[level] == 0 {
                continue;
            }
            let shift = BITS * level as u32;
            let position = (self.tick >> shift) & (SLOTS as u64 - 1);
            let ahead = self.occupied[level].rotate_right(position as u32);
            // Slot 0 of the rotated word is the current one: at level 0 it is empty, above it holds a full turn.
            let distance = match (ahead & !1).trailing_zeros() {
                64 => SLOTS as u64,
                zeros => u64::from(zeros),
            };
            best = best.min(((self.tick >> shift) + distance) << shift);
        }
        Some(best.saturating_mul(TICK_NS))
    }

    /// Moves the time on to `now_ns` and hands every entry that is due to `fire`, ordered by tick.
    pub fn advance(&mut self, now_ns: u64, mut fire: impl FnMut(T)) {
        let target = now_ns / TICK_NS;
        while self.tick < target {
            let next = match self.next_ns() {
                Some(next_ns) => (next_ns / TICK_NS).min(target),
                None => target,
            };
            self.tick = next.max(self.tick + 1).min(target);
            self.cascade();
            let slot = (self.tick & (SLOTS as u64 - 1)) as u32;
            while self.heads[slot as usize] != NONE {
                let index = self.heads[slot as usize];
                self.unlink(index);
                self.len -= 1;
                if let Some(value) = self.release(index) {
                    fire(value);
                }
            }
        }
    }

    /// Brings the entries of every higher slot that begins at the current tick down to where they now belong.
    fn cascade(&mut self) {
        for level in (1..LEVELS).rev() {
            let shift = BITS * level as u32;
            if self.tick & ((1 << shift) - 1) != 0 {
                continue;
            }
            let slot = ((self.tick >> shift) & (SLOTS as u64 - 1)) as usize;
            let mut index = self.heads[level * SLOTS + slot];
            self.heads[level * SLOTS + slot] = NONE;
            self.occupied[level] &= !(1 << slot);
            while index != NONE {
                let next = self.entries[index as usize].next;
                self.link(index);
                index = next;
            }
        }
    }

    fn list_of(&self, tick: u64) -> usize {
        let distance = tick - self.tick;
        let top = (SLOTS as u64).pow(LEVELS as u32) - 1;
        let tick = if distance > top { self.tick + top } else { tick };
        let differing = (tick ^ self.tick).max(1);
        let level = (((63 - differing.leading_zeros()) / BITS) as usize).min(LEVELS - 1);
        let slot = ((tick >> (BITS * level as u32)) & (SLOTS as u64 - 1)) as usize;
        level * SLOTS + slot
    }

    fn link(&mut self, index: u32) {
        let list = self.list_of(self.entries[index as usize].tick);
        let head = self.heads[list];
        if head != NONE {
            self.entries[head as usize].previous = index;
        }
        let entry = &mut self.entries[index as usize];
        entry.list = list as u32;
        entry.previous = NONE;
        entry.next = head;
        self.heads[list] = index;
        self.occupied[list / SLOTS] |= 1 << (list % SLOTS);
    }

    fn unlink(&mut self, index: u32) {
        let (list, previous, next) = {
            let entry = &self.entries[index as usize];
            (entry.list as usize, entry.previous, entry.next)
        };
        if previous == NONE {
            self.heads[list] = next;
        } else {
            self.entries[previous as usize].next = next;
        }
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if self.heads[list] == NONE {
            self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
        }
    }

    fn allocate(&mut self, tick: u64, value: T) -> u32 {
        if self.free == NONE {
            let index = self.entries.len() as u32;
            self.entries.push(Entry {
                value: Some(value),
                tick,
                generation: 0,
                list: NONE,
                previous: NONE,
                next: NONE,
            });
            return index;
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        entry.value = Some(value);
        entry.tick = tick;
        index
    }

    fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = self.free;
        self.free = index;
        entry.value.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fires_in_order_and_never_early() {
        let mut wheel = Wheel::new(5 * TICK_NS + 17);
        for ms in [1u64, 2, 63, 64, 65, 4095, 4096, 300_000, 20_000_000] {
            wheel.insert((5 + ms) * TICK_NS + 1, ms);
        }
        let mut last = 0;
        while let Some(next) = wheel.next_ns() {
            wheel.advance(next, |ms| {
                assert!(next > (5 + ms) * TICK_NS, "{ms} fired early");
                assert!(ms > last);
                last = ms;
            });
        }
        assert_eq!(last, 20_000_000);
    }

    #[test]
    fn cancelled_keys_do_not_fire_and_do_not_come_back() {
        let mut wheel = Wheel::new(0);
        let key = wheel.insert(10 * TICK_NS, 1);
        assert_eq!(wheel.cancel(key), Some(1));
        assert_eq!(wheel.cancel(key), None);
        let other = wheel.insert(10 * TICK_NS, 2);
        assert_ne!(key, other);
        assert_eq!(wheel.cancel(key), None);
        assert_eq!(wheel.len(), 1);
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_list(
            start in 0u64..10_000_000,
            delays in proptest::collection::vec(0u64..5_000_000, 1..80),
            cancel in proptest::collection::vec(any::<bool>(), 80),
            stride in 1u64..100_000,
        ) {
            let mut wheel = Wheel::new(start * TICK_NS);
            let keys: Vec<_> = delays.iter().map(|d| wheel.insert((start + d) * TICK_NS, *d)).collect();
            let mut expect: Vec<u64> = Vec::new();
            for (index, key) in keys.into_iter().enumerate() {
                if cancel[index] { prop_assert_eq!(wheel.cancel(key), Some(delays[index])); }
                else { expect.push(delays[index]); }
            }
            expect.sort_unstable();
            let mut fired = Vec::new();
            let mut now = start;
            while !wheel.is_empty() {
                now += stride;
                wheel.advance(now * TICK_NS, |d| fired.push((now, d)));
            }
            for (at, d) in &fired {
                let due = (start + d).max(start + 1);
                prop_assert!(*at >= due && *at < due + stride);
            }
            let order: Vec<u64> = fired.iter().map(|(_, d)| *d).collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, &expect);
            // Within one tick the order is free; across ticks it is that of the deadlines.
            prop_assert!(order.windows(2).all(|pair| pair[0].max(1) <= pair[1].max(1)));
        }
    }
}
