//! Waiting: `completion`, `complete`, `timer`, `cancel`, `notices`, and how every operation is registered.

use super::{Allowed, InstanceHost, Refused};
use crate::slots::{self, Slot};
use crate::task::{Operation, Phase, Record, Wait};
use crate::worker::{Due, Worker};
use http_container_abi::constants::{event_kind, notice};
use http_container_abi::{Event, Status};

const NOTICES: u32 = notice::PEER | notice::DRAIN | notice::RELOAD | notice::DEADLINE;

impl InstanceHost {
    /// Whether the task may begin an operation with that token (0: it will not wait).
    pub(crate) fn may_wait(&self, worker: &Worker, slot: &Slot<Record>, token: u64) -> Result<(), Refused> {
        let operations = &slot.contents.operations;
        if token == 0 || operations.is_empty() {
            return Ok(());
        }
        if operations.iter().any(|operation| operation.token == token) {
            let text = format!("token {token} is that of an outstanding operation of the task");
            return Err(Refused::owned(Status::E_TOKEN, "completion.token.unique", text));
        }
        let limit = worker.container.limits.operations_per_task;
        if operations.len() >= limit {
            let text = format!("the task has {limit} operations outstanding, which is the limit");
            return Err(Refused::owned(Status::E_LIMIT, "completion.limit", text));
        }
        Ok(())
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

    fn needs_token(token: u64) -> Result<(), Refused> {
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
            self.may_wait(worker, slot, token)?;
            Ok(slots::pack(index, self.wait(worker, slot, token, Wait::Completion)?))
        })
    }

    /// From any thread: no worker is needed, only the task's slot.
    pub(crate) fn call_complete(&self, completion: u64, status: Status, value: u64) -> Status {
        self.with_worker(|worker| self.complete_in(&worker.container, completion, status, value))
            .or_else(|| {
                self.container().map(|container| self.complete_in(&container, completion, status, value))
            })
            .unwrap_or(Status::E_GONE)
    }

    fn complete_in(
        &self,
        container: &crate::Container,
        completion: u64,
        status: Status,
        value: u64,
    ) -> Status {
        let (index, number) = slots::unpack(completion);
        let Some(mut slot) = container.slots.lock(index) else { return Status::E_GONE };
        let record = &mut slot.contents;
        let is_ours = record.instance == Some(self.index)
            && record
                .operations
                .iter()
                .any(|operation| operation.number == number && operation.wait == Wait::Completion);
        if !is_ours || !record.fire(number, event_kind::COMPLETION, status, value) {
            return Status::E_GONE;
        }
        let queue = record.wants_queue().then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            container.enqueue(worker, index);
        }
        Status::OK
    }

    pub(crate) fn call_timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            Self::needs_token(token)?;
            self.may_wait(worker, slot, token)?;
            if slot.contents.cancel.is_some() {
                return Ok(Status::E_CANCELLED);
            }
            if delay_ns == 0 {
                let number = self.wait(worker, slot, token, Wait::Completion)?;
                let now_ns = worker.now_ns.get();
                slot.contents.fire(number, event_kind::TIMER, Status::OK, now_ns);
                if slot.contents.wants_queue() {
                    worker.queue.borrow_mut().push_back(index);
                }
                return Ok(Status::PENDING);
            }
            // The clock of the last step is up to a step old; the delay counts from now.
            let due_ns = worker.container.now_ns().saturating_add(delay_ns);
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
        // Destructors call this whenever they like: a task that is gone is no violation [operation.cancel.quiet].
        let answer = self.on_task(task, Allowed::StepOrFinish, |worker, _, slot| {
            let record = &mut slot.contents;
            if token == 0 {
                return Ok((Status::E_GONE, None));
            }
            if let Some(at) = record.operations.iter().position(|operation| operation.token == token) {
                let operation = record.operations.swap_remove(at);
                worker.withdraw(record, operation.wait);
                worker.counters().operations_ended.add(1);
                return Ok((Status::OK, None));
            }
            let Some(at) = record.events.iter().position(|event| event.token == token) else {
                return Ok((Status::E_GONE, None));
            };
            worker.counters().operations_ended.add(1);
            Ok((Status::E_TOO_LATE, Some(record.events.remove(at))))
        });
        answer.unwrap_or_else(|status| (status, None))
    }

    pub(crate) fn call_notices(&self, task: u64, mask: u32) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            if mask & !NOTICES != 0 {
                let text = format!("{:#x} are bits of no notice", mask & !NOTICES);
                return Err(Refused::owned(Status::E_INVALID, "notice.mask", text));
            }
            let record = &mut slot.contents;
            let added = mask & !record.notices;
            record.notices = mask;
            let already = record.notices_true & added;
            for bit in (0..4).map(|shift| 1 << shift).filter(|bit| already & bit != 0) {
                record.events.push(Event::notice(bit));
            }
            if worker.container.is_draining() {
                record.notice(notice::DRAIN);
            }
            worker.arm_deadline_notice(index, record);
            if record.phase == Phase::Parked && !record.events.is_empty() && record.wants_queue() {
                worker.queue.borrow_mut().push_back(index);
            }
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}
