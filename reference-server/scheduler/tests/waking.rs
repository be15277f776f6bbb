//! Who is woken, when, and how often: each case played step by step on one thread, with workers whose
//! unparks are counted.

mod sleeper;

use hc_scheduler::{Config, Distribution, Park, Worker};
use sleeper::counting;

const HEAVY_NS: u64 = 50_000;
const TINY_NS: u64 = 300;

fn park<T>(worker: &Worker<T>) {
    assert_eq!(worker.prepare_park(|| true), Park::Sleep);
}

#[test]
fn a_worker_that_is_awake_is_never_sent_an_unpark() {
    let (scheduler, workers, unparks) = counting::<u64>(Config::default(), 2);
    scheduler.inject(0, 1).unwrap();
    assert!(!scheduler.notify(0));
    workers[1].push_batch(0..100, HEAVY_NS);
    assert!(!workers[1].offer(HEAVY_NS));
    assert_eq!(unparks.take(), [0, 0]);
}

#[test]
fn wakes_of_one_sleep_are_coalesced() {
    let (scheduler, workers, unparks) = counting(Config::default(), 1);
    park(&workers[0]);
    for item in 0..10 {
        scheduler.inject(0, item).unwrap();
    }
    assert!(!scheduler.notify(0));
    assert_eq!(unparks.take(), [1]);
    workers[0].unparked();
    assert_eq!(std::iter::from_fn(|| workers[0].take()).collect::<Vec<_>>(), Vec::from_iter(0..10));
    assert_eq!(workers[0].prepare_park(|| true), Park::Sleep);
    assert!(scheduler.notify(0), "the next sleep has a wake of its own");
    workers[0].unparked();
    let counters = scheduler.counters(0);
    assert_eq!((counters.parks, counters.woken, scheduler.shared_counters().wakes_sent), (2, 2, 2));
}

#[test]
fn a_sleep_that_ends_by_itself_needs_no_wake() {
    let (scheduler, workers, unparks) = counting::<u64>(Config::default(), 1);
    park(&workers[0]);
    workers[0].unparked();
    workers[0].unparked();
    scheduler.inject(0, 7).unwrap();
    assert_eq!((unparks.take(), scheduler.counters(0).woken), (vec![0], 0));
}

#[test]
fn nobody_sleeps_over_waiting_work() {
    let (scheduler, workers, _) = counting(Config::default(), 2);
    let [first, second] = &workers[..] else { unreachable!("two workers were made") };
    assert_eq!(first.prepare_park(|| false), Park::Work, "the caller's own queues");
    scheduler.inject(0, 1).unwrap();
    assert_eq!(first.prepare_park(|| true), Park::Work, "the inbox");
    assert_eq!(first.pop(), Some(1));
    first.push(2, TINY_NS);
    assert_eq!(first.prepare_park(|| true), Park::Work, "the deque");
    assert_eq!(second.prepare_park(|| true), Park::Sleep, "another's tiny step is no reason");
    second.unparked();
    first.push(3, HEAVY_NS);
    assert_eq!(second.prepare_park(|| true), Park::Work, "another's heavy step is");
    scheduler.close();
    assert_eq!(second.prepare_park(|| true), Park::Closed);
}

#[test]
fn tiny_steps_stay_on_their_worker() {
    let (scheduler, workers, unparks) = counting(Config::default(), 2);
    park(&workers[1]);
    workers[0].push_batch(0..10_000, TINY_NS);
    assert!(!workers[0].offer(TINY_NS));
    workers[1].unparked();
    assert_eq!(workers[1].take(), None);
    assert_eq!(unparks.take(), [0, 0]);
    let counters = scheduler.counters(1);
    assert_eq!((counters.steals, counters.steal_misses, counters.spins), (0, 0, 0));
}

#[test]
fn the_owner_takes_the_oldest_and_a_thief_the_newest() {
    let (_scheduler, workers, _) = counting(Config::default(), 2);
    workers[0].push_batch(0..6, HEAVY_NS);
    assert_eq!((workers[0].take(), workers[1].take()), (Some(0), Some(5)));
    assert_eq!((workers[0].take(), workers[1].take()), (Some(1), Some(4)));
}

