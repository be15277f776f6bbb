//! The container: what all workers share. Tasks can be signalled from any thread through it.
//!
//! Invariant: no lock of a task is held while a module runs, and none while another live task's lock is taken.

use crate::blocking::Pool;
use crate::counters::{Counters, Totals};
use crate::gates::Partitions;
use crate::inbox::{Message, WorkerShared};
use crate::instance::{Instance, Module};
use crate::offload::Offload;
use crate::registry::Registry;
use crate::repeats::Repeats;
use crate::report::{Level, Report, Reporter};
use crate::settings::{Limits, ResourceSettings, Route, Router};
use crate::slots::{self, Slots};
use crate::task::{Peer, Phase, Record, Response, Wait};
use crate::validation::Validation;
use crate::worker::Due;
use http_container_abi::constants::{event_kind, notice};
use http_container_abi::{ModuleInfo, Status};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the host asks of the server around it. Called from any thread.
pub trait Hooks: Send + Sync {
    /// Worker `worker` has new work in its inbox: wake it if it sleeps.
    fn wake(&self, worker: u32);
    /// [`Container::maintain`] has something to do on the control thread.
    fn attend(&self);
}

/// What happened outside to a task's request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Body bytes, or the body's end, are there.
    Body,
    /// There is room for response bytes.
    Write,
    /// The peer went away or closed its half.
    PeerGone,
    /// The whole body is there, or will never be: ask [`crate::Exchange::gather`] again.
    Gathered,
}

/// Everything that is needed to make a container.
pub struct Parts {
    /// How many workers will run.
    pub workers: u32,
    /// Modules, in the order of the indices in routes.
    pub modules: Vec<Module>,
    /// Routes, in the order of the router's answers.
    pub routes: Vec<Route>,
    /// Chooses a route.
    pub router: Router,
    /// Shared resources, in the order of the operator's configuration, which is their rank.
    pub resources: Vec<ResourceSettings>,
    /// Named limits.
    pub limits: Limits,
    /// Whether modules are checked beyond what sound operation needs, and what is found is counted.
    pub validates: bool,
    /// Takes reports.
    pub reporter: Arc<dyn Reporter>,
    /// The server around it.
    pub hooks: Arc<dyn Hooks>,
}

/// The shared part of the host.
pub struct Container {
    pub(crate) slots: Slots<Record>,
    /// The server's workers, and after them the threads for modules that block.
    pub(crate) workers: Box<[Arc<WorkerShared>]>,
    /// How many of them are the server's.
    pub(crate) serving: u32,
    pub(crate) pool: Pool,
    pub(crate) modules: Box<[Module]>,
    pub(crate) instances: Mutex<Vec<Arc<Instance>>>,
    /// Grows whenever workers should look for instances that are retired, expired or over.
    pub(crate) retirement: AtomicU32,
    pub(crate) registry: Registry,
    pub(crate) offload: Offload,
    pub(crate) routes: Box<[Route]>,
    /// The partitions of each route that has a gate for them.
    pub(crate) partitions: Box<[Option<Mutex<Partitions>>]>,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) validation: Option<Validation>,
    pub(crate) reporter: Arc<dyn Reporter>,
    pub(crate) repeats: Repeats,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) draining: AtomicBool,
    /// The time for draining is over: a worker has begun to leave, and nothing is spawned any more.
    pub(crate) closing: AtomicBool,
    /// Free slots beyond what the workers keep, and for tasks that are made where no worker is.
    pub(crate) spare: Mutex<Vec<u32>>,
    pub(crate) next_worker: AtomicU32,
    /// Registrations of `hc.fd/1` with worker and instance, for handles that are named on the wrong worker.
    pub(crate) descriptors: Mutex<HashMap<u64, (u32, u32)>>,
    /// What happened where no worker is.
    pub(crate) elsewhere: Mutex<Counters>,
    pub(crate) wants_care: AtomicBool,
    epoch: Instant,
}

impl Container {
    /// Makes the container; its modules have no instances until [`Container::create_instances`].
    pub fn new(parts: Parts) -> Arc<Container> {
        let blocks = parts.modules.iter().any(Module::is_blocking);
        let threads = if blocks { parts.limits.blocking_threads.max(1) } else { 0 };
        Arc::new(Container {
            slots: Slots::new(),
            workers: (0..parts.workers + threads).map(|_| Arc::default()).collect(),
            serving: parts.workers,
            pool: Pool::new(threads),
            modules: parts.modules.into(),
            instances: Mutex::new(Vec::new()),
            retirement: AtomicU32::new(0),
            registry: Registry::new(parts.resources, parts.workers),
            offload: Offload::new(parts.limits.offload_threads, parts.limits.offload_queue),
            partitions: parts.routes.iter().map(Partitions::of).collect(),
            routes: parts.routes.into(),
            router: parts.router,
            limits: parts.limits,
            validation: parts.validates.then(Validation::default),
            reporter: parts.reporter,
            repeats: Repeats::default(),
            hooks: parts.hooks,
            draining: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            spare: Mutex::new(Vec::new()),
            next_worker: AtomicU32::new(0),
            descriptors: Mutex::default(),
            elsewhere: Mutex::default(),
            wants_care: AtomicBool::new(false),
            epoch: Instant::now(),
        })
    }

    pub(crate) fn instance(&self, index: u32) -> Option<Arc<Instance>> {
        lock(&self.instances).get(index as usize).cloned()
    }

