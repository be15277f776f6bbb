//! Tasks that modules make and end: `spawn`, `task_cancel`.

use super::{InstanceHost, Refused, refuse};
use crate::container::{Container, lock};
use crate::slots;
use crate::task::Phase;
use crate::worker;
use http_container_abi::constants::{WORKER_ANY, WORKER_SELF, task_kind};
use http_container_abi::{Opaque, Status};
use std::sync::atomic::Ordering;

impl InstanceHost {
    pub(crate) fn call_spawn(&self, target: u32, arg: Opaque) -> Result<u64, Status> {
        let container = self.container().ok_or(Status::E_DRAINING)?;
        self.spawn_in(&container, target, arg).map_err(refuse)
    }

    fn spawn_in(&self, container: &Container, target: u32, arg: Opaque) -> Result<u64, Refused> {
        let here = self.with_worker(|worker| worker.index);
        let count = container.workers.len() as u32;
        let worker = match target {
            WORKER_ANY => None,
            WORKER_SELF => Some(here.ok_or(Refused::new(
                Status::E_THREAD,
                "spawn.self.on-worker",
                "HC_WORKER_SELF means nothing on a thread that is no worker",
            ))?),
            number if number < count => Some(number),
            number => {
                let text = format!("there is no worker {number}: there are {count}");
                return Err(Refused::owned(Status::E_INVALID, "spawn.worker", text));
            }
        };
        if container.is_draining() {
            return Err(Refused::quiet(Status::E_DRAINING, "spawn.draining", "the container is stopping"));
        }
        let instance = container.instance(self.index).ok_or(super::GONE)?;
        let limit = container.limits.tasks_per_module;
        if instance.spawned.fetch_add(1, Ordering::SeqCst) >= limit {
            instance.spawned.fetch_sub(1, Ordering::SeqCst);
            let text = format!("the instance has {limit} spawned tasks alive, which is the limit");
            return Err(Refused::owned(Status::E_LIMIT, "spawn.limit", text));
        }
        let made = self.make(container, worker, arg).ok_or_else(|| {
            instance.spawned.fetch_sub(1, Ordering::SeqCst);
            Refused::new(Status::E_LIMIT, "spawn.limit", "the container has no slot for a further task")
        })?;
        self.place(container, here, worker, made);
        Ok(made)
    }

    fn make(&self, container: &Container, worker: Option<u32>, arg: Opaque) -> Option<u64> {
        let fill = |record: &mut crate::task::Record| {
            record.kind = task_kind::BACKGROUND;
            record.module = self.module;
            record.instance = Some(self.index);
            record.arg = arg;
        };
        let made = self.with_worker(|current| {
            let made = worker::make(&current.container, &mut lock(&container.spare), worker, fill);
            current.counters().tasks_made.add(u64::from(made.is_some()));
            made
        });
        made.unwrap_or_else(|| {
            let made = worker::make(container, &mut lock(&container.spare), worker, fill);
            if made.is_some() {
                container.made_elsewhere.fetch_add(1, Ordering::Relaxed);
            }
            made
        })
    }

    /// Brings the fresh task to where it may start.
    fn place(&self, container: &Container, here: Option<u32>, worker: Option<u32>, task: u64) {
        match (here, worker) {
            (Some(_), None) => {
                self.with_worker(|current| current.fresh.borrow_mut().push(task));
            }
            (Some(here), Some(worker)) if here == worker => {
                self.with_worker(|current| current.bound.borrow_mut().push(task));
            }
            (_, Some(worker)) => container.send_fresh(worker, task),
            (None, None) => {
                let next = container.next_worker.fetch_add(1, Ordering::Relaxed);
                container.send_fresh(next % container.workers.len() as u32, task);
            }
        }
    }

    pub(crate) fn call_task_cancel(&self, task: u64) -> Status {
        let Some(container) = self.container() else { return Status::E_GONE };
        let (index, generation) = slots::unpack(task);
        let is_ours = container.slots.lock(index).is_some_and(|slot| {
            let record = &slot.contents;
            record.generation == generation
                && record.instance == Some(self.index)
                && !matches!(record.phase, Phase::Free | Phase::Finishing)
        });
        if is_ours && container.request_cancel(task, Status::CANCELLED_MODULE) {
            Status::OK
        } else {
            Status::E_GONE
        }
    }
}
