//! What all threads share: injection to a worker from anywhere, wake-ups, rescue, close and drain.
//! It must not know what an item means nor how a worker sleeps.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::counters::{SharedCount, SharedCounters, WorkerCounters};
use crate::lane::Lane;
use crate::padded::Padded;
use crate::parking::Parking;
use crate::policy::Policy;
use crate::queues::Deque;
use crate::worker::Worker;

/// Interrupts one worker's sleep, from any thread: an eventfd write, a condition variable.
///
/// Called at most once per sleep that the worker announced. The interruption must be latched: the
/// worker may not have entered its sleep yet, and then must come back from it at once. It may also
/// arrive after the worker came back by itself; then its next sleep ends at once, for nothing.
pub trait Unpark: Send + Sync {
    /// Interrupts the sleep. It must not block and must not call back into the scheduler.
    fn unpark(&self);
}

impl<F: Fn() + Send + Sync> Unpark for F {
    fn unpark(&self) {
        self();
    }
}

/// Where fresh items go that a worker's own poll has brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// To the worker where they arrived; others get some when it pays. The default.
    #[default]
    Local,
    /// To all workers in turn. It wakes sleepers for single items, so it costs more CPU per item.
    RoundRobin,
}

/// The limits and choices of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where a worker's own fresh items go.
    pub distribution: Distribution,
    /// When stealing and waking pay.
    pub policy: Policy,
    /// How many items other threads may leave in one worker's inbox before `inject` refuses more.
    /// May be passed by as many items as there are threads injecting at that moment. A worker's own
    /// pushes are not refused; the caller bounds them by its own limit on tasks.
    pub inbox_limit_items: usize,
    /// How many rounds the one searcher looks around before it gives up, each a look at the others'
    /// published figures and a pause instruction. 0 = look once. It spins only while another worker
    /// that is awake has heavy steps.
    pub spin_limit_rounds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            distribution: Distribution::Local,
            policy: Policy::default(),
            inbox_limit_items: 65_536,
            spin_limit_rounds: 64,
        }
    }
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// The worker's inbox holds `inbox_limit_items`.
    Full,
    /// The scheduler is closed.
    Closed,
}

/// An item that was not taken, given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected<T> {
    /// The item, still the caller's.
    pub item: T,
    /// Why.
    pub reason: RejectReason,
}

impl<T> fmt::Display for Rejected<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.reason {
            RejectReason::Full => "the worker's inbox is full: inbox_limit_items items wait in it",
            RejectReason::Closed => "the scheduler is closed",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for Rejected<T> {}

pub(crate) struct Shared<T> {
    pub(crate) lanes: Box<[Lane<T>]>,
    pub(crate) parking: Parking,
    pub(crate) unparkers: Box<[Box<dyn Unpark>]>,
    pub(crate) config: Config,
    next_target: Padded<AtomicUsize>,
    wakes_sent: SharedCount,
    rescued: SharedCount,
}

impl<T> Shared<T> {
    /// Wakes `worker` if it sleeps; true if that took a system call.
    pub(crate) fn wake(&self, worker: usize) -> bool {
        let asleep = self.parking.wake(worker);
        if asleep {
            self.unparkers[worker].unpark();
        }
        asleep
    }

    /// Puts an item into an inbox without waking anybody.
    pub(crate) fn post(&self, worker: usize, item: T) -> Result<(), Rejected<T>> {
        let lane = &self.lanes[worker];
        let Some(_pass) = lane.gate.enter() else {
            return Err(Rejected { item, reason: RejectReason::Closed });
        };
        if lane.inbox.len() >= self.config.inbox_limit_items {
            return Err(Rejected { item, reason: RejectReason::Full });
        }
        lane.inbox.push(item);
        Ok(())
    }
}

/// The part of the scheduler that every thread may hold; a clone is the same scheduler.
///
/// # Panics
/// Methods that take a worker's index panic if there is no such worker.
pub struct Scheduler<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Scheduler<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Scheduler<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queued: Vec<usize> = self.shared.lanes.iter().map(Lane::len).collect();
        formatter.debug_struct("Scheduler").field("queued", &queued).finish_non_exhaustive()
    }
}

