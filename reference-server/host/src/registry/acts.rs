//! Carrying out what the registry decided: granting, refusing, opening members, asking them, ending them.
//!
//! Called with no lock held: it takes those of tasks and desks, one after the other.

use super::desk::{Desk, Settled, Wake};
use super::held::Held;
use super::pool::{Ask, Place, Returned, Stage};
use super::wishes::{Asker, Decision, ResourceUsage};
use crate::container::{Container, lock};
use crate::instance::Stage as Life;
use crate::placing;
use crate::report::Level;
use crate::slots;
use crate::task::{Record, Wait};
use crate::worker::{self, Due};
use http_container_abi::Status;
use http_container_abi::constants::{LIMIT_ID, SQL_ID, event_kind, task_kind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is to be carried out when no lock is held.
#[derive(Debug)]
pub(crate) struct Todo {
    pub decisions: Vec<Decision>,
    pub wakes: Vec<Wake>,
    pub due_ns: u64,
}

impl Default for Todo {
    fn default() -> Self {
        Todo { decisions: Vec::new(), wakes: Vec::new(), due_ns: u64::MAX }
    }
}

impl Todo {
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.wakes.is_empty() && self.due_ns == u64::MAX
    }
}

impl Container {
    /// Decides with the registry and carries out what follows. No lock may be held.
    pub(crate) fn decide<R>(&self, act: impl FnOnce(&mut super::Pools) -> R) -> R {
        let mut todo = Todo::default();
        let answer = self.registry.decide(&mut todo, act);
        self.carry_out(&mut todo);
        answer
    }

    /// Carries out what was decided, and leaves nothing but room. No lock may be held.
    pub(crate) fn carry_out(&self, todo: &mut Todo) {
        todo.wakes.drain(..).for_each(|wake| self.tell_wake(&wake));
        for decision in todo.decisions.drain(..) {
            match decision {
                Decision::Grant { ticket, asker, places } => self.grant(ticket, &asker, &places),
                Decision::Refuse { ticket, asker, status, pool } => self.deny(ticket, &asker, status, pool),
                Decision::Open { place, worker } => self.open_member(place, worker),
                Decision::Ask { place, ask } => self.ask_member(place, ask),
                Decision::Kill { place, stage } => self.kill_member(place, stage),
                Decision::GiveUp { place, why } => self.give_up_member(place, why),
            }
        }
        if todo.due_ns != u64::MAX {
            self.arm_registry(std::mem::replace(&mut todo.due_ns, u64::MAX));
        }
    }

    /// Latches the event of an operation, if it is still there.
    pub(crate) fn tell_wake(&self, wake: &Wake) {
        self.latch(wake.index, wake.number, wake.kind, wake.status, 0);
    }

    /// Gives members to who waits under that ticket; when nobody does any more, they go back.
    fn grant(&self, ticket: u64, asker: &Asker, places: &[Place]) {
        let desks = self.registry.take_desks(places);
        let index = asker.id as u32;
        let Some(mut slot) = self.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.waits_at_gate(ticket) {
            desks.each(|desk| record.give(index, desk, |held| held.operation.0 == asker.number));
            let task = slots::pack(index, record.generation);
            drop(slot);
            self.count(|counters| counters.leases_granted.add(places.len() as u64));
            return self.pass_gates(task);
        }
        let awaited = |operation: &crate::task::Operation| operation.wait == Wait::Acquire(ticket);
        if record.fire_where(awaited, event_kind::ACQUIRE, Status::OK, 0) {
            desks.each(|desk| record.give(index, desk, |held| held.operation.0 == asker.number));
            self.count(|counters| counters.leases_granted.add(places.len() as u64));
            let queue = record.wants_queue().then_some(record.worker).flatten();
            drop(slot);
            if let Some(worker) = queue {
                self.enqueue(worker, index);
            }
            return;
        }
        drop(slot);
        let (now_ns, mut todo) = (self.rough_now_ns(), Todo::default());
        desks.each(|desk| self.registry.give_back(&mut todo, desk, Returned::Clean, now_ns));
        self.carry_out(&mut todo);
    }

