//! Shared resources in the fake container: a count of members for each name, and one strict queue. Must not know what a
//! member is.

use std::collections::{HashMap, VecDeque};

use http_container_abi::Status;

use super::state::State;
use super::task::Wait;

#[derive(Default)]
pub(super) struct Leases {
    /// Name, and members that nobody holds.
    resources: Vec<(String, usize)>,
    /// Lease to task and resource.
    held: HashMap<u64, (u64, u32)>,
    queue: VecDeque<Claim>,
    /// How leases were given back, in order.
    pub(super) ends: Vec<u32>,
}

struct Claim {
    task: u64,
    token: u64,
    resources: Vec<u32>,
    leases: Vec<u64>,
}

impl Leases {
    pub(super) fn add(&mut self, name: &str, members: usize) {
        self.resources.push((name.to_owned(), members));
    }

    pub(super) fn find(&self, name: &[u8]) -> Result<u32, Status> {
        let place = self.resources.iter().position(|(found, _)| found.as_bytes() == name);
        place.and_then(|place| u32::try_from(place).ok()).ok_or(Status::E_RESOURCE)
    }

    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn is_free(&self, resources: &[u32]) -> bool {
        self.resources
            .iter()
            .zip(0_u32..)
            .all(|((_, free), number)| resources.iter().filter(|&&wanted| wanted == number).count() <= *free)
    }

    fn hold(&mut self, claim: &Claim) {
        for (&resource, &lease) in claim.resources.iter().zip(&claim.leases) {
            self.resources[resource as usize].1 -= 1;
            self.held.insert(lease, (claim.task, resource));
        }
    }
}

impl State {
    pub(super) fn acquire(&mut self, task: u64, token: u64, resources: &[u32], leases: &mut [u64]) -> Status {
        if resources.iter().any(|&resource| resource as usize >= self.leases.resources.len()) {
            return Status::E_RESOURCE;
        }
        leases.fill_with(|| self.handle());
        let claim = Claim { task, token, resources: resources.to_vec(), leases: leases.to_vec() };
        if self.leases.queue.is_empty() && self.leases.is_free(resources) {
            self.leases.hold(&claim);
            return Status::OK;
        }
        let status = self.wait(task, token, Wait::Acquire);
        if status == Status::PENDING {
            self.leases.queue.push_back(claim);
        }
        status
    }

    pub(super) fn release(&mut self, task: u64, lease: u64, how: u32) -> Status {
        match self.leases.held.get(&lease) {
            Some(&(holder, resource)) if holder == task => self.leases.resources[resource as usize].1 += 1,
            _ => return Status::E_GONE,
        }
        self.leases.held.remove(&lease);
        self.leases.ends.push(how);
        self.grant();
        Status::OK
    }

    /// The first in the queue get what is free.
    pub(super) fn grant(&mut self) {
        while let Some(claim) = self.leases.queue.front() {
            if !self.leases.is_free(&claim.resources) {
                return;
            }
            let Some(claim) = self.leases.queue.pop_front() else { return };
            self.leases.hold(&claim);
            self.fire(claim.task, claim.token, Status::OK, 0);
        }
    }

    /// A claim is withdrawn.
    pub(super) fn give_up(&mut self, task: u64, token: u64) {
        self.leases.queue.retain(|claim| (claim.task, claim.token) != (task, token));
        self.grant();
    }

    /// Leases that a task left behind.
    pub(super) fn take_back(&mut self, task: u64) -> usize {
        let left: Vec<u64> = self
            .leases
            .held
            .iter()
            .filter(|(_, (holder, _))| *holder == task)
            .map(|(lease, _)| *lease)
            .collect();
        for &lease in &left {
            self.release(task, lease, u32::MAX);
        }
        left.len()
    }
}
