//! Closing while others inject and sleep: what was accepted is taken or drained, and nobody sleeps on.

mod sleeper;

use std::sync::Barrier;
use std::thread;

use hc_scheduler::{Config, Park, RejectReason};
use proptest::prelude::*;
use sleeper::{counting, sleeping};

#[test]
fn close_wakes_all_and_refuses_more() {
    let (scheduler, workers, unparks) = counting(Config::default(), 3);
    workers[0].push_batch([1, 2], 100);
    assert!(workers[1..].iter().all(|worker| worker.prepare_park(|| true) == Park::Sleep));
    assert!(!scheduler.is_closed());
    scheduler.close();
    scheduler.close();
    assert!(scheduler.is_closed());
    assert_eq!(unparks.take(), [0, 1, 1]);
    let rejected = scheduler.inject(1, 3).unwrap_err();
    assert_eq!((rejected.item, rejected.reason), (3, RejectReason::Closed));
    assert_eq!(scheduler.inject_any(4).unwrap_err().reason, RejectReason::Closed);
    assert_eq!(workers[0].prepare_park(|| true), Park::Closed);
    assert_eq!(workers[0].take(), Some(1), "what was accepted may still be worked off");
}

#[test]
fn drain_returns_what_dropped_workers_left() {
    let (scheduler, workers, _) = counting(Config::default(), 2);
    workers[0].push_batch(0..100, 100);
    workers[0].push_batch(100..200, 100);
    scheduler.inject(1, 200).unwrap();
    drop(workers);
    let mut items = scheduler.drain();
    items.sort_unstable();
    assert_eq!(items, Vec::from_iter(0..=200));
    assert_eq!(scheduler.drain(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn accepted_is_taken_or_drained(workers in 1usize..4, injectors in 1usize..4, before_close in 0usize..100) {
        let config = Config { inbox_limit_items: 64, ..Config::default() };
        let (scheduler, handles) = sleeping::<u64>(config, workers);
        let start = Barrier::new(workers + injectors + 1);
        let (taken, drained, accepted) = thread::scope(|scope| {
            let takers: Vec<_> = handles.into_iter().map(|(worker, sleeper)| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let mut taken = Vec::new();
                    loop {
                        taken.extend(worker.take());
                        match worker.prepare_park(|| true) {
                            Park::Sleep => sleeper.sleep(),
                            Park::Work => {}
                            Park::Closed => return taken,
                        }
                        worker.unparked();
                    }
                })
            }).collect();
            let sources: Vec<_> = (0..injectors as u64).map(|source| {
                let (start, scheduler) = (&start, &scheduler);
                scope.spawn(move || {
                    start.wait();
                    // Until it is refused: each injector is sure to meet the close.
                    let mut accepted = 0;
                    for number in 0.. {
                        match scheduler.inject_any(number * 16 + source).map_err(|rejected| rejected.reason) {
                            Ok(()) => accepted += 1,
                            Err(RejectReason::Full) => thread::yield_now(),
                            Err(RejectReason::Closed) => break,
                        }
                    }
                    accepted
                })
            }).collect();
            start.wait();
            for _ in 0..before_close {
                thread::yield_now();
            }
            scheduler.close();
            let taken: Vec<u64> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
            // The injectors may still be at it: nothing may come in behind the drain.
            let drained = scheduler.drain();
            let accepted: usize = sources.into_iter().map(|source| source.join().unwrap()).sum();
            (taken, drained, accepted)
        });
        prop_assert_eq!(scheduler.drain(), Vec::<u64>::new());
        let mut items = [taken, drained].concat();
        prop_assert_eq!(items.len(), accepted, "an item was lost");
        items.sort_unstable();
        items.dedup();
        prop_assert_eq!(items.len(), accepted, "an item was taken twice");
    }
}
