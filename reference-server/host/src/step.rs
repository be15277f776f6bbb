//! Steps: the calls of `start` and `resume`, and what their answers mean.
//!
//! Invariant: steps of one task never overlap, since only its worker runs them and the phase says so; a task's lock is
//! never held while its module runs.

use crate::calls;
use crate::ending::{Verdict, cancelled};
use crate::exchange::Exchange;
use crate::slots::{self, Slot};
use crate::station::NoStation;
use crate::task::{Peer, Phase, Record, Response, Wait};
use crate::worker::{Acting, Callback, Due, Stationed, Worker};
use http_container_abi::constants::{event_kind, notice, task_kind};
use http_container_abi::{Event, Opaque, RequestStorage, StartArgs, Status};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

pub(crate) type Locked<'a> = MutexGuard<'a, Slot<Record>>;

/// What `start` is given.
struct Begun {
    kind: u32,
    arg: Opaque,
    exchange: Option<Arc<dyn Exchange>>,
    /// A copy of the head, of a container that validates.
    head: Option<Arc<RequestStorage>>,
    /// Of its start gates.
    leases: Vec<u64>,
}

impl Worker {
    /// Starts a fresh task here, or sends it to where it can be started. A handle that is not that of a fresh task is no
    /// harm.
    pub fn start(&self, task: u64) {
        let (index, generation) = slots::unpack(task);
        loop {
            let Some(mut slot) = self.container.slots.lock(index) else { return };
            let record = &mut slot.contents;
            if record.generation != generation || record.phase != Phase::Fresh {
                return;
            }
            self.weigh_deadline(record);
            if let Some(reason) = record.cancel.filter(|_| record.kind != task_kind::BACKGROUND) {
                drop(slot);
                return self.container.drop_fresh(task, reason);
            }
            let module = &self.container.modules[record.module as usize];
            if module.is_blocking() != self.is_of_pool() {
                let is_spawned = record.kind == task_kind::BACKGROUND;
                if let Some(deadline_ns) = record.deadline_ns {
                    self.wheel.borrow_mut().insert(deadline_ns, Due::Queued(task));
                }
                drop(slot);
                return self.container.hand_over(task, module.is_blocking(), is_spawned);
            }
            let fixed = record.instance;
            let instance = fixed.unwrap_or_else(|| module.current.load(Ordering::SeqCst));
            if let Some(stationed) = self.stationed(instance) {
                let begun = self.begin(index, record, &stationed);
                drop(slot);
                return self.first_step(index, task, &stationed, begun);
            }
            drop(slot);
            match self.station(instance) {
                Ok(()) => {}
                Err(NoStation::Unusable) => return self.container.pass_on(task, self.index, instance),
                // It was replaced just now: the next look finds the fresh one.
                Err(NoStation::TooLate)
                    if fixed.is_none() && module.current.load(Ordering::SeqCst) != instance => {}
                Err(NoStation::TooLate) => return self.container.drop_fresh(task, Status::E_FAILED),
            }
        }
    }

    fn begin(&self, index: u32, record: &mut Record, stationed: &Stationed) -> Begun {
        record.phase = Phase::Running;
        record.worker = Some(self.index);
        record.instance = Some(stationed.instance.index);
        if stationed.instance.retired.load(Ordering::Relaxed) {
            record.notice(notice::RELOAD);
            if stationed.instance.expired.load(Ordering::Relaxed) {
                record.cancel.get_or_insert(Status::CANCELLED_FAULT);
            }
        }
        stationed.live.set(stationed.live.get() + 1);
        let leases = record.leases.iter_mut().map(|held| {
            held.is_delivered = true;
            slots::pack(index, held.number)
        });
        let leases = leases.collect();
        let head = self.lend_head(record);
        Begun { kind: record.kind, arg: record.arg, exchange: record.exchange.clone(), head, leases }
    }

