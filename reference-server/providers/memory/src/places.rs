//! Where a key is: its hash, and the shard that the hash names. Must not know what is kept there.

use std::hash::{BuildHasher, RandomState};

/// How many shards there are, as a power of two: so many that the workers of a large machine seldom meet in one.
const SHARD_BITS: u32 = 5;

pub(crate) struct Places {
    /// Seeded at random: peers who choose keys cannot choose where they go.
    hasher: RandomState,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new() }
    }

    /// How many shards there are.
    pub(crate) fn count(&self) -> usize {
        1 << SHARD_BITS
    }

    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The shard of a hash: by its middle bits, since the table in a shard uses those at both ends.
    pub(crate) fn index(&self, hash: u64) -> usize {
        (hash >> 40) as usize & (self.count() - 1)
    }
}
