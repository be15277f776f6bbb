//! How a worker ends: its requests and tasks first, then the members of resources that are here, then its instances.
//!
//! Invariant: a member ends after the leases on it, wherever their holders are [provider.drain]; only a holder that does not
//! end in time is not waited for.

use crate::container::Container;
use crate::slots;
use crate::task::{Phase, Record};
use crate::worker::Worker;
use http_container_abi::Status;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Worker {
    /// Cancels every task of this worker but the members of resources, which get word that nobody needs them any more: the
    /// first half of [`Worker::leave`], after which members may still break off at the other end what they were asked
    /// [provider.drain]. Nothing is spawned or acquired in the container any more.
    pub fn end_users(&self, outcome: Status) {
        let container = &self.container;
        container.closing.store(true, Ordering::SeqCst);
        // Their tasks may hold leases on members that are here.
        container.pool.wind_up();
        container.gated_of(self.index).into_iter().for_each(|task| container.drop_fresh(task, outcome));
        self.cancel_all(outcome, |record| record.member.is_none());
        container.close_resources(outcome);
    }

    /// Whether members of resources are on this worker.
    pub fn has_members(&self) -> bool {
        let mut has_some = false;
        self.each_task(|_, record| has_some |= record.member.is_some());
        has_some
    }

    /// Ends every task of this worker (`outcome` tells why) and stops its instances. The worker takes no work after it,
    /// and nothing is spawned in the container any more.
    pub fn leave(&self, outcome: Status) {
        let container = &self.container;
        container.closing.store(true, Ordering::SeqCst);
        let until = Instant::now() + Duration::from_nanos(container.limits.blocking_stop_ns);
        loop {
            self.take_inbox();
            let mut fresh = std::mem::take(&mut *self.fresh.borrow_mut());
            fresh.extend(self.bound.borrow_mut().drain(..));
            for task in fresh {
                container.request_cancel(task, outcome);
                self.start(task);
            }
            self.end_users(outcome);
            self.let_members_go(until);
            self.is_hasty.set(true);
            self.cancel_all(outcome, |_| true);
            let is_empty = self.fresh.borrow().is_empty() && self.bound.borrow().is_empty();
            if is_empty && self.close_inbox() {
                break;
            }
        }
        let mut all: Vec<_> = self.stationed.take().into_iter().flatten().collect();
        // Those of providers last [resource.provider.first].
        all.sort_by_key(|stationed| container.registry.of_provider(stationed.instance.module).is_some());
        all.iter().for_each(|stationed| self.stop(stationed));
        self.depart();
    }

    /// Runs what is ready, members that were told to close above all, until no task of another worker holds a lease on a
    /// member that is here.
    fn let_members_go(&self, until: Instant) {
        let registry = &self.container.registry;
        loop {
            let seen = registry.ends_of_leases();
            self.take_inbox();
            while self.run(usize::MAX) > 0 {}
            if !self.has_holder_elsewhere() || !registry.await_end_of_lease(seen, until) {
                return;
            }
        }
    }

    fn has_holder_elsewhere(&self) -> bool {
        let mut holders = Vec::new();
        self.each_task(|_, record| {
            holders.extend(record.member.as_ref().and_then(|desk| desk.lent_to()));
        });
        let is_elsewhere = |record: &Record| {
            let is_started = !matches!(record.phase, Phase::Free | Phase::Fresh);
            is_started && record.worker != Some(self.index)
        };
        holders
            .into_iter()
            .any(|index| self.container.slots.lock(index).is_some_and(|slot| is_elsewhere(&slot.contents)))
    }
}

impl Container {
    /// Requests that wait at gates to which that worker led them.
    fn gated_of(&self, worker: u32) -> Vec<u64> {
        let gated = (0..self.slots.len()).filter_map(|index| {
            let slot = self.slots.lock(index)?;
            let record = &slot.contents;
            let is_meant = record.phase == Phase::Fresh
                && record.gate.as_ref().is_some_and(|gate| gate.is_waiting() && gate.is_led_by(worker));
            is_meant.then(|| slots::pack(index, record.generation))
        });
        gated.collect()
    }
}
