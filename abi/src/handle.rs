//! Generational handles: how a slot and its generation share one 64-bit number. Pure; must not know what is in the slot.
//!
//! A handle is 24 bits of slot index below 40 bits of generation. The generation starts at 1, so the number 0 is never a
//! handle; it grows each time the slot is given to somebody new, and the slot is retired when it can grow no more, so a
//! number never comes back [handle.generation].

/// How many bits of a handle number the slot.
pub const SLOT_BITS: u32 = 24;
/// How many bits of a handle count the generation.
pub const GENERATION_BITS: u32 = 64 - SLOT_BITS;
/// How many slots can be told apart.
pub const SLOT_COUNT: u32 = 1 << SLOT_BITS;

/// Which use of a slot this is: 1 to 2^40 - 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Generation(u64);

impl Generation {
    /// The generation of a slot's first use.
    pub const FIRST: Generation = Generation(1);
    /// The generation of a slot's last use.
    pub const LAST: Generation = Generation((1 << GENERATION_BITS) - 1);

    /// The generation of that number, if there is one.
    #[must_use]
    pub const fn new(number: u64) -> Option<Generation> {
        if number >= Generation::FIRST.0 && number <= Generation::LAST.0 {
            Some(Generation(number))
        } else {
            None
        }
    }

    /// The generation of the slot's next use; `None` when the slot is exhausted and has to be retired.
    #[must_use]
    pub const fn next(self) -> Option<Generation> {
        Generation::new(self.0 + 1)
    }

    /// The number: 1 to 2^40 - 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A handle taken apart: which slot, and which use of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle {
    slot: u32,
    generation: Generation,
}

impl Handle {
    /// The handle of that slot in that generation; `None` when the slot number needs more than 24 bits.
    #[must_use]
    pub const fn new(slot: u32, generation: Generation) -> Option<Handle> {
        if slot < SLOT_COUNT { Some(Handle { slot, generation }) } else { None }
    }

    /// Takes a number from the other side apart; `None` for numbers that no container ever gave out (0 among them).
    #[must_use]
    pub const fn unpack(number: u64) -> Option<Handle> {
        match Generation::new(number >> SLOT_BITS) {
            Some(generation) => Some(Handle { slot: (number & (SLOT_COUNT as u64 - 1)) as u32, generation }),
            None => None,
        }
    }

    /// The number that crosses the boundary; never 0.
    #[must_use]
    pub const fn pack(self) -> u64 {
        self.generation.0 << SLOT_BITS | self.slot as u64
    }

    /// The slot: 0 to 2^24 - 1.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// The use of the slot.
    #[must_use]
    pub const fn generation(self) -> Generation {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_generation_has_no_next() {
        assert_eq!(Generation::LAST.next(), None);
        assert_eq!(Generation::LAST.number(), (1 << 40) - 1);
        assert_eq!(Generation::FIRST.next().map(Generation::number), Some(2));
        assert_eq!(Generation::new(0), None);
        assert_eq!(Generation::new(1 << 40), None);
    }

    #[test]
    fn zero_and_generation_zero_are_no_handles() {
        assert_eq!(Handle::unpack(0), None);
        assert_eq!(Handle::unpack(u64::from(SLOT_COUNT) - 1), None);
        assert_eq!(Handle::new(SLOT_COUNT, Generation::FIRST), None);
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(slot in 0..SLOT_COUNT, number in 1u64..1 << GENERATION_BITS) {
            let handle = Handle::new(slot, Generation::new(number).unwrap()).unwrap();
            prop_assert_ne!(handle.pack(), 0);
            prop_assert_eq!(Handle::unpack(handle.pack()), Some(handle));
            prop_assert_eq!((handle.slot(), handle.generation().number()), (slot, number));
        }

        #[test]
        fn every_number_is_one_handle_or_none(number: u64) {
            match Handle::unpack(number) {
                Some(handle) => prop_assert_eq!(handle.pack(), number),
                None => prop_assert_eq!(number >> SLOT_BITS, 0),
            }
        }

        #[test]
        fn a_later_use_has_another_number(slot in 0..SLOT_COUNT, number in 1u64..(1 << GENERATION_BITS) - 1) {
            let now = Generation::new(number).unwrap();
            let later = now.next().unwrap();
            prop_assert!(later > now);
            prop_assert_ne!(Handle::new(slot, now).unwrap().pack(), Handle::new(slot, later).unwrap().pack());
        }
    }
}