    /// Tells who waits under that ticket that it gets nothing.
    fn deny(&self, ticket: u64, asker: &Asker, status: Status, pool: u32) {
        let index = asker.id as u32;
        let Some(mut slot) = self.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.waits_at_gate(ticket) {
            let task = slots::pack(index, record.generation);
            drop(slot);
            return self.refuse_at_gate(task, status, pool);
        }
        let awaited = |operation: &crate::task::Operation| operation.wait == Wait::Acquire(ticket);
        if !record.fire_where(awaited, event_kind::ACQUIRE, status, 0) {
            return;
        }
        record.leases.retain(|held| held.operation.0 != asker.number || held.desk.is_some());
        let queue = record.wants_queue().then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
    }

    /// Makes the task of a member; where that cannot be, it counts as one that ended at once.
    fn open_member(&self, place: Place, worker: u32) {
        let interface = self.registry.resources[place.pool as usize].interface.get();
        let is_quiet = interface.is_some_and(|interface| matches!(*interface, SQL_ID | LIMIT_ID));
        let desk = Arc::new(Desk::new(place, is_quiet));
        self.registry.set_desk(Arc::clone(&desk));
        let Some(module) = self.registry.resources[place.pool as usize].provider else {
            let now_ns = self.rough_now_ns();
            return self.decide(|pools| pools.opened(place, now_ns));
        };
        let current = self.modules[module as usize].current.load(Ordering::SeqCst);
        let instance = self.instance(current).filter(|instance| {
            let mut life = instance.life();
            let may =
                matches!(life.stage, Life::Creating | Life::Live) && !self.closing.load(Ordering::SeqCst);
            life.attached += u32::from(may);
            may
        });
        let Some(instance) = instance else { return self.member_ended(&desk) };
        let target = (!self.modules[module as usize].is_blocking()).then_some(worker);
        let fill = |record: &mut Record| {
            record.kind = task_kind::MEMBER;
            record.module = module;
            record.instance = Some(current);
            record.member = Some(Arc::clone(&desk));
        };
        let made = worker::with_current(self, |here| here.make(target, fill)).unwrap_or_else(|| {
            let made = placing::make(self, &mut lock(&self.spare), target, fill);
            self.count(|counters| counters.tasks_made.add(u64::from(made.is_some())));
            made
        });
        let Some(task) = made else {
            instance.detached();
            return self.member_ended(&desk);
        };
        desk.lock().sit(task);
        if self.decide(|pools| pools.stage(place)) != Some(Stage::Opening) {
            // It was given up before it had a task.
            let is_stopping = self.closing.load(Ordering::SeqCst);
            self.request_cancel(
                task,
                if is_stopping { Status::CANCELLED_DRAIN } else { Status::CANCELLED_FAULT },
            );
        }
        if !self.place_announced(&instance, target, task, &mut |_| ()) {
            self.drop_fresh(task, Status::E_DRAINING);
        }
    }

    fn ask_member(&self, place: Place, ask: Ask) {
        let Some(desk) = self.registry.desk(place) else { return };
        if self.registry.resources[place.pool as usize].provider.is_none() {
            return self.answer_for_permit(place, ask);
        }
        let wake = desk.lock().ask(ask);
        wake.iter().flatten().for_each(|wake| self.tell_wake(wake));
    }

    /// A permit is always well, and is gone when it is told to.
    fn answer_for_permit(&self, place: Place, ask: Ask) {
        let now_ns = self.rough_now_ns();
        self.decide(|pools| match ask {
            Ask::Close => pools.ended(place, now_ns),
            _ => pools.settled(place, true, false, now_ns),
        });
    }

