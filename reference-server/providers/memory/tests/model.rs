//! The store against a plain one: any order of operations, with time going on, gives the same answers, the same entries and the
//! same count of bytes. Must not know how the store keeps them.

use std::collections::HashMap;

use hc_provider_memory::{Condition, Life, Refusal, Store, WhenFull};
use http_container::Bytes;
use proptest::prelude::*;

const ENTRY_BYTES: u64 = 200;

#[derive(Clone, Debug)]
enum Operation {
    Get(u8),
    Set { key: u8, value: Vec<u8>, condition: u8, expected: Vec<u8>, ttl_ms: Option<u64> },
    Add { key: u8, number: i64, ttl_ms: u64 },
    Delete { key: u8, expected: Option<Vec<u8>> },
    Expire { key: u8, ttl_ms: u64 },
    Sweep,
    Wait { ns: u64 },
}

#[derive(Clone, Debug)]
struct PlainEntry {
    value: Vec<u8>,
    expires_ns: Option<u64>,
    used_at: u64,
}

/// The plain store: everything by looking at everything.
struct Plain {
    entries: HashMap<Vec<u8>, PlainEntry>,
    max_bytes: u64,
    when_full: WhenFull,
    uses: u64,
}

impl Plain {
    fn clear_expired(&mut self, now_ns: u64) {
        self.entries.retain(|_, entry| entry.expires_ns.is_none_or(|expires| expires > now_ns));
    }

    fn used(&self) -> u64 {
        self.entries.iter().map(|(key, entry)| size(key, &entry.value)).sum()
    }

    fn touch(&mut self, key: &[u8]) -> Option<PlainEntry> {
        self.uses += 1;
        let uses = self.uses;
        let entry = self.entries.get_mut(key)?;
        entry.used_at = uses;
        Some(entry.clone())
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>, expires_ns: Option<u64>) -> Result<(), Refusal> {
        let bytes = size(key, &value);
        let before = self.entries.get(key).map_or(0, |entry| size(key, &entry.value));
        while self.used() - before + bytes > self.max_bytes {
            if self.when_full == WhenFull::Refuse || bytes > self.max_bytes {
                return Err(Refusal::Full);
            }
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used_at);
            let oldest = oldest.map(|(key, _)| key.clone()).expect("something takes the room");
            self.entries.remove(&oldest);
        }
        self.uses += 1;
        self.entries.insert(key.to_vec(), PlainEntry { value, expires_ns, used_at: self.uses });
        Ok(())
    }
}

fn size(key: &[u8], value: &[u8]) -> u64 {
    key.len() as u64 + value.len() as u64 + ENTRY_BYTES
}

fn expiry(now_ns: u64, ttl_ms: u64) -> Option<u64> {
    (ttl_ms > 0).then(|| now_ns + ttl_ms * 1_000_000)
}

fn key_of(key: u8) -> Vec<u8> {
    vec![b'k', key]
}

fn condition(which: u8, expected: &[u8]) -> Condition<'_> {
    match which {
        0..=3 => Condition::Always,
        4 => Condition::Absent,
        5 => Condition::Present,
        _ => Condition::Equal(expected),
    }
}

fn set(
    store: &Store,
    now_ns: u64,
    key: &[u8],
    value: &[u8],
    on: Condition<'_>,
    life: Life,
) -> Result<bool, Refusal> {
    loop {
        match store.set(now_ns, key, &Bytes::copy_from_slice(value), on, life) {
            Err(Refusal::RoomNeeded) => {}
            answer => return answer,
        }
    }
}

fn check_set(store: &Store, plain: &mut Plain, now_ns: u64, operation: &Operation) {
    let Operation::Set { key, value, condition: which, expected, ttl_ms } = operation else { return };
    let (key, life) = (key_of(*key), ttl_ms.map_or(Life::Kept, Life::Milliseconds));
    let answer = set(store, now_ns, &key, value, condition(*which, expected), life);
    if size(&key, value) > plain.max_bytes {
        return assert_eq!(answer, Err(Refusal::Full));
    }
    let before = plain.touch(&key);
    let holds = match which {
        0..=3 => true,
        4 => before.is_none(),
        5 => before.is_some(),
        _ => before.as_ref().is_some_and(|before| before.value == *expected),
    };
    if !holds {
        return assert_eq!(answer, Ok(false));
    }
    let expires_ns = match ttl_ms {
        Some(ttl_ms) => expiry(now_ns, *ttl_ms),
        None => before.and_then(|before| before.expires_ns),
    };
    assert_eq!(answer, plain.put(&key, value.clone(), expires_ns).map(|()| true));
}

