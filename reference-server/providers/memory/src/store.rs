//! The store: values by key with times to live, in shards with a lock each, and a bound on the bytes of all of them. Time is an
//! argument: nanoseconds on one monotonic clock. Must not know members, channels or the ABI.

use std::sync::atomic::{AtomicU64, Ordering};

use http_container::Bytes;

use crate::cell::{Cell, Open};
use crate::number;
use crate::places::Places;
use crate::shard::{NEVER, bytes_of};

/// How many entries that have expired an operation clears away beside its own work, in the shard that it is in.
const EXPIRE_BESIDE: usize = 2;

/// How many entries an operation takes out at most to make room, before it asks to be called again.
const ROOM_ENTRIES: usize = 256;

/// What to do when a value would not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// Take out what was not used for the longest time.
    #[default]
    Evict,
    /// Refuse the value.
    Refuse,
}

/// When a value is set or deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition<'a> {
    /// In any case.
    Always,
    /// When there is none.
    Absent,
    /// When there is one.
    Present,
    /// When it is this.
    Equal(&'a [u8]),
}

impl Condition<'_> {
    fn holds(self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => value.is_none(),
            Self::Present => value.is_some(),
            Self::Equal(expected) => value == Some(expected),
        }
    }
}

/// How long a value lives from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// As long as the one before it; for ever, when there was none.
    Kept,
    /// So many milliseconds; 0: for ever.
    Milliseconds(u64),
}

/// Why an operation was not done. Nothing was changed, but that room may have been made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no room, and there will be none.
    Full,
    /// Some room was made, more is needed: let others have their turn, and call again.
    RoomNeeded,
    /// The value is no decimal number.
    NoNumber,
    /// The sum is beyond 64 bits.
    Overflow,
}

/// A value as [`Store::get`] finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The value.
    pub value: Bytes,
    /// What is left of its time to live, in ms, rounded up; 0: for ever.
    pub ttl_ms: u64,
}

/// The store. All functions may be called from any thread; each takes the lock of one shard at a time.
pub struct Store {
    cells: Box<[Cell]>,
    places: Places,
    when_full: WhenFull,
    max_bytes: u64,
    used_bytes: AtomicU64,
    uses: AtomicU64,
}

impl Store {
    /// An empty store for at most so many bytes of keys, values and records.
    #[must_use]
    pub fn new(max_bytes: u64, when_full: WhenFull) -> Self {
        let places = Places::new();
        let cells = (0..places.count()).map(|_| Cell::new()).collect();
        Self { cells, places, when_full, max_bytes, used_bytes: AtomicU64::new(0), uses: AtomicU64::new(0) }
    }

    /// The value of a key. \[kv.get\]
    pub fn get(&self, now_ns: u64, key: &[u8]) -> Option<Found> {
        let hash = self.places.hash(key);
        let mut open = self.open(now_ns, hash);
        let slot = self.live(&mut open, now_ns, hash, key)?;
        let entry = open.entry(slot)?;
        Some(Found { value: entry.value.clone(), ttl_ms: left_ms(now_ns, entry.expires_ns()) })
    }

    /// Sets the value of a key, if the condition holds; answers whether it did. \[kv.set\] \[kv.condition\]
    ///
    /// # Errors
    /// [`Refusal::Full`], [`Refusal::RoomNeeded`].
    pub fn set(
        &self,
        now_ns: u64,
        key: &[u8],
        value: &Bytes,
        condition: Condition<'_>,
        life: Life,
    ) -> Result<bool, Refusal> {
        let bytes = bytes_of(key.len(), value.len());
        if bytes > self.max_bytes {
            return Err(Refusal::Full);
        }
        let hash = self.places.hash(key);
        let mut room = ROOM_ENTRIES;
        loop {
            let mut open = self.open(now_ns, hash);
            let slot = self.live(&mut open, now_ns, hash, key);
            let before = slot.and_then(|slot| open.entry(slot)).map(|entry| &*entry.value);
            if !condition.holds(before) {
                return Ok(false);
            }
            let before_bytes = before.map_or(0, |before| bytes_of(key.len(), before.len()));
            if self.count(before_bytes, bytes) {
                match (slot, life) {
                    (Some(slot), Life::Kept) => open.replace(slot, value.clone()),
                    (Some(slot), Life::Milliseconds(ttl_ms)) => {
                        open.replace(slot, value.clone());
                        open.set_expiry(slot, expiry_ns(now_ns, ttl_ms));
                    }
                    (None, Life::Kept) => open.insert(hash, key, value.clone(), NEVER, self.next_use()),
                    (None, Life::Milliseconds(ttl_ms)) => {
                        open.insert(hash, key, value.clone(), expiry_ns(now_ns, ttl_ms), self.next_use());
                    }
                }
                return Ok(true);
            }
            drop(open);
            self.make_room(now_ns, &mut room)?;
        }
    }