    fn kill_member(&self, place: Place, stage: Stage) {
        let Some(desk) = self.registry.desk(place) else { return };
        let task = desk.lock().task();
        let name = &self.registry.resources[place.pool as usize].name;
        let doing = match stage {
            Stage::Opening => "did not become ready",
            Stage::Checking => "did not answer a check",
            Stage::Interrupting => "did not end what was interrupted",
            Stage::Resetting => "was not reset",
            _ => "did not end",
        };
        let text = format!("resource \"{name}\": a member {doing} in time; it is given up");
        self.tell(Level::Warn, self.label(place.pool), "resource.member.time", &text);
        if stage == Stage::Opening {
            let mut seats = desk.lock();
            if seats.reason().is_empty() {
                seats.explain(b"it did not become ready in time");
            }
        }
        self.request_cancel(task, Status::CANCELLED_DEADLINE);
    }

    fn give_up_member(&self, place: Place, why: Status) {
        let Some(desk) = self.registry.desk(place) else { return };
        let task = desk.lock().task();
        self.request_cancel(task, why);
    }

    /// By which name lines about a resource are told: that of its provider, as the operator configured it.
    fn label(&self, pool: u32) -> &str {
        let resource = &self.registry.resources[pool as usize];
        resource.provider.map_or(&resource.name, |provider| self.module_name(provider))
    }

    /// The longest time that a member of any resource has to end what it was asked, ns; 0 where there is no resource.
    pub fn member_time_ns(&self) -> u64 {
        self.registry.resources.iter().map(|one| one.member_timeout_ns).max().unwrap_or(0)
    }

    /// The provider said that a member is ready.
    pub(crate) fn member_ready(&self, place: Place) {
        let resource = &self.registry.resources[place.pool as usize];
        let was_told = {
            let mut trouble = lock(&resource.trouble);
            trouble.reason.clear();
            std::mem::take(&mut trouble.is_told)
        };
        if was_told {
            let text = format!("resource \"{}\" can be reached again", resource.name);
            self.tell(Level::Warn, self.label(place.pool), "resource.unreachable.told", &text);
        }
        let now_ns = self.rough_now_ns();
        self.decide(|pools| pools.opened(place, now_ns));
    }

    /// The pool hears what became of a request of its own, or of one whose holder has left.
    pub(crate) fn note_settled(&self, todo: &mut Todo, place: Place, settled: Settled) {
        let now_ns = self.rough_now_ns();
        let Settled { is_well, is_dirty } = settled;
        self.registry.decide(todo, |pools| pools.settled(place, is_well, is_dirty, now_ns));
    }

    /// A member's task is over.
    pub(crate) fn member_ended(&self, desk: &Desk) {
        let place = desk.place;
        let now_ns = self.rough_now_ns();
        let mut todo = Todo::default();
        let (stage, reason, is_down) = {
            let mut seats = desk.lock();
            let (first, second) = seats.end();
            todo.wakes.extend(first.into_iter().chain(second));
            let reason = seats.reason().to_owned();
            let stage = self.registry.decide(&mut todo, |pools| {
                let stage = pools.stage(place);
                pools.ended(place, now_ns);
                (stage, pools.usage(place.pool, now_ns).is_available)
            });
            (stage.0, reason, !stage.1)
        };
        self.registry.clear_desk(place);
        self.tell_end_of_member(place, stage, &reason, is_down);
        self.carry_out(&mut todo);
    }

    fn tell_end_of_member(&self, place: Place, stage: Option<Stage>, reason: &str, is_down: bool) {
        let resource = &self.registry.resources[place.pool as usize];
        let name = &resource.name;
        let why = if reason.is_empty() { "the provider did not say why" } else { reason };
        let was_opening = stage == Some(Stage::Opening);
        let (reason, is_other, is_news) = {
            let mut trouble = lock(&resource.trouble);
            let is_other = was_opening && trouble.reason != why;
            if was_opening {
                trouble.reason = why.to_owned();
            }
            let is_news = is_down && !trouble.is_told;
            trouble.is_told |= is_down;
            (trouble.reason.clone(), is_other, is_news)
        };
        if self.closing.load(Ordering::Relaxed) {
            return;
        }
        if !was_opening && !matches!(stage, None | Some(Stage::Closing | Stage::Vacant)) {
            let text = format!("resource \"{name}\": a member was lost: {why}");
            self.tell(Level::Warn, self.label(place.pool), "provider.lost", &text);
        }
        if is_news {
            let text = format!("resource \"{name}\" cannot be reached: {reason}");
            self.tell(Level::Warn, self.label(place.pool), "resource.unreachable.told", &text);
        } else if is_other {
            let text = format!("resource \"{name}\": a member could not be opened: {reason}");
            self.tell(Level::Warn, self.label(place.pool), "provider.explain", &text);
        }
    }

