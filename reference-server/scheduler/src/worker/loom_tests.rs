//! Whole workers under the model checker: that `take`, `push_batch`, `prepare_park`, `unparked` and
//! `close` keep the duties that the park protocol lays on its callers. A lost wake-up is a deadlock.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use loom::thread;

use crate::{Config, Park, Policy, Scheduler, Unpark, Worker};

/// A latched interruption.
struct Sleep {
    interrupted: Mutex<bool>,
    changed: Condvar,
}

impl Sleep {
    fn until_interrupted(&self) {
        let mut interrupted = self.interrupted.lock().unwrap();
        while !*interrupted {
            interrupted = self.changed.wait(interrupted).unwrap();
        }
        *interrupted = false;
    }
}

struct Interrupt(Arc<Sleep>);

impl Unpark for Interrupt {
    fn unpark(&self) {
        *self.0.interrupted.lock().unwrap() = true;
        self.0.changed.notify_one();
    }
}

/// A worker and where it sleeps.
struct Sleeping {
    worker: Worker<usize>,
    sleep: Arc<Sleep>,
}

impl Sleeping {
    /// Takes `count` items, or fewer if the scheduler closes, sleeping when there is none.
    fn take(&self, count: usize) -> Vec<usize> {
        let mut taken = Vec::new();
        while taken.len() < count {
            if let Some(item) = self.worker.take() {
                taken.push(item);
                continue;
            }
            let park = self.worker.prepare_park(|| true);
            if park == Park::Sleep {
                self.sleep.until_interrupted();
            }
            self.worker.unparked();
            if park == Park::Closed && self.worker.is_empty() {
                break;
            }
        }
        taken
    }
}

/// Every item pays; a searcher looks around `spin_limit_rounds` times before its last look.
fn check(
    workers: usize,
    spin_limit_rounds: u32,
    model: impl Fn(Scheduler<usize>, Vec<Sleeping>) + Sync + Send + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || {
        let sleep = |_| Arc::new(Sleep { interrupted: Mutex::new(false), changed: Condvar::new() });
        let sleeps: Vec<_> = (0..workers).map(sleep).collect();
        let interrupts = sleeps.iter().map(|sleep| Box::new(Interrupt(Arc::clone(sleep))) as Box<dyn Unpark>);
        let config = Config {
            policy: Policy { wake_backlog_ns: 0, steal_backlog_ns: 0, steal_step_ns: 1 },
            spin_limit_rounds,
            ..Config::default()
        };
        let (scheduler, handles) = Scheduler::new(config, interrupts.collect());
        let join = |(worker, sleep)| Sleeping { worker, sleep };
        model(scheduler, handles.into_iter().zip(sleeps).map(join).collect());
    });
}

#[test]
fn an_injected_item_reaches_a_worker_that_is_going_to_sleep() {
    check(1, 0, |scheduler, mut workers| {
        let worker = workers.remove(0);
        let taker = thread::spawn(move || worker.take(2));
        scheduler.inject(0, 1).unwrap();
        scheduler.inject(0, 2).unwrap();
        assert_eq!(taker.join().unwrap(), [1, 2]);
    });
}

/// Worker 0 is stuck in a step behind which two items wait; both must reach worker 1.
#[test]
fn a_helper_gets_all_that_a_stuck_worker_has() {
    check(2, 0, |_scheduler, mut workers| {
        let helper = workers.remove(1);
        let helping = thread::spawn(move || helper.take(2));
        workers[0].worker.push_batch([1, 2, 3], 1_000);
        assert!(workers[0].worker.pop().is_some(), "the helper leaves one");
        helping.join().unwrap();
    });
}

/// Each helper leaves with one item, so the first that is woken must have the second one woken.
#[test]
fn helpers_wake_each_other() {
    check(3, 0, |_scheduler, mut workers| {
        let helpers: Vec<_> =
            workers.drain(1..).map(|helper| thread::spawn(move || helper.take(1))).collect();
        workers[0].worker.push_batch([1, 2, 3], 1_000);
        let mut taken: Vec<usize> = helpers.into_iter().flat_map(|helper| helper.join().unwrap()).collect();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 2);
    });
}

/// A helper that is needed elsewhere passes the search on: worker 1 has an item of its own to take.
#[test]
fn a_busy_helper_passes_the_search_on() {
    check(3, 0, |scheduler, mut workers| {
        let second = workers.remove(2);
        let first = workers.remove(1);
        let second = thread::spawn(move || second.take(1));
        let first = thread::spawn(move || first.take(1));
        scheduler.inject(1, 9).unwrap();
        workers[0].worker.push_batch([1, 2, 3], 1_000);
        let mut taken = [first.join().unwrap(), second.join().unwrap()].concat();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 2);
    });
}

/// Worker 1 searches once and turns to something else, while worker 2 goes to sleep.
#[test]
fn a_searcher_that_leaves_has_missed_nothing() {
    check(3, 1, |scheduler, mut workers| {
        // Worker 0 is known for heavy steps: somebody searches for a while.
        workers[0].worker.push_batch([0], 1_000);
        assert_eq!(workers[0].worker.pop(), Some(0));
        let second = workers.remove(2);
        let first = workers.remove(1);
        let second = thread::spawn(move || second.take(1));
        let first = thread::spawn(move || {
            if first.worker.search().is_some() {
                scheduler.inject(2, 9).unwrap();
            }
        });
        workers[0].worker.push_batch([1, 2, 3], 1_000);
        first.join().unwrap();
        assert_eq!(second.join().unwrap().len(), 1);
    });
}

#[test]
fn close_reaches_a_worker_that_is_going_to_sleep_and_loses_nothing() {
    check(1, 0, |scheduler, mut workers| {
        let worker = workers.remove(0);
        let taker = thread::spawn(move || worker.take(usize::MAX));
        let injector = {
            let scheduler = scheduler.clone();
            thread::spawn(move || usize::from(scheduler.inject(0, 1).is_ok()))
        };
        scheduler.close();
        let taken = taker.join().unwrap().len();
        let drained = scheduler.drain().len();
        assert_eq!(taken + drained, injector.join().unwrap());
    });
}
