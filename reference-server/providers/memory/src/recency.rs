//! Who was used last: a list of slots by number, from the oldest to the newest, with all moves in constant time. Must not
//! know what a slot holds.

/// No slot.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Links {
    older: u32,
    newer: u32,
}

/// Slots in the order of their last use. A slot is in the list at most once; that is the caller's to see to.
pub(crate) struct Recency {
    links: Vec<Links>,
    oldest: u32,
    newest: u32,
}

impl Recency {
    pub(crate) fn new() -> Self {
        Self { links: Vec::new(), oldest: NONE, newest: NONE }
    }

    /// The slot that was not used for the longest time.
    pub(crate) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Puts a slot that is not in the list at its newest end.
    pub(crate) fn push(&mut self, slot: u32) {
        let links = Links { older: self.newest, newer: NONE };
        let index = slot as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, Links { older: NONE, newer: NONE });
        }
        self.links[index] = links;
        match links.older {
            NONE => self.oldest = slot,
            older => self.links[older as usize].newer = slot,
        }
        self.newest = slot;
    }

    /// Takes a slot that is in the list out of it.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Links { older, newer } = self.links[slot as usize];
        match older {
            NONE => self.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.links[newer as usize].older = older,
        }
    }

    /// Makes a slot that is in the list the newest.
    pub(crate) fn touch(&mut self, slot: u32) {
        if self.newest != slot {
            self.remove(slot);
            self.push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(list: &Recency) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut next = list.oldest;
        while next != NONE {
            slots.push(next);
            next = list.links[next as usize].newer;
        }
        slots
    }

    proptest! {
        #[test]
        fn it_keeps_the_order_of_a_plain_list(moves in prop::collection::vec((0_u32..8, any::<bool>()), 0..100)) {
            let (mut list, mut plain) = (Recency::new(), Vec::new());
            for (slot, is_used) in moves {
                let was_in = plain.contains(&slot);
                plain.retain(|other| *other != slot);
                match (was_in, is_used) {
                    (true, true) => list.touch(slot),
                    (true, false) => list.remove(slot),
                    (false, true) => list.push(slot),
                    (false, false) => {}
                }
                if is_used {
                    plain.push(slot);
                }
                prop_assert_eq!(order(&list), plain.clone());
                prop_assert_eq!(list.oldest(), plain.first().copied());
            }
        }
    }
}
