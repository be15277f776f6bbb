//! Shared resources in the fake container: who holds what, and one strict queue. Must not know what is done with a lease, nor
//! how a member is driven; `members.rs` does.

use std::collections::{BTreeMap, HashMap, VecDeque};

use http_container_abi::constants::{NO_DEADLINE, lease_end};
use http_container_abi::{Status, Usage};

use super::lease::Holding;
use super::members::{Member, Place};
use super::state::State;
use super::task::Wait;

#[derive(Default)]
pub(super) struct Resources {
    pub(super) all: Vec<Resource>,
    /// Leases by handle.
    pub(super) held: HashMap<u64, Holding>,
    queue: VecDeque<Claim>,
    /// Members by their tasks.
    pub(super) members: BTreeMap<u64, Member>,
    /// Resources, by number, with a lease of which each request starts.
    pub(super) gates: Vec<u32>,
    /// How leases were given back, in order.
    pub(super) ends: Vec<u32>,
}

/// A resource by its number.
pub(super) struct Resource {
    name: String,
    /// Of its members; `None` for one that is only counted, which offers every interface and can do nothing.
    pub(super) interface: Option<String>,
    /// The number of the module that makes its members.
    pub(super) provider: Option<usize>,
    max: usize,
    /// Why no member could be opened, the last time.
    pub(super) reason: Option<String>,
}

struct Claim {
    task: u64,
    token: u64,
    resources: Vec<u32>,
    leases: Vec<u64>,
    /// The timer that ends it.
    deadline: Option<(u64, u64)>,
}

impl Resources {
    pub(super) fn add(&mut self, name: &str, max: usize, provider: Option<usize>, interface: Option<String>) {
        self.all.push(Resource { name: name.to_owned(), interface, provider, max, reason: None });
    }

    /// The number of a resource that offers the interface.
    pub(super) fn find(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status> {
        let place = self.number(name).ok_or(Status::E_RESOURCE)?;
        match &self.all[place as usize].interface {
            Some(offered) if offered.as_bytes() != interface => Err(Status::E_UNSUPPORTED),
            _ => Ok(place),
        }
    }

    pub(super) fn number(&self, name: &[u8]) -> Option<u32> {
        let place = self.all.iter().position(|found| found.name.as_bytes() == name);
        place.and_then(|place| u32::try_from(place).ok())
    }

    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn held_of(&self, resource: u32) -> usize {
        self.held.values().filter(|holding| holding.resource == resource).count()
    }

    fn members_of(&self, resource: u32) -> impl Iterator<Item = (&u64, &Member)> {
        self.members.iter().filter(move |(_, member)| member.resource == resource)
    }

    fn idle_of(&self, resource: u32) -> usize {
        self.members_of(resource).filter(|(_, member)| member.place == Place::Idle).count()
    }

    /// How many could be had now.
    fn free(&self, resource: u32) -> usize {
        let found = &self.all[resource as usize];
        match found.provider {
            Some(_) => self.idle_of(resource),
            None => found.max - self.held_of(resource),
        }
    }

    /// How many members are to be opened so that `wanted` are there or on their way.
    fn missing(&self, resource: u32, wanted: usize) -> usize {
        let found = &self.all[resource as usize];
        if found.provider.is_none() {
            return 0;
        }
        let coming =
            |member: &Member| matches!(member.place, Place::Opening | Place::Idle | Place::Cleaning(_));
        let coming = self.members_of(resource).filter(|(_, member)| coming(member)).count();
        let room = found.max.saturating_sub(self.members_of(resource).count());
        wanted.saturating_sub(coming).min(room)
    }

    pub(super) fn usage(&self, resource: u32) -> Option<Usage> {
        let found = self.all.get(resource as usize)?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let waiting = self.queue.iter().filter(|claim| claim.resources.contains(&resource)).count();
        Some(Usage {
            max: count(found.max),
            in_use: count(self.held_of(resource)),
            idle: count(self.free(resource)),
            waiting: count(waiting),
            available: found.reason.is_none(),
        })
    }
}

/// How many of each resource are wanted.
fn wanted(resources: &[u32]) -> BTreeMap<u32, usize> {
    let mut wanted = BTreeMap::new();
    for &resource in resources {
        *wanted.entry(resource).or_default() += 1;
    }
    wanted
}

impl State {
    pub(super) fn acquire(
        &mut self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        if resources.iter().any(|&resource| resource as usize >= self.resources.all.len()) {
            return Status::E_RESOURCE;
        }
        // One at a time [resource.acquire.one].
        if self.resources.queue.iter().any(|claim| claim.task == task) {
            return Status::E_BUSY;
        }
        leases.fill_with(|| self.handle());
        let (resources, leases) = (resources.to_vec(), leases.to_vec());
        let mut claim = Claim { task, token, resources, leases, deadline: None };
        let is_first = self.resources.queue.is_empty() || self.holds(task);
        if is_first && self.is_free(&claim.resources) {
            self.hold(&claim);
            return Status::OK;
        }
        if timeout_ns == 0 {
            return Status::E_TIMEOUT;
        }
        let status = self.wait(task, token, Wait::Acquire);
        if status == Status::PENDING {
            if timeout_ns != NO_DEADLINE {
                self.next_order += 1;
                let deadline = (self.now_ns.saturating_add(timeout_ns), self.next_order);
                self.timers.insert(deadline, (task, token));
                claim.deadline = Some(deadline);
            }
            self.resources.queue.push_back(claim);
            self.grant();
        }
        status
    }

