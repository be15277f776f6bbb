//! Steps: the calls of `start`, `resume` and `finish`, and what their answers mean.
//!
//! Invariant: every `start` is followed by exactly one `finish` [task.finish.exactly-once]; steps of one task never
//! overlap, since only its worker runs them and the phase says so.

use crate::container::Container;
use crate::report::{Level, Report};
use crate::slots;
use crate::task::{Phase, Record, Response, Wait};
use crate::worker::{Callback, Due, Stationed, Worker};
use http_container_abi::constants::{event_kind, notice, task_kind};
use http_container_abi::{Event, Opaque, StartArgs, Status};
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// Why a step's answer ends its task.
struct Verdict {
    outcome: Status,
    rule: &'static str,
    text: &'static str,
}

const DONE: Verdict = Verdict { outcome: Status::OK, rule: "", text: "" };

impl Worker {
    /// Starts a fresh task here. A handle that is not that of a fresh task is no harm.
    pub fn start(&self, task: u64) {
        let (index, generation) = slots::unpack(task);
        let Some((module, instance)) = self.claim(index, generation) else { return };
        let instance = instance
            .unwrap_or_else(|| self.container.modules[module as usize].current.load(Ordering::Acquire));
        let Some(stationed) = self.station(instance) else {
            return self.drop_unstarted(index, Status::E_FAILED);
        };
        let Ok(state) = stationed.state else {
            return self.drop_unstarted(index, stationed.state.err().unwrap_or(Status::E_FAILED));
        };
        let Some(begun) = self.begin(index, &stationed) else { return };
        stationed.live.set(stationed.live.get() + 1);
        self.counters().starts.add(1);
        let arguments = StartArgs {
            kind: begun.kind,
            request: begun.exchange.as_ref().map(|exchange| exchange.request()),
            arg: begun.arg,
            leases: &[],
        };
        self.callback.set(Callback::Step);
        let table = stationed.instance.table;
        let (status, task_state) = table.start(stationed.instance.state(), state, task, &arguments);
        self.callback.set(Callback::None);
        self.measure(index, &stationed);
        self.settle(index, &stationed, status, Some(task_state));
        self.tell_nudges();
    }

    /// Takes a fresh task over; `None` when it is not fresh, or when it was dropped since it is cancelled already.
    fn claim(&self, index: u32, generation: u64) -> Option<(u32, Option<u32>)> {
        let mut slot = self.container.slots.lock(index)?;
        let record = &mut slot.contents;
        if record.generation != generation || record.phase != Phase::Fresh {
            return None;
        }
        record.worker = Some(self.index);
        let spawned = record.kind == task_kind::BACKGROUND;
        let cancel = record.cancel.or(record.peer_gone.then_some(Status::CANCELLED_PEER));
        let answer = (record.module, record.instance);
        drop(slot);
        match cancel {
            Some(reason) if !spawned => {
                self.drop_unstarted(index, reason);
                None
            }
            _ => Some(answer),
        }
    }

    fn begin(&self, index: u32, stationed: &Stationed) -> Option<Begun> {
        let mut slot = self.container.slots.lock(index)?;
        let record = &mut slot.contents;
        record.phase = Phase::Running;
        record.instance = Some(stationed.instance.index);
        Some(Begun { kind: record.kind, arg: record.arg, exchange: record.exchange.clone() })
    }

