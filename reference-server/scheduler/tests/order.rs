//! The owner's order, against a model: whatever comes in between, the oldest waiting item is next.

mod sleeper;

use std::collections::VecDeque;

use hc_scheduler::{Config, RejectReason};
use proptest::prelude::*;
use sleeper::counting;

#[derive(Clone, Debug)]
enum Action {
    PushBatch(usize),
    Inject,
    Pop(usize),
    Rescue,
    Sleep,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0usize..200).prop_map(Action::PushBatch),
        4 => Just(Action::Inject),
        4 => (1usize..150).prop_map(Action::Pop),
        2 => Just(Action::Rescue),
        1 => Just(Action::Sleep),
    ]
}

proptest! {
    #[test]
    fn the_oldest_is_next(actions in prop::collection::vec(action(), 1..80)) {
        let (scheduler, workers, _) = counting(Config::default(), 1);
        let worker = &workers[0];
        let mut waiting = VecDeque::new();
        let mut next = 0u64;
        for action in actions {
            match action {
                Action::PushBatch(count) => {
                    let batch: Vec<u64> = (next..).take(count).collect();
                    next += count as u64;
                    waiting.extend(&batch);
                    worker.push_batch(batch, 100);
                }
                Action::Inject => {
                    scheduler.inject(0, next).unwrap();
                    waiting.push_back(next);
                    next += 1;
                }
                Action::Pop(count) => for _ in 0..count {
                    prop_assert_eq!(worker.pop(), waiting.pop_front());
                },
                Action::Rescue => {
                    let taken = scheduler.rescue(0);
                    prop_assert_eq!(taken.is_some(), !waiting.is_empty());
                    let before = waiting.len();
                    waiting.retain(|&item| Some(item) != taken);
                    prop_assert_eq!(waiting.len() + usize::from(taken.is_some()), before);
                }
                Action::Sleep => {
                    let _ = worker.prepare_park(|| true);
                    worker.unparked();
                }
            }
            prop_assert_eq!(worker.len(), waiting.len());
            prop_assert_eq!(worker.is_empty(), waiting.is_empty());
            prop_assert_eq!(scheduler.queued(0), waiting.len());
        }
        prop_assert_eq!(std::iter::from_fn(|| worker.pop()).collect::<VecDeque<_>>(), waiting);
    }

    /// Batch after batch, the owner never running dry: an injected item waits only for what came before.
    #[test]
    fn later_batches_do_not_overtake(batch in 1usize..100, rounds in 1usize..50) {
        let (scheduler, workers, _) = counting(Config::default(), 1);
        workers[0].push_batch(vec![0u64; batch], 100);
        scheduler.inject(0, 1).unwrap();
        for _ in 0..batch {
            workers[0].push_batch(vec![2; rounds], 100);
            prop_assert_eq!(workers[0].pop(), Some(0));
        }
        prop_assert_eq!(workers[0].pop(), Some(1));
    }
}

#[test]
fn a_full_inbox_gives_the_item_back() {
    let config = Config { inbox_limit_items: 2, ..Config::default() };
    let (scheduler, workers, _) = counting(config, 2);
    scheduler.inject(0, 1).unwrap();
    scheduler.inject(0, 2).unwrap();
    let rejected = scheduler.inject(0, 3).unwrap_err();
    assert_eq!((rejected.item, rejected.reason), (3, RejectReason::Full));
    scheduler.inject_any(4).unwrap();
    scheduler.inject_any(5).unwrap();
    assert_eq!(scheduler.queued(1), 2, "the other worker had room");
    assert_eq!(scheduler.inject_any(6).unwrap_err().reason, RejectReason::Full);
    assert_eq!(workers[0].pop(), Some(1));
    // The refill has moved the rest to the deque: the inbox has room for two again.
    scheduler.inject(0, 7).unwrap();
    assert_eq!(std::iter::from_fn(|| workers[0].pop()).collect::<Vec<_>>(), [2, 7]);
}
