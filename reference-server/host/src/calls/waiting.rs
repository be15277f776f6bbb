//! Waiting: `completion`, `complete`, `timer`, `cancel`, `notices`, and how every operation is registered.

use super::{Allowed, GONE, InstanceHost, Refused};
use crate::slots::{self, Slot};
use crate::task::{Operation, Record, Wait};
use crate::worker::{Due, Worker};
use http_container_abi::constants::{event_kind, notice};
use http_container_abi::{Event, Status};

const NOTICES: u32 = notice::PEER | notice::DRAIN | notice::RELOAD | notice::DEADLINE;

const CANCELLED: Refused = Refused::quiet(
    Status::E_CANCELLED,
    "cancel.flag.calls",
    "the task is being cancelled: it begins no operation any more",
);

impl InstanceHost {
    /// Whether the task may begin an operation with that token: token, cancellation and limits, in that order.
    pub(crate) fn may_begin(&self, worker: &Worker, record: &Record, token: u64) -> Result<(), Refused> {
        self.check_token(record, token)?;
        Self::check_cancel(record)?;
        self.check_room(worker, record)
    }

    /// Whether the token is free (0: the call will not wait).
    pub(crate) fn check_token(&self, record: &Record, token: u64) -> Result<(), Refused> {
        if token == 0 || !record.has_token(token) {
            return Ok(());
        }
        let text = format!("token {token} is that of an outstanding operation of the task");
        Err(Refused::owned(Status::E_TOKEN, "completion.token.unique", text))
    }

    /// Whether the task may wait at all.
    pub(crate) fn check_cancel(record: &Record) -> Result<(), Refused> {
        if record.cancel.is_some() { Err(CANCELLED) } else { Ok(()) }
    }

    /// Whether the task may have one operation more.
    pub(crate) fn check_room(&self, worker: &Worker, record: &Record) -> Result<(), Refused> {
        let limit = worker.container.limits.operations_per_task;
        if record.operations.len() + record.events.len() < limit || record.outstanding() < limit {
            return Ok(());
        }
        let text = format!("the task has {limit} operations outstanding, which is the limit");
        Err(Refused::owned(Status::E_LIMIT, "completion.limit", text))
    }

    /// Registers an operation and answers its number.
    pub(crate) fn wait(
        &self,
        worker: &Worker,
        slot: &mut Slot<Record>,
        token: u64,
        wait: Wait,
    ) -> Result<u64, Refused> {
        let number = slot.next_number().ok_or(Refused::new(
            Status::E_LIMIT,
            "handle.generation",
            "the task has used up its operations: end it",
        ))?;
        slot.contents.operations.push(Operation { token, number, wait });
        worker.counters().operations_begun.add(1);
        Ok(number)
    }