#[test]
fn heavy_backlog_wakes_one_helper_which_wakes_the_next() {
    let (scheduler, workers, unparks) = counting(Config::default(), 4);
    workers[1..].iter().for_each(park);
    workers[0].push(0, HEAVY_NS);
    assert_eq!(unparks.take(), [0, 0, 0, 0], "one item is its owner's");
    workers[0].push_batch(1..6, HEAVY_NS);
    assert_eq!(unparks.take(), [0, 1, 0, 0], "one helper");
    assert!(!workers[0].offer(HEAVY_NS));
    workers[0].push_batch(6..8, HEAVY_NS);
    assert_eq!(unparks.take(), [0, 0, 0, 0], "it is on its way: nobody else is woken");
    workers[1].unparked();
    assert!(workers[1].take().is_some());
    assert_eq!(unparks.take(), [0, 0, 1, 0], "it found more than it can do");
    workers[2].unparked();
    assert!(workers[2].take().is_some());
    assert_eq!(unparks.take(), [0, 0, 0, 1]);
    assert_eq!(scheduler.counters(1).wakes_sent, 1);
    assert_eq!(scheduler.counters(1).steals, 1);
}

#[test]
fn a_backlog_that_turns_out_heavy_is_offered() {
    let (_scheduler, workers, unparks) = counting(Config::default(), 2);
    park(&workers[1]);
    workers[0].push_batch(0..10, 0);
    assert_eq!(unparks.take(), [0, 0], "nothing is known yet");
    assert_eq!(workers[0].pop(), Some(0));
    assert!(!workers[0].offer(TINY_NS));
    assert!(workers[0].offer(HEAVY_NS));
    assert_eq!(unparks.take(), [0, 1]);
}

/// A helper was woken and turns to something else; the search must go on to worker 2.
fn the_search_passes_on(helper_turns_away: impl FnOnce(Worker<u64>)) {
    let (scheduler, mut workers, unparks) = counting(Config::default(), 3);
    workers[1..].iter().for_each(park);
    workers[0].push_batch(0..10, HEAVY_NS);
    assert_eq!(unparks.take(), [0, 1, 0]);
    scheduler.inject(1, 99).unwrap();
    helper_turns_away(workers.remove(1));
    assert_eq!(unparks.take(), [0, 0, 1]);
}

#[test]
fn a_helper_with_work_of_its_own_passes_the_search_on() {
    the_search_passes_on(|helper| {
        helper.unparked();
        assert_eq!(helper.pop(), Some(99));
    });
}

#[test]
fn a_helper_that_does_not_search_passes_the_search_on() {
    the_search_passes_on(|helper| {
        helper.unparked();
        assert_eq!(helper.prepare_park(|| true), Park::Work);
    });
}

#[test]
fn a_helper_that_goes_away_passes_the_search_on() {
    the_search_passes_on(drop);
}

#[test]
fn searching_is_bounded_and_only_one_spins() {
    let config = Config { spin_limit_rounds: 10, ..Config::default() };
    let (scheduler, workers, _) = counting::<u64>(config, 3);
    workers[0].push(1, HEAVY_NS);
    assert_eq!(workers[0].pop(), Some(1), "worker 0 now runs a heavy step");
    assert_eq!(workers[1].search(), None);
    assert_eq!(scheduler.counters(1).spins, 10);
    park(&workers[1]);
    workers[0].push_batch(2..5, HEAVY_NS);
    assert_eq!(std::iter::from_fn(|| workers[0].pop()).count(), 3);
    assert_eq!(workers[2].search(), None);
    assert_eq!(scheduler.counters(2).spins, 0, "worker 1 was woken to search: worker 2 need not");
}

#[test]
fn round_robin_gives_to_all_in_turn_and_wakes_each_once() {
    let config = Config { distribution: Distribution::RoundRobin, ..Config::default() };
    let (scheduler, workers, unparks) = counting(config, 3);
    workers[1..].iter().for_each(park);
    workers[0].push_batch(0..7, TINY_NS);
    assert_eq!([0, 1, 2].map(|worker| scheduler.queued(worker)), [3, 2, 2]);
    assert_eq!(unparks.take(), [0, 1, 1]);
    workers[0].push(7, TINY_NS);
    assert_eq!(scheduler.queued(1), 3, "the turn goes on from batch to batch");
    assert_eq!(std::iter::from_fn(|| workers[0].pop()).collect::<Vec<_>>(), [0, 3, 6]);
}

#[test]
fn a_stuck_worker_is_rescued_whatever_its_steps_cost() {
    let (scheduler, workers, _) = counting(Config::default(), 1);
    workers[0].push_batch(0..3, TINY_NS);
    workers[0].push_batch(3..5, TINY_NS);
    let rescued: Vec<u64> = std::iter::from_fn(|| scheduler.rescue(0)).collect();
    assert_eq!(rescued, [2, 1, 0, 3, 4]);
    assert_eq!(scheduler.shared_counters().rescued, 5);
}
