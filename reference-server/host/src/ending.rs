//! The ends of tasks: what an answer of a step means for the task and its peer, `finish`, and tasks that never started.
//!
//! Invariant: every `start` is followed by exactly one `finish` [task.finish.exactly-once]: a record leaves `Running` or
//! `Parked` for `Finishing` once, on its worker.

mod verdict;

pub(crate) use verdict::{Verdict, cancelled, is_reserved, is_unavailable};

use crate::container::{Container, lock};
use crate::dispatch::Child;
use crate::exchange::Exchange;
use crate::instance::Instance;
use crate::leaving::Shared;
use crate::repeats::Sort;
use crate::report::{Level, Report};
use crate::slots;
use crate::step::Locked;
use crate::task::{Operation, Phase, Record, Response, Wait};
use crate::wheel::Key;
use crate::worker::{self, Acting, Callback, Stationed, Worker};
use http_container_abi::constants::{event_kind, task_kind};
use http_container_abi::{Event, Status};
use std::sync::atomic::Ordering;

/// The container's answer to the peer for a task that did not complete its response [cancel.response.before].
fn answer_for(exchange: &dyn Exchange, response: Response, outcome: Status) {
    match (response, outcome) {
        (Response::Complete | Response::Aborted, _) => {}
        (Response::Open { .. }, _) | (Response::None, Status::CANCELLED_PEER | Status::CANCELLED_PARENT) => {
            exchange.abort();
        }
        (Response::None, Status::CANCELLED_FAULT) => exchange.refuse(500),
        (Response::None, outcome) if is_reserved(outcome) => exchange.refuse(503),
        (Response::None, outcome) => {
            let otherwise = if is_unavailable(outcome) { 503 } else { 500 };
            exchange.refuse(exchange.body_fault().unwrap_or(otherwise));
        }
    }
}

/// What a task leaves behind that it did not see or close. The record keeps its children: `finish` may still close them
/// [dispatch.close.finish].
struct Left {
    unseen: Vec<Event>,
    children: Vec<Child>,
}

impl Left {
    /// Takes it out of a record; most have nothing.
    #[inline]
    fn of(record: &mut Record) -> Option<Left> {
        let is_clean = record.events.is_empty() && record.children.is_empty();
        (!is_clean)
            .then(|| Left { unseen: std::mem::take(&mut record.events), children: record.children.clone() })
    }
}

impl Worker {
    /// The end of a started task.
    pub(crate) fn end(&self, mut slot: Locked<'_>, index: u32, stationed: &Stationed, verdict: &Verdict) {
        let record = &mut slot.contents;
        if record.phase == Phase::Finishing {
            return;
        }
        if self.waits_for_holder(&mut slot, verdict) {
            drop(slot);
            return self.tell_todo();
        }
        let record = &mut slot.contents;
        record.phase = Phase::Finishing;
        self.note_end(index, record, verdict);
        let task = slots::pack(index, record.generation);
        let task_state = record.state;
        self.withdraw_all(record);
        let left = Left::of(record);
        if let Some(exchange) = &record.exchange
            && record.response != Response::Complete
        {
            answer_for(&**exchange, record.response, verdict.outcome);
            record.response = Response::Aborted;
        }
        drop(slot);
        self.tell_todo();
        if let Some(left) = &left {
            self.count_ended(&left.unseen);
            self.latch_again(index, &left.unseen);
            left.children.iter().for_each(|child| self.container.let_child_go(child));
        }
        let unseen = left.as_ref().map_or(&[][..], |left| &left.unseen);
        let instance = &stationed.instance;
        self.enter_callback(Acting { callback: Callback::Finish, instance: instance.index, task });
        instance.table.finish(instance.state(), stationed.state, task, task_state, verdict.outcome, unseen);
        self.acting.set(Acting::NOBODY);
        self.look_behind(0, index, stationed);
        if let Some(left) = &left {
            left.children.iter().for_each(|child| child.exchange.detach());
        }
        self.counters().finishes.add(1);
        if verdict.outcome == Status::E_PANIC {
            self.instance_failed(instance);
        }
        self.free(index, stationed, verdict.outcome);
    }

