//! Ways to sleep for the tests: a real one on a condition variable, and one that only counts.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hc_scheduler::{Config, Scheduler, Unpark, Worker};

/// Far beyond any scheduling delay: a sleep as long as this is a lost wake-up.
const LOST_WAKE_LIMIT: Duration = Duration::from_secs(60);

/// A latched interruption with a thread that really sleeps behind it.
#[derive(Default)]
pub struct Sleeper {
    interrupted: Mutex<bool>,
    changed: Condvar,
}

impl Sleeper {
    /// Sleeps until interrupted; a sleep without end fails the test instead of hanging it.
    pub fn sleep(&self) {
        let guard = self.interrupted.lock().unwrap();
        let waited = self.changed.wait_timeout_while(guard, LOST_WAKE_LIMIT, |interrupted| !*interrupted);
        let (mut interrupted, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "a wake-up was lost");
        *interrupted = false;
    }
}

/// Interrupts the sleeper it shares.
pub struct Interrupt(pub Arc<Sleeper>);

impl Unpark for Interrupt {
    fn unpark(&self) {
        *self.0.interrupted.lock().unwrap() = true;
        self.0.changed.notify_one();
    }
}

/// A worker and where it sleeps.
pub type Sleeping<T> = (Worker<T>, Arc<Sleeper>);

/// A scheduler whose workers sleep for real.
pub fn sleeping<T: Send>(config: Config, count: usize) -> (Scheduler<T>, Vec<Sleeping<T>>) {
    let sleepers: Vec<_> = (0..count).map(|_| Arc::new(Sleeper::default())).collect();
    let interrupts =
        sleepers.iter().map(|sleeper| Box::new(Interrupt(Arc::clone(sleeper))) as Box<dyn Unpark>);
    let (scheduler, workers) = Scheduler::new(config, interrupts.collect());
    (scheduler, workers.into_iter().zip(sleepers).collect())
}

/// How many unparks each worker was sent.
#[derive(Clone)]
pub struct Unparks(Arc<Vec<AtomicUsize>>);

impl Unparks {
    /// The counts since the last call.
    pub fn take(&self) -> Vec<usize> {
        self.0.iter().map(|count| count.swap(0, Ordering::Relaxed)).collect()
    }
}

/// A scheduler whose workers do not sleep; unparks are counted.
pub fn counting<T: Send>(config: Config, count: usize) -> (Scheduler<T>, Vec<Worker<T>>, Unparks) {
    let unparks = Unparks(Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect()));
    let interrupts = (0..count).map(|worker| {
        let counts = Arc::clone(&unparks.0);
        Box::new(move || {
            counts[worker].fetch_add(1, Ordering::Relaxed);
        }) as Box<dyn Unpark>
    });
    let (scheduler, workers) = Scheduler::new(config, interrupts.collect());
    (scheduler, workers, unparks)
}
