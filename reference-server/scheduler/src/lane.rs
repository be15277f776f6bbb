//! One worker's queues as other threads see them: the near end of nothing, the far end of its deque,
//! and its inbox. It must not know workers' states, wake-ups or policy thresholds.
//!
//! # Order and fairness
//! The deque is last-in-first-out for its owner. A batch is pushed newest first, so the owner takes
//! the oldest and thieves, at the other end, the newest. That holds for one batch only: a second one
//! on top of it would overtake. So a batch goes to the deque only when both queues are empty; all
//! later arrivals, the owner's own and other threads', go to the inbox, which is first-in-first-out.
//! When the deque has run dry the owner moves a run of the inbox there, in order.
//!
//! So everything in the deque is older than everything in the inbox, the owner takes strictly in
//! order of arrival, and an item waits for at most those that came before it: nothing starves,
//! whatever arrives afterwards. Thieves take from the deque first (those have waited longer), then
//! from the inbox; both are visible to them at all times, even while the owner is stuck in a step.

use crate::counters::OwnCounters;
use crate::gate::Gate;
use crate::padded::Padded;
use crate::policy::differs_noticeably;
use crate::queues::{Deque, Injector, Steal, Stealer};
use crate::sync::{AtomicU64, Ordering};

/// How often a thief tries again when another got in its way, before it counts a miss. Losing a race
/// means that another thread took an item, so there is progress whenever this limit is met.
const STEAL_ATTEMPTS: u32 = 4;

/// How many items the owner moves from its inbox to its deque at once.
pub(crate) const REFILL_ITEMS: usize = 64;

#[derive(Debug)]
pub(crate) struct Lane<T> {
    stealer: Stealer<T>,
    pub(crate) inbox: Injector<T>,
    pub(crate) gate: Padded<Gate>,
    /// The owner's estimate of what each queued item costs, in ns; 0 = not known. Alone on its line:
    /// every searching worker reads it, and the owner rarely writes it.
    step_ns: Padded<AtomicU64>,
    pub(crate) counters: Padded<OwnCounters>,
}

impl<T> Lane<T> {
    pub(crate) fn new(deque: &Deque<T>) -> Self {
        Self {
            stealer: deque.stealer(),
            inbox: Injector::new(),
            gate: Padded(Gate::new()),
            step_ns: Padded(AtomicU64::new(0)),
            counters: Padded(OwnCounters::default()),
        }
    }

    /// Items waiting in both queues. Exact when nobody else is at work on them.
    pub(crate) fn len(&self) -> usize {
        self.stealer.len() + self.inbox.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stealer.is_empty() && self.inbox.is_empty()
    }

    pub(crate) fn step_ns(&self) -> u64 {
        self.step_ns.load(Ordering::Relaxed)
    }

    /// Publishes a mean step time, unless it is nearly what is published.
    pub(crate) fn publish_step_ns(&self, mean_ns: u64) {
        if differs_noticeably(self.step_ns(), mean_ns) {
            self.step_ns.store(mean_ns, Ordering::Relaxed);
        }
    }

    /// One item from the far end, for anyone but the owner.
    pub(crate) fn steal(&self) -> Option<T> {
        for _ in 0..STEAL_ATTEMPTS {
            match self.stealer.steal() {
                Steal::Success(item) => return Some(item),
                Steal::Empty => break,
                Steal::Retry => {}
            }
        }
        for _ in 0..STEAL_ATTEMPTS {
            match self.inbox.steal() {
                Steal::Success(item) => return Some(item),
                Steal::Empty => break,
                Steal::Retry => {}
            }
        }
        None
    }

    /// The owner's next item. Only its owner passes `deque`.
    pub(crate) fn pop(&self, deque: &Deque<T>) -> Option<T> {
        if let Some(item) = deque.pop() {
            return Some(item);
        }
        // Two plain loads on x86-64, where the attempt to steal costs a fence.
        while !self.inbox.is_empty() {
            match self.inbox.steal_batch_with_limit_and_pop(deque, REFILL_ITEMS) {
                Steal::Success(item) => return Some(item),
                Steal::Empty => break,
                // Somebody else is at the inbox; each retry means that they made progress.
                Steal::Retry => std::hint::spin_loop(),
            }
        }
        None
    }

    /// Everything, once nobody pushes any more.
    pub(crate) fn drain_into(&self, items: &mut Vec<T>) {
        while !self.is_empty() {
            items.extend(self.steal());
        }
    }
}
