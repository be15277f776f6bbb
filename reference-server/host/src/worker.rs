//! One worker's half of the host: its run queue, timers, instances and free slots. It lives on the worker's thread.
//!
//! Invariant: nothing here is borrowed while a module runs, so that every host call finds it free.

use crate::container::{Container, lock};
use crate::counters::Counters;
use crate::dispatch::Nudge;
use crate::exchange::Exchange;
use crate::fd::{Descriptors, Poller};
use crate::instance::Instance;
use crate::slots;
use crate::task::{Phase, Record};
use crate::wheel::{Key, Wheel};
use http_container_abi::constants::{notice, task_kind};
use http_container_abi::{Opaque, Status};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Sent to a worker from another thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    /// The task in that slot is queued.
    Run(u32),
    /// A fresh task to be started here.
    Fresh(u64),
}

/// What other threads see of a worker.
#[derive(Default)]
pub(crate) struct WorkerShared {
    inbox: Mutex<Vec<Message>>,
    waiting: AtomicBool,
    pub counters: Counters,
}

impl WorkerShared {
    pub fn post(&self, message: Message) {
        lock(&self.inbox).push(message);
        self.waiting.store(true, Ordering::SeqCst);
    }
}

/// What is due when a timer fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    /// The operation with that number of the task in that slot.
    Timer(u32, u64),
    /// The deadline of a task, by handle.
    Deadline(u64),
    /// The cancel grace of a task whose peer left, by handle.
    Grace(u64),
    /// Nine tenths of a task's time, by handle.
    Notice(u64),
}

/// In which callback of a module this worker is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Callback {
    None,
    WorkerStart,
    Step,
    Finish,
}

