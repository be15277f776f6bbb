//! The registry of shared resources: who waits, who holds which member, and what passes between the two.
//!
//! `pools.rs` and `pool.rs` decide, `desk.rs` and `answer.rs` are where a holder and its member meet, `acts.rs` carries out
//! what was decided. There is one lock for all decisions, held for a few field accesses, and one for each desk.
//!
//! Invariant: locks are taken in the order task, desk, decisions, and none of them is held while a module runs; what one
//! task's call does to another is noted as a [`Wake`] or a [`Decision`] and carried out when no lock is held.

mod acts;
mod answer;
mod desk;
mod desks;
mod few;
mod held;
mod pool;
mod pools;
#[cfg(test)]
mod simulation;
mod tickets;
mod wishes;

pub(crate) use acts::Todo;
pub(crate) use desk::{Desk, Seats, Sort, Wake};
pub(crate) use held::Held;
pub(crate) use pool::{Place, Returned};
pub(crate) use pools::Pools;
pub use wishes::ResourceUsage;
pub(crate) use wishes::{Answer, Asker, NEEDS, Needs, Wish};

use self::desks::Desks;
use self::few::Few;
use crate::container::lock;
use crate::settings::ResourceSettings;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// One resource, beside its members.
pub(crate) struct Resource {
    pub name: String,
    /// Index of the provider's module; `None`: permits, whose members nobody has to make.
    pub provider: Option<u32>,
    /// The longest wait that the operator allows, ns.
    pub acquire_timeout_ns: u64,
    /// How long each thing that a member is asked for may take, ns.
    pub member_timeout_ns: u64,
    /// The extension id of what its members can do, once the provider has offered it.
    pub interface: OnceLock<&'static str>,
    /// Why it cannot be reached, in the provider's words, and whether that was told.
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    reason: String,
    is_told: bool,
}

/// What the one lock is for.
struct Decided {
    pools: Pools,
    desks: Desks,
}

/// All resources.
pub(crate) struct Registry {
    pub resources: Box<[Resource]>,
    decided: Mutex<Decided>,
    /// The time for which the next look is arranged, ns.
    armed_ns: AtomicU64,
    /// How many leases have ended since the container began to stop.
    ends: Mutex<u64>,
    ends_bell: Condvar,
}

impl Registry {
    pub fn new(mut settings: Vec<ResourceSettings>, workers: u32) -> Registry {
        settings.iter_mut().filter(|one| one.provider.is_none()).for_each(ResourceSettings::keep_all);
        let resource = |one: &ResourceSettings| Resource {
            name: one.name.clone(),
            provider: one.provider,
            acquire_timeout_ns: one.acquire_timeout_ns,
            member_timeout_ns: one.member_timeout_ns,
            interface: OnceLock::new(),
            trouble: Mutex::default(),
        };
        Registry {
            resources: settings.iter().map(resource).collect(),
            decided: Mutex::new(Decided {
                desks: Desks::new(settings.iter().map(|one| one.max)),
                pools: Pools::new(settings, workers),
            }),
            armed_ns: AtomicU64::new(u64::MAX),
            ends: Mutex::new(0),
            ends_bell: Condvar::new(),
        }
    }

    /// The resource that this module provides.
    pub fn of_provider(&self, module: u32) -> Option<u32> {
        self.resources.iter().position(|one| one.provider == Some(module)).map(|index| index as u32)
    }

    /// The resource of that name.
    pub fn find(&self, name: &[u8]) -> Option<u32> {
        self.resources.iter().position(|one| one.name.as_bytes() == name).map(|index| index as u32)
    }

    /// The desk of a member that is not leased, in that life.
    pub fn desk(&self, place: Place) -> Option<Arc<Desk>> {
        lock(&self.decided).desks.find(place).cloned()
    }

    /// Takes the desks of members that were lent; ones that nobody sits at when the member has ended meanwhile.
    fn take_desks(&self, places: &[Place]) -> Few<Arc<Desk>> {
        let desks = &mut lock(&self.decided).desks;
        places.iter().map(|place| desks.take(*place)).collect()
    }

    fn set_desk(&self, desk: Arc<Desk>) {
        lock(&self.decided).desks.put(desk);
    }

    fn clear_desk(&self, place: Place) {
        lock(&self.decided).desks.clear(place);
    }

    /// Why a resource cannot be reached, as far as the provider said.
    pub fn reason(&self, pool: u32) -> String {
        lock(&self.resources[pool as usize].trouble).reason.clone()
    }

    /// Decides under the lock; what follows is added to `todo`, to be carried out when no lock is held.
    pub fn decide<R>(&self, todo: &mut Todo, act: impl FnOnce(&mut Pools) -> R) -> R {
        let mut decided = lock(&self.decided);
        let answer = act(&mut decided.pools);
        self.note_decided(&mut decided.pools, todo);
        answer
    }

    /// As [`Registry::decide`], for who wants members: `lent` is given the desks of those that are lent at once. It takes no
    /// lock.
    pub fn acquire(&self, todo: &mut Todo, wish: &Wish<'_>, mut lent: impl FnMut(Arc<Desk>)) -> Answer {
        let mut decided = lock(&self.decided);
        let Decided { pools, desks } = &mut *decided;
        let answer = pools.acquire(wish, |place| lent(desks.take(place)));
        self.note_decided(pools, todo);
        answer
    }

    /// A lease ended: its desk comes back, unless the member has ended meanwhile.
    fn give_back(&self, todo: &mut Todo, desk: Arc<Desk>, how: Returned, now_ns: u64) {
        let mut decided = lock(&self.decided);
        let Decided { pools, desks } = &mut *decided;
        if pools.give_back(desk.place, how, now_ns) {
            desks.put(desk);
        }
        self.note_decided(pools, todo);
    }

    fn note_decided(&self, pools: &mut Pools, todo: &mut Todo) {
        pools.take_decisions(&mut todo.decisions);
        if pools.due_ns() < self.armed_ns.load(Ordering::Relaxed) {
            todo.due_ns = todo.due_ns.min(pools.due_ns());
        }
    }

    /// Members that have a task.
    pub fn member_tasks(&self) -> u64 {
        let pools = &lock(&self.decided).pools;
        let provided = self.resources.iter().enumerate().filter(|(_, one)| one.provider.is_some());
        provided.map(|(index, _)| u64::from(pools.open_count(index as u32))).sum()
    }

    /// A lease has ended while the container stops: who waits for that looks again.
    fn note_end_of_lease(&self) {
        *lock(&self.ends) += 1;
        self.ends_bell.notify_all();
    }

    /// How many leases have ended since the container began to stop.
    pub fn ends_of_leases(&self) -> u64 {
        *lock(&self.ends)
    }

    /// Waits until more than `seen` have; `false` when none has by then.
    pub fn await_end_of_lease(&self, seen: u64, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.ends_bell.wait_timeout_while(lock(&self.ends), left, |ends| *ends == seen);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// How a resource is used now.
    pub fn usage(&self, pool: u32, now_ns: u64) -> ResourceUsage {
        lock(&self.decided).pools.usage(pool, now_ns)
    }
}
