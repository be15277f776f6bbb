//! What a task's record knows of leases and gates.

use super::{Phase, Record};
use crate::registry::{Desk, Held};
use crate::wheel::Key;
use http_container_abi::Event;
use http_container_abi::constants::event_kind;
use std::sync::Arc;

impl Record {
    /// Whether an `acquire` of the task waits [resource.acquire.one].
    pub fn waits_for_lease(&self) -> bool {
        self.leases.iter().any(|held| held.desk.is_none())
    }

    /// The highest rank of a resource that the task, or one above it, holds a member of, or waits for
    /// [resource.acquire.rank] [resource.acquire.rank-child].
    pub fn rank(&self) -> Option<u32> {
        let held = self.leases.iter().map(|held| held.pool);
        let own = self.member.as_ref().map(|desk| desk.place.pool);
        held.chain(own).chain(self.rank_above).max()
    }

    /// Puts a member into a lease that waits for it, of those that `is_meant` names.
    pub fn give(&mut self, index: u32, desk: Arc<Desk>, is_meant: impl Fn(&Held) -> bool) {
        let fits = |held: &&mut Held| held.desk.is_none() && held.pool == desk.place.pool && is_meant(held);
        if let Some(held) = self.leases.iter_mut().find(fits) {
            held.is_used = desk.lend(index);
            held.desk = Some(desk);
        }
    }

    /// The events of a step reach the module: what they grant is held from now on.
    pub fn note_delivery(&mut self) -> impl Iterator<Item = Key> + '_ {
        self.lease_events.clear();
        let granted = self.leases.iter_mut().filter(|held| held.desk.is_some() && !held.is_delivered);
        granted.filter_map(|held| {
            held.is_delivered = true;
            held.timer.take()
        })
    }

    /// Whether an event of that kind about that lease was latched and did not reach the module.
    pub fn has_latched(&self, lease: u64, kind: u32) -> bool {
        let is_meant =
            |event: &Event| event.kind == kind && self.lease_events.contains(&(event.token, lease));
        !self.lease_events.is_empty() && self.events.iter().any(is_meant)
    }

    /// An event was taken out of those that were latched, by its own call.
    pub fn note_taken(&mut self, event: &Event) -> Option<Key> {
        self.lease_events.retain(|(token, _)| *token != event.token);
        let is_meant = |held: &&mut Held| held.operation.1 == event.token && !held.is_delivered;
        let is_grant = event.kind == event_kind::ACQUIRE;
        let granted = self.leases.iter_mut().filter(|held| is_grant && is_meant(held) && held.desk.is_some());
        granted
            .filter_map(|held| {
                held.is_delivered = true;
                held.timer.take()
            })
            .last()
    }

    /// Whether it waits at a gate for leases, under that ticket.
    pub fn waits_at_gate(&self, ticket: u64) -> bool {
        self.phase == Phase::Fresh && self.gate.as_ref().is_some_and(|gate| gate.waits_for(ticket))
    }

    /// Whether it waits at a start gate.
    pub fn is_gated(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.is_waiting())
    }
}
