//! Leases: `resource`, `acquire`, `release`, `lease_interface`, and how the calls of an interface find theirs.

use super::{Allowed, GONE, InstanceHost, Refused};
use crate::container::Container;
use crate::registry::{Answer, Asker, Desk, Held, NEEDS, Needs, Returned, Seats, Wish};
use crate::slots::{self, Slot};
use crate::task::{LeaseWait, Operation, Record, Wait};
use crate::worker::{self, Control, Due, Worker};
use http_container_abi::constants::{KV_ID, LIMIT_ID, POOL_ID, SQL_ID, event_kind, lease_end};
use http_container_abi::{ExtensionTable, Status, kv_table, limit_table, pool_table, sql_table};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A module may look whether there is one: it breaks no rule.
fn no_resource(name: &[u8]) -> Refused {
    let text = format!("the operator has configured no resource \"{}\"", String::from_utf8_lossy(name));
    Refused { is_violation: false, ..Refused::owned(Status::E_RESOURCE, "resource.find.none", text) }
}

const NOT_GIVEN: Refused =
    Refused::new(Status::E_RESOURCE, "handle.life.resource", "the instance was given no such resource");
const NO_LEASE: Refused = Refused::quiet(Status::E_GONE, "lease.release.gone", "the lease is not held");
const OF_OTHER_INTERFACE: Refused =
    Refused::new(Status::E_GONE, "lease.interface.check", "the lease is not one of this interface");
const NO_NUMBER: Refused =
    Refused::new(Status::E_LIMIT, "handle.generation", "the task has used up its handles: end it");
const HOW: Refused =
    Refused::new(Status::E_INVALID, "lease.release.how", "a lease is released as clean, dirty or broken");
const BY_RANK: Refused = Refused::quiet(
    Status::E_BUSY,
    "resource.acquire.rank",
    "the task holds a lease on a resource that does not come before this one, and would have to wait",
);
const ONE_WAITS: Refused = Refused::new(
    Status::E_BUSY,
    "resource.acquire.one",
    "an acquire of the task waits: name all that is needed at once in one call",
);
const CLOSED: Refused =
    Refused::quiet(Status::E_DRAINING, "resource.acquire.draining", "the resource is being closed for good");

/// Whether resources may be looked up: in `create` of that instance only [resource.find.create].
pub(super) fn may_find_resources(instance: u32) -> Result<(), Refused> {
    match worker::control() {
        Control::Create(index) if index == instance => Ok(()),
        Control::Destroy(index) if index == instance => Err(Refused::new(
            Status::E_STATE,
            "resource.find.create",
            "resources are looked up in create, not in destroy",
        )),
        _ => Err(Refused::new(Status::E_THREAD, "resource.find.create", "resources are looked up in create")),
    }
}

/// The vtable of a resource's interface.
pub(super) fn interface_table(id: &str) -> Option<ExtensionTable> {
    match id {
        SQL_ID => Some(ExtensionTable::of(sql_table::<InstanceHost>())),
        KV_ID => Some(ExtensionTable::of(kv_table::<InstanceHost>())),
        POOL_ID => Some(ExtensionTable::of(pool_table::<InstanceHost>())),
        LIMIT_ID => Some(ExtensionTable::of(limit_table::<InstanceHost>())),
        _ => None,
    }
}

/// What a task asks for.
struct Asked<'a> {
    token: u64,
    pools: &'a [u32],
    timeout_ns: u64,
}

