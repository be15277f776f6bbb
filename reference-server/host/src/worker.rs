//! One worker's half of the host: its run queue, timers, instances and free slots. It lives on the worker's thread.
//!
//! Invariant: nothing here is borrowed while a module runs, so that every host call finds it free.

use crate::container::{Container, lock};
use crate::counters::Counters;
use crate::dispatch::Nudge;
use crate::exchange::Exchange;
use crate::fd::{Descriptors, Poller};
use crate::inbox::{Message, WorkerShared};
use crate::instance::Instance;
use crate::placing;
use crate::registry::Todo;
use crate::task::{Phase, Record};
use crate::validation::Thread;
use crate::wheel::Wheel;
use http_container_abi::constants::{notice, task_kind};
use http_container_abi::{Event, Opaque};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is due when a timer fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    /// The operation with that number of the task in that slot.
    Timer(u32, u64),
    /// The deadline of a task, by handle.
    Deadline(u64),
    /// The deadline of a task that waits for a thread of the pool, by handle.
    Queued(u64),
    /// The cancel grace of a task whose peer left, by handle.
    Grace(u64),
    /// Nine tenths of a task's time, by handle.
    Notice(u64),
    /// The wait of the `acquire` with that number of the task in that slot.
    Acquire(u32, u64),
    /// The wait of a request at that one of its gates, by handle and the gate's turn.
    Gate(u64, u32),
    /// The registry of resources has something to do.
    Registry,
    /// Lines were left out: how many is to be told.
    Repeats,
}

/// In which callback of a module this worker is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Callback {
    /// In none.
    None,
    /// `worker_start` or `worker_stop`.
    WorkerLife,
    /// `start` or `resume`.
    Step,
    /// `finish`.
    Finish,
}

/// Whose callback runs on a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Acting {
    pub callback: Callback,
    pub instance: u32,
    /// The task's handle; 0 for none.
    pub task: u64,
}

impl Acting {
    pub const NOBODY: Acting = Acting { callback: Callback::None, instance: u32::MAX, task: 0 };
}

/// What the control thread calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Control {
    /// Nothing.
    None,
    /// `create` of the instance with that index.
    Create(u32),
    /// Its `destroy`.
    Destroy(u32),
}

/// A module instance on this worker.
pub(crate) struct Stationed {
    pub instance: Arc<Instance>,
    pub state: Opaque,
    /// Live started tasks.
    pub live: Cell<u32>,
    /// Mean step time, ns, as a moving average.
    pub step_ns: Cell<u32>,
}

/// A request to be opened.
pub struct Opening {
    /// Who carries it.
    pub exchange: Arc<dyn Exchange>,
    /// Index of its route.
    pub route: u32,
    /// Its id, as in its head.
    pub request_id: u64,
    /// Its deadline on the host's clock, ns.
    pub deadline_ns: u64,
}

/// One worker. `Rc`, because host calls reach it through the thread.
pub struct Worker {
    pub(crate) container: Arc<Container>,
    pub(crate) index: u32,
    /// Its own entry of the container's.
    shared: Arc<WorkerShared>,
    free: RefCell<Vec<u32>>,
    pub(crate) queue: RefCell<VecDeque<u32>>,
    /// Fresh tasks that any worker may start.
    pub(crate) fresh: RefCell<Vec<u64>>,
    /// Fresh tasks that must be started here.
    pub(crate) bound: RefCell<VecDeque<u64>>,
    pub(crate) wheel: RefCell<Wheel<Due>>,
    pub(crate) stationed: RefCell<Vec<Option<Rc<Stationed>>>>,
    /// Retired instances of which this worker has said that it starts nothing in them, by index.
    pub(crate) quiet: RefCell<Vec<bool>>,
    pub(crate) acting: Cell<Acting>,
    pub(crate) now_ns: Cell<u64>,
    pub(crate) descriptors: RefCell<Descriptors>,
    /// What children and parents did to each other in the step that runs, to be told when it has ended.
    pub(crate) nudges: RefCell<Vec<Nudge>>,
    /// What calls of this step decided for others, to be carried out when no lock of a task is held.
    pub(crate) todo: RefCell<Todo>,
    pub(crate) retirement: Cell<u32>,
    drained: Cell<bool>,
    /// What is left here is ended now, whoever uses it.
    pub(crate) is_hasty: Cell<bool>,
    incoming: RefCell<Vec<Message>>,
    due: RefCell<Vec<Due>>,
    /// Empty: takes the events that happen in a step, while the step reads those that it is resumed with.
    pub(crate) spare_events: Cell<Vec<Event>>,
    /// Of a container that validates.
    pub(crate) thread: Option<Thread>,
}

