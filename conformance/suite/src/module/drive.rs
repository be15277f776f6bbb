//! The run itself: what happens next is chosen among all that may, until every request is answered; then the instance drains.
//! Must not know what a module does.

use super::happenings::{happen, may_happen};
use super::instance::Instance;
use super::outside;
use super::plan::{Disturbance, Plan};
use super::record::Record;
use super::state::{Shared, State};
use super::task::{Life, Task, Wait};
use super::verdicts::conclude;
use http_container_abi::constants::notice;
use http_container_abi::{ModuleTable, Status};
use std::sync::Arc;
use std::time::Duration;

/// Most steps of a run; what lives then is cancelled for its deadline.
const STEPS: u64 = 30_000;
/// So many further steps has a task that asked to be told of the drain.
const DRAIN_STEPS: u64 = 300;
/// So long the host waits, in real time, for a thread of the module's before it takes the deadline for passed.
const PATIENCE: Duration = Duration::from_millis(1500);

/// So long for a member of a provider, whose other end may be far.
const MEMBER_PATIENCE: Duration = Duration::from_secs(10);

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A request comes.
    Arrive,
    /// A fresh task starts.
    Start(u64),
    /// A parked task has events.
    Resume(u64),
    /// A task is cancelled.
    Finish(u64),
    /// The operation at that place happens.
    Happen(u64, usize),
}

/// What came of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Something happened, or time passed.
    Acted,
    /// Nothing is to be done, and nobody waits.
    Idle,
    /// Somebody waits, and nothing came in time.
    Stuck,
}

/// Plays a plan with a module.
pub struct Driver {
    instance: Instance,
    shared: Arc<Shared>,
    plan: Plan,
    arrived: usize,
    ids: u64,
}

/// Runs a plan; everything that came out of it.
#[must_use]
pub fn play(table: ModuleTable, plan: &Plan, config: &str) -> Record {
    play_timed(table, plan, config, false)
}

/// As [`play`]; with `is_timed`, steps are watched for sleep.
#[must_use]
pub fn play_timed(table: ModuleTable, plan: &Plan, config: &str, is_timed: bool) -> Record {
    let shared = match Instance::create(table, plan, config, is_timed) {
        Ok(instance) => {
            let mut driver = Driver::new(instance, plan);
            driver.run();
            driver.drain();
            driver.end()
        }
        Err((shared, _)) => shared,
    };
    let record = shared.lock().conclude();
    *shared.poll() = None;
    record
}

impl Driver {
    /// For an instance.
    #[must_use]
    pub fn new(instance: Instance, plan: &Plan) -> Driver {
        let shared = Arc::clone(&instance.shared);
        Driver { instance, shared, plan: plan.clone(), arrived: 0, ids: 0 }
    }

    /// Runs until every request is answered, or the container is to stop.
    pub fn run(&mut self) {
        while self.advance() {
            let steps = self.shared.lock().record.steps;
            if matches!(self.plan.disturbance, Disturbance::Drain { step } if steps >= step) {
                return;
            }
            if steps > STEPS {
                self.cancel_all(Status::CANCELLED_DEADLINE, |task| task.script.is_some());
            }
        }
    }

    /// One thing happens; `false` when nothing is left to do but to drain.
    pub fn advance(&mut self) -> bool {
        let is_provider = self.shared.lock().offered.is_some();
        let patience = if is_provider { MEMBER_PATIENCE } else { PATIENCE };
        match self.turn(patience, |state| state.tasks.values().any(|task| task.script.is_some())) {
            Turn::Acted => true,
            Turn::Idle => false,
            Turn::Stuck => {
                self.shared.lock().judge_members();
                // Requests that wait for nothing that can happen: their time passes.
                self.cancel_all(Status::CANCELLED_DEADLINE, |task| task.script.is_some());
                true
            }
        }
    }