    #[inline]
    fn withdraw_all(&self, record: &mut Record) {
        if !record.operations.is_empty() {
            let mut operations = std::mem::take(&mut record.operations);
            self.counters().operations_ended.add(operations.len() as u64);
            operations.drain(..).for_each(|operation| self.withdraw(record, &operation));
            record.operations = operations;
        }
        for key in [&mut record.deadline_key, &mut record.notice_key, &mut record.grace_key] {
            self.cancel_timer(key.take());
        }
    }

    /// Undoes what an operation set up.
    pub(crate) fn withdraw(&self, record: &mut Record, operation: &Operation) {
        match operation.wait {
            Wait::Timer(key) => self.cancel_timer(Some(key)),
            Wait::Body => record.exchange.iter().for_each(|exchange| exchange.forget_reader()),
            Wait::Write => record.exchange.iter().for_each(|exchange| exchange.forget_writer()),
            Wait::Fd(handle, interest) => self.descriptors.borrow_mut().forget(handle, interest),
            Wait::Acquire(ticket) => self.withdraw_acquire(record, ticket, operation.number),
            Wait::Lease(lease, what) => self.withdraw_use(record, lease, what, operation.number),
            Wait::Member => {
                record.member.iter().for_each(|desk| desk.lock().forget_waiting(operation.number));
            }

            // A thread of the pool finds that nobody waits, and drops the work.
            Wait::Completion | Wait::ChildHead(_) | Wait::ChildBody(_) | Wait::Offload => {}
        }
    }

    /// What a task did not see of its descriptors counts as not happened [fd.wait.task-end].
    pub(crate) fn latch_again(&self, index: u32, unseen: &[Event]) {
        for event in unseen.iter().filter(|event| event.kind == event_kind::FD && event.status == Status::OK)
        {
            self.descriptors.borrow_mut().latch_again(index, event.token);
        }
    }

    #[inline]
    pub(crate) fn cancel_timer(&self, key: Option<Key>) {
        if let Some(key) = key {
            self.wheel.borrow_mut().cancel(key);
        }
    }