/// How many free slots a worker keeps at most.
const FREE_SLOTS: usize = 1024;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
    static CONTROL: Cell<Control> = const { Cell::new(Control::None) };
}

/// Runs `call` as the control thread's create or destroy.
pub(crate) fn in_control<R>(control: Control, call: impl FnOnce() -> R) -> R {
    let before = CONTROL.replace(control);
    let answer = call();
    CONTROL.set(before);
    answer
}

/// What the calling thread does as the control thread.
pub(crate) fn control() -> Control {
    CONTROL.get()
}

/// Runs `visit` with the calling thread's worker of that container, if it is one.
#[inline]
pub(crate) fn with_current<R>(container: *const Container, visit: impl FnOnce(&Worker) -> R) -> Option<R> {
    CURRENT.with(|current| {
        let current = current.borrow();
        let worker = current.as_ref()?;
        std::ptr::eq(Arc::as_ptr(&worker.container), container).then(|| visit(worker))
    })
}

impl Worker {
    /// Makes the worker with that index; the calling thread is its thread from now on.
    pub fn enter(container: Arc<Container>, index: u32, poller: Box<dyn Poller>) -> Rc<Worker> {
        let now_ns = container.now_ns();
        let worker = Rc::new(Worker {
            index,
            free: RefCell::default(),
            queue: RefCell::default(),
            fresh: RefCell::default(),
            bound: RefCell::default(),
            wheel: RefCell::new(Wheel::new(now_ns)),
            stationed: RefCell::default(),
            quiet: RefCell::default(),
            acting: Cell::new(Acting::NOBODY),
            now_ns: Cell::new(now_ns),
            descriptors: RefCell::new(Descriptors::new(poller)),
            nudges: RefCell::default(),
            todo: RefCell::default(),
            retirement: Cell::new(0),
            drained: Cell::new(false),
            is_hasty: Cell::new(false),
            incoming: RefCell::default(),
            due: RefCell::default(),
            spare_events: Cell::default(),
            thread: container.validation.is_some().then(Thread::of_this),
            shared: Arc::clone(&container.workers[index as usize]),
            container,
        });
        CURRENT.with(|current| *current.borrow_mut() = Some(Rc::clone(&worker)));
        worker
    }

    /// The container.
    pub fn container(&self) -> &Arc<Container> {
        &self.container
    }

    #[inline]
    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// The time now, ns, on a clock that [`Worker::turn`] may have put forward.
    pub(crate) fn clock_ns(&self) -> u64 {
        self.container.now_ns().max(self.now_ns.get())
    }

    /// The time has moved on, as after a sleep.
    pub fn note_time(&self, now_ns: u64) {
        self.now_ns.set(now_ns.max(self.now_ns.get()));
    }

