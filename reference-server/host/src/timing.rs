//! What happens when time passes: timers, deadlines, the grace after the peer left, notices; and the ends of a drain.

use crate::slots;
use crate::task::{Phase, Record, Response};
use crate::worker::{Due, Worker};
use http_container_abi::Status;
use http_container_abi::constants::{event_kind, notice};

impl Worker {
    pub(crate) fn expire(&self, due: Due, now_ns: u64) {
        match due {
            Due::Timer(index, number) => self.touch(index, None, |record| {
                record.fire(number, event_kind::TIMER, Status::OK, now_ns);
            }),
            Due::Deadline(task) => self.touch_task(task, |record| {
                record.deadline_key = None;
                record.cancel.get_or_insert(Status::CANCELLED_DEADLINE);
            }),
            Due::Queued(task) => self.container.drop_fresh(task, Status::CANCELLED_DEADLINE),
            Due::Grace(task) => self.touch_task(task, |record| {
                record.grace_key = None;
                if record.response != Response::Complete {
                    record.cancel.get_or_insert(Status::CANCELLED_PEER);
                }
            }),
            Due::Acquire(index, number) => self.expire_acquire(index, number),
            Due::Gate(task, turn) => self.container.expire_gate(task, turn),
            Due::Registry => self.container.tend_registry(now_ns),
            Due::Repeats => self.container.tell_repeats(now_ns),
            Due::Notice(task) => self.touch_task(task, |record| {
                record.notice_key = None;
                record.notice(notice::DEADLINE);
            }),
        }
    }

    fn touch_task(&self, task: u64, act: impl FnOnce(&mut Record)) {
        let (index, generation) = slots::unpack(task);
        self.touch(index, Some(generation), act);
    }

    /// Changes a record of this worker and queues its task when that gives it something to do.
    fn touch(&self, index: u32, generation: Option<u64>, act: impl FnOnce(&mut Record)) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if generation.is_some_and(|generation| generation != record.generation) {
            return;
        }
        act(record);
        if (record.cancel.is_some() || !record.events.is_empty()) && record.wants_queue() {
            self.queue.borrow_mut().push_back(index);
        }
    }

    /// Arms the deadline notice of a task that asked for it and has a deadline.
    pub(crate) fn arm_deadline_notice(&self, index: u32, record: &mut Record) {
        let Some(deadline_ns) = record.deadline_ns else { return };
        if record.notices & notice::DEADLINE == 0 || record.notice_key.is_some() {
            return;
        }
        let now_ns = self.now_ns.get();
        let whole_ns = record.allowed_ns;
        let due_ns = deadline_ns.saturating_sub(whole_ns / 10).max(now_ns);
        let task = slots::pack(index, record.generation);
        record.notice_key = Some(self.wheel.borrow_mut().insert(due_ns, Due::Notice(task)));
    }

    /// Makes a notice true for every task here.
    pub(crate) fn notice_all(&self, bit: u32) {
        self.each_task(|index, record| {
            record.notice(bit);
            if !record.events.is_empty() && record.wants_queue() {
                self.queue.borrow_mut().push_back(index);
            }
        });
    }

    /// Cancels every live task here that `is_meant` names and lets each one end.
    pub(crate) fn cancel_all(&self, reason: Status, is_meant: impl Fn(&Record) -> bool) {
        self.each_task(|index, record| {
            if matches!(record.phase, Phase::Running | Phase::Parked) && is_meant(record) {
                record.cancel.get_or_insert(reason);
                if record.wants_queue() {
                    self.queue.borrow_mut().push_back(index);
                }
            }
        });
        while self.run(usize::MAX) > 0 {}
    }
}