    /// Wakes a worker if it sleeps.
    pub(crate) fn wake(&self, worker: u32) {
        match worker.checked_sub(self.serving) {
            None => self.hooks.wake(worker),
            Some(slot) => self.pool.wake(slot),
        }
    }

    pub(crate) fn wake_all(&self) {
        (0..self.workers.len() as u32).for_each(|worker| self.wake(worker));
    }

    /// Sets a timer on that worker, from a thread that is none.
    pub(crate) fn arm_on(&self, worker: u32, due_ns: u64, due: Due) {
        if self.workers[worker as usize].post(Message::Due(due_ns, due), || ()) {
            self.wake(worker);
        }
    }

    /// What a module says of itself.
    pub fn module_info(&self, module: u32) -> ModuleInfo {
        self.modules[module as usize].table.info()
    }

    /// Asks the control thread to come.
    pub(crate) fn want_care(&self) {
        if !self.wants_care.swap(true, Ordering::SeqCst) {
            self.hooks.attend();
        }
    }

    /// The container begins to stop: tasks that asked for it are told. They go on, and may spawn tasks to clean up, until
    /// the workers leave.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.wake_all();
    }

    /// Whether [`Container::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Nanoseconds since the container was made.
    pub fn now_ns(&self) -> u64 {
        nanoseconds(self.epoch.elapsed())
    }

    /// The time `at` on the host's clock.
    pub fn time_ns(&self, at: Instant) -> u64 {
        nanoseconds(at.saturating_duration_since(self.epoch))
    }

    /// The route for an authority and a path.
    pub fn route(&self, authority: &[u8], path: &[u8]) -> Option<u32> {
        (self.router)(authority, path)
    }

    /// The route with that index.
    pub fn route_at(&self, route: u32) -> &Route {
        &self.routes[route as usize]
    }

    /// The configured name of a module.
    pub fn module_name(&self, module: u32) -> &str {
        self.modules.get(module as usize).map_or("", |module| &module.name)
    }

    /// The named limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Live background tasks.
    pub fn background_tasks(&self) -> u64 {
        lock(&self.instances).iter().map(|instance| u64::from(instance.spawned())).sum()
    }

    /// Live members of resources.
    pub fn member_tasks(&self) -> u64 {
        self.registry.member_tasks()
    }

    /// The sum of all workers' counters.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.workers.iter().for_each(|worker| totals.add(&worker.counters));
        totals.add(&lock(&self.elsewhere));
        totals
    }

    /// Tells a task what happened outside. A handle that has ended is no harm.
    pub fn signal(&self, task: u64, signal: Signal) {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if !record.is_live(generation) {
            return;
        }
        if record.phase == Phase::Fresh && record.is_gated() {
            if signal == Signal::PeerGone {
                // Should it pass its gates at this moment, it begins with that.
                record.peer = Peer::LeftEarly;
            }
            drop(slot);
            return match signal {
                Signal::PeerGone => self.drop_fresh(task, Status::CANCELLED_PEER),
                _ => self.move_on(task),
            };
        }
        let acted = match signal {
            Signal::Body => record.fire_wait(Wait::Body, event_kind::BODY, Status::OK, 0),
            Signal::Write => record.fire_wait(Wait::Write, event_kind::WRITE, Status::OK, 0),
            Signal::PeerGone => self.peer_left(record),
            // It was waited for by nobody but a gate.
            Signal::Gathered => false,
        };
        let queue = (acted && record.wants_queue()).then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
    }

    /// The peer of a task left: cancels it, unless it is to be told before, or it is not yet started. Answers whether
    /// that was news.
    fn peer_left(&self, record: &mut Record) -> bool {
        if record.peer == Peer::Gone {
            return false;
        }
        if record.phase == Phase::Fresh {
            record.peer = Peer::LeftEarly;
            return false;
        }
        record.peer = Peer::Gone;
        if record.response != Response::Complete && self.grace_ns(record) == 0 {
            record.notice(notice::PEER);
            record.cancel.get_or_insert(Status::CANCELLED_PEER);
        }
        true
    }

    /// How long the task may go on after its peer left: it must have asked to be told.
    pub(crate) fn grace_ns(&self, record: &Record) -> u64 {
        match record.notices & notice::PEER {
            0 => 0,
            _ => self.route_at(record.route).cancel_grace_ns,
        }
    }

    /// Asks for a cancel of a live task; it takes effect between steps. Answers whether the task was live.
    pub fn request_cancel(&self, task: u64, reason: Status) -> bool {
        self.cancel_when(task, reason, |_| true)
    }

    /// As [`Container::request_cancel`], for a task of which `applies` holds.
    pub(crate) fn cancel_when(
        &self,
        task: u64,
        reason: Status,
        applies: impl FnOnce(&Record) -> bool,
    ) -> bool {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.slots.lock(index) else { return false };
        let record = &mut slot.contents;
        if !record.is_live(generation) || !applies(record) {
            return false;
        }
        if record.phase != Phase::Finishing {
            record.cancel.get_or_insert(reason);
        }
        let queue = record.wants_queue().then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
        true
    }

    pub(crate) fn tell(&self, level: Level, module: &str, rule: &'static str, text: &str) {
        if self.reporter.wants(level) {
            self.reporter.report(&Report { level, module, task: 0, request: 0, rule, status: None, text });
        }
    }
}

/// 584 years fit.
fn nanoseconds(time: Duration) -> u64 {
    time.as_secs() * 1_000_000_000 + u64::from(time.subsec_nanos())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
