//! Who waits, by ticket. Tickets are counted, so that a multiplication spreads them well enough.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What is known by ticket.
pub(super) type ByTicket<T> = HashMap<u64, T, BuildHasherDefault<TicketHasher>>;

/// Spreads numbers that were counted: by the golden ratio, as Fibonacci hashing does.
#[derive(Default)]
pub(super) struct TicketHasher(u64);

impl Hasher for TicketHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
