//! The module's side: the safe trait [`Module`] with one method per callback. Must not know how callbacks cross the boundary
//! (`module_calls.rs`), nor how an entry is exported (`module_entry.rs`).

use std::any::Any;

use crate::event::Event;
use crate::host_ref::HostRef;
use crate::request_view::RequestView;
use crate::status::Status;

/// What a task is started with.
pub struct Start<'a> {
    /// One of [`task_kind`](crate::constants::task_kind).
    pub kind: u32,
    /// The request head, for tasks that have one.
    pub request: Option<RequestView<'a>>,
    /// For background tasks: what [`HostRef::spawn`] was given.
    pub arg: Option<Box<dyn Any + Send>>,
    /// Leases of the route's start gates, in the route's order.
    pub leases: &'a [u64],
}

/// A module in Rust. Each method is a callback of `hc_module`, run in a guard: a panic becomes `HC_E_PANIC`, and its message
/// goes to the container's log.
///
/// Unless the entry is made by [`entry_sendable`](crate::entry_sendable), the module is declared THREAD_BOUND, so that
/// `Worker` and `Task` never leave the thread on which they were made.
pub trait Module: Sized + Send + Sync + 'static {
    /// The state of the instance on one worker.
    type Worker: 'static;
    /// The state of one task.
    type Task: 'static;

    /// Makes an instance. `host` is valid until `destroy` returns, that is until the instance has been dropped: join your own
    /// threads in the instance's `Drop`.
    ///
    /// # Errors
    /// Why the configuration (a JSON object) or the container is refused; log what is wrong with it first.
    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status>;

    /// Once per worker, before the first task there.
    ///
    /// # Errors
    /// Why the instance cannot be used on this worker.
    fn worker_start(&self, worker: u32) -> Result<Self::Worker, Status>;

    /// Once per worker that started, after the last task there.
    fn worker_stop(&self, worker: Self::Worker) {
        drop(worker);
    }

    /// The first step of a task: its status, and the task's state, which `resume` and `finish` get. A task that yields must
    /// have a state.
    fn start(&self, worker: &Self::Worker, task: u64, start: Start<'_>) -> (Status, Option<Box<Self::Task>>);

    /// A further step, with at least one event.
    fn resume(&self, worker: &Self::Worker, task: u64, state: &mut Self::Task, events: &[Event]) -> Status;

    /// The end of a task: exactly once for every `start`.
    fn finish(
        &self,
        worker: &Self::Worker,
        task: u64,
        state: Option<Box<Self::Task>>,
        outcome: Status,
        unseen: &[Event],
    ) {
        let _ = (worker, task, outcome, unseen);
        drop(state);
    }
}
