//! The store under several threads at once: nothing is counted twice or lost, and the bound holds. Must not know shards.

use std::thread;

use hc_provider_memory::{Condition, Life, Refusal, Store, WhenFull};
use http_container::Bytes;

const THREADS: u8 = 4;
const ROUNDS: u32 = 5_000;

/// Runs `work` on several threads at once, with the number of the thread.
fn at_once(work: impl Fn(u8) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn counters_lose_nothing() {
    let store = Store::new(1 << 20, WhenFull::Evict);
    at_once(|_| {
        for round in 0..ROUNDS {
            store.add(0, &[b'c', (round % 3) as u8], 1, 0).unwrap();
        }
    });
    let sum: i64 = (0..3).map(|key| store.add(0, &[b'c', key], 0, 0).unwrap()).sum();
    assert_eq!(sum, i64::from(THREADS) * i64::from(ROUNDS));
}

#[test]
fn a_condition_lets_one_through() {
    let store = Store::new(1 << 20, WhenFull::Evict);
    store.set(0, b"best", &Bytes::from_static(b"0"), Condition::Always, Life::Kept).unwrap();
    at_once(|_| {
        for _ in 0..ROUNDS / 10 {
            loop {
                let before = store.get(0, b"best").unwrap().value;
                let next = std::str::from_utf8(&before).unwrap().parse::<u64>().unwrap() + 1;
                let equal = Condition::Equal(&before);
                if store.set(0, b"best", &next.to_string().into(), equal, Life::Kept).unwrap() {
                    break;
                }
            }
        }
    });
    let expect = u32::from(THREADS) * (ROUNDS / 10);
    assert_eq!(&*store.get(0, b"best").unwrap().value, expect.to_string().as_bytes());
}

#[test]
fn the_bound_holds_while_all_want_more() {
    let max_bytes = 64 << 10;
    let store = Store::new(max_bytes, WhenFull::Evict);
    at_once(|thread| {
        for round in 0..ROUNDS {
            let key = [&[thread][..], &round.to_le_bytes()].concat();
            let value = Bytes::from(vec![thread; (round % 700) as usize]);
            let life = Life::Milliseconds(u64::from(round % 5));
            while store.set(u64::from(round) * 100_000, &key, &value, Condition::Always, life)
                == Err(Refusal::RoomNeeded)
            {}
            assert!(store.used_bytes() <= max_bytes);
            if round % 3 == 0 {
                store.delete(u64::from(round) * 100_000, &key, Condition::Always);
            }
        }
    });
    assert!(!store.is_empty());
    // What is left is counted to the byte: when all of it is gone, nothing is.
    for (thread, round) in (0..THREADS).flat_map(|thread| (0..ROUNDS).map(move |round| (thread, round))) {
        store.delete(0, &[&[thread][..], &round.to_le_bytes()].concat(), Condition::Always);
    }
    assert_eq!((store.len(), store.used_bytes()), (0, 0));
}

#[test]
fn room_for_one_large_value_is_made_in_bounded_portions() {
    let store = Store::new(1 << 20, WhenFull::Evict);
    for key in 0..3_500_u32 {
        store
            .set(0, &key.to_le_bytes(), &Bytes::from_static(b"small"), Condition::Always, Life::Kept)
            .unwrap();
    }
    let large = Bytes::from(vec![0; 900 << 10]);
    let mut calls = 1;
    while store.set(0, b"large", &large, Condition::Always, Life::Kept) == Err(Refusal::RoomNeeded) {
        calls += 1;
    }
    assert!((5..30).contains(&calls), "{calls}");
    assert_eq!(store.get(0, b"large").unwrap().value.len(), large.len());
    assert!(store.get(0, &3_499_u32.to_le_bytes()).is_some(), "the newest small ones stay");
}
