//! One instance of a module, and its callbacks one by one: each on its thread, with the state told who runs. Must not know when
//! a callback is due.

use super::crew::Crew;
use super::host::KitHost;
use super::plan::Plan;
use super::state::{Callback, Running, Shared};
use super::task::Task;
use http_container_abi::constants::module_flag;
use http_container_abi::{Event, HostTable, ModuleTable, Opaque, StartArgs, Status};
use std::collections::VecDeque;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// An instance.
pub struct Instance {
    table: ModuleTable,
    /// Alive as long as the instance may call.
    host: Arc<HostTable<KitHost>>,
    /// What the host knows.
    pub shared: Arc<Shared>,
    instance: Opaque,
    /// Workers that started, or that could not.
    workers: Vec<Option<Result<Opaque, Status>>>,
    crew: Option<Crew>,
    is_timed: bool,
}

/// How often the thread has gone to sleep by itself.
fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

impl Instance {
    /// Makes an instance with that configuration.
    ///
    /// # Errors
    /// The status with which `create` refused.
    pub fn create(
        table: ModuleTable,
        plan: &Plan,
        config: &str,
        is_timed: bool,
    ) -> Result<Instance, (Arc<Shared>, Status)> {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed) % 0xffff + 1;
        let shared = Arc::new(Shared::new(plan, table.flags(), number << 40));
        let host = HostTable::new(KitHost { shared: Arc::clone(&shared) });
        let crew = plan.has_threads.then(|| Crew::new(plan.workers as usize + 1));
        let workers = vec![None; plan.workers as usize];
        let mut made = Instance { table, host, shared, instance: Opaque::NULL, workers, crew, is_timed };
        let mut config = config.as_bytes().to_vec();
        let pointer = made.host.as_ptr();
        made.enter(Callback::Create, 0, 0);
        let created = table.create(pointer, &config);
        made.leave();
        config.fill(plan.poison);
        let mut state = made.shared.lock();
        state.graveyard.push_back(config);
        let status = created.err().unwrap_or(Status::OK);
        state.record.create = Some(status);
        state.record.trace(|| format!("create -> {status:?}"));
        drop(state);
        match created {
            Ok(instance) => made.instance = instance,
            Err(status) => {
                made.shared.lock().is_over = true;
                keep(&made.host);
                return Err((Arc::clone(&made.shared), status));
            }
        }
        Ok(made)
    }

    fn enter(&self, callback: Callback, worker: u32, task: u64) {
        enter(&self.shared, callback, worker, task);
    }

    fn leave(&self) {
        self.shared.lock().running = None;
    }

    /// Whether tasks may yield.
    #[must_use]
    pub fn has_resume(&self) -> bool {
        self.table.has_resume()
    }

    /// Runs a callback of a worker on the thread that is due.
    fn on<T: Send + 'static>(
        &self,
        callback: Callback,
        worker: u32,
        task: u64,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let (shared, is_timed) = (Arc::clone(&self.shared), self.is_timed);
        let job = move || {
            enter(&shared, callback, worker, task);
            let before = is_timed.then(|| (sleeps(), Instant::now()));
            let answer = body();
            let mut state = shared.lock();
            state.running = None;
            if let Some((slept, started)) = before
                && sleeps() > slept
            {
                let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
                state.record.longest_sleep_ns = state.record.longest_sleep_ns.max(took);
            }
            answer
        };
        match &self.crew {
            None => job(),
            Some(crew) => {
                let is_bound = self.table.flags() & module_flag::THREAD_BOUND != 0;
                let number =
                    if is_bound { worker as usize } else { self.shared.lock().choices.below(crew.size()) };
                crew.run(number, job)
            }
        }
    }

    /// The module's state on a worker, which starts it when it is first needed; `None` when it cannot start.
    fn worker_state(&mut self, worker: u32) -> Option<Opaque> {
        let place = worker as usize;
        if let Some(known) = self.workers[place] {
            return known.ok();
        }
        let (table, instance) = (self.table, self.instance);
        let started = self.on(Callback::WorkerStart, worker, 0, move || table.worker_start(instance, worker));
        self.shared.lock().record.trace(|| format!("worker_start({worker}) -> {started:?}"));
        self.workers[place] = Some(started);
        started.ok()
    }

    /// The first step of a task; `None` when its worker cannot start.
    pub fn start(&mut self, handle: u64) -> Option<Status> {
        let worker = self.shared.lock().task(handle).worker;
        let worker_state = self.worker_state(worker)?;
        let (kind, request, arg) = {
            let mut state = self.shared.lock();
            let task = state.task(handle);
            (task.kind, task.request.clone(), task.arg)
        };
        let (table, instance) = (self.table, self.instance);
        let (status, made) = self.on(Callback::Step, worker, handle, move || {
            let args = StartArgs { kind, request: request.as_deref(), arg, leases: &[] };
            table.start(instance, worker_state, handle, &args)
        });
        self.shared.lock().task(handle).state = made;
        Some(status)
    }

    /// A further step.
    pub fn resume(&mut self, handle: u64, events: Vec<Event>) -> Status {
        let (worker, task_state) = self.place(handle);
        let worker_state = self.worker_state(worker).unwrap_or_default();
        let (table, instance) = (self.table, self.instance);
        let (status, events) = self.on(Callback::Step, worker, handle, move || {
            (table.resume(instance, worker_state, handle, task_state, &events), events)
        });
        self.forget(events);
        status
    }

    /// The end of a task.
    pub fn finish(&mut self, handle: u64, outcome: Status, unseen: Vec<Event>) {
        let (worker, task_state) = self.place(handle);
        let worker_state = self.worker_state(worker).unwrap_or_default();
        let (table, instance) = (self.table, self.instance);
        let events = self.on(Callback::Finish, worker, handle, move || {
            table.finish(instance, worker_state, handle, task_state, outcome, &unseen);
            unseen
        });
        self.forget(events);
    }

    fn place(&self, handle: u64) -> (u32, Opaque) {
        let mut state = self.shared.lock();
        let task: &mut Task = state.task(handle);
        (task.worker, task.state)
    }

    /// The array of events has ended: what stands in it is worth nothing any more.
    fn forget(&self, mut events: Vec<Event>) {
        let poison = u64::from_ne_bytes([self.shared.lock().plan.poison; 8]);
        events.fill(Event {
            token: poison,
            value: poison,
            status: Status(poison as i32),
            kind: poison as u32,
        });
        let mut state = self.shared.lock();
        state.event_graveyard.push_back(events);
        if state.event_graveyard.len() > 512 {
            state.event_graveyard.pop_front();
        }
    }

    /// The workers' end and the instance's.
    pub fn destroy(mut self) -> Arc<Shared> {
        for worker in 0..self.workers.len() {
            if let Some(Ok(state)) = self.workers[worker].take() {
                let (table, instance) = (self.table, self.instance);
                let number = worker as u32;
                self.shared.lock().descriptors.end_worker(number);
                self.on(Callback::WorkerStop, number, 0, move || table.worker_stop(instance, state));
            }
        }
        self.enter(Callback::Destroy, 0, 0);
        self.table.destroy(self.instance);
        self.leave();
        let mut state = self.shared.lock();
        state.is_over = true;
        state.record.trace(|| "destroy".to_owned());
        drop(state);
        keep(&self.host);
        Arc::clone(&self.shared)
    }
}

/// A thread that the module left behind would call this host: it stays where it is for a while
/// [thread.module.after-destroy].
fn keep(host: &Arc<HostTable<KitHost>>) {
    static KEPT: Mutex<VecDeque<Arc<HostTable<KitHost>>>> = Mutex::new(VecDeque::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push_back(Arc::clone(host));
    if kept.len() > 32 {
        kept.pop_front();
    }
}

fn enter(shared: &Shared, callback: Callback, worker: u32, task: u64) {
    let mut state = shared.lock();
    let thread = thread::current().id();
    state.refusals.remove(&thread);
    state.running = Some(Running { thread, callback, worker, task });
}