fn check_add(store: &Store, plain: &mut Plain, now_ns: u64, key: &[u8], number: i64, ttl_ms: u64) {
    let answer = store.add(now_ns, key, number, ttl_ms);
    let before = plain.touch(key);
    let counted = match &before {
        None => Ok(0),
        Some(entry) => {
            let text = std::str::from_utf8(&entry.value).unwrap_or_default();
            text.parse::<i64>().ok().filter(|number| number.to_string() == text).ok_or(Refusal::NoNumber)
        }
    };
    let sum = counted.and_then(|counted| counted.checked_add(number).ok_or(Refusal::Overflow));
    let expect = sum.and_then(|sum| {
        let expires_ns = before.map_or(expiry(now_ns, ttl_ms), |before| before.expires_ns);
        plain.put(key, sum.to_string().into_bytes(), expires_ns).map(|()| sum)
    });
    assert_eq!(answer, expect);
}

fn check(store: &Store, plain: &mut Plain, now_ns: u64, operation: &Operation) {
    match operation {
        Operation::Get(key) => {
            let found = store.get(now_ns, &key_of(*key));
            let expect = plain.touch(&key_of(*key)).map(|entry| {
                let left = entry.expires_ns.map_or(0, |expires| (expires - now_ns).div_ceil(1_000_000));
                (entry.value, left)
            });
            assert_eq!(found.map(|found| (found.value.to_vec(), found.ttl_ms)), expect);
        }
        Operation::Set { .. } => check_set(store, plain, now_ns, operation),
        Operation::Add { key, number, ttl_ms } => {
            check_add(store, plain, now_ns, &key_of(*key), *number, *ttl_ms);
        }
        Operation::Delete { key, expected } => {
            let condition = expected.as_deref().map_or(Condition::Always, Condition::Equal);
            let answer = store.delete(now_ns, &key_of(*key), condition);
            let before = plain.touch(&key_of(*key));
            let holds =
                before.is_some_and(|before| expected.as_ref().is_none_or(|value| *value == before.value));
            assert_eq!(answer, holds);
            if holds {
                plain.entries.remove(&key_of(*key));
            }
        }
        Operation::Expire { key, ttl_ms } => {
            let answer = store.expire(now_ns, &key_of(*key), *ttl_ms);
            assert_eq!(answer, plain.touch(&key_of(*key)).is_some());
            if let Some(entry) = plain.entries.get_mut(&key_of(*key)) {
                entry.expires_ns = expiry(now_ns, *ttl_ms);
            }
        }
        Operation::Sweep => {
            store.sweep(now_ns, usize::MAX);
            assert_eq!((store.used_bytes(), store.len()), (plain.used(), plain.entries.len()));
            let next = plain.entries.values().filter_map(|entry| entry.expires_ns).min();
            assert_eq!(store.next_expiry_ns(), next);
        }
        Operation::Wait { .. } => {}
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (-20_i64..20).prop_map(|number| number.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0_u8..12;
    let ttl = || prop_oneof![Just(0_u64), 1_u64..40];
    prop_oneof![
        3 => key().prop_map(Operation::Get),
        6 => (key(), value(), 0_u8..8, value(), prop::option::of(ttl())).prop_map(
            |(key, value, condition, expected, ttl_ms)| Operation::Set { key, value, condition, expected, ttl_ms }),
        2 => (key(), prop_oneof![-9_i64..9, Just(i64::MAX)], ttl())
            .prop_map(|(key, number, ttl_ms)| Operation::Add { key, number, ttl_ms }),
        1 => (key(), prop::option::of(value())).prop_map(|(key, expected)| Operation::Delete { key, expected }),
        1 => (key(), ttl()).prop_map(|(key, ttl_ms)| Operation::Expire { key, ttl_ms }),
        1 => Just(Operation::Sweep),
        2 => (0_u64..30_000_000).prop_map(|ns| Operation::Wait { ns }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_of_operations_answers_like_a_plain_store(
        operations in prop::collection::vec(operation(), 1..150),
        max_bytes in 200_u64..3000,
        when_full in prop_oneof![Just(WhenFull::Evict), Just(WhenFull::Refuse)],
    ) {
        let store = Store::new(max_bytes, when_full);
        let mut plain = Plain { entries: HashMap::new(), max_bytes, when_full, uses: 0 };
        let mut now_ns = 5;
        for operation in &operations {
            if let Operation::Wait { ns } = operation {
                now_ns += ns;
            }
            plain.clear_expired(now_ns);
            check(&store, &mut plain, now_ns, operation);
            prop_assert!(store.used_bytes() <= max_bytes);
        }
        check(&store, &mut plain, now_ns, &Operation::Sweep);
    }
}
