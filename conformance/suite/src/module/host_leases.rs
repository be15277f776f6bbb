//! The kit's host: resources and leases. Every name has a resource; how soon and whether a lease is had is chosen. Must not know
//! what an interface does.

use super::host::KitHost;
use super::permission::Allowed;
use super::plan::Disturbance;
use super::resources::{Lease, Named, spoil};
use super::state::{Callback, State};
use super::task::Wait;
use http_container_abi::constants::{KV_ID, LIMIT_ID, NO_DEADLINE, POOL_ID, SQL_ID, event_kind, lease_end};
use http_container_abi::{
    Event, ExtensionTable, LimitHost, Opaque, PoolHost, Status, Usage, kv_table, limit_table, pool_table,
    sql_table,
};

/// Most members of one `acquire`, and so many are there of each resource.
const MEMBERS: usize = 16;

/// The vtable of an interface that a resource can have.
pub fn interface(id: &[u8]) -> Option<ExtensionTable> {
    let is = |known: &str| id == known.as_bytes();
    Some(match id {
        _ if is(SQL_ID) => ExtensionTable::of(sql_table::<KitHost>()),
        _ if is(KV_ID) => ExtensionTable::of(kv_table::<KitHost>()),
        _ if is(POOL_ID) => ExtensionTable::of(pool_table::<KitHost>()),
        _ if is(LIMIT_ID) => ExtensionTable::of(limit_table::<KitHost>()),
        _ => return None,
    })
}

impl State {
    pub(super) fn resource(&mut self, name: &str, id: &str) -> Result<u32, Status> {
        self.look_alive("resource");
        self.record.resources.push(name.to_owned());
        match self.here().map(|here| here.callback) {
            Some(Callback::Create) if !self.plan.has_extensions => {
                Err(self.refuse("resource.find.none", Status::E_RESOURCE, "no such resource"))
            }
            Some(Callback::Create) if interface(id.as_bytes()).is_none() => {
                Err(self.refuse("resource.find.none", Status::E_UNSUPPORTED, "it has another interface"))
            }
            Some(Callback::Create) => {
                let named = Named { name: name.to_owned(), interface: id.to_owned() };
                let place = self.resources.iter().position(|known| *known == named).unwrap_or_else(|| {
                    self.resources.push(named);
                    self.resources.len() - 1
                });
                Ok(place as u32 + 1)
            }
            Some(Callback::Destroy) => {
                Err(self.breach("resource", "call.table", Status::E_STATE, "called in destroy"))
            }
            _ => Err(self.breach("resource", "call.table", Status::E_THREAD, "called outside of create")),
        }
    }

    pub(super) fn acquire(
        &mut self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        if let Err(status) = self.permit_refusable("acquire", task) {
            return status;
        }
        if token == 0 {
            return self.breach("acquire", "completion.token.zero", Status::E_TOKEN, "the token is 0");
        }
        if resources.is_empty() {
            return self.breach(
                "acquire",
                "resource.acquire.count",
                Status::E_INVALID,
                "no resource is named",
            );
        }
        if resources.len() > MEMBERS {
            return self.refuse("resource.acquire.count", Status::E_LIMIT, "too many members");
        }
        let known = self.resources.len();
        if resources.iter().any(|&number| number == 0 || number as usize > known) {
            let text = "the instance was not given such a resource";
            return self.breach("acquire", "handle.life.resource", Status::E_RESOURCE, text);
        }
        if self.task(task).is_waiting(event_kind::ACQUIRE, |wait| matches!(wait, Wait::Acquire(_))) {
            return self.refuse("resource.acquire.one", Status::E_BUSY, "an `acquire` of the task waits");
        }
        if let Err(status) = self.check_token("acquire", task, token) {
            return status;
        }
        let members = self.plan.members;
        if self.choices.one_in(members.refused) {
            let refusals = [Status::E_BUSY, Status::E_RESOURCE, Status::E_TIMEOUT];
            let most = if timeout_ns == 0 { 3 } else { 2 };
            let status = refusals[self.choices.below(most)];
            return self.refuse("resource.acquire.backlog", status, "no member is to be had");
        }
        let is_late = timeout_ns != 0 && self.choices.one_in(members.late);
        let answer = if is_late {
            self.begin("acquire", task, token, Wait::Acquire(timeout_ns != NO_DEADLINE))
        } else {
            Status::OK
        };
        if answer.is_error() {
            return answer;
        }
        for (place, resource) in leases.iter_mut().zip(resources) {
            let handle = self.handle();
            let token = if is_late { token } else { 0 };
            let lease = Lease { is_held: !is_late, ..Lease::new(task, *resource as usize - 1, token) };
            self.leases.insert(handle, lease);
            *place = handle;
        }
        answer
    }

    /// What became of an `acquire` that waited. `is_bounded`: the module gave a time.
    pub(super) fn acquired(&mut self, task: u64, token: u64, is_bounded: bool) {
        let refused = self.plan.members.refused;
        let status = if self.choices.one_in(refused) {
            [Status::E_TIMEOUT, Status::E_RESOURCE, Status::E_IO]
                [self.choices.below(if is_bounded { 3 } else { 2 })]
        } else {
            Status::OK
        };
        if status.is_error() {
            self.forget_leases(task, token);
        }
        self.latch(task, Event { token, value: 0, status, kind: event_kind::ACQUIRE });
    }

    /// The promised leases of an `acquire` that came to nothing.
    pub(super) fn forget_leases(&mut self, task: u64, token: u64) {
        self.leases.retain(|_, lease| lease.is_held || (lease.task, lease.token) != (task, token));
    }