    /// Leases of the gates, for a request that starts; `None`: it has to wait.
    pub(super) fn pass_gates(&mut self, task: u64) -> Option<Vec<u64>> {
        let resources = self.resources.gates.clone();
        if !self.is_free(&resources) {
            self.open_members(&resources);
            return None;
        }
        let leases: Vec<u64> = resources.iter().map(|_| self.handle()).collect();
        self.hold(&Claim { task, token: 0, resources, leases: leases.clone(), deadline: None });
        Some(leases)
    }

    fn is_free(&self, resources: &[u32]) -> bool {
        wanted(resources).into_iter().all(|(resource, wanted)| wanted <= self.resources.free(resource))
    }

    fn hold(&mut self, claim: &Claim) {
        for (&resource, &lease) in claim.resources.iter().zip(&claim.leases) {
            let idle = |(_, member): &(&u64, &Member)| member.place == Place::Idle;
            let member = self.resources.members_of(resource).find(idle).map(|(task, _)| *task);
            if let Some(member) = member.and_then(|member| self.resources.members.get_mut(&member)) {
                member.place = Place::Leased(lease);
            }
            self.resources.held.insert(lease, Holding::new(claim.task, resource, member));
        }
    }

    fn open_members(&mut self, resources: &[u32]) {
        for (resource, wanted) in wanted(resources) {
            for _ in 0..self.resources.missing(resource, wanted) {
                self.open_member(resource);
            }
        }
    }

    pub(super) fn release(&mut self, task: u64, lease: u64, how: u32) -> Status {
        if self.resources.held.get(&lease).is_none_or(|holding| holding.task != task) {
            return Status::E_GONE;
        }
        let Some(holding) = self.resources.held.remove(&lease) else { return Status::E_GONE };
        self.resources.ends.push(how);
        if let Some(member) = holding.member {
            let is_dirty = how != lease_end::CLEAN || holding.is_in_doubt();
            self.return_member(member, is_dirty, how == lease_end::BROKEN);
        }
        self.grant();
        Status::OK
    }

    /// The first in the queue get what is free.
    pub(super) fn grant(&mut self) {
        while let Some(claim) = self.next_claim() {
            self.hold(&claim);
            self.end_claim(&claim, Status::OK);
        }
        match self.resources.queue.front().map(|claim| claim.resources.clone()) {
            Some(resources) => self.open_members(&resources),
            None => self.enqueue_gated(),
        }
    }

    /// The claim that is served next: the first one, or a later one of who holds a lease, when its members are free
    /// [resource.acquire.several].
    fn next_claim(&mut self) -> Option<Claim> {
        let may_go = |(at, claim): (usize, &Claim)| {
            (at == 0 || self.holds(claim.task)) && self.is_free(&claim.resources)
        };
        let at = self.resources.queue.iter().enumerate().position(may_go)?;
        self.resources.queue.remove(at)
    }

    fn holds(&self, task: u64) -> bool {
        self.resources.held.values().any(|holding| holding.task == task)
    }

    fn end_claim(&mut self, claim: &Claim, status: Status) {
        if let Some(deadline) = claim.deadline {
            self.timers.remove(&deadline);
        }
        self.fire(claim.task, claim.token, status, 0);
    }

    /// No member of that resource can be opened, and there is none: whoever waits is told \[resource.unreachable\].
    pub(super) fn refuse_claims(&mut self, resource: u32) {
        if self.resources.members_of(resource).next().is_some() {
            return;
        }
        let (refused, rest): (Vec<Claim>, Vec<Claim>) =
            self.resources.queue.drain(..).partition(|claim| claim.resources.contains(&resource));
        self.resources.queue = rest.into();
        for claim in refused {
            self.end_claim(&claim, Status::E_RESOURCE);
        }
        if self.resources.gates.contains(&resource) {
            for task in std::mem::take(&mut self.gated) {
                self.end(task, Status::E_RESOURCE);
            }
        }
    }

    /// A claim is withdrawn.
    pub(super) fn give_up(&mut self, task: u64, token: u64) {
        let is_it = |claim: &Claim| (claim.task, claim.token) == (task, token);
        let Some(place) = self.resources.queue.iter().position(is_it) else { return };
        if let Some(deadline) = self.resources.queue.remove(place).and_then(|claim| claim.deadline) {
            self.timers.remove(&deadline);
        }
        self.grant();
    }

    /// Leases that a task left behind.
    pub(super) fn take_back(&mut self, task: u64) -> usize {
        let mut left: Vec<u64> = self
            .resources
            .held
            .iter()
            .filter(|(_, holding)| holding.task == task)
            .map(|(lease, _)| *lease)
            .collect();
        left.sort_unstable();
        for &lease in &left {
            self.release(task, lease, u32::MAX);
        }
        left.len()
    }
}
