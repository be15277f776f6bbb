//! The container: what all workers share. Tasks can be signalled from any thread through it.
//!
//! Invariant: no lock of a task is held while a module runs, and none while another task's lock is taken.

use crate::calls::InstanceHost;
use crate::counters::Totals;
use crate::instance::{CreateError, Instance, Module};
use crate::report::{Level, Report, Reporter};
use crate::settings::{Limits, Route, Router};
use crate::slots::{self, Slots};
use crate::task::{Record, Wait};
use crate::worker::{self, WorkerShared};
use http_container_abi::constants::event_kind;
use http_container_abi::{HostTable, Status};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
    /// Named limits.
    pub limits: Limits,
    /// Takes reports.
    pub reporter: Arc<dyn Reporter>,
    /// The server around it.
    pub hooks: Arc<dyn Hooks>,
}

/// The shared part of the host.
pub struct Container {
    pub(crate) slots: Slots<Record>,
    pub(crate) workers: Box<[WorkerShared]>,
    pub(crate) modules: Box<[Module]>,
    pub(crate) instances: Mutex<Vec<Arc<Instance>>>,
    /// Grows whenever workers should look for retired instances.
    pub(crate) retirement: AtomicU32,
    pub(crate) routes: Box<[Route]>,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) reporter: Arc<dyn Reporter>,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) draining: AtomicBool,
    /// Free slots for tasks that are made where no worker is.
    pub(crate) spare: Mutex<Vec<u32>>,
    pub(crate) next_worker: AtomicU32,
    /// Tasks that were made where no worker is.
    pub(crate) made_elsewhere: AtomicU64,
    /// Calls that were refused before a worker was looked for.
    pub(crate) refused_elsewhere: AtomicU64,
    pub(crate) wants_care: AtomicBool,
    epoch: Instant,
}

impl Container {
    /// Makes the container; its modules have no instances until [`Container::create_instances`].
    pub fn new(parts: Parts) -> Arc<Container> {
        Arc::new(Container {
            slots: Slots::new(),
            workers: (0..parts.workers).map(|_| WorkerShared::default()).collect(),
            modules: parts.modules.into(),
            instances: Mutex::new(Vec::new()),
            retirement: AtomicU32::new(0),
            routes: parts.routes.into(),
            router: parts.router,
            limits: parts.limits,
            reporter: parts.reporter,
            hooks: parts.hooks,
            draining: AtomicBool::new(false),
            spare: Mutex::new(Vec::new()),
            next_worker: AtomicU32::new(0),
            made_elsewhere: AtomicU64::new(0),
            refused_elsewhere: AtomicU64::new(0),
            wants_care: AtomicBool::new(false),
            epoch: Instant::now(),
        })
    }

    /// Creates an instance of every module; the first refusal ends it.
    pub fn create_instances(self: &Arc<Self>) -> Result<(), CreateError> {
        (0..self.modules.len() as u32).try_for_each(|module| self.create_instance(module).map(|_| ()))
    }

    fn create_instance(self: &Arc<Self>, module: u32) -> Result<u32, CreateError> {
        let entry = &self.modules[module as usize];
        let instance = {
            let mut instances = lock(&self.instances);
            let instance = Arc::new(Instance {
                index: instances.len() as u32,
                module,
                table: entry.table,
                state: Default::default(),
                host: Default::default(),
                failed: false.into(),
                retired: false.into(),
                spawned: 0.into(),
                workers: 0.into(),
                destroyed: false.into(),
            });
            instances.push(Arc::clone(&instance));
            instance
        };
        let host = HostTable::new(InstanceHost::new(Arc::downgrade(self), &instance));
        let pointer = host.as_ptr();
        let _ = instance.host.set(host);
        match worker::in_create(|| entry.table.create(pointer, entry.config.as_bytes())) {
            Ok(state) => {
                let _ = instance.state.set(state);
                let previous = entry.current.swap(instance.index, Ordering::SeqCst);
                self.retire(previous);
                Ok(instance.index)
            }
            Err(status) => {
                instance.destroyed.store(true, Ordering::SeqCst);
                Err(CreateError { module: entry.name.clone(), status })
            }
        }
    }

    fn retire(&self, index: u32) {
        let Some(instance) = lock(&self.instances).get(index as usize).cloned() else { return };
        instance.retired.store(true, Ordering::SeqCst);
        self.retirement.fetch_add(1, Ordering::SeqCst);
        (0..self.workers.len() as u32).for_each(|worker| self.hooks.wake(worker));
    }