impl<T: Send> Scheduler<T> {
    /// Makes a scheduler and its workers, one for each way to interrupt a sleep. The crate starts no
    /// thread: the caller moves each worker to its own.
    #[must_use]
    pub fn new(config: Config, unparkers: Vec<Box<dyn Unpark>>) -> (Self, Vec<Worker<T>>) {
        let deques: Vec<Deque<T>> = unparkers.iter().map(|_| Deque::new_lifo()).collect();
        let shared = Arc::new(Shared {
            lanes: deques.iter().map(Lane::new).collect(),
            parking: Parking::new(unparkers.len()),
            unparkers: unparkers.into_boxed_slice(),
            config,
            next_target: Padded::default(),
            wakes_sent: SharedCount::default(),
            rescued: SharedCount::default(),
        });
        let workers = deques.into_iter().enumerate();
        let workers = workers.map(|(index, deque)| Worker::new(index, deque, Arc::clone(&shared))).collect();
        (Self { shared }, workers)
    }

    /// How many workers there are.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.shared.lanes.len()
    }

    /// Queues an item for one worker, behind what waits there, and wakes it if it sleeps. The item
    /// stays stealable. From any thread.
    ///
    /// # Errors
    /// The item comes back when that inbox is full or the scheduler is closed.
    pub fn inject(&self, worker: usize, item: T) -> Result<(), Rejected<T>> {
        self.shared.post(worker, item)?;
        self.notify(worker);
        Ok(())
    }

    /// Queues an item for the next worker in turn. From any thread.
    ///
    /// # Errors
    /// As [`Scheduler::inject`]; `Full` only if the inboxes of all workers are.
    pub fn inject_any(&self, item: T) -> Result<(), Rejected<T>> {
        let first = self.shared.next_target.fetch_add(1, Ordering::Relaxed);
        let count = self.worker_count();
        let mut rejected = Rejected { item, reason: RejectReason::Closed };
        for step in 0..count {
            match self.inject(first.wrapping_add(step) % count, rejected.item) {
                Err(again) => rejected = again,
                Ok(()) => return Ok(()),
            }
        }
        Err(rejected)
    }

    /// Wakes one worker if it sleeps: for work that the caller has queued elsewhere, where the worker
    /// looks in the closure it hands to [`Worker::prepare_park`]. True if it took a system call; a
    /// worker that is awake costs a fence and a load. From any thread.
    pub fn notify(&self, worker: usize) -> bool {
        let woken = self.shared.wake(worker);
        if woken {
            self.shared.wakes_sent.add(1);
        }
        woken
    }

    /// Takes one waiting item from a worker that does not get to it, whether or not stealing pays:
    /// for a stall detector. From any thread.
    #[must_use]
    pub fn rescue(&self, worker: usize) -> Option<T> {
        let item = self.shared.lanes[worker].steal();
        if item.is_some() {
            self.shared.rescued.add(1);
        }
        item
    }

    /// Items that wait on one worker; a hint while threads are at work.
    #[must_use]
    pub fn queued(&self, worker: usize) -> usize {
        self.shared.lanes[worker].len()
    }

    /// Refuses further injection and wakes every sleeper; from now on no worker is told to sleep.
    /// What is queued stays, and may be worked off or drained. May be called again.
    pub fn close(&self) {
        for lane in &self.shared.lanes {
            lane.gate.close();
        }
        for worker in 0..self.worker_count() {
            self.notify(worker);
        }
    }

    /// Whether [`Scheduler::close`] has been called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.lanes.iter().all(|lane| lane.gate.is_closed())
    }

    /// Closes, waits for injections under way, and takes out all that waits anywhere. Once the workers
    /// have stopped, nothing is left behind and nothing can come after: every item that was ever
    /// accepted has been taken by a worker or is in a result of this. While workers still run, what
    /// they push, and what they are just moving from inbox to deque, may be missed: drain again.
    #[must_use]
    pub fn drain(&self) -> Vec<T> {
        self.close();
        let mut items = Vec::new();
        for lane in &self.shared.lanes {
            lane.gate.wait_until_empty();
            lane.drain_into(&mut items);
        }
        items
    }

    /// What one worker has done so far.
    #[must_use]
    pub fn counters(&self, worker: usize) -> WorkerCounters {
        self.shared.lanes[worker].counters.snapshot()
    }

    /// What was done through the scheduler, not by a worker.
    #[must_use]
    pub fn shared_counters(&self) -> SharedCounters {
        SharedCounters { wakes_sent: self.shared.wakes_sent.get(), rescued: self.shared.rescued.get() }
    }
}
