//! The park protocol under the model checker. A lost wake-up shows as a deadlock: every thread ends
//! only when it has got what it must get, and sleeps otherwise.
//!
//! Work is a relaxed flag, weaker than any queue, so nothing but the protocol's own barriers can make
//! it visible. The tests named `broken_` leave one step of the protocol out and must deadlock.

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::sync::Arc;

use super::{Barrier, Parking, SeqCstFence, Withdrawn};

/// How often a schedule may take the processor from a thread that could go on. Every stale value that
/// the memory model permits is still tried; bugs of such protocols need one or two preemptions.
const PREEMPTION_LIMIT: usize = 3;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTION_LIMIT);
    builder.check(model);
}

/// A protocol without its barrier.
struct NoBarrier;

impl Barrier for NoBarrier {
    fn full() {}
}

/// A latched interruption, as an eventfd in a poll set is.
struct Sleep {
    interrupted: Mutex<bool>,
    changed: Condvar,
}

impl Sleep {
    fn interrupt(&self) {
        *self.interrupted.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn until_interrupted(&self) {
        let mut interrupted = self.interrupted.lock().unwrap();
        while !*interrupted {
            interrupted = self.changed.wait(interrupted).unwrap();
        }
        *interrupted = false;
    }
}

/// What the threads of one model share.
struct Model<B: Barrier> {
    parking: Parking<B>,
    sleeps: Vec<Sleep>,
    work: Vec<AtomicBool>,
}

impl<B: Barrier + 'static> Model<B> {
    fn new(workers: usize, items: usize) -> Arc<Self> {
        let sleep = || Sleep { interrupted: Mutex::new(false), changed: Condvar::new() };
        Arc::new(Self {
            parking: Parking::new(workers),
            sleeps: (0..workers).map(|_| sleep()).collect(),
            work: (0..items).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    fn spawn(model: &Arc<Self>, body: impl FnOnce(&Self) + 'static) -> thread::JoinHandle<()> {
        let model = Arc::clone(model);
        thread::spawn(move || body(&model))
    }

    fn publish(&self, item: usize) {
        self.work[item].store(true, Ordering::Relaxed);
    }

    fn sees(&self, item: usize) -> bool {
        self.work[item].load(Ordering::Relaxed)
    }

    fn sees_all(&self) -> bool {
        (0..self.work.len()).all(|item| self.sees(item))
    }

    fn wake(&self, worker: usize) {
        if self.parking.wake(worker) {
            self.sleeps[worker].interrupt();
        }
    }

    fn wake_any(&self, from: usize) {
        if let Some(worker) = self.parking.wake_any(from) {
            self.sleeps[worker].interrupt();
        }
    }

    /// Takes the item if it is there: exactly one taker wins.
    fn try_take(&self, item: usize) -> bool {
        self.sees(item) && self.work[item].swap(false, Ordering::AcqRel)
    }

    /// Sleeps once unless `look` finds something after the announcement. True: the claim came along.
    fn park_unless(&self, worker: usize, look: impl Fn() -> bool) -> bool {
        self.parking.announce(worker);
        if !look() {
            self.sleeps[worker].until_interrupted();
        }
        self.parking.withdraw(worker) == Withdrawn::WokenToSearch
    }
}

/// Worker 0 sleeps until all items are there; every other thread brings one and wakes it.
fn targeted<B: Barrier + 'static>(producers: usize, looks_again: bool) {
    check(move || {
        let model = Model::<B>::new(1, producers);
        let threads: Vec<_> = (0..producers)
            .map(|item| {
                Model::spawn(&model, move |model| {
                    model.publish(item);
                    model.wake(0);
                })
            })
            .collect();
        while !model.sees_all() {
            model.park_unless(0, || looks_again && model.sees_all());
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(!model.parking.is_sleeping(0));
    });
}

#[test]
fn a_targeted_wake_is_not_lost() {
    targeted::<SeqCstFence>(1, true);
}

#[test]
fn two_targeted_wakes_are_not_lost() {
    targeted::<SeqCstFence>(2, true);
}

#[test]
#[should_panic(expected = "deadlock")]
fn broken_without_the_barrier_a_wake_is_lost() {
    targeted::<NoBarrier>(1, true);
}

#[test]
#[should_panic(expected = "deadlock")]
fn broken_without_the_look_after_the_announcement_a_wake_is_lost() {
    targeted::<SeqCstFence>(1, false);
}

/// A worker that is awake is never sent an unpark: one per announced sleep at most.
#[test]
fn two_wakers_send_one_unpark() {
    check(|| {
        let model = Model::<SeqCstFence>::new(2, 1);
        model.parking.announce(0);
        let other = {
            let model = Arc::clone(&model);
            thread::spawn(move || usize::from(model.parking.wake(0)))
        };
        let mine = usize::from(model.parking.wake_any(1).is_some());
        let woke_by_itself = usize::from(model.parking.withdraw(0) == Withdrawn::Unasked);
        assert_eq!(mine + other.join().unwrap() + woke_by_itself, 1);
    });
}

/// Worker 0 has work for others; worker 1 searches, gives up, sleeps. It must get the work.
fn searcher_goes_to_sleep<B: Barrier + 'static>() {
    check(|| {
        let model = Model::<B>::new(2, 1);
        let owner = Model::spawn(&model, |model| {
            model.publish(0);
            model.wake_any(0);
        });
        let mut claim = model.parking.begin_search(1);
        loop {
            let found = model.try_take(0);
            if claim {
                model.parking.end_search(1);
            }
            if found || model.try_take(0) {
                break;
            }
            claim = model.park_unless(1, || model.sees(0));
        }
        owner.join().unwrap();
        assert!(model.parking.begin_search(1), "the claim was left taken");
    });
}

#[test]
fn a_searcher_that_goes_to_sleep_misses_nothing() {
    searcher_goes_to_sleep::<SeqCstFence>();
}

#[test]
#[should_panic(expected = "deadlock")]
fn broken_without_the_barrier_a_searcher_misses_work() {
    searcher_goes_to_sleep::<NoBarrier>();
}

/// Worker 1 searches and then turns to something else, while worker 2 sleeps. Worker 0's work must
/// reach one of them. Item 1 tells worker 2 that worker 1 has it.
fn searcher_leaves(looks_once_more: bool) {
    check(move || {
        let model = Model::<SeqCstFence>::new(3, 2);
        let searcher = Model::spawn(&model, move |model| {
            let claim = model.parking.begin_search(1);
            let mut found = model.try_take(0);
            if claim {
                model.parking.end_search(1);
                found = found || (looks_once_more && model.try_take(0));
            }
            if found {
                model.publish(1);
                model.wake(2);
            }
        });
        let owner = Model::spawn(&model, |model| {
            model.publish(0);
            model.wake_any(0);
        });
        while !model.sees(1) && !model.try_take(0) {
            if model.park_unless(2, || model.sees(0) || model.sees(1)) {
                model.parking.end_search(2);
            }
        }
        searcher.join().unwrap();
        owner.join().unwrap();
    });
}

#[test]
fn a_searcher_that_leaves_looks_once_more() {
    searcher_leaves(true);
}

#[test]
#[should_panic(expected = "deadlock")]
fn broken_a_searcher_that_does_not_look_once_more_is_caught() {
    searcher_leaves(false);
}

/// Workers 0 and 1 publish while worker 2 wakes by itself and sleeps again: a claim that was taken
/// for it in vain must not swallow the other's work.
#[test]
fn a_claim_taken_in_vain_swallows_nothing() {
    check(|| {
        let model = Model::<SeqCstFence>::new(3, 2);
        let owners: Vec<_> = (0..2)
            .map(|owner| {
                Model::spawn(&model, move |model| {
                    model.publish(owner);
                    model.wake_any(owner);
                })
            })
            .collect();
        // A sleep that a time-out ends at once.
        model.parking.announce(2);
        let mut claim = model.parking.withdraw(2) == Withdrawn::WokenToSearch;
        let mut taken = 0;
        loop {
            taken += (0..2).filter(|&item| model.try_take(item)).count();
            if std::mem::take(&mut claim) {
                model.parking.end_search(2);
                continue;
            }
            if taken == 2 {
                break;
            }
            claim = model.park_unless(2, || model.sees(0) || model.sees(1));
        }
        owners.into_iter().for_each(|owner| owner.join().unwrap());
        assert!(model.parking.begin_search(2), "the claim was left taken");
    });
}

/// One wake for two items: the helper that was woken must have the second one woken. Each helper
/// ends when it has taken one item.
fn one_helper_wakes_the_next(hands_on: bool) {
    check(move || {
        let model = Model::<SeqCstFence>::new(3, 2);
        let help = move |model: &Model<SeqCstFence>, worker: usize| {
            let take_one = || model.try_take(0) || model.try_take(1);
            loop {
                let claim = model.park_unless(worker, || model.sees(0) || model.sees(1));
                if claim {
                    model.parking.end_search(worker);
                }
                if take_one() {
                    if claim && hands_on && (model.sees(0) || model.sees(1)) {
                        model.wake_any(0);
                    }
                    break;
                }
            }
        };
        let first = Model::spawn(&model, move |model| help(model, 1));
        let second = Model::spawn(&model, move |model| help(model, 2));
        model.publish(0);
        model.publish(1);
        model.wake_any(0);
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn one_wake_for_two_items_wakes_both_helpers() {
    one_helper_wakes_the_next(true);
}

#[test]
#[should_panic(expected = "deadlock")]
fn broken_a_helper_that_does_not_hand_on_is_caught() {
    one_helper_wakes_the_next(false);
}