fn acquire(
    worker: &Worker,
    index: u32,
    slot: &mut Slot<Record>,
    asked: &Asked<'_>,
    leases: &mut [u64],
) -> Result<Status, Refused> {
    let registry = &worker.container.registry;
    let rank = slot.contents.rank();
    let by_rank = rank.is_some_and(|rank| asked.pools.iter().any(|pool| *pool <= rank));
    // That of the operation and after it those of the leases, before anything is decided that could not be taken back.
    let number = slot.next_numbers(1 + asked.pools.len() as u64).ok_or(NO_NUMBER)?;
    let asker = Asker { id: u64::from(index), number, worker: worker.index, holds: rank.is_some() };
    let now_ns = worker.now_ns.get();
    let may_wait = asked.timeout_ns > 0 && !by_rank;
    let held = &mut slot.contents.leases;
    let before = held.len();
    let answer = {
        let wish = Wish { needs: &Needs::of(asked.pools), asker, may_wait, now_ns };
        registry.acquire(&mut worker.todo.borrow_mut(), &wish, |desk| {
            held.push(Held::granted(desk, (number, asked.token)));
        })
    };
    if let Answer::Refused(status, pool) = answer {
        let is_by_rank = status == Status::E_TIMEOUT && by_rank && asked.timeout_ns > 0;
        return Err(if is_by_rank { BY_RANK } else { refusal_of(&worker.container, status, pool) });
    }
    leases.iter_mut().zip(number + 1..).for_each(|(lease, own)| *lease = slots::pack(index, own));
    if let Answer::Waiting(ticket) = answer {
        held.extend(
            asked
                .pools
                .iter()
                .zip(number + 1..)
                .map(|(pool, own)| Held::awaited(own, *pool, (number, asked.token), false)),
        );
        wait(worker, index, slot, asked, number, ticket);
        return Ok(Status::PENDING);
    }
    let granted = &mut held[before..];
    worker.counters().leases_granted.add(granted.len() as u64);
    for (pool, own) in asked.pools.iter().zip(number + 1..) {
        // They came in the order of the needs, which is not that of the request when it names a resource twice.
        if let Some(one) = granted.iter_mut().find(|one| one.number == 0 && one.pool == *pool) {
            one.begin(own, index);
        }
    }
    Ok(Status::OK)
}

/// The task waits for its turn under that ticket.
fn wait(worker: &Worker, index: u32, slot: &mut Slot<Record>, asked: &Asked<'_>, number: u64, ticket: u64) {
    let record = &mut slot.contents;
    record.operations.push(Operation { token: asked.token, number, wait: Wait::Acquire(ticket) });
    worker.counters().operations_begun.add(1);
    let bound_ns = worker.container.bound_ns(asked.pools).min(asked.timeout_ns);
    let due_ns = worker.clock_ns().saturating_add(bound_ns);
    let key = worker.wheel.borrow_mut().insert(due_ns, Due::Acquire(index, number));
    if let Some(first) = record.leases.iter_mut().find(|held| held.operation.0 == number) {
        first.timer = Some(key);
    }
}

/// Where the held lease of that handle is: one that was granted, and whose grant has reached the module
/// [handle.life.lease].
fn held(record: &Record, index: u32, lease: u64) -> Result<usize, Refused> {
    let (of, number) = slots::unpack(lease);
    let is_meant =
        |held: &Held| held.number == number && of == index && held.is_delivered && held.desk.is_some();
    record.leases.iter().position(is_meant).ok_or(NO_LEASE)
}

/// A task's slot and, beside it, the desk of one of its leases, so that what lies there and the task's operations are changed
/// together, and nobody has to be counted. Nothing looks for the desk in the record meanwhile.
struct Apart<'a> {
    slot: &'a mut Slot<Record>,
    at: usize,
    desk: Option<Arc<Desk>>,
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        self.slot.contents.leases[self.at].desk = self.desk.take();
    }
}

impl InstanceHost {
    /// The index of a resource that this instance was given.
    pub(super) fn pool_of(&self, resource: u32) -> Result<u32, Refused> {
        let index = resource.checked_sub(1).ok_or(NOT_GIVEN)?;
        let is_given = self.given.get(index as usize).is_some_and(|given| given.load(Ordering::Relaxed));
        if is_given { Ok(index) } else { Err(NOT_GIVEN) }
    }