    /// Work for the control thread, after [`Hooks::attend`]: replaces failed instances, destroys ended ones. Answers
    /// after how many ns to come again, if something had to wait.
    pub fn maintain(self: &Arc<Self>) -> Option<u64> {
        self.wants_care.store(false, Ordering::SeqCst);
        let mut again = None;
        let all: Vec<_> = lock(&self.instances).clone();
        for instance in all {
            if instance.is_idle() {
                self.destroy(&instance);
            }
            let module = &self.modules[instance.module as usize];
            let serves = module.current.load(Ordering::SeqCst) == instance.index;
            if !(serves && instance.failed.load(Ordering::SeqCst)) || self.draining.load(Ordering::SeqCst) {
                continue;
            }
            let due = module.replaced_ns.load(Ordering::SeqCst) + self.limits.replace_interval_ns;
            let now = self.now_ns();
            if now < due && module.replaced_ns.load(Ordering::SeqCst) != 0 {
                again = Some(again.unwrap_or(u64::MAX).min(due - now));
                continue;
            }
            module.replaced_ns.store(now, Ordering::SeqCst);
            let text = match self.create_instance(instance.module) {
                Ok(_) => "a fresh instance serves in place of the failed one".to_owned(),
                Err(error) => {
                    again = Some(again.unwrap_or(u64::MAX).min(self.limits.replace_interval_ns));
                    format!("the failed instance goes on serving: {error}")
                }
            };
            self.tell(Level::Warn, &module.name, "isolation.panic.replace", &text);
        }
        again
    }

    /// Ends every instance, after the workers have stopped: the last call on a container.
    pub fn destroy_instances(&self) {
        let all: Vec<_> = lock(&self.instances).clone();
        all.iter().for_each(|instance| self.destroy(instance));
    }

    fn destroy(&self, instance: &Instance) {
        if !instance.destroyed.swap(true, Ordering::SeqCst) {
            worker::in_create(|| instance.table.destroy(instance.state()));
        }
    }

    pub(crate) fn instance(&self, index: u32) -> Option<Arc<Instance>> {
        lock(&self.instances).get(index as usize).cloned()
    }

    /// Asks the control thread to come.
    pub(crate) fn want_care(&self) {
        if !self.wants_care.swap(true, Ordering::SeqCst) {
            self.hooks.attend();
        }
    }

    /// From now on no task is spawned, and tasks that asked for it are told.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        (0..self.workers.len() as u32).for_each(|worker| self.hooks.wake(worker));
    }

    /// Whether [`Container::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Nanoseconds since the container was made.
    pub fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// The time `at` on the host's clock.
    pub fn time_ns(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.epoch).as_nanos() as u64
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

    /// The sum of all workers' counters.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.workers.iter().for_each(|worker| totals.add(&worker.counters));
        totals.tasks_made += self.made_elsewhere.load(Ordering::Relaxed);
        totals.refused_calls += self.refused_elsewhere.load(Ordering::Relaxed);
        totals
    }

    /// Tells a task what happened outside. A handle that has ended is no harm.
    pub fn signal(&self, task: u64, signal: Signal) {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.generation != generation || record.phase == crate::task::Phase::Free {
            return;
        }
        let acted = match signal {
            Signal::Body => record.fire_wait(Wait::Body, event_kind::BODY, Status::OK, 0),
            Signal::Write => record.fire_wait(Wait::Write, event_kind::WRITE, Status::OK, 0),
            Signal::PeerGone => !std::mem::replace(&mut record.peer_gone, true),
        };
        let queue = (acted && record.wants_queue()).then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
    }

    /// Puts a task into its worker's run queue; its record says already that it is queued.
    pub(crate) fn enqueue(&self, worker: u32, index: u32) {
        if !worker::enqueue_here(self, worker, index) {
            self.workers[worker as usize].post(worker::Message::Run(index));
            self.hooks.wake(worker);
        }
    }

    /// Hands a fresh task to a worker that is not the caller's.
    pub(crate) fn send_fresh(&self, worker: u32, task: u64) {
        self.workers[worker as usize].post(worker::Message::Fresh(task));
        self.hooks.wake(worker);
    }

    pub(crate) fn tell(&self, level: Level, module: &str, rule: &'static str, text: &str) {
        if self.reporter.wants(level) {
            self.reporter.report(&Report { level, module, task: 0, request: 0, rule, status: None, text });
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