    /// One thing happens, if something can; otherwise time passes for those who wait, when `is_waited_for` says that somebody
    /// does.
    pub fn turn(&mut self, patience: Duration, is_waited_for: impl Fn(&State) -> bool) -> Turn {
        outside::look(&self.shared);
        let mut state = self.shared.lock();
        let next = self.choose(&mut state);
        if let Some(next) = next {
            drop(state);
            self.act(next);
            return Turn::Acted;
        }
        if !is_waited_for(&state) {
            return Turn::Idle;
        }
        let (due, is_real, now_ns) = (state.next_time(), state.is_real(), state.now_ns);
        if !state.awaits_outside() {
            let Some(at) = due else { return Turn::Stuck };
            state.pass_to(at);
            return Turn::Acted;
        }
        drop(state);
        // A thread of the module's, or a descriptor, is to go on, in real time.
        let limit = match due {
            Some(at) if is_real => patience.min(Duration::from_nanos(at.saturating_sub(now_ns))),
            Some(_) => Duration::from_millis(2),
            None => patience,
        };
        if outside::wait(&self.shared, limit) {
            return Turn::Acted;
        }
        match due {
            Some(at) if !is_real || limit < patience => {
                self.shared.lock().pass_to(at);
                Turn::Acted
            }
            _ => Turn::Stuck,
        }
    }

    fn choose(&self, state: &mut State) -> Option<Next> {
        let mut all = Vec::new();
        let mut requests = 0;
        for &handle in &state.order {
            let Some(task) = state.tasks.get(&handle) else { continue };
            requests += usize::from(task.script.is_some());
            match task.life {
                Life::Fresh => all.push(Next::Start(handle)),
                Life::Parked if task.cancel.is_some() => all.push(Next::Finish(handle)),
                Life::Parked => {
                    if !task.latched.is_empty() {
                        all.push(Next::Resume(handle));
                    }
                    let places = task
                        .waits
                        .iter()
                        .enumerate()
                        .filter(|(_, (_, wait))| may_happen(state, handle, wait));
                    all.extend(places.map(|(place, _)| Next::Happen(handle, place)));
                }
                Life::Running | Life::Finishing | Life::Gone => {}
            }
        }
        // A member is worth several requests.
        let scripts = self.plan.scripts.len();
        let most = if state.offered.is_some() { scripts.div_ceil(4) } else { scripts };
        if self.arrived < most && requests < self.plan.at_once && !state.is_closing {
            all.push(Next::Arrive);
        }
        let chosen = state.choices.below(all.len());
        all.get(chosen).copied()
    }

    /// Starts a task of some kind, with nothing that a kind may bring along; what `start` answered.
    pub fn start_of_kind(&mut self, kind: u32) -> Status {
        let handle = {
            let mut state = self.shared.lock();
            let handle = state.handle();
            let mut task = Task::new(0, kind);
            task.life = Life::Running;
            state.tasks.insert(handle, task);
            state.order.push(handle);
            handle
        };
        let status = self.instance.start(handle).unwrap_or(Status::E_FAILED);
        self.finish(handle, if status.is_error() { status } else { Status::CANCELLED_DRAIN });
        status
    }

    fn act(&mut self, next: Next) {
        match next {
            Next::Arrive => self.arrive(),
            Next::Start(task) => self.step(task, true),
            Next::Resume(task) => self.step(task, false),
            Next::Finish(task) => {
                let reason = self.shared.lock().task(task).cancel.unwrap_or(Status::CANCELLED_DRAIN);
                self.finish(task, reason);
            }
            Next::Happen(task, place) => happen(&self.shared, task, place),
        }
    }

    fn arrive(&mut self) {
        self.ids += 1;
        self.shared.lock().arrive(self.arrived, self.ids);
        self.arrived += 1;
    }

