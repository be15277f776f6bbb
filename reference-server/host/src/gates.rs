//! Start gates: what has to be there before the first step of a request. Until then its task is fresh, in no queue of a
//! worker, and costs its record.
//!
//! Invariant: a task at a gate is moved on by whoever brings what it waits for, under its lock, one gate after the other
//! [gate.order]; it holds no lease before it passes the last one.

mod timers;

use crate::container::{Container, lock};
use crate::exchange::Gathered;
use crate::inbox::Message;
use crate::partitions::Entry;
pub(crate) use crate::partitions::Partitions;
use crate::registry::{Answer, Asker, Held, Needs, Todo, Wish};
use crate::repeats::Sort;
use crate::slots::{self, Slot};
use crate::task::{Phase, Record};
use crate::wheel::Key;
use crate::worker::{self, Worker};
use http_container_abi::Status;

/// At which gate a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Body,
    /// It has come to the gate for partitions, and may wait there.
    Partition {
        is_in: bool,
    },
    /// It waits for leases under that ticket.
    Resources {
        ticket: u64,
    },
    Passed,
}

/// A request's way through the gates of its route.
pub(crate) struct Gate {
    at: At,
    /// The worker that opened it.
    worker: u32,
    /// Grows at each gate, so that the time-out of one is none of the next.
    turn: u32,
    route: u32,
    /// Its partition, once it has come to that gate.
    key: Option<Box<[u8]>>,
    /// Its deadline, and the end of its time at a gate: each on some worker.
    timers: [Option<(u32, Key)>; 2],
}

/// What a task does next.
enum Move {
    Wait,
    Start,
    /// It is answered so, or 503 for that reason.
    Refuse(u16),
    Full(Status, String),
}

impl Gate {
    pub fn is_waiting(&self) -> bool {
        self.at != At::Passed
    }

    /// Whether it waits for its body, as far as the exchange knows.
    pub fn is_at_body(&self) -> bool {
        self.at == At::Body
    }

    /// Whether that worker led the request here.
    pub fn is_led_by(&self, worker: u32) -> bool {
        self.worker == worker
    }

    pub fn waits_for(&self, ticket: u64) -> bool {
        self.at == At::Resources { ticket }
    }
}

impl Worker {
    /// Leads a fresh task to the gates of its route; `true` when it may be started at once. Otherwise it comes by
    /// [`Worker::take_fresh`] when it may, or is answered.
    pub fn pass_gates(&self, task: u64, route: u32) -> bool {
        if self.container.route_at(route).gates.is_open() {
            return true;
        }
        let (index, generation) = slots::unpack(task);
        if let Some(mut slot) = self.container.slots.lock(index) {
            let record = &mut slot.contents;
            if record.generation != generation || record.phase != Phase::Fresh {
                return false;
            }
            let timers = [None, None];
            record.gate =
                Some(Box::new(Gate { at: At::Body, worker: self.index, turn: 0, route, key: None, timers }));
        }
        self.container.move_on(task);
        self.arm_deadline(task);
        false
    }

    /// Takes a task in that has passed its gates: this worker or another one starts it.
    pub(crate) fn take_passed(&self, task: u64) {
        let (index, generation) = slots::unpack(task);
        let timers = {
            let slot = self.container.slots.lock(index);
            let mut slot = slot.filter(|slot| slot.contents.generation == generation);
            let gate = slot.as_mut().and_then(|slot| slot.contents.gate.as_mut());
            gate.map(|gate| std::mem::take(&mut gate.timers))
        };
        self.disarm_gates(timers.unwrap_or_default());
        self.fresh.borrow_mut().push(task);
    }
}

impl Container {
    /// A task at a gate looks whether it can go on. No lock may be held.
    pub(crate) fn move_on(&self, task: u64) {
        let (index, generation) = slots::unpack(task);
        let mut todo = Todo::default();
        let next = {
            let Some(mut slot) = self.slots.lock(index) else { return };
            if slot.contents.generation != generation || !slot.contents.is_gated() {
                return;
            }
            self.look(&mut slot, index, task, &mut todo)
        };
        self.carry_out(&mut todo);
        if let Some((status, code)) = self.conclude(task, next) {
            self.turn_away(task, status, code);
        }
    }

    /// What follows from a look at a gate: with what a task is turned away, if it is. No lock may be held.
    fn conclude(&self, task: u64, next: Move) -> Option<(Status, Option<u16>)> {
        match next {
            Move::Wait => None,
            Move::Start if self.hand_on(task) => None,
            Move::Start => Some((Status::CANCELLED_DRAIN, None)),
            Move::Refuse(code) => Some((Status::E_PEER, Some(code))),
            Move::Full(status, why) => {
                self.tell_refusal(task, status, &why);
                Some((status, Some(503)))
            }
        }
    }