    fn first_step(&self, index: u32, task: u64, stationed: &Stationed, begun: Begun) {
        self.counters().starts.add(1);
        let instance = &stationed.instance;
        let arguments = StartArgs {
            kind: begun.kind,
            request: begun.head.as_deref().or(begun.exchange.as_ref().map(|exchange| exchange.request())),
            arg: begun.arg,
            leases: &begun.leases,
        };
        self.enter_callback(Acting { callback: Callback::Step, instance: instance.index, task });
        let (status, state) = instance.table.start(instance.state(), stationed.state, task, &arguments);
        self.acting.set(Acting::NOBODY);
        // What the task was lent may end with this step.
        drop(begun);
        let took_ns = self.measure(index, stationed);
        self.look_behind(took_ns, index, stationed);
        self.tell_nudges();
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        slot.contents.state = state;
        self.settle(slot, index, stationed, status);
    }

    /// Starts the fresh tasks that are bound to this worker and runs queued ones, up to `budget`; answers how many. What
    /// becomes ready meanwhile waits for the next call.
    pub fn run(&self, budget: usize) -> usize {
        let bound = self.bound.borrow().len().min(budget);
        for _ in 0..bound {
            let Some(task) = self.bound.borrow_mut().pop_front() else { break };
            self.start(task);
        }
        let queued = self.queue.borrow().len().min(budget - bound);
        for _ in 0..queued {
            let Some(index) = self.queue.borrow_mut().pop_front() else { break };
            self.run_one(index);
        }
        bound + queued
    }