    pub(super) fn call_resource(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status> {
        let found = may_find_resources(self.index).and_then(|()| {
            let container = self.container().ok_or_else(|| no_resource(name))?;
            let index = container.registry.find(name).ok_or_else(|| no_resource(name))?;
            let resource = &container.registry.resources[index as usize];
            let offered = resource.interface.get().ok_or_else(|| {
                let text = format!("the provider of \"{}\" offers nothing", resource.name);
                Refused::owned(Status::E_RESOURCE, "resource.provider.refused", text)
            })?;
            if offered.as_bytes() != interface {
                let text = format!("the resource \"{}\" offers {offered}", resource.name);
                return Err(Refused::owned(Status::E_UNSUPPORTED, "resource.find.none", text));
            }
            self.given[index as usize].store(true, Ordering::Relaxed);
            Ok(index + 1)
        });
        found.map_err(|refused| self.refuse(0, refused))
    }

    pub(super) fn call_acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        let answer = self.on_task_told(task, Allowed::Step, |worker, index, slot| {
            let mut pools = [0; NEEDS];
            for (pool, resource) in pools.iter_mut().zip(resources) {
                *pool = self.pool_of(*resource)?;
            }
            let pools = &pools[..resources.len().min(NEEDS)];
            if slot.contents.waits_for_lease() {
                return Err(ONE_WAITS);
            }
            Self::needs_token(token)?;
            self.may_begin(worker, &slot.contents, token)?;
            if worker.container.closing.load(Ordering::Relaxed) {
                return Err(CLOSED);
            }
            let asked = Asked { token, pools, timeout_ns };
            acquire(worker, index, slot, &asked, leases)
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(super) fn call_release(&self, task: u64, lease: u64, how: u32) -> Status {
        let answer = self.on_task_told(task, Allowed::StepOrFinish, |worker, index, slot| {
            let at = held(&slot.contents, index, lease)?;
            let wished = match how {
                lease_end::CLEAN => Returned::Clean,
                lease_end::DIRTY => Returned::Dirty,
                lease_end::BROKEN => Returned::Broken,
                _ => return Err(HOW),
            };
            worker.release(&mut slot.contents, at, wished);
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(super) fn call_lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable> {
        let found = self.with_worker(|worker| {
            self.admit_callback(worker, Allowed::Step).ok()?;
            let (index, generation) = slots::unpack(task);
            let slot = worker.container.slots.lock(index)?;
            self.admit_task(worker, &slot.contents, task, generation).ok()?;
            let held = &slot.contents.leases[held(&slot.contents, index, lease).ok()?];
            worker.container.registry.resources[held.pool as usize].interface.get().copied()
        });
        interface_table(found.flatten()?)
    }

    /// Runs `act` on what lies on the desk of a lease of that interface that the task holds.
    pub(super) fn on_lease<R>(
        &self,
        task: u64,
        lease: u64,
        interface: &str,
        allowed: Allowed,
        act: impl FnOnce(&Worker, &mut Slot<Record>, &mut Seats) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        self.on_task_told(task, allowed, |worker, index, slot| {
            let at = Self::find_lease(worker, slot, index, lease, interface)?;
            let held = &mut slot.contents.leases[at];
            let was_used = std::mem::replace(&mut held.is_used, true);
            let desk = held.desk.take();
            let apart = Apart { slot, at, desk };
            let mut seats = apart.desk.as_ref().ok_or(NO_LEASE)?.lock();
            if !was_used {
                seats.take(index);
            }
            act(worker, apart.slot, &mut seats)
        })
    }

    fn find_lease(
        worker: &Worker,
        slot: &Slot<Record>,
        index: u32,
        lease: u64,
        interface: &str,
    ) -> Result<usize, Refused> {
        let not_held = |refused| Refused { rule: "lease.interface.check", ..refused };
        let at = held(&slot.contents, index, lease).map_err(not_held)?;
        let pool = slot.contents.leases[at].pool;
        let offered = worker.container.registry.resources[pool as usize].interface.get();
        // Mostly it is the same text in the same place.
        let is_it = |offered: &str| std::ptr::eq(offered, interface) || *offered == *interface;
        if offered.is_some_and(|offered| is_it(offered)) { Ok(at) } else { Err(OF_OTHER_INTERFACE) }
    }

    /// What is looked at of a lease before the arguments of a call [host.call.order].
    pub(super) fn check_lease(
        &self,
        task: u64,
        lease: u64,
        interface: &str,
        allowed: Allowed,
    ) -> Result<(), Refused> {
        let checked = self.with_worker(|worker| {
            self.admit_callback(worker, allowed)?;
            let (index, generation) = slots::unpack(task);
            let slot = worker.container.slots.lock(index).ok_or(GONE)?;
            self.admit_task(worker, &slot.contents, task, generation)?;
            let held = &slot.contents.leases[Self::find_lease(worker, &slot, index, lease, interface)?];
            held.desk.as_ref().ok_or(NO_LEASE)?.lock().check_poison()
        });
        checked.unwrap_or(Err(super::FOREIGN))
    }

    /// Registers an operation on a lease.
    pub(super) fn wait_for_lease(
        &self,
        worker: &Worker,
        slot: &mut Slot<Record>,
        token: u64,
        lease: u64,
        what: LeaseWait,
    ) -> Result<u64, Refused> {
        self.wait(worker, slot, token, Wait::Lease(slots::unpack(lease).1, what))
    }
}

fn refusal_of(container: &Container, status: Status, pool: u32) -> Refused {
    let rule = match status {
        Status::E_RESOURCE => "resource.unreachable",
        Status::E_BUSY => "resource.acquire.backlog",
        Status::E_TIMEOUT => "resource.acquire.try",
        Status::E_DRAINING => "resource.acquire.draining",
        _ => "resource.acquire.count",
    };
    let text = container.why_refused(status, pool).into();
    Refused { status, rule, text, is_violation: status == Status::E_LIMIT }
}

impl Worker {
    /// Ends the lease that the record holds there. What has to be told is told later.
    fn release(&self, record: &mut Record, at: usize, wished: Returned) {
        let held = record.leases.swap_remove(at);
        if !record.operations.is_empty() || !record.lease_events.is_empty() {
            self.end_operations_on(record, held.number);
        }
        self.cancel_timer(held.timer);
        self.container.end_lease(held, wished, self.now_ns.get(), &mut self.todo.borrow_mut());
        self.counters().leases_ended.add(1);
    }

    /// Operations on a lease that ends end unseen, latched events as well [lease.released.events].
    fn end_operations_on(&self, record: &mut Record, number: u64) {
        let is_of_it =
            |operation: &Operation| matches!(operation.wait, Wait::Lease(lease, _) if lease == number);
        let before = record.operations.len() + record.events.len();
        record.operations.retain(|operation| !is_of_it(operation));
        if record.lease_events.iter().any(|(_, lease)| *lease == number) {
            let Record { events, lease_events, .. } = record;
            let is_dropped = |event: &http_container_abi::Event| {
                event.kind != event_kind::NOTICE && lease_events.contains(&(event.token, number))
            };
            events.retain(|event| !is_dropped(event));
            lease_events.retain(|(_, lease)| *lease != number);
        }
        self.counters().operations_ended.add((before - record.operations.len() - record.events.len()) as u64);
    }

    /// The time of an `acquire` is over.
    pub(crate) fn expire_acquire(&self, index: u32, number: u64) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        let waits = |operation: &&Operation| operation.number == number;
        let Some(Wait::Acquire(ticket)) =
            record.operations.iter().find(waits).map(|operation| operation.wait)
        else {
            return;
        };
        let now_ns = self.now_ns.get();
        let was_waiting = {
            let todo = &mut *self.todo.borrow_mut();
            self.container.registry.decide(todo, |pools| pools.withdraw(ticket, now_ns))
        };
        // Otherwise a grant, or a refusal, is on its way.
        if was_waiting {
            record.fire(number, event_kind::ACQUIRE, Status::E_TIMEOUT, 0);
            record.leases.retain(|held| held.operation.0 != number || held.desk.is_some());
            if record.wants_queue() {
                self.queue.borrow_mut().push_back(index);
            }
        }
        drop(slot);
        self.tell_todo();
    }
}
