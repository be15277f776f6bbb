//! The calls that a module makes into the host: who may make them, and when. One file per idea.
//!
//! Invariant: a refused call has no effect [host.call.refused-no-effect], and says why by rule.

mod body;
mod container;
mod refusal;
mod response;
mod tasks;
mod waiting;

pub(crate) use refusal::{Refused, refuse};

use crate::container::Container;
use crate::instance::Instance;
use crate::report::Level;
use crate::slots::{self, Slot};
use crate::task::{Phase, Record};
use crate::worker::{self, Callback, Worker};
use http_container_abi::Status;
use std::sync::{Arc, Weak};

/// The host as one module instance sees it.
pub struct InstanceHost {
    container: Weak<Container>,
    /// The container's address, to compare without counting.
    address: usize,
    pub(crate) index: u32,
    pub(crate) module: u32,
}

/// In which callbacks a call on a task is allowed, beside steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    Step,
    StepOrFinish,
}

impl InstanceHost {
    pub(crate) fn new(container: Weak<Container>, instance: &Arc<Instance>) -> Self {
        let address = container.as_ptr().addr();
        InstanceHost { container, address, index: instance.index, module: instance.module }
    }

    pub(crate) fn container(&self) -> Option<Arc<Container>> {
        self.container.upgrade()
    }

    /// The calling thread's worker, if it is one of this container.
    pub(crate) fn with_worker<R>(&self, visit: impl FnOnce(&Worker) -> R) -> Option<R> {
        worker::with_current(std::ptr::without_provenance(self.address), visit)
    }

    /// Runs `act` on a live task of this instance on the calling worker, or refuses.
    pub(crate) fn on_task<R>(
        &self,
        task: u64,
        allowed: Allowed,
        act: impl FnOnce(&Worker, u32, &mut Slot<Record>) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        self.with_worker(|worker| {
            let (index, generation) = slots::unpack(task);
            let answer = match worker.container.slots.lock(index) {
                Some(mut slot) => self
                    .admit(worker, &slot.contents, generation, allowed)
                    .and_then(|()| act(worker, index, &mut slot)),
                None => Err(GONE),
            };
            answer.map_err(|refused| self.refused(worker, task, refused))
        })
        .unwrap_or_else(|| {
            Err(refuse(Refused::new(
                Status::E_THREAD,
                "thread.task.worker",
                "called on a thread that is no worker",
            )))
        })
    }

    fn admit(
        &self,
        worker: &Worker,
        record: &Record,
        generation: u64,
        allowed: Allowed,
    ) -> Result<(), Refused> {
        if record.generation != generation || record.phase == Phase::Free {
            return Err(GONE);
        }
        // A task that has not started, or is another instance's, does not exist for this caller [handle.instance].
        if record.instance != Some(self.index) || record.phase == Phase::Fresh {
            return Err(Refused::new(
                Status::E_GONE,
                "handle.instance",
                "the task is not a live one of this instance",
            ));
        }
        if record.worker != Some(worker.index) {
            return Err(Refused::new(
                Status::E_THREAD,
                "thread.task.worker",
                "the task belongs to another worker",
            ));
        }
        let finishing = worker.callback.get() == Callback::Finish || record.phase == Phase::Finishing;
        if finishing && allowed == Allowed::Step {
            return Err(Refused::new(
                Status::E_STATE,
                "task.finish.calls",
                "this call is not allowed in finish",
            ));
        }
        if worker.callback.get() == Callback::WorkerStart {
            return Err(Refused::new(
                Status::E_STATE,
                "host.call.in-step",
                "this call is allowed in steps only",
            ));
        }
        Ok(())
    }

    /// Keeps and logs a refusal. Stale handles are no violation, and are not logged.
    pub(crate) fn refused(&self, worker: &Worker, task: u64, refused: Refused) -> Status {
        if refused.is_violation {
            worker.counters().refused_calls.add(1);
            let container = &worker.container;
            if container.reporter.wants(Level::Warn) {
                container.reporter.report(&crate::Report {
                    level: Level::Warn,
                    module: container.module_name(self.module),
                    task,
                    request: 0,
                    rule: refused.rule,
                    status: Some(refused.status),
                    text: &refused.text,
                });
            }
        }
        refuse(refused)
    }
}

pub(crate) const GONE: Refused =
    Refused::quiet(Status::E_GONE, "handle.generation", "the handle is of nothing that is live");