    /// Adds to the number that is the value of a key; answers the sum. A key that is not there counts as 0, and then lives for
    /// `ttl_ms`, 0: for ever. \[kv.add\]
    ///
    /// # Errors
    /// All of [`Refusal`].
    pub fn add(&self, now_ns: u64, key: &[u8], number: i64, ttl_ms: u64) -> Result<i64, Refusal> {
        let hash = self.places.hash(key);
        let mut room = ROOM_ENTRIES;
        loop {
            let mut open = self.open(now_ns, hash);
            let slot = self.live(&mut open, now_ns, hash, key);
            let before = slot.and_then(|slot| open.entry(slot)).map(|entry| &*entry.value);
            let counted = match before {
                Some(value) => number::read(value).ok_or(Refusal::NoNumber)?,
                None => 0,
            };
            let sum = counted.checked_add(number).ok_or(Refusal::Overflow)?;
            let value = Bytes::from(number::write(sum));
            let before_bytes = before.map_or(0, |before| bytes_of(key.len(), before.len()));
            let bytes = bytes_of(key.len(), value.len());
            if bytes > self.max_bytes {
                return Err(Refusal::Full);
            }
            if self.count(before_bytes, bytes) {
                match slot {
                    Some(slot) => open.replace(slot, value.clone()),
                    None => open.insert(hash, key, value.clone(), expiry_ns(now_ns, ttl_ms), self.next_use()),
                }
                return Ok(sum);
            }
            drop(open);
            self.make_room(now_ns, &mut room)?;
        }
    }

    /// Deletes a key, if there is one and the condition holds; answers whether it did. \[kv.delete\]
    pub fn delete(&self, now_ns: u64, key: &[u8], condition: Condition<'_>) -> bool {
        let hash = self.places.hash(key);
        let mut open = self.open(now_ns, hash);
        let Some(slot) = self.live(&mut open, now_ns, hash, key) else { return false };
        let holds = condition.holds(open.entry(slot).map(|entry| &*entry.value));
        if holds {
            self.free(open.remove(slot));
        }
        holds
    }

    /// Sets how long a key lives from now on, in ms, 0: for ever; answers whether there is one. \[kv.expire\]
    pub fn expire(&self, now_ns: u64, key: &[u8], ttl_ms: u64) -> bool {
        let hash = self.places.hash(key);
        let mut open = self.open(now_ns, hash);
        let Some(slot) = self.live(&mut open, now_ns, hash, key) else { return false };
        open.set_expiry(slot, expiry_ns(now_ns, ttl_ms));
        true
    }

    /// Clears away entries that have expired, at most so many; answers how many there were.
    pub fn sweep(&self, now_ns: u64, most: usize) -> usize {
        let mut swept = 0;
        for cell in &self.cells {
            if swept == most {
                break;
            }
            if cell.next_expiry_ns() <= now_ns {
                let (count, bytes) = cell.open().expire(now_ns, most - swept);
                self.free(bytes);
                swept += count;
            }
        }
        swept
    }

    /// When the next entry expires, in ns; `None` when none does.
    #[must_use]
    pub fn next_expiry_ns(&self) -> Option<u64> {
        self.cells.iter().map(Cell::next_expiry_ns).min().filter(|next| *next != NEVER)
    }

    /// The bytes of keys, values and records. Never more than the bound.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// How many entries there are, with those that have expired and were not cleared away yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.iter().map(|cell| cell.open().len()).sum()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shard where keys of that hash are, a little tidier.
    fn open(&self, now_ns: u64, hash: u64) -> Open<'_> {
        let mut open = self.cells[self.places.index(hash)].open();
        let (_, bytes) = open.expire(now_ns, EXPIRE_BESIDE);
        self.free(bytes);
        open
    }

    /// The slot of a key that has not expired, as the one that was used last. One that has expired is taken out.
    fn live(&self, open: &mut Open<'_>, now_ns: u64, hash: u64, key: &[u8]) -> Option<u32> {
        let slot = open.find(hash, key)?;
        if open.entry(slot)?.expires_ns() <= now_ns {
            self.free(open.remove(slot));
            return None;
        }
        open.touch(slot, self.next_use());
        Some(slot)
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts an entry of `after` bytes in place of one of `before`, if that fits.
    fn count(&self, before: u64, after: u64) -> bool {
        if after <= before {
            self.free(before - after);
            return true;
        }
        let more = after - before;
        let sum = |used: u64| used.checked_add(more).filter(|sum| *sum <= self.max_bytes);
        self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
    }

    fn free(&self, bytes: u64) {
        if bytes > 0 {
            self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Makes some room: what has expired goes first, then what was not used for the longest time.
    fn make_room(&self, now_ns: u64, room: &mut usize) -> Result<(), Refusal> {
        if *room == 0 {
            return Err(Refusal::RoomNeeded);
        }
        let swept = self.sweep(now_ns, *room);
        if swept > 0 {
            *room -= swept;
            return Ok(());
        }
        if self.when_full == WhenFull::Refuse {
            return Err(Refusal::Full);
        }
        // By the time a shard is open its oldest may be another, or gone; then this was an attempt, and the next comes closer.
        *room -= 1;
        let oldest = self.cells.iter().min_by_key(|cell| cell.oldest_use());
        if let Some(mut open) = oldest.map(Cell::open)
            && let Some((slot, _)) = open.oldest()
        {
            self.free(open.remove(slot));
        }
        Ok(())
    }
}

fn expiry_ns(now_ns: u64, ttl_ms: u64) -> u64 {
    match ttl_ms {
        0 => NEVER,
        _ => now_ns.saturating_add(ttl_ms.saturating_mul(1_000_000)),
    }
}

fn left_ms(now_ns: u64, expires_ns: u64) -> u64 {
    match expires_ns {
        NEVER => 0,
        _ => expires_ns.saturating_sub(now_ns).div_ceil(1_000_000),
    }
}
