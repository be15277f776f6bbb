//! The fake container at work: steps, finishes, time. Calls modules, and never under the lock.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use http_container_abi::constants::task_kind;
use http_container_abi::{Opaque, StartArgs, Status};

use super::container::Container;
use super::members::Member;
use super::state::{Running, State};
use super::task::{Phase, Wait};

/// So long the container waits, in real time, for a thread or a descriptor before it gives the test up.
const PATIENCE: Duration = Duration::from_secs(20);

impl State {
    pub(super) fn take_turn(&mut self) -> u32 {
        let worker = self.next_worker;
        self.next_worker = (worker + 1) % self.workers;
        worker
    }

    /// Whether something outside may still wake a task: a foreign thread, a descriptor.
    fn has_outside(&self) -> bool {
        self.all_live_with_handles()
            .filter(|(handle, _)| !self.resources.members.get(handle).is_some_and(Member::is_at_rest))
            .flat_map(|(_, task)| &task.waits)
            .any(|(_, wait)| matches!(wait, Wait::Completion(_) | Wait::Descriptor(..) | Wait::Offload))
    }

    /// Requests that waited at the gates try again.
    pub(super) fn enqueue_gated(&mut self) {
        for task in std::mem::take(&mut self.gated) {
            self.enqueue(task);
        }
    }
}

/// What a step or a finish is called with.
struct Call {
    task: u64,
    module: usize,
    worker: u32,
    worker_state: Opaque,
    state: Opaque,
}

impl Container {
    /// Runs until every task has ended, or none can go on without the test. The clock jumps to the next timer when nothing
    /// else is to be done; while foreign threads or descriptors are awaited it runs in real time.
    ///
    /// # Panics
    /// When nothing happens for 20 seconds although a thread or a descriptor is awaited.
    pub fn run(&mut self) {
        let mut quiet_since = Instant::now();
        loop {
            if self.run_ready() {
                quiet_since = Instant::now();
            }
            let (next_ns, now_ns, has_outside) = {
                let state = self.shared.lock();
                if !state.queue.is_empty() {
                    // A foreign thread was quicker than this look.
                    continue;
                }
                (state.timers.first_key_value().map(|((at, _), _)| *at), state.now_ns, state.has_outside())
            };
            let delay = next_ns.map(|at| Duration::from_nanos(at.saturating_sub(now_ns)));
            match (has_outside, delay) {
                (false, None) => return,
                (false, Some(delay)) => self.advance_clock(delay),
                (true, delay) => {
                    assert!(quiet_since.elapsed() < PATIENCE, "nothing happens: {:?}", self.counts());
                    let before = Instant::now();
                    self.shared.poll(delay.unwrap_or(PATIENCE).min(PATIENCE));
                    self.advance_clock(before.elapsed());
                }
            }
        }
    }

    /// Runs what can run now, and answers whether anything did. The clock stands still.
    pub fn run_ready(&mut self) -> bool {
        let mut has_run = false;
        loop {
            self.shared.lock().fire_timers();
            let batch = self.shared.lock().queue.len();
            for _ in 0..batch {
                has_run |= self.step();
            }
            if batch == 0 {
                self.shared.poll(Duration::ZERO);
                if self.shared.lock().queue.is_empty() {
                    return has_run;
                }
            }
        }
    }

