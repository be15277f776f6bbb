//! One part of the store: entries by key, with when they were last used and when they expire. It is behind a lock of its own.
//! Must not know the other parts, nor how much all of them may hold.

use std::collections::BTreeSet;

use hashbrown::HashTable;
use http_container::Bytes;

use crate::recency::Recency;

/// What an entry takes beside its key and value, in bytes: its record, its places in the three indexes, and what the
/// allocator adds. An estimate, on the high side.
pub(crate) const ENTRY_BYTES: u64 = 200;

/// An entry that does not expire.
pub(crate) const NEVER: u64 = u64::MAX;

/// A value under a key.
pub(crate) struct Entry {
    hash: u64,
    key: Box<[u8]>,
    pub(crate) value: Bytes,
    /// When it expires: ns on the clock of the caller, or [`NEVER`].
    expires_ns: u64,
    /// When it was last used, in the count of all uses of the store.
    used_at: u64,
}

impl Entry {
    pub(crate) fn expires_ns(&self) -> u64 {
        self.expires_ns
    }

    fn bytes(&self) -> u64 {
        bytes_of(self.key.len(), self.value.len())
    }
}

/// What an entry of such a key and value counts.
pub(crate) fn bytes_of(key: usize, value: usize) -> u64 {
    (key as u64).saturating_add(value as u64).saturating_add(ENTRY_BYTES)
}

pub(crate) struct Shard {
    table: HashTable<u32>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    recency: Recency,
    /// Those that expire, the next one first.
    expiring: BTreeSet<(u64, u32)>,
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            table: HashTable::new(),
            entries: Vec::new(),
            free: Vec::new(),
            recency: Recency::new(),
            expiring: BTreeSet::new(),
        }
    }

    /// The slot of a key, whether expired or not.
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let is_it = |slot: &u32| self.entry(*slot).is_some_and(|entry| *entry.key == *key);
        self.table.find(hash, is_it).copied()
    }

    pub(crate) fn entry(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize)?.as_ref()
    }

    /// Adds an entry under a key that is not there.
    pub(crate) fn insert(&mut self, hash: u64, key: &[u8], value: Bytes, expires_ns: u64, used_at: u64) {
        let entry = Entry { hash, key: key.into(), value, expires_ns, used_at };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot as usize] = Some(entry);
                slot
            }
            None => {
                self.entries.push(Some(entry));
                // A slot takes more than 100 bytes: there is no memory for so many that this is cut.
                (self.entries.len() - 1) as u32
            }
        };
        let entries = &self.entries;
        let hash_of = |slot: &u32| entries[*slot as usize].as_ref().map_or(0, |entry| entry.hash);
        self.table.insert_unique(hash, slot, hash_of);
        self.recency.push(slot);
        self.note_expiry(slot, NEVER, expires_ns);
    }

    /// Gives an entry another value.
    pub(crate) fn replace(&mut self, slot: u32, value: Bytes) {
        if let Some(entry) = &mut self.entries[slot as usize] {
            entry.value = value;
        }
    }

    /// Sets when an entry expires.
    pub(crate) fn set_expiry(&mut self, slot: u32, expires_ns: u64) {
        if let Some(entry) = &mut self.entries[slot as usize] {
            let before = std::mem::replace(&mut entry.expires_ns, expires_ns);
            self.note_expiry(slot, before, expires_ns);
        }
    }

    fn note_expiry(&mut self, slot: u32, before: u64, now: u64) {
        if before != NEVER {
            self.expiring.remove(&(before, slot));
        }
        if now != NEVER {
            self.expiring.insert((now, slot));
        }
    }

    /// Says that an entry was used.
    pub(crate) fn touch(&mut self, slot: u32, used_at: u64) {
        if let Some(entry) = &mut self.entries[slot as usize] {
            entry.used_at = used_at;
            self.recency.touch(slot);
        }
    }

    /// Takes an entry out. Answers the bytes that it counted.
    pub(crate) fn remove(&mut self, slot: u32) -> u64 {
        let Some(entry) = self.entries[slot as usize].take() else { return 0 };
        if let Ok(found) = self.table.find_entry(entry.hash, |other| *other == slot) {
            found.remove();
        }
        self.recency.remove(slot);
        self.note_expiry(slot, entry.expires_ns, NEVER);
        self.free.push(slot);
        entry.bytes()
    }

    /// The entry that was not used for the longest time, and when it was, in the count of uses.
    pub(crate) fn oldest(&self) -> Option<(u32, u64)> {
        let slot = self.recency.oldest()?;
        Some((slot, self.entry(slot)?.used_at))
    }

    /// The entry that expires next, and when.
    pub(crate) fn next_expiry(&self) -> Option<(u32, u64)> {
        self.expiring.first().map(|(expires_ns, slot)| (*slot, *expires_ns))
    }

    /// Takes out the entries that have expired, at most so many. Answers how many there were and the bytes that they counted.
    pub(crate) fn expire(&mut self, now_ns: u64, most: usize) -> (usize, u64) {
        let (mut count, mut bytes) = (0, 0);
        while count < most
            && let Some((slot, expires_ns)) = self.next_expiry()
            && expires_ns <= now_ns
        {
            bytes += self.remove(slot);
            count += 1;
        }
        (count, bytes)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}
