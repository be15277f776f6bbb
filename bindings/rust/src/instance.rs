//! What one module instance shares between its workers, and what each worker keeps for itself: the way to the container and
//! the background jobs that were spawned but not started yet. Must not know the author's own state.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use http_container_abi::constants::{WORKER_ANY, WORKER_SELF, limit};
use http_container_abi::{DispatchRef, HostRef, KvRef, LimitRef, OffloadRef, PoolRef, SqlRef, Status};

use crate::drive::TaskFuture;
use crate::gate::Gate;
use crate::handover::Handover;
use crate::hosts::Hosts;
use crate::named::Handle;

/// What makes a background task's future on the worker where it starts.
pub(crate) type MakeJob = Box<dyn FnOnce() -> TaskFuture + Send>;

/// One module instance, from `create` until `destroy`.
pub(crate) struct Instance {
    pub(crate) host: HostRef,
    pub(crate) gate: Arc<Gate>,
    #[cfg(feature = "net")]
    pub(crate) fd: Option<http_container_abi::FdRef>,
    pub(crate) dispatch: Option<DispatchRef>,
    pub(crate) sql: Option<SqlRef>,
    pub(crate) kv: Option<KvRef>,
    pub(crate) pool: Option<PoolRef>,
    pub(crate) limit: Option<LimitRef>,
    pub(crate) offload: Option<OffloadRef>,
    /// The resources that `create` looked up; set once it is done.
    pub(crate) handles: OnceLock<Box<[Handle]>>,
    /// The largest body of one `respond`, in bytes.
    pub(crate) respond_bytes_max: usize,
}

impl Instance {
    pub(crate) fn new(host: HostRef) -> Self {
        Self {
            host,
            gate: Arc::new(Gate::new(host)),
            #[cfg(feature = "net")]
            fd: host.fd(),
            dispatch: host.dispatch(),
            sql: host.sql(),
            kv: host.kv(),
            pool: host.pool(),
            limit: host.limit_extension(),
            offload: host.offload(),
            handles: OnceLock::new(),
            respond_bytes_max: usize::try_from(host.limit(limit::RESPOND_BYTES)).unwrap_or(usize::MAX),
        }
    }

    /// Spawns a task that any worker, or the one given, starts. Answers its handle.
    pub(crate) fn spawn(&self, worker: Option<u32>, make: MakeJob) -> Result<u64, Status> {
        let job: Box<dyn Any + Send> = Box::new(make);
        let spawned = self.gate.with(|host| host.spawn(worker.unwrap_or(WORKER_ANY), job));
        spawned.unwrap_or_else(|| Err((Status::E_GONE, Box::new(())))).map_err(|(status, _)| status)
    }

    /// The future that a spawned task was given, on the worker where it starts.
    pub(crate) fn job(worker: &WorkerCore, argument: Option<Box<dyn Any + Send>>) -> Option<TaskFuture> {
        match argument?.downcast::<MakeJob>() {
            Ok(make) => Some(make()),
            Err(argument) => worker.take(argument.downcast::<LocalJob>().ok()?.0),
        }
    }
}

/// The place of a future that may not leave its worker.
struct LocalJob(usize);

/// One worker of one instance.
pub(crate) struct WorkerCore {
    pub(crate) index: u32,
    pub(crate) handover: Handover,
    pub(crate) hosts: RefCell<Hosts>,
    jobs: RefCell<Shelf>,
}

/// Futures by the place where they were put.
#[derive(Default)]
struct Shelf {
    places: Vec<Option<TaskFuture>>,
    free: Vec<usize>,
}

impl WorkerCore {
    pub(crate) fn new(index: u32) -> Self {
        Self { index, handover: Handover::default(), hosts: RefCell::default(), jobs: RefCell::default() }
    }

    /// Spawns a task on this worker, from a step that runs on it. Answers its handle.
    pub(crate) fn spawn(&self, host: HostRef, job: TaskFuture) -> Result<u64, Status> {
        let place = self.put(job);
        host.spawn(WORKER_SELF, Box::new(LocalJob(place))).map_err(|(status, _)| {
            drop(self.take(place));
            status
        })
    }

    fn put(&self, job: TaskFuture) -> usize {
        let mut jobs = self.jobs.borrow_mut();
        if let Some(place) = jobs.free.pop() {
            jobs.places[place] = Some(job);
            return place;
        }
        jobs.places.push(Some(job));
        jobs.places.len() - 1
    }

    fn take(&self, place: usize) -> Option<TaskFuture> {
        let mut jobs = self.jobs.borrow_mut();
        let job = jobs.places.get_mut(place)?.take()?;
        jobs.free.push(place);
        Some(job)
    }
}
