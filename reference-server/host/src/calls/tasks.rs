//! Tasks that modules make and end: `spawn`, `task_cancel`.

use super::{GONE, InstanceHost, Refused};
use crate::container::{Container, lock};
use crate::instance::{Instance, Stage};
use crate::placing;
use crate::task::Record;
use crate::worker::{self, Callback};
use http_container_abi::constants::{WORKER_ANY, WORKER_SELF, task_kind};
use http_container_abi::{Opaque, Status};
use std::sync::atomic::Ordering;

const DRAINING: Refused = Refused::quiet(
    Status::E_DRAINING,
    "module.drain.spawn",
    "the instance ends: the time in which tasks could be spawned is over",
);
const NO_SELF: Refused = Refused::new(
    Status::E_THREAD,
    "task.spawn.self",
    "HC_WORKER_SELF means nothing where no callback of the instance runs on a worker",
);

impl InstanceHost {
    pub(crate) fn call_spawn(&self, target: u32, arg: Opaque, announce: &mut dyn FnMut(u64)) -> Status {
        let Some(container) = self.container() else { return Status::E_DRAINING };
        match self.spawn_in(&container, target, arg, announce) {
            Ok(()) => Status::OK,
            Err(refused) => self.refuse(0, refused),
        }
    }

    fn spawn_in(
        &self,
        container: &Container,
        target: u32,
        arg: Opaque,
        announce: &mut dyn FnMut(u64),
    ) -> Result<(), Refused> {
        let target = self.target_worker(container, target)?;
        let instance = container.instance(self.index).ok_or(GONE)?;
        let is_held = self.admit_spawn(container, &instance)?;
        let Some(task) = self.make(container, target, arg) else {
            self.take_back(container, &instance);
            let text = "the container has no slot for a further task";
            return Err(Refused::new(Status::E_LIMIT, "task.spawn.limit", text));
        };
        if is_held {
            let mut life = instance.life();
            if life.stage == Stage::Creating {
                announce(task);
                life.held.push((target, task));
                return Ok(());
            }
        }
        if container.place_announced(&instance, target, task, announce) {
            return Ok(());
        }
        container.drop_fresh(task, Status::E_DRAINING);
        Err(DRAINING)
    }

    fn target_worker(&self, container: &Container, target: u32) -> Result<Option<u32>, Refused> {
        let is_acting = |worker: &worker::Worker| self.callback(worker) != Callback::None;
        match target {
            WORKER_ANY => Ok(None),
            WORKER_SELF => {
                let here = self.with_worker(|worker| is_acting(worker).then_some(worker.index));
                here.flatten().map(Some).ok_or(NO_SELF)
            }
            number => match container.worker_of(number, self.is_blocking) {
                Some(worker) => Ok(Some(worker)),
                None => {
                    let (_, count) = container.workers_for(self.is_blocking);
                    let text = format!("there is no worker {number}: there are {count}");
                    Err(Refused::owned(Status::E_INVALID, "task.spawn.worker", text))
                }
            },
        }
    }

    /// Counts a task that is to be spawned; answers whether it is held back until `create` has returned.
    fn admit_spawn(&self, container: &Container, instance: &Instance) -> Result<bool, Refused> {
        let mut life = instance.life();
        let is_ending = container.closing.load(Ordering::SeqCst) || instance.expired.load(Ordering::SeqCst);
        if is_ending || !matches!(life.stage, Stage::Creating | Stage::Live) {
            return Err(DRAINING);
        }
        let limit = container.limits.tasks_per_module;
        if life.spawned >= limit {
            let text = format!("the instance has {limit} spawned tasks alive, which is the limit");
            return Err(Refused::owned(Status::E_LIMIT, "task.spawn.limit", text));
        }
        life.spawned += 1;
        Ok(life.stage == Stage::Creating)
    }

    fn take_back(&self, container: &Container, instance: &Instance) {
        if instance.spawned_ended() {
            container.instance_over(instance);
        }
    }

    fn make(&self, container: &Container, target: Option<u32>, arg: Opaque) -> Option<u64> {
        let fill = |record: &mut Record| {
            record.kind = task_kind::BACKGROUND;
            record.module = self.module;
            record.instance = Some(self.index);
            record.arg = arg;
        };
        if let Some(made) = self.with_worker(|current| current.make(target, fill)) {
            return made;
        }
        let made = placing::make(container, &mut lock(&container.spare), target, fill);
        container.count(|counters| counters.tasks_made.add(u64::from(made.is_some())));
        made
    }

    pub(crate) fn call_task_cancel(&self, task: u64) -> Status {
        let Some(container) = self.container() else { return Status::E_GONE };
        let is_ours = |record: &Record| record.instance == Some(self.index);
        if container.cancel_when(task, Status::CANCELLED_MODULE, is_ours) {
            Status::OK
        } else {
            self.refuse(task, GONE)
        }
    }
}