/// A module instance on this worker.
pub(crate) struct Stationed {
    pub instance: Arc<Instance>,
    pub state: Result<Opaque, Status>,
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
    free: RefCell<Vec<u32>>,
    pub(crate) queue: RefCell<VecDeque<u32>>,
    /// Fresh tasks that any worker may start.
    pub(crate) fresh: RefCell<Vec<u64>>,
    /// Fresh tasks that must be started here.
    pub(crate) bound: RefCell<Vec<u64>>,
    pub(crate) wheel: RefCell<Wheel<Due>>,
    stationed: RefCell<Vec<Option<Rc<Stationed>>>>,
    pub(crate) callback: Cell<Callback>,
    pub(crate) now_ns: Cell<u64>,
    pub(crate) descriptors: RefCell<Descriptors>,
    /// What children and parents did to each other in the step that runs, to be told when it has ended.
    pub(crate) nudges: RefCell<Vec<Nudge>>,
    retirement: Cell<u32>,
    drained: Cell<bool>,
    incoming: RefCell<Vec<Message>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
    static IN_CREATE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call` as the control thread's create or destroy.
pub(crate) fn in_create<R>(call: impl FnOnce() -> R) -> R {
    let before = IN_CREATE.replace(true);
    let answer = call();
    IN_CREATE.set(before);
    answer
}

/// Whether the calling thread is inside `create` or `destroy`.
pub(crate) fn is_in_create() -> bool {
    IN_CREATE.get()
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

pub(crate) fn enqueue_here(container: &Container, worker: u32, index: u32) -> bool {
    with_current(container, |current| {
        if current.index == worker {
            current.queue.borrow_mut().push_back(index);
        }
        current.index == worker
    })
    .unwrap_or(false)
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
            callback: Cell::new(Callback::None),
            now_ns: Cell::new(now_ns),
            descriptors: RefCell::new(Descriptors::new(poller)),
            nudges: RefCell::default(),
            retirement: Cell::new(0),
            drained: Cell::new(false),
            incoming: RefCell::default(),
            container,
        });
        CURRENT.with(|current| *current.borrow_mut() = Some(Rc::clone(&worker)));
        worker
    }

    /// The container.
    pub fn container(&self) -> &Arc<Container> {
        &self.container
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.container.workers[self.index as usize].counters
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
        let task = make(&self.container, &mut self.free.borrow_mut(), worker, fill)?;
        self.counters().tasks_made.add(1);
        Some(task)
    }

    pub(crate) fn recycle(&self, index: u32) {
        self.free.borrow_mut().push(index);
    }

    /// The instance on this worker, started here if need be.
    pub(crate) fn station(&self, instance: u32) -> Option<Rc<Stationed>> {
        if let Some(Some(found)) = self.stationed.borrow().get(instance as usize) {
            return Some(Rc::clone(found));
        }
        self.station_first(instance)
    }

    #[cold]
    fn station_first(&self, index: u32) -> Option<Rc<Stationed>> {
        let instance = self.container.instance(index)?;
        instance.workers.fetch_add(1, Ordering::SeqCst);
        let before = self.callback.replace(Callback::WorkerStart);
        let state = instance.table.worker_start(instance.state(), self.index);
        self.callback.set(before);
        if let Err(status) = state {
            let name = self.container.module_name(instance.module);
            let text = format!("worker_start on worker {} answered {}", self.index, status.name());
            self.container.tell(crate::Level::Error, name, "module.worker-start.failed", &text);
        }
        let stationed = Rc::new(Stationed { instance, state, live: Cell::new(0), step_ns: Cell::new(0) });
        let mut all = self.stationed.borrow_mut();
        if all.len() <= index as usize {
            all.resize_with(index as usize + 1, || None);
        }
        all[index as usize] = Some(Rc::clone(&stationed));
        Some(stationed)
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
        self.take_inbox();
        self.fire_timers(now_ns);
        if self.retirement.get() != self.container.retirement.load(Ordering::Relaxed) {
            self.stop_retired();
        }
        if self.container.draining.load(Ordering::Relaxed) && !self.drained.replace(true) {
            self.notice_all(notice::DRAIN);
        }
    }

    fn take_inbox(&self) {
        let shared = &self.container.workers[self.index as usize];
        if !shared.waiting.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut incoming = self.incoming.borrow_mut();
        std::mem::swap(&mut *incoming, &mut *lock(&shared.inbox));
        for message in incoming.drain(..) {
            match message {
                Message::Run(index) => self.queue.borrow_mut().push_back(index),
                Message::Fresh(task) => self.bound.borrow_mut().push(task),
            }
        }
    }

    fn fire_timers(&self, now_ns: u64) {
        let mut due = Vec::new();
        self.wheel.borrow_mut().advance(now_ns, |entry| due.push(entry));
        due.into_iter().for_each(|entry| self.expire(entry, now_ns));
    }

    /// Takes fresh tasks that were spawned here for any worker, to be started by [`Worker::start`] here or elsewhere.
    pub fn take_fresh(&self, into: &mut Vec<u64>) {
        into.append(&mut self.fresh.borrow_mut());
    }

    /// When the next timer is due, ns.
    pub fn next_timer_ns(&self) -> Option<u64> {
        self.wheel.borrow().next_ns()
    }

    /// Whether tasks are queued, fresh ones wait, or other threads sent something.
    pub fn has_work(&self) -> bool {
        !self.queue.borrow().is_empty()
            || !self.fresh.borrow().is_empty()
            || !self.bound.borrow().is_empty()
            || self.container.workers[self.index as usize].waiting.load(Ordering::SeqCst)
    }

    pub(crate) fn cancel_timer(&self, key: Option<Key>) {
        if let Some(key) = key {
            self.wheel.borrow_mut().cancel(key);
        }
    }

    pub(crate) fn stop_retired(&self) {
        self.retirement.set(self.container.retirement.load(Ordering::SeqCst));
        let ended: Vec<_> = self
            .stationed
            .borrow_mut()
            .iter_mut()
            .filter(|entry| {
                entry.as_ref().is_some_and(|stationed| {
                    stationed.live.get() == 0 && stationed.instance.retired.load(Ordering::SeqCst)
                })
            })
            .filter_map(Option::take)
            .collect();
        ended.iter().for_each(|stationed| self.stop(stationed));
    }

    fn stop(&self, stationed: &Stationed) {
        self.forget_descriptors(stationed.instance.index);
        if let Ok(state) = stationed.state {
            let before = self.callback.replace(Callback::WorkerStart);
            stationed.instance.table.worker_stop(stationed.instance.state(), state);
            self.callback.set(before);
        }
        stationed.instance.workers.fetch_sub(1, Ordering::SeqCst);
        if stationed.instance.is_idle() {
            self.container.want_care();
        }
    }

    /// Ends every task of this worker (`outcome` tells why) and stops its instances. The worker takes no work after it.
    pub fn leave(&self, outcome: Status) {
        self.take_inbox();
        let mut fresh = std::mem::take(&mut *self.fresh.borrow_mut());
        fresh.append(&mut self.bound.borrow_mut());
        loop {
            fresh.drain(..).for_each(|task| {
                self.container.request_cancel(task, outcome);
                self.start(task);
            });
            self.cancel_all(outcome);
            self.take_inbox();
            fresh.append(&mut self.fresh.borrow_mut());
            fresh.append(&mut self.bound.borrow_mut());
            if fresh.is_empty() && self.queue.borrow().is_empty() {
                break;
            }
        }
        let all = std::mem::take(&mut *self.stationed.borrow_mut());
        all.iter().flatten().for_each(|stationed| self.stop(stationed));
        CURRENT.with(|current| current.borrow_mut().take());
    }

    /// Visits the record of every task that is this worker's.
    pub(crate) fn each_task(&self, mut visit: impl FnMut(u32, &mut Record)) {
        let mut index = 0;
        while let Some(mut slot) = self.container.slots.lock(index) {
            if slot.contents.worker == Some(self.index) && slot.contents.phase != Phase::Free {
                visit(index, &mut slot.contents);
            }
            index += 1;
        }
    }
}

/// Takes a slot from `free` and fills in a fresh task.
pub(crate) fn make(
    container: &Container,
    free: &mut Vec<u32>,
    worker: Option<u32>,
    fill: impl FnOnce(&mut Record),
) -> Option<u64> {
    loop {
        if free.is_empty() {
            container.slots.grow(free);
        }
        let index = free.pop()?;
        let mut slot = container.slots.lock(index)?;
        if !slot.is_reusable() {
            continue;
        }
        let generation = slot.next_number()?;
        let record = &mut slot.contents;
        record.generation = generation;
        record.phase = Phase::Fresh;
        record.worker = worker;
        fill(record);
        return Some(slots::pack(index, generation));
    }
}
