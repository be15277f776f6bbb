//! One worker's side: push, take, steal, search, go to sleep. It must not know what an item means
//! nor how the sleep is made.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use crate::lane::Lane;
use crate::parking::Withdrawn;
use crate::policy::blended_step_ns;
use crate::queues::Deque;
use crate::scheduler::{Distribution, Shared};

/// Whether a worker may sleep now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "sleeping against this answer loses a wake-up"]
pub enum Park {
    /// Nothing to do: sleep as long as you like, then call [`Worker::unparked`].
    Sleep,
    /// Something has arrived: do not sleep.
    Work,
    /// The scheduler is closed: do not sleep; finish what is queued and leave.
    Closed,
}

/// The owner's handle of one worker. It is `Send`, not `Sync`: move it to its thread.
///
/// The loop it is made for:
/// ```
/// use hc_scheduler::{Config, Park, Scheduler};
/// let (scheduler, mut workers) = Scheduler::<u64>::new(Config::default(), vec![Box::new(|| ())]);
/// let worker = workers.remove(0);
/// # let mut seen = Vec::new();
/// # let mut turns = 0;
/// loop {
///     while let Some(task) = worker.take() {
///         // run the task; now and then `worker.offer(mean_step_ns)`
/// #       seen.push(task);
///     }
///     let park = worker.prepare_park(|| true /* no completion waits */);
///     let timeout_ms = if park == Park::Sleep { 1_000 } else { 0 };
///     // poll(timeout_ms): what it brings goes to `push_batch`
/// #   let _ = timeout_ms;
///     worker.unparked();
///     if park == Park::Closed { break }
/// #   if turns == 0 { worker.push_batch([1, 2, 3], 200); } else { scheduler.close(); }
/// #   turns += 1;
/// }
/// # assert_eq!(seen, [1, 2, 3]);
/// ```
pub struct Worker<T> {
    index: usize,
    deque: Deque<T>,
    shared: Arc<Shared<T>>,
    /// Between `prepare_park` that said "sleep" and `unparked`.
    announced: Cell<bool>,
    /// This worker has the one search claim.
    searching: Cell<bool>,
    /// Where the last steal succeeded; that worker is asked first.
    last_victim: Cell<usize>,
    /// Whose turn it is, for round-robin distribution.
    next_target: Cell<usize>,
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Worker");
        debug.field("index", &self.index).field("queued", &self.lane().len()).finish_non_exhaustive()
    }
}

impl<T> Worker<T> {
    pub(crate) fn new(index: usize, deque: Deque<T>, shared: Arc<Shared<T>>) -> Self {
        Self {
            index,
            deque,
            shared,
            announced: Cell::new(false),
            searching: Cell::new(false),
            last_victim: Cell::new(index),
            next_target: Cell::new(index),
        }
    }