    pub(crate) fn needs_token(token: u64) -> Result<(), Refused> {
        match token {
            0 => Err(Refused::new(
                Status::E_TOKEN,
                "completion.token.zero",
                "token 0 means: do not wait, which this call cannot",
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn call_completion(&self, task: u64, token: u64) -> Result<u64, Status> {
        self.on_task(task, Allowed::Step, |worker, index, slot| {
            Self::needs_token(token)?;
            self.may_begin(worker, &slot.contents, token)?;
            Ok(slots::pack(index, self.wait(worker, slot, token, Wait::Completion)?))
        })
    }

    /// From any thread: no worker is needed, only the task's slot.
    pub(crate) fn call_complete(&self, completion: u64, status: Status, value: u64) -> Status {
        let here = self.with_worker(|worker| {
            let queue = self.complete_in(&worker.container, completion, status, value)?;
            queue.into_iter().for_each(|(owner, index)| worker.enqueue(owner, index));
            Ok(Status::OK)
        });
        let answer = here.or_else(|| {
            let container = self.container()?;
            let completed = self.complete_in(&container, completion, status, value);
            Some(completed.map(|queue| {
                queue.into_iter().for_each(|(owner, index)| container.enqueue(owner, index));
                Status::OK
            }))
        });
        answer.unwrap_or(Ok(Status::E_GONE)).unwrap_or_else(|refused| self.refuse(0, refused))
    }

    /// Latches the completion's event; answers worker and index of its task when that is to be put into the run queue.
    fn complete_in(
        &self,
        container: &crate::Container,
        completion: u64,
        status: Status,
        value: u64,
    ) -> Result<Option<(u32, u32)>, Refused> {
        let (index, number) = slots::unpack(completion);
        let Some(mut slot) = container.slots.lock(index) else { return Err(GONE) };
        let record = &mut slot.contents;
        let is_meant =
            |operation: &Operation| operation.number == number && operation.wait == Wait::Completion;
        if record.instance != Some(self.index)
            || !record.fire_where(is_meant, event_kind::COMPLETION, status, value)
        {
            return Err(GONE);
        }
        Ok(record.wants_queue().then_some(record.worker).flatten().map(|worker| (worker, index)))
    }

    pub(crate) fn call_timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            Self::needs_token(token)?;
            self.may_begin(worker, &slot.contents, token)?;
            if delay_ns == 0 {
                let number = self.wait(worker, slot, token, Wait::Completion)?;
                // Not the clock of the last step: it fires no earlier than it was asked for [timer.not-early] [timer.value].
                let now_ns = worker.clock_ns();
                slot.contents.fire(number, event_kind::TIMER, Status::OK, now_ns);
                if slot.contents.wants_queue() {
                    worker.queue.borrow_mut().push_back(index);
                }
                return Ok(Status::PENDING);
            }
            // The clock of the last step is up to a step old; the delay counts from now.
            let due_ns = worker.clock_ns().saturating_add(delay_ns);
            let number = self.wait(worker, slot, token, Wait::Completion)?;
            let key = worker.wheel.borrow_mut().insert(due_ns, Due::Timer(index, number));
            if let Some(operation) = slot.contents.operations.last_mut() {
                operation.wait = Wait::Timer(key);
            }
            Ok(Status::PENDING)
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_cancel(&self, task: u64, token: u64) -> (Status, Option<Event>) {
        // Destructors call this whenever they like: a task that is gone is no violation [handle.gone.harmless].
        let mut child = None;
        let answer = self.on_task_told(task, Allowed::StepOrFinish, |worker, index, slot| {
            let record = &mut slot.contents;
            if token == 0 {
                return Err(NO_OPERATION);
            }
            if let Some(at) = record.operations.iter().position(|operation| operation.token == token) {
                let operation = record.operations.swap_remove(at);
                worker.withdraw(record, &operation);
                worker.counters().operations_ended.add(1);
                if let Wait::ChildHead(handle) = operation.wait {
                    child = worker.take_child(record, handle);
                }
                return Ok((Status::OK, None));
            }
            let at = record.events.iter().position(|event| event.token == token).ok_or(NO_OPERATION)?;
            worker.counters().operations_ended.add(1);
            let event = record.events.remove(at);
            record.note_taken(&event).into_iter().for_each(|timer| worker.cancel_timer(Some(timer)));
            worker.latch_again(index, &[event]);
            Ok((Status::E_TOO_LATE, Some(event)))
        });
        if let Some(child) = child {
            // Withdrawing `open` does what `close` does [dispatch.open.withdraw].
            self.with_worker(|worker| worker.container.let_child_go(&child));
        }
        answer.unwrap_or_else(|status| (status, None))
    }

    pub(crate) fn call_notices(&self, task: u64, mask: u32) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            if mask & !NOTICES != 0 {
                let text = format!("{:#x} are bits of no notice", mask & !NOTICES);
                return Err(Refused::owned(Status::E_UNSUPPORTED, "notice.mask", text));
            }
            let record = &mut slot.contents;
            if worker.container.is_draining() {
                record.notices_true |= notice::DRAIN;
            }
            record.notices = mask;
            let is_wanted =
                |event: &Event| event.kind != event_kind::NOTICE || event.value as u32 & mask != 0;
            for event in record.events.iter().filter(|event| !is_wanted(event)) {
                // It was latched and not delivered: it may come when it is asked for again.
                record.notices_told &= !(event.value as u32);
            }
            record.events.retain(is_wanted);
            let due = record.notices_true & mask & !record.notices_told;
            for bit in (0..4).map(|shift| 1 << shift).filter(|bit| due & bit != 0) {
                record.notices_told |= bit;
                record.events.push(Event::notice(bit));
            }
            worker.arm_deadline_notice(index, record);
            if !record.events.is_empty() && record.wants_queue() {
                worker.queue.borrow_mut().push_back(index);
            }
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}

const NO_OPERATION: Refused =
    Refused::quiet(Status::E_GONE, "cancel.operation.gone", "the task has no operation with that token");
