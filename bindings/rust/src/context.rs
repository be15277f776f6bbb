//! What the SDK knows of the task whose step runs on this thread: its handle, its waker, its operations. A step enters
//! its context and leaves it at its end, also when it panics. Must not poll futures; `drive.rs` does.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::BytesMut;
use http_container_abi::constants::lease_end;
use http_container_abi::{Event, HostRef, Status};

use crate::drive::Ending;
use crate::facts::Facts;
use crate::instance::{Instance, WorkerCore};
use crate::notice::Subscriptions;
use crate::slots::Slots;
use crate::turn::Turn;
use crate::wake::WakeCell;

thread_local! {
    static CURRENT: RefCell<Option<Rc<TaskContext>>> = const { RefCell::new(None) };
}

/// One task. Contexts are used again for later tasks of the same worker, once nothing refers to the ended one.
pub(crate) struct TaskContext {
    pub(crate) host: HostRef,
    pub(crate) instance: Arc<Instance>,
    /// `None` inside `create` and `destroy`.
    pub(crate) worker: Option<Rc<WorkerCore>>,
    /// The handle; 0 outside every task (create, worker start and stop).
    pub(crate) task: Cell<u64>,
    pub(crate) facts: RefCell<Facts>,
    pub(crate) subscriptions: RefCell<Subscriptions>,
    /// Leases of the route's gates that the task has not taken yet, in the route's order.
    pub(crate) gate_leases: RefCell<Vec<u64>>,
    /// What outlives the task's future, until the container has finished the task.
    pub(crate) kept: RefCell<Vec<Box<dyn Any>>>,
    /// Where the bytes of the request's head go; empty, with the room that the last head has left.
    pub(crate) store: RefCell<BytesMut>,
    /// Set by a future that has answered its request and stays for the next one.
    pub(crate) answered: Cell<Option<Ending>>,
    /// How the task ended, once `finish` runs.
    pub(crate) outcome: Cell<Option<Status>>,
    /// Set by an operation that cannot report its failure: the task fails with it at the end of the poll.
    pub(crate) failure: Cell<Status>,
    /// Chunks read in this step; see `chunks.rs`.
    pub(crate) chunks_read: Cell<u32>,
    /// Of the claims to leases: one waits at a time [resource.acquire.one].
    pub(crate) claims: Turn,
    pub(crate) cell: Arc<WakeCell>,
    pub(crate) waker: Waker,
    slots: RefCell<Slots>,
}

impl TaskContext {
    pub(crate) fn new(instance: Arc<Instance>, worker: Option<Rc<WorkerCore>>, task: u64) -> Self {
        let cell = Arc::new(WakeCell::new(Arc::clone(&instance.gate)));
        Self {
            host: instance.host,
            instance,
            worker,
            task: Cell::new(task),
            facts: RefCell::default(),
            subscriptions: RefCell::default(),
            gate_leases: RefCell::default(),
            kept: RefCell::default(),
            store: RefCell::default(),
            answered: Cell::new(None),
            outcome: Cell::new(None),
            failure: Cell::new(Status::OK),
            chunks_read: Cell::new(0),
            claims: Turn::default(),
            waker: Waker::from(Arc::clone(&cell)),
            cell,
            slots: RefCell::default(),
        }
    }

    /// Whether wakers of this task exist outside its context. With none, only the container can wake it.
    pub(crate) fn is_waker_held(&self) -> bool {
        // The context holds two: `cell` and `waker`.
        Arc::strong_count(&self.cell) > 2
    }

    pub(crate) fn allocate(&self) -> u64 {
        self.slots.borrow_mut().allocate()
    }

    pub(crate) fn wait(&self, token: u64) {
        self.slots.borrow_mut().wait(token);
    }

    pub(crate) fn poll_slot(&self, token: u64, waker: &Waker) -> Poll<Option<Event>> {
        let other = (!waker.will_wake(&self.waker)).then_some(waker);
        let (event, given_up) = self.slots.borrow_mut().poll(token, other);
        drop(given_up);
        event
    }

    /// Stores every event before anybody is told of any, so that a future that is polled sees all of them.
    pub(crate) fn deliver(&self, events: &[Event]) {
        self.store_events(events);
        for event in events {
            let waiter = self.slots.borrow_mut().take_waiter(event.token);
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        }
    }

