//! What of the shared things a task has when it ends, and how they are taken back: leases, its place at a gate, its seat as a
//! member. Called with no lock held.

use crate::container::{Container, lock};
use crate::counters::Counters;
use crate::ending::Verdict;
use crate::gates::Gate;
use crate::registry::{Desk, Held, Returned, Todo};
use crate::report::{Level, Report};
use crate::slots::Slot;
use crate::task::{LeaseWait, Operation, Phase, Record, Wait};
use crate::wheel::Key;
use crate::worker::{self, Worker};
use http_container_abi::Status;
use http_container_abi::constants::event_kind;
use std::sync::Arc;

/// What a task leaves behind of shared things.
pub(crate) struct Shared {
    task: u64,
    request: u64,
    module: u32,
    instance: Option<u32>,
    was_started: bool,
    leases: Vec<Held>,
    gate: Option<Box<Gate>>,
    member: Option<Arc<Desk>>,
}

impl Shared {
    /// Takes it out of a record; most have nothing.
    #[inline]
    pub fn of(task: u64, record: &mut Record) -> Option<Shared> {
        let is_clean = record.leases.is_empty() && record.gate.is_none() && record.member.is_none();
        (!is_clean).then(|| Shared {
            task,
            request: record.request_id,
            module: record.module,
            instance: record.instance,
            was_started: record.phase != Phase::Fresh,
            leases: std::mem::take(&mut record.leases),
            gate: record.gate.take(),
            member: record.member.take(),
        })
    }

    /// Timers of waits that were granted and not heard of.
    pub fn take_timers(&mut self) -> impl Iterator<Item = Key> + '_ {
        self.leases.iter_mut().filter_map(|held| held.timer.take())
    }
}

impl Container {
    /// Takes back what a task has left.
    pub(crate) fn take_back(&self, mut shared: Shared, outcome: Status) {
        let now_ns = self.rough_now_ns();
        let mut todo = Todo::default();
        let mut forgotten = Vec::new();
        for held in std::mem::take(&mut shared.leases) {
            if held.desk.is_none() {
                continue;
            }
            // A grant that nobody saw left the member as it was; so did a gate's lease when all went well
            // [lease.forgotten] [gate.leases].
            let is_unused =
                !held.is_delivered || !shared.was_started || (held.is_of_gate && outcome == Status::OK);
            let wished = if is_unused { Returned::Clean } else { Returned::Dirty };
            if outcome == Status::OK && held.is_delivered && !held.is_of_gate {
                forgotten.push(held.pool);
            }
            self.end_lease(held, wished, now_ns, &mut todo);
            self.count(|counters| counters.leases_ended.add(1));
        }
        self.carry_out(&mut todo);
        forgotten.into_iter().for_each(|pool| self.tell_forgotten(&shared, pool));
        if let Some(gate) = shared.gate {
            self.leave_gates(shared.task, &gate);
        }
        if let Some(desk) = &shared.member {
            if let Some(instance) = shared.instance.and_then(|instance| self.instance(instance))
                && instance.detached()
            {
                self.instance_over(&instance);
            }
            self.member_ended(desk);
        }
    }

    fn tell_forgotten(&self, shared: &Shared, pool: u32) {
        self.count(|counters| counters.leases_forgotten.add(1));
        if self.reporter.wants(Level::Warn) {
            let name = &self.registry.resources[pool as usize].name;
            self.reporter.report(&Report {
                level: Level::Warn,
                module: self.module_name(shared.module),
                task: shared.task,
                request: shared.request,
                rule: "lease.forgotten.report",
                status: None,
                text: &format!(
                    "the task is done and still held a lease on \"{name}\"; it is taken back as dirty"
                ),
            });
        }
    }

    /// Counts on the calling thread's worker, or for all threads that are none.
    pub(crate) fn count(&self, add: impl Fn(&Counters)) {
        if worker::with_current(self, |worker| add(worker.counters())).is_none() {
            add(&lock(&self.elsewhere));
        }
    }
}

impl Worker {
    /// Carries out what calls have decided while they held the lock of a task. No lock may be held.
    #[inline(always)]
    pub(crate) fn tell_todo(&self) {
        if !self.todo.borrow().is_empty() {
            self.carry_out_todo();
        }
    }

    #[inline(never)]
    fn carry_out_todo(&self) {
        let mut todo = self.todo.take();
        self.container.carry_out(&mut todo);
        // Its room is for the next one.
        let mut next = self.todo.borrow_mut();
        if next.is_empty() {
            *next = todo;
        }
    }

    /// An `acquire` that waits is withdrawn.
    pub(crate) fn withdraw_acquire(&self, record: &mut Record, ticket: u64, number: u64) {
        let now_ns = self.now_ns.get();
        self.container.registry.decide(&mut self.todo.borrow_mut(), |pools| pools.withdraw(ticket, now_ns));
        let timer = record
            .leases
            .iter_mut()
            .find(|held| held.operation.0 == number)
            .and_then(|held| held.timer.take());
        self.cancel_timer(timer);
        record.leases.retain(|held| held.operation.0 != number || held.desk.is_some());
    }

    /// An operation on a lease is withdrawn [lease.poison].
    pub(crate) fn withdraw_use(&self, record: &Record, lease: u64, what: LeaseWait, number: u64) {
        let held = record.leases.iter().find(|held| held.number == lease);
        let Some(desk) = held.and_then(|held| held.desk.as_ref()) else { return };
        let mut seats = desk.lock();
        match what {
            LeaseWait::Answer => {
                self.todo.borrow_mut().wakes.extend(seats.abandon().into_iter().flatten());
            }
            LeaseWait::More => seats.answer.forget(number),
        }
    }

    /// Whether the end of a member's task has to wait: who holds the lease may still look at what it is
    /// [pool.object.life].
    pub(crate) fn waits_for_holder(&self, slot: &mut Slot<Record>, verdict: &Verdict) -> bool {
        let Some(desk) = slot.contents.member.clone() else { return false };
        let mut seats = desk.lock();
        if self.is_hasty.get() || !seats.is_object_in_use() {
            // The wait was the container's own: its event is none for the module.
            if slot.contents.held_end.take().is_some() {
                let Record { events, .. } = &mut slot.contents;
                let before = events.len();
                events.retain(|event| event.token != 0 || event.kind != event_kind::MEMBER);
                self.counters().operations_ended.add((before - events.len()) as u64);
            }
            return false;
        }
        if slot.contents.held_end.is_some() {
            slot.contents.phase = Phase::Parked;
            return true;
        }
        let Some(number) = slot.next_number() else { return false };
        let record = &mut slot.contents;
        record.held_end = Some(*verdict);
        record.operations.push(Operation { token: 0, number, wait: Wait::Member });
        record.phase = Phase::Parked;
        let (first, second) = seats.end();
        seats.hold_end(number);
        drop(seats);
        self.counters().operations_begun.add(1);
        self.todo.borrow_mut().wakes.extend(first.into_iter().chain(second));
        true
    }
}