    fn look(&self, slot: &mut Slot<Record>, index: u32, task: u64, todo: &mut Todo) -> Move {
        loop {
            let record = &mut slot.contents;
            let Some(gate) = &mut record.gate else { return Move::Wait };
            let gates = &self.route_at(gate.route).gates;
            match gate.at {
                At::Body => {
                    if let (Some(limit), Some(exchange)) = (gates.whole_body_bytes, &record.exchange) {
                        match exchange.gather(limit, Some(task)) {
                            Gathered::Whole => {}
                            Gathered::Pending => return Move::Wait,
                            Gathered::Refused(code) => return Move::Refuse(code),
                        }
                    }
                    gate.turn += 1;
                    gate.at = At::Partition { is_in: false };
                }
                At::Partition { is_in: false } => match self.enter_partition(record, task) {
                    Some(decided) => return decided,
                    None => return self.queue_for_leases(slot, index, task, todo),
                },
                At::Partition { is_in: true } => return Move::Wait,
                At::Resources { .. } => return Move::Wait,
                At::Passed => return Move::Start,
            }
        }
    }

    /// Comes to the gate for partitions; `None`: it is passed.
    fn enter_partition(&self, record: &mut Record, task: u64) -> Option<Move> {
        let gate = record.gate.as_mut()?;
        let partitions = self.partitions[gate.route as usize].as_ref()?;
        let settings = self.route_at(gate.route).gates.partition.as_ref()?;
        let exchange = record.exchange.as_ref()?;
        let key = settings.key.of(&exchange.request().head());
        let mut partitions = lock(partitions);
        let entry = partitions.enter(key, task);
        if matches!(entry, Entry::Passed | Entry::Waits) {
            gate.key = Some(key.into());
        }
        match entry {
            Entry::Passed => None,
            Entry::Waits => {
                gate.at = At::Partition { is_in: true };
                let due_ns = self.rough_now_ns().saturating_add(partitions.timeout_ns());
                self.arm_gate(task, gate, due_ns);
                Some(Move::Wait)
            }
            Entry::Full => Some(Move::Full(Status::E_BUSY, "as many of its partition wait as may".into())),
            Entry::ManyKeys => Some(Move::Full(Status::E_BUSY, "there are too many partitions".into())),
        }
    }

    /// Wants the leases of the last gate.
    fn queue_for_leases(&self, slot: &mut Slot<Record>, index: u32, task: u64, todo: &mut Todo) -> Move {
        let Some((route, worker)) = slot.contents.gate.as_ref().map(|gate| (gate.route, gate.worker)) else {
            return Move::Wait;
        };
        let gates = &self.route_at(route).gates;
        let Some(number) = slot.next_number() else {
            return Move::Full(Status::E_LIMIT, "no numbers are left".into());
        };
        for pool in &gates.resources {
            let Some(lease) = slot.next_number() else { continue };
            slot.contents.leases.push(Held::awaited(lease, *pool, (number, 0), true));
        }
        let now_ns = self.rough_now_ns();
        let asker = Asker { id: u64::from(index), number, worker, holds: false };
        let needs = Needs::of(&gates.resources);
        let mut desks = Vec::new();
        let answer = match needs.is_empty() {
            true => Answer::Granted,
            false => {
                let wish = Wish { needs: &needs, asker, may_wait: true, now_ns };
                self.registry.acquire(todo, &wish, |desk| desks.push(desk))
            }
        };
        let record = &mut slot.contents;
        let Some(gate) = &mut record.gate else { return Move::Wait };
        gate.turn += 1;
        match answer {
            Answer::Granted => {
                gate.at = At::Passed;
                self.count(|counters| counters.leases_granted.add(desks.len() as u64));
                desks.into_iter().for_each(|desk| record.give(index, desk, |held| held.is_of_gate));
                Move::Start
            }
            Answer::Waiting(ticket) => {
                gate.at = At::Resources { ticket };
                let bound_ns = self.bound_ns(&gates.resources).min(gates.resources_timeout_ns);
                self.arm_gate(task, gate, now_ns.saturating_add(bound_ns));
                Move::Wait
            }
            Answer::Refused(status, pool) => Move::Full(status, self.why_refused(status, pool)),
        }
    }

    /// The shortest wait that the operator allows for any of these resources, ns.
    pub(crate) fn bound_ns(&self, pools: &[u32]) -> u64 {
        let bounds = pools.iter().map(|pool| self.registry.resources[*pool as usize].acquire_timeout_ns);
        bounds.min().unwrap_or(u64::MAX)
    }