    fn advance_clock(&mut self, duration: Duration) {
        let mut state = self.shared.lock();
        state.now_ns += u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Moves the clock, and runs what is due by then, timer by timer.
    pub fn advance(&mut self, duration: Duration) {
        let end_ns = self.shared.lock().now_ns + u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        loop {
            self.run_ready();
            let mut state = self.shared.lock();
            let next = state.timers.first_key_value().map(|((at, _), _)| *at).filter(|&at| at <= end_ns);
            state.now_ns = next.unwrap_or(end_ns).max(state.now_ns);
            drop(state);
            if next.is_none() {
                self.run_ready();
                return;
            }
        }
    }

    /// One step of the task that has waited longest for one. False if none waits.
    pub fn step(&mut self) -> bool {
        let Some(task) = self.shared.lock().queue.pop_front() else { return false };
        let Some(call) = self.prepare(task) else { return true };
        let (is_started, cancel, events) = {
            let mut state = self.shared.lock();
            state.steps += 1;
            let is_lent = state.is_lent(task);
            let Ok(found) = state.live(task) else { return true };
            found.is_queued = false;
            if is_lent && found.ending.is_some() {
                return true;
            }
            let cancel = found.ending.or(found.cancel.filter(|_| found.is_started));
            let events = if cancel.is_some() { Vec::new() } else { std::mem::take(&mut found.latched) };
            (found.is_started, cancel, events)
        };
        if let Some(reason) = cancel {
            self.finish(&call, reason);
            return true;
        }
        if is_started && events.is_empty() {
            return true;
        }
        let leases = if is_started { Some(Vec::new()) } else { self.pass_gates(task) };
        let Some(leases) = leases else { return true };
        self.set_running(Some(&call));
        let table = self.modules[call.module].table;
        let instance = self.modules[call.module].instance;
        let status = if is_started {
            table.resume(instance, call.worker_state, task, call.state, &events)
        } else {
            self.start(&call, &leases)
        };
        self.set_running(None);
        self.conclude(task, status);
        true
    }

    /// The leases with which a task starts; `None`: it waits at the gates.
    fn pass_gates(&mut self, task: u64) -> Option<Vec<u64>> {
        let mut state = self.shared.lock();
        if !state.live(task).is_ok_and(|found| found.kind == task_kind::REQUEST) {
            return Some(Vec::new());
        }
        let leases = state.pass_gates(task);
        if leases.is_none() {
            state.gated.push_back(task);
        }
        leases
    }

    fn start(&mut self, call: &Call, leases: &[u64]) -> Status {
        let (kind, request, argument) = {
            let mut state = self.shared.lock();
            let Ok(found) = state.live(call.task) else { return Status::E_GONE };
            found.is_started = true;
            (found.kind, found.request.clone(), found.argument)
        };
        let module = &self.modules[call.module];
        let arguments = StartArgs { kind, request: request.as_deref(), arg: argument, leases };
        let (status, made) = module.table.start(module.instance, call.worker_state, call.task, &arguments);
        if let Ok(found) = self.shared.lock().live(call.task) {
            found.state = made;
        }
        status
    }

    fn prepare(&mut self, task: u64) -> Option<Call> {
        let (module, worker, state, is_fresh_request, cancel) = {
            let mut state = self.shared.lock();
            let found = state.live(task).ok()?;
            let is_fresh_request = !found.is_started && found.kind != task_kind::BACKGROUND;
            (found.module, found.worker, found.state, is_fresh_request, found.cancel)
        };
        if let Some(reason) = cancel.filter(|_| is_fresh_request) {
            // A request that never started is simply dropped [task.cancel.unstarted].
            let mut state = self.shared.lock();
            state.end(task, reason)?;
            state.tell_parent(task);
            state.lose_member(task);
            return None;
        }
        let worker_state = self.worker_state(module, worker);
        Some(Call { task, module, worker, worker_state, state })
    }

    fn set_running(&self, call: Option<&Call>) {
        let running = call.map(|call| Running {
            thread: thread::current().id(),
            worker: call.worker,
            module: call.module,
        });
        self.shared.lock().running = running;
    }

    /// What follows from a step's status.
    fn conclude(&mut self, task: u64, status: Status) {
        let outcome = {
            let mut state = self.shared.lock();
            let Ok(found) = state.live(task) else { return };
            let is_request = !matches!(found.kind, task_kind::BACKGROUND | task_kind::MEMBER);
            let (phase, cancel) = (found.phase, found.cancel);
            let has_outstanding = found.waits.iter().any(|_| true) || !found.latched.is_empty();
            match status {
                Status::PENDING if cancel.is_some() => {
                    state.enqueue(task);
                    return;
                }
                Status::PENDING if has_outstanding => {
                    if state.live(task).is_ok_and(|found| !found.latched.is_empty()) {
                        state.enqueue(task);
                    }
                    return;
                }
                Status::PENDING => Status::E_LOST,
                Status::OK if is_request && phase == Phase::None => {
                    state.faults.push(format!("task {task} was done without a response"));
                    Status::OK
                }
                Status::OK if is_request && phase == Phase::Open => {
                    state.faults.push(format!("task {task} was done with an open response"));
                    Status::OK
                }
                Status::OK => {
                    let left: Vec<Wait> = found.waits.iter().map(|(_, wait)| *wait).collect();
                    if !left.is_empty() {
                        state.faults.push(format!("task {task} was done with {left:?} outstanding"));
                    }
                    Status::OK
                }
                status if status.is_error() => status,
                status => {
                    state.faults.push(format!("a step of task {task} answered {status:?}"));
                    Status::E_INVALID
                }
            }
        };
        if self.shared.lock().is_lent(task) {
            if let Ok(found) = self.shared.lock().live(task) {
                found.ending = Some(outcome);
            }
        } else if let Some(call) = self.prepare(task) {
            self.finish(&call, outcome);
        }
    }

    fn finish(&mut self, call: &Call, outcome: Status) {
        let unseen = {
            let mut state = self.shared.lock();
            let Ok(found) = state.live(call.task) else { return };
            found.in_finish = true;
            std::mem::take(&mut found.latched)
        };
        let module = &self.modules[call.module];
        self.set_running(Some(call));
        module.table.finish(module.instance, call.worker_state, call.task, call.state, outcome, &unseen);
        self.set_running(None);
        let mut state = self.shared.lock();
        let Some(found) = state.end(call.task, outcome) else { return };
        if found.phase == Phase::Open || outcome.is_error() && found.phase == Phase::None {
            found.answer.is_aborted = true;
        }
        let (left, children) = (std::mem::take(&mut found.waits), std::mem::take(&mut found.children));
        for (token, wait) in left {
            state.forget(call.task, token, wait);
        }
        let left = state.take_back(call.task);
        if left > 0 {
            state.faults.push(format!("task {} left {left} leases behind", call.task));
        }
        state.tell_parent(call.task);
        state.lose_member(call.task);
        for child in children {
            state.close_child(child);
        }
    }

    /// Cancels every task, lets the members close, and cancels those that do not.
    fn end_tasks(&mut self) {
        let (members, others): (Vec<u64>, Vec<u64>) = {
            let mut state = self.shared.lock();
            state.is_draining = true;
            state.live_handles().into_iter().partition(|task| state.resources.members.contains_key(task))
        };
        for task in others {
            self.shared.lock().cancel(task, Status::CANCELLED_DRAIN);
        }
        self.run_ready();
        for &member in &members {
            self.shared.lock().close_member(member);
        }
        if thread::panicking() {
            self.run_ready();
        } else {
            self.run();
        }
        let left = self.shared.lock().live_handles();
        for task in left {
            self.shared.lock().cancel(task, Status::CANCELLED_DRAIN);
        }
        self.run_ready();
    }

    /// The state of a module on a worker, started when first needed.
    fn worker_state(&mut self, module: usize, worker: u32) -> Opaque {
        if let Some(state) = self.modules[module].workers[worker as usize] {
            return state;
        }
        let running = Running { thread: thread::current().id(), worker, module };
        self.shared.lock().running = Some(running);
        let loaded = &self.modules[module];
        let made = loaded.table.worker_start(loaded.instance, worker);
        self.shared.lock().running = None;
        let made = made.unwrap_or_else(|status| panic!("worker_start failed: {status}; {:?}", self.log()));
        self.modules[module].workers[worker as usize] = Some(made);
        made
    }

    /// Stops the workers and destroys the instances, and looks whether everything came back.
    pub(super) fn shut_down(&mut self) {
        self.end_tasks();
        // Out of the lock, which the threads need.
        let threads = std::mem::take(&mut self.shared.lock().threads);
        for thread in threads {
            // Its panics are the module's, which the boundary has logged.
            let _ = thread.join();
        }
        for (number, module) in self.modules.iter_mut().enumerate() {
            for (worker, state) in module.workers.iter_mut().enumerate() {
                if let Some(state) = state.take() {
                    let running =
                        Running { thread: thread::current().id(), worker: worker as u32, module: number };
                    self.shared.lock().running = Some(running);
                    module.table.worker_stop(module.instance, state);
                    self.shared.lock().running = None;
                }
            }
            module.table.destroy(module.instance);
        }
        debug_assert!(Arc::strong_count(&self.shared) >= 1, "the state outlives the instances");
    }
}
