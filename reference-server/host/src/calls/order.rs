//! What is looked at before the arguments of a call [host.call.order], for calls that are refused at the boundary because
//! of an argument.

use super::{Allowed, FOREIGN, GONE, InstanceHost, Refused};
use super::{body, leases, response};
use crate::slots;
use crate::task::Record;
use http_container_abi::Status;
use http_container_abi::constants::{KV_ID, POOL_ID, SQL_ID};

/// What a call needs of the task that it names.
type State = fn(&Record) -> Result<(), Refused>;

/// Where a call may be made.
enum Place {
    Anywhere,
    Create,
    Worker(Allowed),
    Task(Allowed, State),
}

fn any(_: &Record) -> Result<(), Refused> {
    Ok(())
}

fn is_member(record: &Record) -> Result<(), Refused> {
    let text = "the task is that of no member";
    let refused = Refused::new(Status::E_STATE, "provider.member.only", text);
    record.member.as_ref().map(|_| ()).ok_or(refused)
}

fn place_of(call: &str) -> Place {
    match call {
        "body_read" => Place::Task(Allowed::Step, body::may_read),
        "body_trailers" => Place::Task(Allowed::Step, body::has_trailers),
        "respond" | "inform" | "response_start" => Place::Task(Allowed::Step, response::may_begin),
        "response_write" | "response_end" => {
            Place::Task(Allowed::Step, |record| response::may_go_on(record).map(|_| ()))
        }
        "abort" => Place::Task(Allowed::Step, response::may_abort),
        "cancel" | "release" | "hc.dispatch/1 close" => Place::Task(Allowed::StepOrFinish, any),
        "completion" | "timer" | "notices" | "acquire" | "lease_interface" | "hc.fd/1 wait" => {
            Place::Task(Allowed::Step, any)
        }
        "hc.dispatch/1 open" => {
            Place::Task(Allowed::Step, |record| response::exchange_of(record).map(|_| ()))
        }
        "hc.dispatch/1 head" | "hc.dispatch/1 read" | "hc.dispatch/1 trailers" => {
            Place::Task(Allowed::Step, any)
        }
        "hc.offload/1 run" => Place::Task(Allowed::Step, any),
        call if call.starts_with("hc.sql/1 ") || call.starts_with("hc.kv/1 ") => {
            Place::Task(Allowed::Step, any)
        }
        "hc.pool/1 object" => Place::Task(Allowed::StepOrFinish, any),
        "hc.provider/1 offer" => Place::Create,
        call if call.starts_with("hc.provider/1 ") => Place::Task(Allowed::Step, is_member),
        "hc.fd/1 add" => Place::Worker(Allowed::Step),
        "hc.fd/1 remove" => Place::Worker(Allowed::StepOrFinish),
        "resource" => Place::Create,
        _ => Place::Anywhere,
    }
}

impl InstanceHost {
    /// Refuses a call that would be refused before its arguments are looked at.
    pub(super) fn refuse_before_arguments(&self, task: u64, call: &str) -> Status {
        let checked = match place_of(call) {
            Place::Anywhere => Ok(()),
            Place::Create => leases::may_find_resources(self.index),
            Place::Worker(allowed) => {
                self.with_worker(|worker| self.admit_callback(worker, allowed)).unwrap_or(Err(FOREIGN))
            }
            Place::Task(allowed, state) => self.check_task(task, allowed, state),
        };
        checked.map_or_else(|refused| self.refuse(task, refused), |()| Status::OK)
    }

    /// As [`InstanceHost::refuse_before_arguments`], for a call on a lease.
    pub(super) fn refuse_before_lease_arguments(&self, task: u64, lease: u64, call: &str) -> Status {
        let (interface, allowed) = match call {
            "hc.pool/1 object" => (POOL_ID, Allowed::StepOrFinish),
            call if call.starts_with("hc.kv/1 ") => (KV_ID, Allowed::Step),
            _ => (SQL_ID, Allowed::Step),
        };
        let checked = self.check_lease(task, lease, interface, allowed);
        checked.map_or_else(|refused| self.refuse(task, refused), |()| Status::OK)
    }

    fn check_task(&self, task: u64, allowed: Allowed, state: State) -> Result<(), Refused> {
        let checked = self.with_worker(|worker| {
            self.admit_callback(worker, allowed)?;
            let (index, generation) = slots::unpack(task);
            let slot = worker.container.slots.lock(index).ok_or(GONE)?;
            self.admit_task(worker, &slot.contents, task, generation)?;
            state(&slot.contents)
        });
        checked.unwrap_or(Err(FOREIGN))
    }
}
