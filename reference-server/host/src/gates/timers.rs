//! The times of requests that wait at gates: their deadline, and the end of their time at one gate. Each timer is in the wheel
//! of the worker that was at it; one that is left there by another finds its turn over.

use super::{At, Gate};
use crate::container::Container;
use crate::slots;
use crate::wheel::Key;
use crate::worker::{self, Due, Worker};
use http_container_abi::Status;

impl Worker {
    /// The deadline of a task that waits at a gate [gate.deadline].
    pub(super) fn arm_deadline(&self, task: u64) {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        let waits = record.generation == generation && record.is_gated();
        if let Some(gate) = record.gate.as_mut().filter(|_| waits)
            && let Some(deadline_ns) = record.deadline_ns
        {
            let key = self.wheel.borrow_mut().insert(deadline_ns, Due::Queued(task));
            gate.timers[0] = Some((self.index, key));
        }
    }

    /// Forgets the timers of a task that waits at no gate any more, as far as they are on this worker.
    pub(super) fn disarm_gates(&self, timers: [Option<(u32, Key)>; 2]) {
        let here = timers.into_iter().flatten().filter(|(worker, _)| *worker == self.index);
        here.for_each(|(_, key)| self.cancel_timer(Some(key)));
    }
}

impl Container {
    /// The end of a task's time at the gate where it is.
    pub(super) fn arm_gate(&self, task: u64, gate: &mut Gate, due_ns: u64) {
        let due = Due::Gate(task, gate.turn);
        let here = worker::with_current(self, |worker| {
            let key = worker.wheel.borrow_mut().insert(due_ns, due);
            let before = gate.timers[1].replace((worker.index, key));
            worker.disarm_gates([before, None]);
        });
        // Where no worker is, the one that led the request here sees to its time.
        if here.is_none() {
            self.arm_on(gate.worker, due_ns, due);
        }
    }

    /// The time at a gate is over.
    pub(crate) fn expire_gate(&self, task: u64, turn: u32) {
        let (index, generation) = slots::unpack(task);
        let why = {
            let Some(slot) = self.slots.lock(index) else { return };
            let record = &slot.contents;
            let Some(gate) = record.gate.as_ref().filter(|gate| gate.turn == turn && gate.is_waiting())
            else {
                return;
            };
            if record.generation != generation {
                return;
            }
            match gate.at {
                At::Resources { .. } => "the resources of its route were not free in time",
                _ => "its turn in its partition did not come in time",
            }
        };
        self.tell_refusal(task, Status::E_TIMEOUT, why);
        self.turn_away(task, Status::E_TIMEOUT, Some(503));
    }
}
