//! The calls that a module makes into the host: who may make them, and when. One file per idea.
//!
//! Invariant: a refused call has no effect [host.call.refused-no-effect], and says why by rule. Reasons are looked at in
//! the order of [host.call.order]: thread, callback, handle, worker, state, arguments, an operation under way, token,
//! cancellation, limits.

mod body;
mod container;
mod interfaces;
mod leases;
mod order;
mod provider;
mod refusal;
mod response;
mod tasks;
mod waiting;

pub(crate) use refusal::{Refused, forget_refusal};

use crate::container::Container;
use crate::instance::Instance;
use crate::report::Level;
use crate::slots::{self, Slot};
use crate::task::{Phase, Record};
use crate::validation::Breach;
use crate::worker::{self, Acting, Callback, Worker};
use http_container_abi::Status;
use http_container_abi::constants::module_flag;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

/// The host as one module instance sees it.
pub struct InstanceHost {
    container: Weak<Container>,
    /// The container's address, to compare without counting.
    address: usize,
    pub(crate) index: u32,
    pub(crate) module: u32,
    pub(crate) is_blocking: bool,
    /// A call on a task is for the task whose callback runs only.
    migrates: bool,
    /// Which resources it was given, by index.
    given: Box<[AtomicBool]>,
    /// More is looked at than has to be.
    pub(crate) validates: bool,
    /// It has said which interface its members have.
    has_offered: AtomicBool,
}

/// In which callbacks a call on a task is allowed, beside steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Allowed {
    Step,
    StepOrFinish,
}

pub(crate) const GONE: Refused =
    Refused::quiet(Status::E_GONE, "handle.generation", "the handle is of nothing that is live");
const FOREIGN: Refused = Refused::new(
    Status::E_THREAD,
    "thread.worker",
    "called on a thread that runs no callback of the instance on a worker",
);
const NOT_IN_FINISH: Refused =
    Refused::new(Status::E_STATE, "task.finish.calls", "this call is not allowed in finish");
const NOT_IN_WORKER_LIFE: Refused = Refused::new(
    Status::E_STATE,
    "host.call.in-step",
    "this call is not allowed in worker_start and worker_stop",
);
const OTHERS_TASK: Refused =
    Refused::quiet(Status::E_GONE, "handle.instance", "the task is not one of this instance");
const OTHER_WORKER: Refused =
    Refused::new(Status::E_THREAD, "thread.task.worker", "the task belongs to another worker");
const OTHER_TASK: Refused = Refused::new(
    Status::E_THREAD,
    "thread.call.migrates",
    "a task that may migrate is called for in its own callbacks only",
);
const FRESH: Refused = Refused::new(Status::E_STATE, "task.fresh.calls", "the task has not been started yet");

impl InstanceHost {
    pub(crate) fn new(container: &Arc<Container>, instance: &Arc<Instance>) -> Self {
        let flags = instance.table.flags();
        InstanceHost {
            container: Arc::downgrade(container),
            address: Arc::as_ptr(container).addr(),
            index: instance.index,
            module: instance.module,
            is_blocking: flags & module_flag::BLOCKING != 0,
            migrates: flags & module_flag::MIGRATES != 0,
            given: container.registry.resources.iter().map(|_| AtomicBool::new(false)).collect(),
            validates: container.validation.is_some(),
            has_offered: AtomicBool::new(false),
        }
    }

    pub(crate) fn container(&self) -> Option<Arc<Container>> {
        self.container.upgrade()
    }

    /// Tells this host from all others on the thread.
    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The calling thread's worker, if it is one of this container.
    pub(crate) fn with_worker<R>(&self, visit: impl FnOnce(&Worker) -> R) -> Option<R> {
        worker::with_current(std::ptr::without_provenance(self.address), visit)
    }

    /// The callback of this instance that runs on that worker.
    pub(crate) fn callback(&self, worker: &Worker) -> Callback {
        let Acting { callback, instance, .. } = worker.acting.get();
        if instance == self.index { callback } else { Callback::None }
    }

    /// Whether the thread and the callback allow a call.
    pub(crate) fn admit_callback(&self, worker: &Worker, allowed: Allowed) -> Result<(), Refused> {
        match self.callback(worker) {
            Callback::Step => Ok(()),
            Callback::Finish if allowed == Allowed::StepOrFinish => Ok(()),
            Callback::Finish => Err(NOT_IN_FINISH),
            Callback::WorkerLife => Err(NOT_IN_WORKER_LIFE),
            Callback::None => Err(FOREIGN),
        }
    }