    /// Stores events without telling anybody: the task is at its end.
    pub(crate) fn store_events(&self, events: &[Event]) {
        let mut slots = self.slots.borrow_mut();
        for event in events {
            slots.store(*event);
        }
    }

    /// Ends an operation; withdraws it if it waits. Answers an event that nobody had looked at.
    pub(crate) fn release(&self, token: u64) -> Option<Event> {
        let (waited, event, waker) = self.slots.borrow_mut().release(token);
        drop(waker);
        if waited { self.withdraw(token) } else { event }
    }

    /// Withdraws an outstanding operation; answers the event if it had happened already.
    fn withdraw(&self, token: u64) -> Option<Event> {
        let task = self.task.get();
        let cancel = |host: HostRef| host.cancel(task, token);
        let (status, event) =
            if is_inside(&self.instance) { cancel(self.host) } else { self.instance.gate.with(cancel)? };
        if status == Status::E_TOO_LATE { event } else { None }
    }

    /// The task is over: operations that are in another task's hands are withdrawn, and end with `HC_E_GONE`.
    pub(crate) fn end(&self) {
        let waiting = self.subscriptions.borrow_mut().end();
        if !waiting.is_empty() || self.has_operations() {
            self.end_operations(waiting);
        }
        // Nobody used them.
        for lease in self.gate_leases.borrow_mut().drain(..) {
            self.host.release(self.task.get(), lease, lease_end::CLEAN);
        }
    }

    pub(crate) fn has_operations(&self) -> bool {
        !self.slots.borrow().is_empty()
    }

    fn end_operations(&self, waiting: Vec<Waker>) {
        let gone = Event { token: 0, value: 0, status: Status::E_GONE, kind: 0 };
        let (tokens, wakers) = self.slots.borrow_mut().end_all(gone);
        for token in tokens {
            self.host.cancel(self.task.get(), token);
        }
        for waker in wakers.into_iter().chain(waiting) {
            waker.wake();
        }
    }

    /// Makes the context fit for a new task. False if something still refers to the ended one.
    pub(crate) fn renew(self: &mut Rc<Self>) -> bool {
        if self.is_waker_held() || self.has_operations() {
            return false;
        }
        let Some(context) = Rc::get_mut(self) else { return false };
        context.task.set(0);
        context.answered.set(None);
        context.outcome.set(None);
        context.failure.set(Status::OK);
        context.claims = Turn::default();
        context.cell.disarm();
        context.facts.get_mut().clear();
        context.subscriptions.get_mut().clear();
        true
    }
}

/// The context of the step that runs on this thread.
///
/// # Panics
/// Outside every step: what needs a task was used on a foreign thread, or in a static's destructor.
#[track_caller]
pub(crate) fn current() -> Rc<TaskContext> {
    try_current().expect("this works only inside a task of an HTTP Container module, on its worker")
}

pub(crate) fn try_current() -> Option<Rc<TaskContext>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Whether the step that runs on this thread is that of the task with this wake cell.
pub(crate) fn is_running(cell: &Arc<WakeCell>) -> bool {
    let is_own = |current: &RefCell<Option<Rc<TaskContext>>>| {
        current.borrow().as_ref().is_some_and(|context| Arc::ptr_eq(&context.cell, cell))
    };
    CURRENT.try_with(is_own).unwrap_or(false)
}

/// Whether this thread runs a callback of that instance, so that the instance cannot end meanwhile.
pub(crate) fn is_inside(instance: &Arc<Instance>) -> bool {
    let is_same = |current: &RefCell<Option<Rc<TaskContext>>>| {
        current.borrow().as_ref().is_some_and(|context| Arc::ptr_eq(&context.instance, instance))
    };
    CURRENT.try_with(is_same).unwrap_or(false)
}

/// A callback runs in this context until the answer is dropped.
#[must_use]
pub(crate) fn enter(context: Rc<TaskContext>) -> Entered {
    Entered { before: CURRENT.with(|current| current.replace(Some(context))) }
}

/// Restores the context that was entered before.
pub(crate) struct Entered {
    before: Option<Rc<TaskContext>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        let left = CURRENT.with(|current| current.replace(before));
        drop(left);
    }
}