    fn free(&self, index: u32, stationed: &Stationed, outcome: Status) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        let exchange = record.exchange.take();
        let parent = record.parent;
        let spawned = record.kind == task_kind::BACKGROUND;
        self.end_views(index, record);
        let shared = Shared::of(slots::pack(index, record.generation), record);
        record.clear();
        drop(slot);
        if let Some(exchange) = exchange {
            exchange.ended(outcome);
        }
        if let Some(mut shared) = shared {
            shared.take_timers().for_each(|timer| self.cancel_timer(Some(timer)));
            self.container.take_back(shared, outcome);
        }
        if let Some((parent, child)) = parent {
            self.tell_nudges();
            self.container.child_ended(parent, child, outcome);
        }
        self.recycle(index);
        self.task_left(stationed);
        if spawned && stationed.instance.spawned_ended() {
            self.container.instance_over(&stationed.instance);
        }
        self.counters().tasks_ended.add(1);
    }

    fn instance_failed(&self, instance: &Instance) {
        if !instance.failed.swap(true, Ordering::SeqCst) {
            let module = &self.container.modules[instance.module as usize];
            let text = format!("an instance of {} failed: a step panicked", module.table.info().id);
            self.container.tell(Level::Error, &module.name, "isolation.panic.failed", &text);
            self.container.want_care();
        }
    }

    /// Counts an end, and logs one that is somebody's fault.
    #[inline]
    fn note_end(&self, index: u32, record: &Record, verdict: &Verdict) {
        if verdict.outcome.is_error() || !record.operations.is_empty() {
            self.tell_end(index, record, verdict);
        }
    }

    fn tell_end(&self, index: u32, record: &Record, verdict: &Verdict) {
        let outcome = verdict.outcome;
        if outcome.is_error() {
            let was_cancelled = is_reserved(outcome);
            let counter = if was_cancelled { &self.counters().cancelled } else { &self.counters().failed };
            counter.add(1);
            let level = match outcome {
                Status::CANCELLED_DEADLINE | Status::CANCELLED_FAULT => Level::Warn,
                // The peer broke off, and the module handed that on [error.log.level].
                Status::E_PEER => Level::Debug,
                // What became of a member is told of its resource, once [provider.lost].
                _ if record.member.is_some() && !matches!(outcome, Status::E_PANIC) => Level::Debug,
                _ if is_unavailable(outcome) => Level::Warn,
                _ if was_cancelled => Level::Debug,
                _ => Level::Error,
            };
            let is_wanted = self.container.reporter.wants(level);
            if outcome == Status::CANCELLED_DEADLINE && !record.operations.is_empty() && is_wanted {
                let waits = record.operations.iter().map(Operation::to_string).collect::<Vec<_>>();
                let text = format!("{}; it waited for {}", verdict.text, waits.join(", "));
                return self.report_record(index, record, level, verdict.rule, Some(outcome), &text);
            }
            if verdict.is_breach() {
                return self.tell_breach_at(level, index, record, verdict.rule, Some(outcome), verdict.text);
            }
            if level == Level::Warn && is_unavailable(outcome) && record.request_id != 0 {
                // One for each request, while a database is away.
                let Record { module, route, .. } = *record;
                let sort = Sort { rule: verdict.rule, status: outcome, module, route };
                let task = slots::pack(index, record.generation);
                return self.container.tell_often(sort, task, record.request_id, || verdict.text.to_owned());
            }
            return self.report_record(index, record, level, verdict.rule, Some(outcome), verdict.text);
        }
        let is_lasting = |wait: &Wait| !matches!(wait, Wait::Timer(_));
        let lasting = record.operations.iter().filter(|operation| is_lasting(&operation.wait)).count();
        if lasting > 0 {
            let text = format!("the task is done with {lasting} operations outstanding; they are withdrawn");
            self.report_record(index, record, Level::Warn, "task.done.outstanding", None, &text);
        }
    }

    pub(crate) fn report_record(
        &self,
        index: u32,
        record: &Record,
        level: Level,
        rule: &'static str,
        status: Option<Status>,
        text: &str,
    ) {
        if self.container.reporter.wants(level) {
            self.container.reporter.report(&Report {
                level,
                module: self.container.module_name(record.module),
                task: slots::pack(index, record.generation),
                request: record.request_id,
                rule,
                status,
                text,
            });
        }
    }
}

impl Container {
    /// Ends a task that no module has seen [cancel.unstarted-request]; from any thread. A handle that is not that of a
    /// fresh task is no harm.
    pub(crate) fn drop_fresh(&self, task: u64, outcome: Status) {
        self.turn_away(task, outcome, None);
    }

    /// As [`Container::drop_fresh`]; with `code`, that is what its peer is answered.
    pub(crate) fn turn_away(&self, task: u64, outcome: Status, code: Option<u16>) {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.generation != generation || record.phase != Phase::Fresh {
            return;
        }
        let exchange = record.exchange.take();
        let gathers = record.gate.as_ref().is_some_and(|gate| gate.is_at_body());
        let parent = record.parent;
        let spawner = record.instance.filter(|_| record.kind == task_kind::BACKGROUND);
        let shared = Shared::of(task, record);
        record.clear();
        drop(slot);
        if let Some(exchange) = exchange {
            if gathers {
                exchange.forget_reader();
            }
            match code {
                Some(code) => exchange.refuse(code),
                None => answer_for(&*exchange, Response::None, outcome),
            }
            exchange.ended(outcome);
        }
        if let Some(shared) = shared {
            self.take_back(shared, outcome);
        }
        if let Some((parent, child)) = parent {
            self.child_ended(parent, child, outcome);
        }
        if let Some(instance) = spawner.and_then(|instance| self.instance(instance))
            && instance.spawned_ended()
        {
            self.instance_over(&instance);
        }
        if worker::with_current(self, |worker| worker.recycle(index)).is_none() {
            lock(&self.spare).push(index);
        }
        self.count(|counters| counters.tasks_ended.add(1));
    }

    /// No task of the instance can start any more: its workers stop it, and then it is destroyed.
    pub(crate) fn instance_over(&self, _instance: &Instance) {
        self.look_at_instances();
        self.want_care();
    }
}