    /// This worker's index, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Items that wait here; a hint while others steal.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lane().len()
    }

    /// Whether nothing waits here; a hint while others inject.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lane().is_empty()
    }

    /// Queues fresh items in order of arrival, behind all that waits here. `step_ns` is the estimated
    /// CPU time of each, in ns; 0 = not known. Wakes one sleeper if that pays. One call for all that
    /// a poll has brought is cheaper than one call each.
    ///
    /// With [`Distribution::RoundRobin`] the items go to all workers in turn and those that sleep are
    /// woken; a share that an inbox refuses stays here.
    pub fn push_batch<I>(&self, items: I, step_ns: u64)
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: DoubleEndedIterator,
    {
        match self.shared.config.distribution {
            Distribution::Local => self.push_here(items.into_iter(), step_ns),
            Distribution::RoundRobin => self.spread(items.into_iter(), step_ns),
        }
    }

    /// Queues one fresh item: a batch of one.
    pub fn push(&self, item: T, step_ns: u64) {
        self.push_batch([item], step_ns);
    }

    /// The next item of this worker's own, the oldest first.
    #[must_use]
    pub fn pop(&self) -> Option<T> {
        let item = self.lane().pop(&self.deque);
        if item.is_some() && self.searching.get() {
            // Woken to help, but busy with work of its own: let somebody else be woken.
            self.release_search();
            self.hand_on();
        }
        item
    }

    /// The next item: this worker's own, or one found by searching. None = prepare to sleep.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.pop().or_else(|| self.search())
    }

    /// One look around at the other workers: an item from the far end of the first queue where
    /// stealing pays. Asks the last victim first, then the neighbours in ring order.
    #[must_use]
    pub fn steal(&self) -> Option<T> {
        let count = self.shared.lanes.len();
        let first = self.last_victim.get();
        (0..count).map(|step| (first + step) % count).find_map(|victim| self.steal_from(victim))
    }

    /// Looks for work on other workers' queues, and if none is there yet but some worker is busy with
    /// heavy steps, goes on looking for up to `spin_limit_rounds`, provided that no other worker does.
    #[must_use]
    pub fn search(&self) -> Option<T> {
        if !self.searching.get() {
            if let Some(item) = self.steal() {
                return Some(item);
            }
            if !self.spinning_may_pay() || !self.shared.parking.begin_search(self.index) {
                return None;
            }
            self.searching.set(true);
        }
        let found = self.spin();
        self.release_search();
        // Work published while the claim was held here woke nobody: this is the look that makes up
        // for it, and the wake of a further helper if there is more than one item.
        let found = found.or_else(|| self.steal());
        if found.is_some() {
            self.hand_on();
        }
        found
    }

    /// Tells the mean CPU time of this worker's queued steps, in ns, as measured so far, and wakes one
    /// sleeper if the backlog is worth it; true if it did. For a running worker, between steps.
    pub fn offer(&self, mean_step_ns: u64) -> bool {
        self.lane().publish_step_ns(mean_step_ns);
        self.wake_helper_for(self.index)
    }

    /// Announces sleep and looks at everything once more: the own queues, `nothing_else` (true = the
    /// caller's other queues, those with which it calls [`Scheduler::notify`], are empty), work worth
    /// stealing, and the close. It must be followed by [`Worker::unparked`] whatever it says.
    ///
    /// [`Scheduler::notify`]: crate::Scheduler::notify
    pub fn prepare_park(&self, nothing_else: impl FnOnce() -> bool) -> Park {
        // The look that `end_search` asks for comes below, after the announcement.
        let searched = self.searching.get();
        if searched {
            self.release_search();
        }
        self.unparked();
        self.shared.parking.announce(self.index);
        self.announced.set(true);
        let park = if self.lane().gate.is_closed() {
            Park::Closed
        } else if !self.lane().is_empty() || !nothing_else() || self.stealing_pays_anywhere() {
            Park::Work
        } else {
            Park::Sleep
        };
        match park {
            Park::Sleep => self.lane().counters.parks.add(1),
            Park::Work | Park::Closed => {
                self.unparked();
                if searched {
                    // It was to help, and will be busy with something else.
                    self.hand_on();
                }
            }
        }
        park
    }

    /// Says that the sleep is over, for whatever reason. Does nothing if none was announced.
    pub fn unparked(&self) {
        if !self.announced.replace(false) {
            return;
        }
        match self.shared.parking.withdraw(self.index) {
            Withdrawn::Unasked => {}
            Withdrawn::Woken => self.lane().counters.woken.add(1),
            Withdrawn::WokenToSearch => {
                self.searching.set(true);
                self.lane().counters.woken.add(1);
            }
        }
    }

    fn lane(&self) -> &Lane<T> {
        &self.shared.lanes[self.index]
    }

    fn push_here(&self, items: impl DoubleEndedIterator<Item = T>, step_ns: u64) {
        let lane = self.lane();
        // The owner's own view of the deque costs no fence.
        let in_inbox = if lane.inbox.is_empty() { 0 } else { lane.inbox.len() };
        let queued = self.deque.len() + in_inbox;
        let mut added = 0;
        let counted = items.inspect(|_| added += 1);
        if queued == 0 {
            counted.rev().for_each(|item| self.deque.push(item));
        } else {
            counted.for_each(|item| lane.inbox.push(item));
        }
        lane.publish_step_ns(blended_step_ns(queued, lane.step_ns(), added, step_ns));
        self.wake_helper_for(self.index);
    }

    fn spread(&self, items: impl Iterator<Item = T>, step_ns: u64) {
        let count = self.shared.lanes.len();
        let first = self.next_target.get();
        let mut given = 0;
        for item in items {
            let target = (first + given) % count;
            given += 1;
            if target == self.index {
                self.lane().inbox.push(item);
            } else if let Err(rejected) = self.shared.post(target, item) {
                self.lane().inbox.push(rejected.item);
            }
        }
        self.next_target.set((first + given) % count);
        self.lane().publish_step_ns(blended_step_ns(0, self.lane().step_ns(), given, step_ns));
        // After the last item, so that each target is woken once at most.
        for target in (0..given.min(count)).map(|step| (first + step) % count) {
            if target != self.index && self.shared.wake(target) {
                self.lane().counters.wakes_sent.add(1);
            }
        }
    }

    fn steal_from(&self, victim: usize) -> Option<T> {
        if victim == self.index || !self.stealing_pays(victim) {
            return None;
        }
        let item = self.shared.lanes[victim].steal();
        if item.is_some() {
            self.last_victim.set(victim);
            self.lane().counters.steals.add(1);
        } else {
            self.lane().counters.steal_misses.add(1);
        }
        item
    }

    /// The step time is asked first: a line that rarely changes. The length is on the victim's hottest
    /// lines, and is read only where it matters.
    fn stealing_pays(&self, victim: usize) -> bool {
        let (lane, policy) = (&self.shared.lanes[victim], &self.shared.config.policy);
        let step_ns = lane.step_ns();
        policy.step_is_heavy(step_ns) && policy.steal_pays(lane.len(), step_ns)
    }

    fn others(&self) -> impl Iterator<Item = usize> {
        let own = self.index;
        (0..self.shared.lanes.len()).filter(move |&worker| worker != own)
    }

    fn stealing_pays_anywhere(&self) -> bool {
        self.others().any(|victim| self.stealing_pays(victim))
    }

    fn spinning_may_pay(&self) -> bool {
        let heavy =
            |worker: usize| self.shared.config.policy.step_is_heavy(self.shared.lanes[worker].step_ns());
        self.others().any(|worker| heavy(worker) && !self.shared.parking.is_sleeping(worker))
    }

    fn spin(&self) -> Option<T> {
        let mut rounds = 0;
        let mut found = None;
        while found.is_none() && rounds < self.shared.config.spin_limit_rounds && self.spinning_may_pay() {
            rounds += 1;
            std::hint::spin_loop();
            found = self.lane().pop(&self.deque).or_else(|| self.steal());
        }
        self.lane().counters.spins.add(u64::from(rounds));
        found
    }

    fn release_search(&self) {
        self.searching.set(false);
        self.shared.parking.end_search(self.index);
    }

    /// After a search: if some queue is still worth a wake, the next sleeper is woken.
    fn hand_on(&self) {
        let _ = self.others().any(|victim| self.wake_helper_for(victim));
    }

    fn wake_helper_for(&self, victim: usize) -> bool {
        let (lane, policy) = (&self.shared.lanes[victim], &self.shared.config.policy);
        let step_ns = lane.step_ns();
        if !policy.step_is_heavy(step_ns) || !policy.wake_pays(lane.len(), step_ns) {
            return false;
        }
        let Some(helper) = self.shared.parking.wake_any(victim) else {
            return false;
        };
        self.shared.unparkers[helper].unpark();
        self.lane().counters.wakes_sent.add(1);
        true
    }
}

impl<T> Drop for Worker<T> {
    /// A worker that goes away while it has the search claim gives it to another.
    fn drop(&mut self) {
        self.unparked();
        if self.searching.get() {
            self.release_search();
            self.hand_on();
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