    /// An event reaches the module: what it was about is in another state now.
    pub(super) fn delivered(&mut self, task: u64, event: &Event) {
        let is_of = |lease: &Lease| (lease.task, lease.token) == (task, event.token);
        match event.kind {
            event_kind::ACQUIRE => {
                for lease in self.leases.values_mut().filter(|lease| is_of(lease) && !lease.is_held) {
                    lease.is_held = true;
                    lease.token = 0;
                }
            }
            event_kind::SQL | event_kind::KV => {
                let found = self.leases.values_mut().find(|lease| lease.is_held && is_of(lease));
                if let Some(lease) = found {
                    lease.token = 0;
                    if event.kind == event_kind::SQL {
                        lease.sql.is_told(event.status);
                    } else {
                        lease.kv.is_told(event.status);
                    }
                }
            }
            _ => {}
        }
    }

    /// A lease that a call is about: held by the task, of that interface, and good for something.
    ///
    /// # Errors
    /// What the call is answered.
    pub(super) fn lease(
        &mut self,
        call: &'static str,
        task: u64,
        handle: u64,
        id: &str,
    ) -> Result<&mut Lease, Status> {
        let found = self.leases.get(&handle).filter(|lease| lease.task == task && lease.is_held);
        let Some(lease) = found else {
            let text = "the task does not hold such a lease";
            return Err(self.breach(call, "lease.use.held", Status::E_GONE, text));
        };
        if self.resources[lease.resource].interface != id {
            let text = "the lease is of another interface";
            return Err(self.breach(call, "lease.interface.check", Status::E_GONE, text));
        }
        if lease.is_poisoned {
            return Err(self.refuse("lease.poison", Status::E_STATE, "an operation of it was withdrawn"));
        }
        Ok(self.leases.get_mut(&handle).expect("it was found"))
    }

    pub(super) fn release(&mut self, task: u64, handle: u64, how: u32) -> Status {
        if let Err(status) = self.permit("release", task, Allowed::StepOrFinish) {
            return status;
        }
        if !self.leases.get(&handle).is_some_and(|lease| lease.task == task && lease.is_held) {
            return self.refuse("lease.release.gone", Status::E_GONE, "the task does not hold such a lease");
        }
        if !(lease_end::CLEAN..=lease_end::BROKEN).contains(&how) {
            let text = "no such way to give a lease back";
            return self.breach("release", "lease.release.how", Status::E_INVALID, text);
        }
        self.end_lease(handle);
        Status::OK
    }

    /// A lease is over: what waits on it is withdrawn, and its views end.
    fn end_lease(&mut self, handle: u64) {
        let Some(mut lease) = self.leases.remove(&handle) else { return };
        let poison = self.plan.poison;
        spoil(&mut lease.sql.shown, poison);
        self.bury_reply(lease.kv.reply.take());
        self.bury_message(lease.kv.shown.take());
        let task = lease.task;
        self.lease_graveyard.push_back(lease);
        if self.lease_graveyard.len() > 64 {
            self.lease_graveyard.pop_front();
        }
        if let Some(found) = self.tasks.get_mut(&task) {
            let tokens = found.end_lease(handle);
            found.latched.retain(|event| !tokens.contains(&event.token));
        }
    }

    /// The task is over, and so are its leases. One that it held although it ended well was forgotten.
    pub(super) fn end_leases(&mut self, task: u64, outcome: Status) {
        let mut left: Vec<u64> =
            self.leases.iter().filter(|(_, lease)| lease.task == task).map(|(handle, _)| *handle).collect();
        left.sort_unstable();
        for handle in left {
            let lease = &self.leases[&handle];
            let (is_held, is_under_way) = (lease.is_held, lease.is_under_way());
            let name = self.resources[lease.resource].name.clone();
            let is_disturbed = matches!(self.plan.disturbance, Disturbance::Refuse { .. });
            if is_held && outcome == Status::OK && !is_disturbed {
                let about = if is_under_way { ", with an operation under way" } else { "" };
                let text = format!("a task ended well and still held a lease on {name}{about}");
                self.record.violate("lease.release.own", text);
            }
            self.end_lease(handle);
        }
    }
}

impl PoolHost for KitHost {
    fn pool_object(&self, task: u64, lease: u64, type_name: &[u8]) -> Result<Opaque, Status> {
        let call = || format!("hc.pool/1 object({}, {lease:#x})", task & 0xffff);
        self.call(call, |state| {
            state.permit("hc.pool/1 object", task, Allowed::StepOrFinish)?;
            let is_lost = state.lease("hc.pool/1 object", task, lease, POOL_ID)?.is_lost;
            let _ = type_name;
            Err(if is_lost {
                state.refuse("pool.object", Status::E_RESOURCE, "the member is gone")
            } else {
                state.refuse("pool.object", Status::E_UNSUPPORTED, "the kit's objects are of another type")
            })
        })
    }
}

impl LimitHost for KitHost {
    fn limit_usage(&self, resource: u32) -> Result<Usage, Status> {
        self.call(
            || format!("hc.limit/1 usage({resource})"),
            |state| {
                state.look_alive("hc.limit/1 usage");
                let place = (resource as usize).wrapping_sub(1);
                if place >= state.resources.len() {
                    let text = "the instance was not given such a resource";
                    let call = "hc.limit/1 usage";
                    return Err(state.breach(call, "handle.life.resource", Status::E_RESOURCE, text));
                }
                let of_it = state.leases.values().filter(|lease| lease.resource == place && lease.is_held);
                let in_use = of_it.count() as u32;
                Ok(Usage { max: in_use + MEMBERS as u32, in_use, idle: 0, waiting: 0, available: true })
            },
        )
    }
}