    /// Why a resource is not to be had, in a sentence.
    pub(crate) fn why_refused(&self, status: Status, pool: u32) -> String {
        let name = &self.registry.resources[pool as usize].name;
        match status {
            Status::E_RESOURCE => {
                format!("resource \"{name}\" cannot be reached: {}", self.registry.reason(pool))
            }
            Status::E_BUSY => format!("as many tasks wait for resource \"{name}\" as may (max_waiting)"),
            Status::E_TIMEOUT => format!("no member of resource \"{name}\" was free in time"),
            Status::E_LIMIT => format!("resource \"{name}\" never has so many members"),
            _ => format!("resource \"{name}\" is not to be had: {}", status.text()),
        }
    }

    /// All gates are passed: the task goes to where it is started. No lock may be held.
    pub(crate) fn pass_gates(&self, task: u64) {
        if !self.hand_on(task) {
            self.drop_fresh(task, Status::CANCELLED_DRAIN);
        }
    }

    /// Brings a task that has passed its gates to the worker that led it there; `false` when that has left.
    fn hand_on(&self, task: u64) -> bool {
        let (index, generation) = slots::unpack(task);
        let worker = {
            let Some(mut slot) = self.slots.lock(index) else { return true };
            let record = &mut slot.contents;
            let Some(gate) = record.gate.as_mut().filter(|_| record.generation == generation) else {
                return true;
            };
            gate.at = At::Passed;
            gate.turn += 1;
            gate.worker
        };
        let here = worker::with_current(self, |current| {
            let is_here = current.index == worker;
            if is_here {
                current.take_passed(task);
            }
            is_here
        });
        if here == Some(true) {
            return true;
        }
        let is_there = self.workers[worker as usize].post(Message::Passed(task), || ());
        if is_there {
            self.wake(worker);
        }
        is_there
    }

    /// The registry says that there is nothing for a task at the last gate.
    pub(crate) fn refuse_at_gate(&self, task: u64, status: Status, pool: u32) {
        self.tell_refusal(task, status, &self.why_refused(status, pool));
        self.turn_away(task, status, Some(503));
    }

    /// A task leaves its gates for good: its places in queues go to others. No lock may be held.
    pub(crate) fn leave_gates(&self, task: u64, gate: &Gate) {
        worker::with_current(self, |worker| worker.disarm_gates(gate.timers));
        if let At::Resources { ticket } = gate.at {
            let now_ns = self.rough_now_ns();
            self.decide(|pools| pools.withdraw(ticket, now_ns));
        }
        let Some(key) = &gate.key else { return };
        let Some(partitions) = &self.partitions[gate.route as usize] else { return };
        let mut leaving = task;
        // As many in a row as are turned away at the next gate.
        loop {
            let next = lock(partitions).leave(key, leaving);
            let Some(next) = next else { return };
            if self.take_turn(next) {
                return;
            }
            leaving = next;
        }
    }

    /// The turn of a task in its partition has come. `false`: it was turned away, and its turn is to be passed on; when it
    /// goes on, or has left by itself, its own end does that.
    fn take_turn(&self, task: u64) -> bool {
        let (index, generation) = slots::unpack(task);
        let mut todo = Todo::default();
        let next = {
            let Some(mut slot) = self.slots.lock(index) else { return true };
            let record = &mut slot.contents;
            let is_there = record.generation == generation && record.phase == Phase::Fresh;
            let waits = record.gate.as_ref().is_some_and(|gate| gate.at == At::Partition { is_in: true });
            if !(is_there && waits) {
                return true;
            }
            self.queue_for_leases(&mut slot, index, task, &mut todo)
        };
        self.carry_out(&mut todo);
        let Some((status, code)) = self.conclude(task, next) else { return true };
        let Some(gate) = self.take_gate(task) else { return true };
        worker::with_current(self, |worker| worker.disarm_gates(gate.timers));
        self.turn_away(task, status, code);
        false
    }

    /// Takes a fresh task away from its gates, so that its end does not pass its turn on.
    fn take_gate(&self, task: u64) -> Option<Box<Gate>> {
        let (index, generation) = slots::unpack(task);
        let mut slot = self.slots.lock(index)?;
        let record = &mut slot.contents;
        let is_there = record.generation == generation && record.phase == Phase::Fresh;
        if is_there { record.gate.take() } else { None }
    }

    fn tell_refusal(&self, task: u64, status: Status, why: &str) {
        self.count(|counters| counters.gate_refusals.add(1));
        let (index, generation) = slots::unpack(task);
        let Some(slot) = self.slots.lock(index) else { return };
        let record = &slot.contents;
        if record.generation != generation {
            return;
        }
        let (module, request, route) = (record.module, record.request_id, record.route);
        drop(slot);
        let sort = Sort { rule: "gate.refused.told", status, module, route };
        self.tell_often(sort, task, request, || {
            format!("refused at a gate of route {}: {why}", self.route_at(route).name)
        });
    }
}