    /// Ends a task that no module has seen [task.cancel.unstarted].
    fn drop_unstarted(&self, index: u32, outcome: Status) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        let exchange = record.exchange.take();
        let cancelled = record.cancel.is_some() || record.peer_gone;
        let (parent, generation) = (record.parent, record.generation);
        let instance = record.instance.filter(|_| record.kind == task_kind::BACKGROUND);
        record.clear();
        drop(slot);
        if let Some(instance) = instance.and_then(|instance| self.container.instance(instance)) {
            instance.spawned.fetch_sub(1, Ordering::SeqCst);
        }
        if let Some(exchange) = exchange {
            exchange.refuse(if cancelled { 503 } else { 500 });
            exchange.ended(outcome);
        }
        if let Some(parent) = parent {
            self.child_ended(parent, slots::pack(index, generation), outcome);
        }
        self.counters().tasks_ended.add(1);
        self.recycle(index);
    }

    /// Starts the fresh tasks that are bound to this worker and runs queued ones, up to `budget`; answers how many.
    pub fn run(&self, budget: usize) -> usize {
        let mut ran = 0;
        while ran < budget {
            let Some(task) = self.bound.borrow_mut().pop() else { break };
            self.start(task);
            ran += 1;
        }
        while ran < budget {
            let Some(index) = self.queue.borrow_mut().pop_front() else { break };
            self.run_one(index);
            ran += 1;
        }
        ran
    }

    fn run_one(&self, index: u32) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        record.queued = false;
        if record.phase != Phase::Parked || record.worker != Some(self.index) {
            return;
        }
        self.weigh_peer(index, record);
        let Some(stationed) = record.instance.and_then(|instance| self.station(instance)) else { return };
        if let Some(reason) = record.cancel {
            drop(slot);
            return self.end(index, &stationed, &cancelled(reason));
        }
        if record.events.is_empty() {
            return;
        }
        record.phase = Phase::Running;
        let task = slots::pack(index, record.generation);
        let events = std::mem::take(&mut record.events);
        let task_state = record.state;
        drop(slot);
        self.counters().resumes.add(1);
        self.count_ended(&events);
        let table = stationed.instance.table;
        let state = stationed.state.unwrap_or_default();
        self.callback.set(Callback::Step);
        let status = table.resume(stationed.instance.state(), state, task, task_state, &events);
        self.callback.set(Callback::None);
        self.give_back(index, events);
        self.measure(index, &stationed);
        self.settle(index, &stationed, status, None);
        self.tell_nudges();
    }

    fn count_ended(&self, events: &[Event]) {
        let ended = events.iter().filter(|event| event.kind != event_kind::NOTICE).count();
        self.counters().operations_ended.add(ended as u64);
    }

    /// Returns the array of delivered events to the record, so that it need not be allocated again.
    fn give_back(&self, index: u32, mut events: Vec<Event>) {
        events.clear();
        if let Some(mut slot) = self.container.slots.lock(index)
            && slot.contents.events.capacity() == 0
        {
            slot.contents.events = events;
        }
    }

    /// A step took until now: moves the time on, keeps the mean, reports one that overstayed.
    fn measure(&self, index: u32, stationed: &Stationed) {
        let before = self.now_ns.get();
        let now = self.container.now_ns();
        self.now_ns.set(now);
        let took = now.saturating_sub(before);
        let mean = u64::from(stationed.step_ns.get());
        stationed.step_ns.set(((mean * 7 + took.min(1 << 30)) / 8) as u32);
        if took > self.container.limits.step_report_ns {
            self.counters().slow_steps.add(1);
            let text = format!("a step took {} ms; a step must not block", took / 1_000_000);
            self.report(index, Level::Warn, "task.step.short", None, &text);
        }
    }

    /// What a step's answer means.
    fn settle(&self, index: u32, stationed: &Rc<Stationed>, status: Status, state: Option<Opaque>) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if let Some(state) = state {
            record.state = state;
        }
        if status != Status::PENDING {
            let verdict = judge_end(record, status);
            drop(slot);
            return self.end(index, stationed, &verdict);
        }
        self.weigh_peer(index, record);
        let verdict = match record.cancel {
            Some(reason) => cancelled(reason),
            None if !stationed.instance.table.has_resume() => Verdict {
                outcome: Status::E_INVALID,
                rule: "module.resume.missing",
                text: "the task yielded, but the module has no resume",
            },
            None if record.operations.is_empty() && record.events.is_empty() => {
                self.counters().lost.add(1);
                Verdict {
                    outcome: Status::E_LOST,
                    rule: "task.yield.nothing-outstanding",
                    text: "the task yielded with nothing outstanding: nothing could ever resume it",
                }
            }
            None => return self.park(index, record),
        };
        drop(slot);
        self.end(index, stationed, &verdict);
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

    /// The peer left: decides between a cancel, a grace with a notice, and nothing [cancel.peer.after-response].
    fn weigh_peer(&self, index: u32, record: &mut Record) {
        if !record.peer_gone || record.cancel.is_some() || record.response == Response::Complete {
            return;
        }
        record.notice(notice::PEER);
        let grace_ns = self.container.route_at(record.route).cancel_grace_ns;
        if grace_ns == 0 {
            record.cancel = Some(Status::CANCELLED_PEER);
        } else if record.notice_key.is_none() {
            let task = slots::pack(index, record.generation);
            let due_ns = self.now_ns.get() + grace_ns;
            record.notice_key = Some(self.wheel.borrow_mut().insert(due_ns, Due::Grace(task)));
        }
    }

    /// The end of a started task.
    fn end(&self, index: u32, stationed: &Rc<Stationed>, verdict: &Verdict) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.phase == Phase::Finishing {
            return;
        }
        record.phase = Phase::Finishing;
        self.note_end(index, record, verdict);
        let task = slots::pack(index, record.generation);
        let task_state = record.state;
        self.withdraw_all(record);
        let unseen = std::mem::take(&mut record.events);
        let children = std::mem::take(&mut record.children);
        if record.exchange.is_some() && !matches!(record.response, Response::Complete | Response::Aborted) {
            answer_for(record, verdict);
        }
        drop(slot);
        self.count_ended(&unseen);
        for child in &children {
            self.container.request_cancel(child.handle, Status::CANCELLED_PARENT);
        }
        let state = stationed.state.unwrap_or_default();
        self.callback.set(Callback::Finish);
        let table = stationed.instance.table;
        table.finish(stationed.instance.state(), state, task, task_state, verdict.outcome, &unseen);
        self.callback.set(Callback::None);
        drop(children);
        self.counters().finishes.add(1);
        if verdict.outcome == Status::E_PANIC {
            self.instance_failed(stationed);
        }
        self.free(index, stationed, verdict, unseen);
    }

    fn withdraw_all(&self, record: &mut Record) {
        let mut left = 0u64;
        for operation in std::mem::take(&mut record.operations) {
            left += 1;
            self.withdraw(record, operation.wait);
        }
        self.counters().operations_ended.add(left);
        self.cancel_timer(record.deadline_key.take());
        self.cancel_timer(record.notice_key.take());
    }

    /// Undoes what an operation set up.
    pub(crate) fn withdraw(&self, record: &Record, wait: Wait) {
        match wait {
            Wait::Timer(key) => self.cancel_timer(Some(key)),
            Wait::Body => record.exchange.iter().for_each(|exchange| exchange.forget_reader()),
            Wait::Write => record.exchange.iter().for_each(|exchange| exchange.forget_writer()),
            Wait::Fd(handle, interest) => self.descriptors.borrow_mut().forget(handle, interest),
            Wait::Completion | Wait::ChildHead(_) | Wait::ChildBody(_) => {}
        }
    }

    fn free(&self, index: u32, stationed: &Rc<Stationed>, verdict: &Verdict, unseen: Vec<Event>) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        let exchange = record.exchange.take();
        let (parent, generation) = (record.parent, record.generation);
        let spawned = record.kind == task_kind::BACKGROUND;
        record.clear();
        if record.events.capacity() == 0 {
            record.events = unseen;
            record.events.clear();
        }
        drop(slot);
        if let Some(exchange) = exchange {
            exchange.ended(verdict.outcome);
        }
        if let Some(parent) = parent {
            self.child_ended(parent, slots::pack(index, generation), verdict.outcome);
        }
        if spawned {
            stationed.instance.spawned.fetch_sub(1, Ordering::SeqCst);
        }
        stationed.live.set(stationed.live.get() - 1);
        self.counters().tasks_ended.add(1);
        self.recycle(index);
        if stationed.live.get() == 0 && stationed.instance.retired.load(Ordering::Relaxed) {
            self.stop_retired();
            if stationed.instance.is_idle() {
                self.container.want_care();
            }
        }
    }

    fn instance_failed(&self, stationed: &Stationed) {
        if !stationed.instance.failed.swap(true, Ordering::SeqCst) {
            self.container.want_care();
        }
    }

    /// Counts an end, and logs one that is somebody's fault.
    fn note_end(&self, index: u32, record: &Record, verdict: &Verdict) {
        if verdict.outcome.is_error() {
            let cancelled = is_cancel(verdict.outcome);
            let counter = if cancelled { &self.counters().cancelled } else { &self.counters().failed };
            counter.add(1);
            let level = match verdict.outcome {
                Status::CANCELLED_DEADLINE => Level::Warn,
                _ if cancelled => Level::Debug,
                _ => Level::Error,
            };
            self.report_record(index, record, level, verdict.rule, Some(verdict.outcome), verdict.text);
            return;
        }
        let lasting =
            record.operations.iter().filter(|operation| !matches!(operation.wait, Wait::Timer(_))).count();
        if lasting > 0 {
            let text = format!("the task is done with {lasting} operations outstanding; they are withdrawn");
            self.report_record(index, record, Level::Warn, "task.done.outstanding", None, &text);
        }
    }

    pub(crate) fn report(
        &self,
        index: u32,
        level: Level,
        rule: &'static str,
        status: Option<Status>,
        text: &str,
    ) {
        if let Some(slot) = self.container.slots.lock(index) {
            self.report_record(index, &slot.contents, level, rule, status, text);
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

struct Begun {
    kind: u32,
    arg: Opaque,
    exchange: Option<std::sync::Arc<dyn crate::exchange::Exchange>>,
}

fn is_cancel(outcome: Status) -> bool {
    outcome.0 <= -100
}

fn cancelled(reason: Status) -> Verdict {
    let (rule, text) = match reason {
        Status::CANCELLED_PEER => ("cancel.peer", "cancelled: the peer went away"),
        Status::CANCELLED_DEADLINE => ("cancel.deadline", "cancelled: the route's deadline passed"),
        Status::CANCELLED_DRAIN => ("cancel.drain", "cancelled: the container is stopping"),
        Status::CANCELLED_PARENT => ("cancel.parent", "cancelled: the parent task ended"),
        Status::CANCELLED_MODULE => ("cancel.module", "cancelled by the module"),
        _ => ("cancel.other", "cancelled"),
    };
    Verdict { outcome: reason, rule, text }
}

/// What DONE, FAIL or an unknown answer means for the task.
fn judge_end(record: &Record, status: Status) -> Verdict {
    if record.peer_gone && matches!(status, Status::E_PEER | Status::E_CANCELLED) {
        return cancelled(Status::CANCELLED_PEER);
    }
    if status.is_error() {
        let rule = match record.response {
            Response::Complete => "task.fail.complete",
            Response::None => "task.fail.before",
            _ => "task.fail.after",
        };
        return Verdict { outcome: status, rule, text: status.text() };
    }
    if status != Status::OK {
        return Verdict {
            outcome: Status::E_INVALID,
            rule: "task.step.status",
            text: "a step answered a status that is none of DONE, YIELD and FAIL",
        };
    }
    match (record.exchange.is_some(), record.response) {
        (true, _) if record.peer_gone && record.response != Response::Complete => {
            cancelled(Status::CANCELLED_PEER)
        }
        (true, Response::None) => Verdict {
            outcome: Status::E_STATE,
            rule: "task.done.no-response",
            text: "the task is done, but it gave no response",
        },
        (true, Response::Open { .. }) => Verdict {
            outcome: Status::E_STATE,
            rule: "task.done.open-response",
            text: "the task is done, but its response was not ended; it is broken off",
        },
        _ => DONE,
    }
}

/// The container's answer to the peer for a task that did not complete its response.
fn answer_for(record: &mut Record, verdict: &Verdict) {
    let Some(exchange) = &record.exchange else { return };
    match record.response {
        Response::None => {
            let status = exchange.body_fault().unwrap_or(match verdict.outcome {
                Status::CANCELLED_DEADLINE
                | Status::CANCELLED_DRAIN
                | Status::CANCELLED_MODULE
                | Status::CANCELLED_RELOAD => 503,
                _ => 500,
            });
            exchange.refuse(status);
        }
        _ => exchange.abort(),
    }
    record.response = Response::Aborted;
}

impl Record {
    /// Makes a notice true, and latches its event when the task asked for it.
    pub(crate) fn notice(&mut self, notice: u32) {
        if self.notices_true & notice == 0 {
            self.notices_true |= notice;
            if self.notices & notice != 0 {
                self.events.push(Event::notice(notice));
            }
        }
    }
}

impl Container {
    /// Asks for a cancel of a live task; it takes effect between steps. Answers whether the task was live.
    pub fn request_cancel(&self, task: u64, reason: Status) -> bool {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.slots.lock(index) else { return false };
        let record = &mut slot.contents;
        if record.generation != generation || matches!(record.phase, Phase::Free | Phase::Finishing) {
            return false;
        }
        record.cancel.get_or_insert(reason);
        let queue = record.wants_queue().then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
        true
    }
}