    /// Whether handle and worker allow a call on a task.
    fn admit_task(
        &self,
        worker: &Worker,
        record: &Record,
        task: u64,
        generation: u64,
    ) -> Result<(), Refused> {
        if !record.is_live(generation) {
            return Err(GONE);
        }
        if record.instance != Some(self.index) {
            return Err(OTHERS_TASK);
        }
        if record.phase == Phase::Fresh {
            return Err(FRESH);
        }
        if record.worker != Some(worker.index) {
            return Err(OTHER_WORKER);
        }
        if self.migrates && worker.acting.get().task != task {
            return Err(OTHER_TASK);
        }
        Ok(())
    }

    /// Runs `act` on a live task of this instance on the calling worker, or refuses.
    pub(crate) fn on_task<R>(
        &self,
        task: u64,
        allowed: Allowed,
        act: impl FnOnce(&Worker, u32, &mut Slot<Record>) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        let answer = self.with_worker(|worker| {
            self.admit_callback(worker, allowed)?;
            let (index, generation) = slots::unpack(task);
            let mut slot = worker.container.slots.lock(index).ok_or(GONE)?;
            self.admit_task(worker, &slot.contents, task, generation)?;
            act(worker, index, &mut slot)
        });
        self.answer(task, allowed, answer)
    }

    /// As [`InstanceHost::on_task`], for a call by which others may hear something: they are told when the task's lock is
    /// free again.
    pub(crate) fn on_task_told<R>(
        &self,
        task: u64,
        allowed: Allowed,
        act: impl FnOnce(&Worker, u32, &mut Slot<Record>) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        let answer = self.with_worker(|worker| {
            self.admit_callback(worker, allowed)?;
            let (index, generation) = slots::unpack(task);
            let answer = {
                let mut slot = worker.container.slots.lock(index).ok_or(GONE)?;
                self.admit_task(worker, &slot.contents, task, generation)?;
                act(worker, index, &mut slot)
            };
            worker.tell_todo();
            answer
        });
        self.answer(task, allowed, answer)
    }

    /// Runs `act` for a call that is about the worker, not about a task.
    pub(crate) fn on_worker<R>(
        &self,
        allowed: Allowed,
        act: impl FnOnce(&Worker) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        let answer = self.with_worker(|worker| {
            self.admit_callback(worker, allowed)?;
            act(worker)
        });
        self.answer(0, allowed, answer)
    }

    /// The answer of a call on the calling thread's worker, if there is one.
    #[inline]
    fn answer<R>(
        &self,
        task: u64,
        allowed: Allowed,
        answer: Option<Result<R, Refused>>,
    ) -> Result<R, Status> {
        match answer {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(refused)) => Err(self.refuse(task, self.weigh(allowed, refused))),
            None => Err(self.refuse(task, FOREIGN)),
        }
    }

    /// Destructors may name what has ended; whoever validates is told of all others [handle.gone.harmless].
    fn weigh(&self, allowed: Allowed, mut refused: Refused) -> Refused {
        let is_stale = refused.status == Status::E_GONE && allowed == Allowed::Step;
        refused.is_violation |= self.validates && is_stale;
        refused
    }

    /// Keeps a refusal for `refusal`, counts and logs it. Stale handles are no violation: they are only kept.
    #[cold]
    pub(crate) fn refuse(&self, task: u64, refused: Refused) -> Status {
        let status = refused.status;
        if refused.is_violation
            && let Some(container) = self.container()
        {
            container.count(|counters| counters.refused_calls.add(1));
            let request = self.request_of(&container, task);
            let (rule, text) = (refused.rule, &*refused.text);
            let breach = Breach { task, request, rule, status: Some(status), text };
            container.tell_breach(Level::Warn, self.module, &breach);
        }
        refusal::keep(self.identity(), refused);
        status
    }

    /// The id of the request of a task of this instance; 0 when there is none.
    pub(crate) fn request_of(&self, container: &Container, task: u64) -> u64 {
        let (index, generation) = slots::unpack(task);
        let slot = container.slots.lock(index);
        slot.filter(|slot| slot.contents.is_live(generation) && slot.contents.instance == Some(self.index))
            .map_or(0, |slot| slot.contents.request_id)
    }
}