    fn run_one(&self, index: u32) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.phase != Phase::Parked || record.worker != Some(self.index) {
            return;
        }
        record.queued = false;
        self.weigh_peer(index, record);
        let Some(stationed) = record.instance.and_then(|instance| self.stationed(instance)) else { return };
        if let Some(verdict) = record.held_end {
            return self.end(slot, index, &stationed, &verdict);
        }
        if let Some(reason) = record.cancel {
            return self.end(slot, index, &stationed, &cancelled(reason));
        }
        if record.events.is_empty() {
            return;
        }
        record.phase = Phase::Running;
        let task = slots::pack(index, record.generation);
        let mut events = std::mem::replace(&mut record.events, self.spare_events.take());
        let task_state = record.state;
        if !record.leases.is_empty() {
            record.note_delivery().for_each(|timer| self.cancel_timer(Some(timer)));
        }
        drop(slot);
        self.counters().resumes.add(1);
        self.count_ended(&events);
        let instance = &stationed.instance;
        self.enter_callback(Acting { callback: Callback::Step, instance: instance.index, task });
        let status = instance.table.resume(instance.state(), stationed.state, task, task_state, &events);
        self.acting.set(Acting::NOBODY);
        let took_ns = self.measure(index, &stationed);
        self.look_behind(took_ns, index, &stationed);
        self.tell_nudges();
        events.clear();
        self.spare_events.set(events);
        let Some(slot) = self.container.slots.lock(index) else { return };
        self.settle(slot, index, &stationed, status);
    }

    pub(crate) fn count_ended(&self, events: &[Event]) {
        let ended = events.iter().filter(|event| event.kind != event_kind::NOTICE).count();
        self.counters().operations_ended.add(ended as u64);
    }

    /// A step took until now: moves the time on, keeps the mean, reports one that overstayed. Answers how long it took, ns.
    fn measure(&self, index: u32, stationed: &Stationed) -> u64 {
        let before = self.now_ns.get();
        let now = self.container.now_ns().max(before);
        self.now_ns.set(now);
        let took = now - before;
        let mean = u64::from(stationed.step_ns.get());
        stationed.step_ns.set(((mean * 7 + took.min(1 << 30)) / 8) as u32);
        if took > self.container.limits.step_report_ns && !self.is_of_pool() {
            self.report_slow_step(index, took);
        }
        took
    }

    /// A callback of a module begins: what was refused in an earlier one is no news in it [host.refusal.what].
    #[inline]
    pub(crate) fn enter_callback(&self, acting: Acting) {
        self.acting.set(acting);
        calls::forget_refusal();
    }

    #[cold]
    fn report_slow_step(&self, index: u32, took_ns: u64) {
        self.counters().slow_steps.add(1);
        let text = format!(
            "a step took {} ms by the clock: it waited, computed for long, or had no CPU",
            took_ns / 1_000_000
        );
        if let Some(slot) = self.container.slots.lock(index) {
            self.tell_breach(index, &slot.contents, "task.step.short", &text);
        }
    }

    /// What a step's answer means.
    fn settle(&self, mut slot: Locked<'_>, index: u32, stationed: &Stationed, status: Status) {
        let record = &mut slot.contents;
        self.look_at_step_status(index, record, status);
        // What a response call answered may be handed on as the step's answer [task.step.status].
        let status = if status == Status::DISCARDED { Status::OK } else { status };
        if status == Status::PENDING {
            self.weigh_deadline(record);
        }
        if status == Status::PENDING || record.peer == Peer::Gone {
            self.weigh_peer(index, record);
        }
        let whole = record.exchange.is_none() || record.response == Response::Complete;
        let verdict = match record.cancel {
            // What is done is done; a panic is told whatever else there is [cancel.flag.outcome].
            Some(reason) if status != Status::E_PANIC && !(status == Status::OK && whole) => {
                cancelled(reason)
            }
            _ if status != Status::PENDING => Verdict::of(record, status),
            _ if !stationed.instance.table.has_resume() => Verdict::NO_RESUME,
            _ if record.operations.is_empty() && record.events.is_empty() => {
                self.counters().lost.add(1);
                Verdict::LOST
            }
            _ => return self.park(index, record),
        };
        self.end(slot, index, stationed, &verdict);
        self.tell_nudges();
    }

    fn park(&self, index: u32, record: &mut Record) {
        record.phase = Phase::Parked;
        if record.deadline_key.is_none()
            && let Some(deadline_ns) = record.deadline_ns
        {
            let task = slots::pack(index, record.generation);
            record.deadline_key = Some(self.wheel.borrow_mut().insert(deadline_ns, Due::Deadline(task)));
        }
        if !record.events.is_empty() && record.wants_queue() {
            self.queue.borrow_mut().push_back(index);
        }
    }

    /// Between steps, and before the first one: the deadline may have passed [cancel.deadline] [cancel.deadline.queued].
    fn weigh_deadline(&self, record: &mut Record) {
        if record.deadline_ns.is_some_and(|deadline_ns| deadline_ns <= self.now_ns.get()) {
            record.cancel.get_or_insert(Status::CANCELLED_DEADLINE);
        }
    }

    /// The peer left: decides between a cancel, a grace with a notice, and nothing [cancel.peer.after-response].
    fn weigh_peer(&self, index: u32, record: &mut Record) {
        let is_settled = record.cancel.is_some() || record.grace_key.is_some();
        if record.peer == Peer::Here || is_settled || record.response == Response::Complete {
            return;
        }
        record.peer = Peer::Gone;
        record.notice(notice::PEER);
        let grace_ns = self.container.grace_ns(record);
        if grace_ns == 0 {
            record.cancel = Some(Status::CANCELLED_PEER);
        } else {
            let task = slots::pack(index, record.generation);
            let due_ns = self.now_ns.get().saturating_add(grace_ns);
            record.grace_key = Some(self.wheel.borrow_mut().insert(due_ns, Due::Grace(task)));
            lose_peer(record);
        }
    }

    /// Whether this is a thread of the pool for modules that block.
    pub(crate) fn is_of_pool(&self) -> bool {
        self.index >= self.container.serving
    }
}

/// The response can reach nobody any more; who waits for the peer is told to look again [cancel.peer.calls]
/// [cancel.grace.waiting].
fn lose_peer(record: &mut Record) {
    let Some(exchange) = record.exchange.clone() else { return };
    if record.fire_wait(Wait::Body, event_kind::BODY, Status::OK, 0) {
        exchange.forget_reader();
    }
    if record.fire_wait(Wait::Write, event_kind::WRITE, Status::OK, 0) {
        exchange.forget_writer();
    }
    if record.response != Response::Aborted {
        record.response = Response::Aborted;
        exchange.abort();
    }
}