    /// A lease ends with its task, or is given back: `wished` is how its holder sees it. One that still waits for a member
    /// has nothing to give back.
    pub(crate) fn end_lease(&self, held: Held, wished: Returned, now_ns: u64, todo: &mut Todo) {
        let Some(desk) = held.desk else { return };
        desk.take_back();
        if held.is_used {
            let mut seats = desk.lock();
            let how = seats.leave(wished);
            todo.wakes.extend(seats.release_end());
            // Under the lock of the desk, so that what is under way ends after the pool has heard of this.
            self.registry.give_back(todo, Arc::clone(&desk), how, now_ns);
        } else {
            // The member is as it was lent, unless it has ended.
            self.registry.give_back(todo, desk, wished, now_ns);
        }
        if self.closing.load(Ordering::Relaxed) {
            self.registry.note_end_of_lease();
        }
    }

    /// What is due in the registry.
    pub(crate) fn tend_registry(&self, now_ns: u64) {
        self.registry.armed_ns.store(u64::MAX, Ordering::SeqCst);
        self.decide(|pools| pools.tend(now_ns));
    }

    /// Sees to it that the registry is looked at by then.
    fn arm_registry(&self, due_ns: u64) {
        if self.registry.armed_ns.fetch_min(due_ns, Ordering::SeqCst) <= due_ns {
            return;
        }
        let here = worker::with_current(self, |worker| {
            worker.wheel.borrow_mut().insert(due_ns, Due::Registry);
        });
        if here.is_none() {
            self.arm_on(0, due_ns, Due::Registry);
        }
    }

    /// Closes the members that nobody uses, and the others as their leases end: the container stops; `why` is told to
    /// those that are being opened [provider.drain].
    pub fn close_resources(&self, why: Status) {
        if !self.registry.resources.is_empty() {
            let now_ns = self.rough_now_ns();
            self.decide(|pools| pools.close(why, now_ns));
        }
    }

    /// How each resource is used now, by its name.
    pub fn resource_usage(&self) -> Vec<(String, ResourceUsage)> {
        let now_ns = self.rough_now_ns();
        let usage = |(index, one): (usize, &super::Resource)| {
            let usage = self.registry.usage(index as u32, now_ns);
            (one.name.clone(), usage)
        };
        self.registry.resources.iter().enumerate().map(usage).collect()
    }

    /// Says what permits are that have no provider.
    pub(crate) fn name_permits(&self) {
        for resource in self.registry.resources.iter().filter(|one| one.provider.is_none()) {
            let _ = resource.interface.set(LIMIT_ID);
        }
    }

    /// Whether the provider of a resource has said what its members are.
    pub(crate) fn has_interface(&self, pool: u32) -> bool {
        self.registry.resources[pool as usize].interface.get().is_some()
    }

    /// Opens the least number of members of each resource [resource.member.min]: once, when all instances were made.
    pub(crate) fn open_resources(&self) {
        let now_ns = self.rough_now_ns();
        if !self.registry.resources.is_empty() {
            self.tend_registry(now_ns);
        }
    }

    /// The time of the last step on a worker, or the time now elsewhere: good enough for what is counted in milliseconds.
    pub(crate) fn rough_now_ns(&self) -> u64 {
        worker::with_current(self, |worker| worker.now_ns.get()).unwrap_or_else(|| self.now_ns())
    }
}