    fn step(&mut self, task: u64, is_first: bool) {
        let events = {
            let mut state = self.shared.lock();
            state.record.steps += 1;
            let found = state.task(task);
            found.life = Life::Running;
            let events = std::mem::take(&mut found.latched);
            events.iter().for_each(|event| found.forget_token(event.token));
            events.iter().for_each(|event| state.delivered(task, event));
            state.record.trace(|| {
                format!("{} {}: {events:?}", if is_first { "start" } else { "resume" }, task & 0xffff)
            });
            events
        };
        let status =
            if is_first { self.instance.start(task) } else { Some(self.instance.resume(task, events)) };
        let Some(status) = status else {
            // Its worker does not start: another one has it.
            let mut state = self.shared.lock();
            let workers = state.plan.workers;
            let found = state.task(task);
            found.worker = (found.worker + 1) % workers;
            found.life = Life::Fresh;
            drop(state);
            return;
        };
        let outcome = {
            let mut state = self.shared.lock();
            state.record.trace(|| {
                format!("{} {} returns {status:?}", if is_first { "start" } else { "resume" }, task & 0xffff)
            });
            state.look_at_descriptors();
            conclude(&mut state, task, status, self.instance.has_resume())
        };
        if let Some(outcome) = outcome {
            self.finish(task, outcome);
        }
    }

    fn finish(&mut self, task: u64, outcome: Status) {
        let (unseen, works) = {
            let mut state = self.shared.lock();
            let found = state.task(task);
            found.life = Life::Finishing;
            let waits = std::mem::take(&mut found.waits);
            let unseen = std::mem::take(&mut found.latched);
            unseen.iter().for_each(|event| state.give_back_edge(task, event));
            let found = state.task(task);
            unseen.iter().for_each(|event| found.forget_token(event.token));
            for (_, wait) in &waits {
                if let Wait::Completion(handle) = wait {
                    state.completions.remove(handle);
                }
            }
            state.record.trace(|| format!("finish {}: {outcome:?}, unseen {unseen:?}", task & 0xffff));
            (unseen, waits)
        };
        // Works that nobody waits for any more: their destructors are the module's.
        drop(works);
        self.instance.finish(task, outcome, unseen);
        let mut state = self.shared.lock();
        state.end_leases(task, outcome);
        state.end_children(task);
        state.order.retain(|&live| live != task);
        if let Some(ended) = state.tasks.remove(&task) {
            state.end_member(task, outcome);
            state.bury_task(task, ended, outcome);
        }
    }

    fn cancel_all(&mut self, reason: Status, which: impl Fn(&Task) -> bool) {
        let mut state = self.shared.lock();
        for handle in state.order.clone() {
            if state.tasks.get(&handle).is_some_and(|task| task.life == Life::Parked && which(task)) {
                state.cancel(handle, reason);
            }
        }
    }

    /// The container stops: who asked is told, and has some time; then all that lives is cancelled.
    pub fn drain(&mut self) {
        let until = {
            let mut state = self.shared.lock();
            state.record.trace(|| "the container begins to stop".to_owned());
            for handle in state.order.clone() {
                // Whether the container stops, or a newer generation takes the instance's place.
                state.notice(handle, [notice::DRAIN, notice::RELOAD][self.plan.seed as usize % 2]);
            }
            state.close_members();
            state.record.steps + DRAIN_STEPS
        };
        self.arrived = self.plan.scripts.len();
        while self.shared.lock().record.steps < until {
            match self.turn(MEMBER_PATIENCE, |state| !state.members.is_empty()) {
                Turn::Acted => {}
                Turn::Idle => break,
                Turn::Stuck => {
                    self.shared.lock().judge_members();
                    break;
                }
            }
        }
        self.shared.lock().is_closing = true;
        loop {
            self.cancel_all(Status::CANCELLED_DRAIN, |_| true);
            let Some(next) = self.choose(&mut self.shared.lock()) else { return };
            self.act(next);
        }
    }

    /// What the host knows.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The instance's end. Works that run beside are over first.
    #[must_use]
    pub fn end(self) -> Arc<Shared> {
        let state = self.shared.lock();
        drop(self.shared.changed.wait_while(state, |state| state.works_beside > 0));
        self.instance.destroy()
    }
}