    /// The time of the last [`Worker::turn`] or step, ns.
    pub fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }

    /// Makes a fresh task for a request; `None` when no slot is left. Start it here or on another worker.
    pub fn open(&self, opening: Opening) -> Option<u64> {
        let route = self.container.route_at(opening.route);
        let module = *route.modules.first()?;
        self.make(None, |record| {
            record.kind = task_kind::REQUEST;
            record.module = module;
            record.route = opening.route;
            record.request_id = opening.request_id;
            record.deadline_ns = Some(opening.deadline_ns);
            record.allowed_ns = opening.deadline_ns.saturating_sub(self.now_ns.get());
            record.exchange = Some(opening.exchange);
        })
    }

    /// Takes a free slot and fills its record in as a fresh task of `worker` (or of whoever starts it).
    pub(crate) fn make(&self, worker: Option<u32>, fill: impl FnOnce(&mut Record)) -> Option<u64> {
        let mut free = self.free.borrow_mut();
        if free.is_empty() {
            let mut spare = lock(&self.container.spare);
            let from = spare.len().saturating_sub(FREE_SLOTS / 2);
            free.extend(spare.drain(from..));
        }
        let task = placing::make(&self.container, &mut free, worker, fill)?;
        self.counters().tasks_made.add(1);
        Some(task)
    }

    /// The calling thread is this worker's no more; what it kept is for others.
    pub(crate) fn depart(&self) {
        lock(&self.container.spare).append(&mut self.free.borrow_mut());
        CURRENT.with(|current| current.borrow_mut().take());
    }

    /// Takes no message any more; `false` when one waits.
    pub(crate) fn close_inbox(&self) -> bool {
        self.shared.close()
    }

    /// Takes a slot back; gives some away when it has many, since tasks may end elsewhere than they were made.
    #[inline]
    pub(crate) fn recycle(&self, index: u32) {
        let mut free = self.free.borrow_mut();
        free.push(index);
        if free.len() > FREE_SLOTS {
            lock(&self.container.spare).extend(free.drain(..FREE_SLOTS / 2));
        }
    }

    /// Puts a task whose record says that it is queued into its worker's run queue.
    #[inline]
    pub(crate) fn enqueue(&self, worker: u32, index: u32) {
        if worker == self.index {
            self.queue.borrow_mut().push_back(index);
        } else {
            self.container.send_run(worker, index);
        }
    }

    /// The mean step time of the module's instance here, ns; 0 when none was measured.
    pub fn mean_step_ns(&self, route: u32) -> u64 {
        let module = self.container.route_at(route).modules.first().copied().unwrap_or(0);
        let instance = self.container.modules[module as usize].current.load(Ordering::Relaxed);
        match self.stationed.borrow().get(instance as usize) {
            Some(Some(stationed)) => u64::from(stationed.step_ns.get()),
            _ => 0,
        }
    }

    /// Takes in what other threads sent and moves the time on: fires timers, queues tasks. Call once per loop turn.
    pub fn turn(&self, now_ns: u64) {
        self.now_ns.set(now_ns);
        self.thread.iter().for_each(Thread::begin_turn);
        self.take_inbox();
        self.fire_timers(now_ns);
        if self.retirement.get() != self.container.retirement.load(Ordering::SeqCst) {
            self.look_at_instances();
        }
        if self.container.draining.load(Ordering::Relaxed) && !self.drained.replace(true) {
            self.notice_all(notice::DRAIN);
        }
    }

    pub(crate) fn take_inbox(&self) {
        if !self.shared.may_wait() {
            return;
        }
        let mut incoming = self.incoming.borrow_mut();
        self.shared.take(&mut incoming);
        for message in incoming.drain(..) {
            match message {
                Message::Run(index) => self.queue.borrow_mut().push_back(index),
                Message::Fresh(task) => self.bound.borrow_mut().push_back(task),
                Message::Passed(task) => self.take_passed(task),
                Message::Due(due_ns, due) => {
                    self.wheel.borrow_mut().insert(due_ns, due);
                }
            }
        }
    }

    fn fire_timers(&self, now_ns: u64) {
        let mut due = self.due.take();
        self.wheel.borrow_mut().advance(now_ns, |entry| due.push(entry));
        due.drain(..).for_each(|entry| self.expire(entry, now_ns));
        self.due.replace(due);
    }

    /// Takes fresh tasks that were spawned here for any worker, to be started by [`Worker::start`] here or elsewhere.
    pub fn take_fresh(&self, into: &mut Vec<u64>) {
        into.append(&mut self.fresh.borrow_mut());
    }

    /// When the next timer is due, ns.
    pub fn next_timer_ns(&self) -> Option<u64> {
        self.wheel.borrow().next_ns()
    }

    /// Whether tasks are queued, fresh ones wait, other threads sent something, or instances are to be looked at.
    pub fn has_work(&self) -> bool {
        !self.queue.borrow().is_empty()
            || !self.fresh.borrow().is_empty()
            || !self.bound.borrow().is_empty()
            || self.shared.waits()
            || self.retirement.get() != self.container.retirement.load(Ordering::SeqCst)
            // A drain may begin between a turn and the sleep, when this worker needs no waking: its tasks are to be told [notice.drain].
            || (self.container.is_draining() && !self.drained.get())
    }

    /// Visits the record of every task that is this worker's: of each slot that there is when the visit begins. What others
    /// make meanwhile for this worker comes through its inbox.
    pub(crate) fn each_task(&self, mut visit: impl FnMut(u32, &mut Record)) {
        for index in 0..self.container.slots.len() {
            let Some(mut slot) = self.container.slots.lock(index) else { return };
            if slot.contents.worker == Some(self.index) && slot.contents.phase != Phase::Free {
                visit(index, &mut slot.contents);
            }
        }
    }
}
