//! The partitions of one route: how many requests of each key are under way, and which wait. A key without requests costs
//! nothing. It must not know what a request is.

use crate::settings::{PartitionGate, PartitionKey, Route};
use http_container_abi::RequestView;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

/// Most keys with requests at one moment [gate.partition.keys].
const KEYS: usize = 65_536;

/// The partitions of a route.
pub(crate) struct Partitions {
    gate: PartitionGate,
    keys: HashMap<Box<[u8]>, Partition>,
}

#[derive(Default)]
struct Partition {
    under_way: u32,
    waiting: VecDeque<u64>,
}

/// What becomes of a request at the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    Passed,
    Waits,
    /// As many of its key wait as may.
    Full,
    /// There are as many keys as may be.
    ManyKeys,
}

impl Partitions {
    /// Those of a route that has such a gate.
    pub fn of(route: &Route) -> Option<Mutex<Partitions>> {
        let gate = route.gates.partition.clone()?;
        Some(Mutex::new(Partitions { gate, keys: HashMap::new() }))
    }

    /// A task with that key comes to the gate.
    pub fn enter(&mut self, key: &[u8], task: u64) -> Entry {
        if !self.keys.contains_key(key) {
            if self.keys.len() >= KEYS {
                return Entry::ManyKeys;
            }
            self.keys.insert(key.into(), Partition::default());
        }
        let Some(partition) = self.keys.get_mut(key) else { return Entry::ManyKeys };
        if partition.under_way < self.gate.concurrent.max(1) {
            partition.under_way += 1;
            return Entry::Passed;
        }
        if partition.waiting.len() >= self.gate.max_waiting as usize {
            return Entry::Full;
        }
        partition.waiting.push_back(task);
        Entry::Waits
    }

    /// A task of that key has ended, or has left the gate: the one whose turn it is now, if any. It counts as under way from
    /// now on.
    pub fn leave(&mut self, key: &[u8], task: u64) -> Option<u64> {
        let partition = self.keys.get_mut(key)?;
        if let Some(at) = partition.waiting.iter().position(|waiting| *waiting == task) {
            partition.waiting.remove(at);
            return None;
        }
        let next = partition.waiting.pop_front();
        if next.is_none() {
            partition.under_way -= 1;
            if partition.under_way == 0 {
                self.keys.remove(key);
            }
        }
        next
    }

    /// How long a task may wait, ns.
    pub fn timeout_ns(&self) -> u64 {
        self.gate.timeout_ns
    }
}

impl PartitionKey {
    /// The key of a request, in the bytes that the peer sent [gate.partition.key].
    pub fn of<'a>(&self, request: &RequestView<'a>) -> &'a [u8] {
        let found = match self {
            PartitionKey::Path(number) => {
                let path = request.path();
                let segments = path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/');
                segments.into_iter().nth((*number as usize).saturating_sub(1))
            }
            PartitionKey::Header(name) => request.field(name),
            PartitionKey::Query(name) => {
                let query = request.query().unwrap_or_default();
                named(query.split(|byte| *byte == b'&'), name)
            }
            PartitionKey::Cookie(name) => {
                let cookies =
                    request.fields().iter().filter(|(field, _)| field.eq_ignore_ascii_case(b"cookie"));
                let pairs = cookies.flat_map(|(_, value)| value.split(|byte| *byte == b';'));
                named(pairs.map(<[u8]>::trim_ascii), name)
            }
        };
        found.unwrap_or_default()
    }
}

/// The value of the first pair of that name.
fn named<'a>(mut pairs: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a [u8]> {
    pairs.find_map(|pair| match pair.strip_prefix(name.as_bytes())? {
        [] => Some(&b""[..]),
        [b'=', value @ ..] => Some(value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(concurrent: u32, max_waiting: u32) -> Partitions {
        let gate = PartitionGate { key: PartitionKey::Path(1), concurrent, max_waiting, timeout_ns: 1 };
        Partitions { gate, keys: HashMap::new() }
    }

    #[test]
    fn each_key_has_places_and_a_queue_of_its_own() {
        let mut all = partitions(1, 2);
        let enter = |all: &mut Partitions, key: &[u8], task| all.enter(key, task);
        assert_eq!(enter(&mut all, b"hot", 1), Entry::Passed);
        assert_eq!(enter(&mut all, b"hot", 2), Entry::Waits);
        assert_eq!(enter(&mut all, b"hot", 3), Entry::Waits);
        assert_eq!(enter(&mut all, b"hot", 4), Entry::Full);
        assert_eq!(enter(&mut all, b"", 5), Entry::Passed, "the key of requests without one");
        assert_eq!(all.leave(b"hot", 2), None, "one that waits goes, and nobody's turn comes");
        assert_eq!(all.leave(b"hot", 1), Some(3));
        assert_eq!(all.leave(b"hot", 3), None);
        assert_eq!(all.leave(b"", 5), None);
        assert!(all.keys.is_empty(), "keys without requests are forgotten");
    }

    #[test]
    fn keys_are_bounded_in_number() {
        let mut all = partitions(1, 1);
        let key = |number: usize| number.to_le_bytes();
        (0..KEYS).for_each(|number| assert_eq!(all.enter(&key(number), number as u64), Entry::Passed));
        assert_eq!(all.enter(b"one more", 1), Entry::ManyKeys);
        assert_eq!(all.enter(&key(7), 1), Entry::Waits, "those that are there go on");
        assert_eq!(all.leave(&key(8), 8), None);
        assert_eq!(all.enter(b"one more", 1), Entry::Passed);
    }

    #[test]
    fn the_first_pair_of_the_name_counts_and_names_are_whole() {
        let check = |query: &[u8], expect: Option<&[u8]>| {
            assert_eq!(named(query.split(|byte| *byte == b'&'), "user"), expect);
        };
        check(b"user=a&user=b", Some(b"a"));
        check(b"users=a&x=1", None);
        check(b"x=1&user", Some(b""));
        check(b"user=%41=&y", Some(b"%41="));
        check(b"", None);
    }
}
