//! What the kit's host knows, behind one lock, and which call is allowed where. No module is called under the lock.

use super::children::Child;
use super::choices::Choices;
use super::descriptors::Descriptors;
use super::kv_store::Store;
use super::members::Member;
use super::plan::{Disturbance, Plan};
use super::record::{Phase, Record};
use super::resources::{Lease, Named};
use super::task::Task;
use http_container_abi::{Event, RequestStorage, Status};
use mio::Poll;
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// `HC_LIMIT_OPERATIONS`: the least that a container may allow.
pub const OPERATIONS: usize = 16;
/// `HC_LIMIT_TASKS`: likewise.
pub const TASKS: usize = 16;
/// `HC_LIMIT_HEAD_BYTES`: likewise.
pub const HEAD_BYTES: usize = 8_192;
/// `HC_LIMIT_RESPOND_BYTES`: likewise.
pub const RESPOND_BYTES: usize = 65_536;

/// A callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Callback {
    /// `create`.
    Create,
    /// `destroy`.
    Destroy,
    /// `worker_start`.
    WorkerStart,
    /// `worker_stop`.
    WorkerStop,
    /// `start` or `resume`.
    Step,
    /// `finish`.
    Finish,
}

/// The callback that runs now.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// The thread on which it runs.
    pub thread: ThreadId,
    /// Which.
    pub callback: Callback,
    /// Its worker.
    pub worker: u32,
    /// Its task, or 0.
    pub task: u64,
}

/// Everything.
pub struct State {
    pub plan: Plan,
    pub choices: Choices,
    /// Choices on threads of the module's, whose order is not ours.
    pub foreign: Choices,
    pub record: Record,
    pub flags: u32,
    pub tasks: HashMap<u64, Task>,
    /// Live tasks, oldest first.
    pub order: Vec<u64>,
    /// Completion handle to task and token.
    pub completions: HashMap<u64, (u64, u64)>,
    /// The high bits of handles: those of another instance have others.
    pub tag: u64,
    pub next_handle: u64,
    pub now_ns: u64,
    pub running: Option<Running>,
    /// `spawn` is refused.
    pub is_closing: bool,
    /// `destroy` has returned, or `create` failed.
    pub is_over: bool,
    /// A task is cancelled as soon as an event of its is latched.
    pub cancel_when_latched: Option<(u64, Status)>,
    /// Resources that the module asked for: the first one is 1.
    pub resources: Vec<Named>,
    pub leases: HashMap<u64, Lease>,
    /// What is stored, by the place of the resource.
    pub stores: HashMap<usize, Store>,
    /// The interface that the module offered: it is a provider.
    pub offered: Option<String>,
    pub members: HashMap<u64, Member>,
    /// Members whose task is over.
    pub past_members: HashMap<u64, Member>,
    pub children: HashMap<u64, Child>,
    pub descriptors: Descriptors,
    /// Offloaded works that run beside.
    pub works_beside: u64,
    pub refusals: HashMap<ThreadId, (&'static str, &'static str)>,
    /// Memory of ended views, poisoned.
    pub graveyard: VecDeque<Vec<u8>>,
    pub request_graveyard: VecDeque<RequestStorage>,
    pub event_graveyard: VecDeque<Vec<Event>>,
    pub lease_graveyard: VecDeque<Lease>,
}

/// The state behind its lock.
pub struct Shared {
    state: Mutex<State>,
    /// A thread of the module's completed something.
    pub changed: Condvar,
    /// The queue of events of descriptors, once there is one.
    poll: Mutex<Option<Poll>>,
}

impl Shared {
    /// For one run.
    #[must_use]
    pub fn new(plan: &Plan, flags: u32, tag: u64) -> Shared {
        let record =
            Record { ended: vec![None; plan.scripts.len()], is_traced: plan.is_traced, ..Record::default() };
        let state = State {
            choices: Choices::new(plan.seed, 0),
            foreign: Choices::new(plan.seed, 3),
            plan: plan.clone(),
            record,
            flags,
            tasks: HashMap::new(),
            order: Vec::new(),
            completions: HashMap::new(),
            tag,
            next_handle: 0,
            now_ns: 5_000_000_000,
            running: None,
            is_closing: false,
            is_over: false,
            cancel_when_latched: None,
            resources: Vec::new(),
            leases: HashMap::new(),
            stores: HashMap::new(),
            offered: None,
            members: HashMap::new(),
            past_members: HashMap::new(),
            children: HashMap::new(),
            descriptors: Descriptors::default(),
            works_beside: 0,
            refusals: HashMap::new(),
            graveyard: VecDeque::new(),
            request_graveyard: VecDeque::new(),
            event_graveyard: VecDeque::new(),
            lease_graveyard: VecDeque::new(),
        };
        Shared { state: Mutex::new(state), changed: Condvar::new(), poll: Mutex::new(None) }
    }

    /// The queue of events of descriptors. It is locked before the state.
    pub fn poll(&self) -> MutexGuard<'_, Option<Poll>> {
        self.poll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came from outside: whoever waits for that goes on.
    pub fn wake(&self) {
        self.changed.notify_all();
        let waker = self.lock().descriptors.waker();
        if let Some(waker) = waker {
            // A queue that cannot be written to has events.
            let _ = waker.wake();
        }
    }

    /// The state.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A number that no handle of this or another instance has.
    pub fn handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.tag | self.next_handle
    }

    /// The callback that runs on this thread.
    #[must_use]
    pub fn here(&self) -> Option<Running> {
        self.running.filter(|running| running.thread == thread::current().id())
    }

    /// A call is refused, and the module may ask why.
    pub fn refuse(&mut self, rule: &'static str, status: Status, text: &'static str) -> Status {
        // Threads of the module's come and go.
        if self.refusals.len() > 64 {
            self.refusals.clear();
        }
        self.refusals.insert(thread::current().id(), (rule, text));
        status
    }

    /// A call is refused, and it is a breach that the module made it.
    pub fn breach(
        &mut self,
        call: &'static str,
        rule: &'static str,
        status: Status,
        text: &'static str,
    ) -> Status {
        self.record.violate(rule, format!("{call}: {text}"));
        self.refuse(rule, status, text)
    }

    /// A call after the instance has ended.
    pub fn look_alive(&mut self, call: &'static str) {
        if self.is_over {
            let text = format!("{call} was called after the end of the instance");
            self.record.violate("thread.module.after-destroy", text);
        }
    }

    /// A live task, as the driver knows it.
    pub fn task(&mut self, task: u64) -> &mut Task {
        self.tasks.get_mut(&task).expect("the driver holds handles of live tasks only")
    }

    /// An event has happened.
    pub fn latch(&mut self, task: u64, event: Event) {
        self.record.trace(|| format!("   {} has {event:?}", task & 0xffff));
        self.task(task).latched.push(event);
        if let Some((_, reason)) = self.cancel_when_latched.filter(|(waiting, _)| *waiting == task) {
            self.cancel_when_latched = None;
            self.cancel(task, reason);
        }
    }

    /// A task is to end.
    pub fn cancel(&mut self, task: u64, reason: Status) {
        self.record.trace(|| format!("   {} is cancelled: {reason:?}", task & 0xffff));
        let found = self.task(task);
        found.cancel.get_or_insert(reason);
        if reason == Status::CANCELLED_PEER && found.answer.phase != Phase::Complete {
            found.lose_peer();
        }
    }

    /// The peer of a task leaves.
    pub fn lose_peer(&mut self, task: u64) {
        self.record.trace(|| format!("   {} loses its peer", task & 0xffff));
        let has_grace = matches!(self.plan.disturbance, Disturbance::PeerLeaves { has_grace: true, .. });
        let found = self.task(task);
        let was_complete = found.answer.phase == Phase::Complete;
        found.lose_peer();
        if was_complete {
            return;
        }
        self.notice(task, http_container_abi::constants::notice::PEER);
        if !has_grace {
            self.cancel(task, Status::CANCELLED_PEER);
        }
    }

    /// A notice comes true.
    pub fn notice(&mut self, task: u64, bit: u32) {
        let found = self.task(task);
        let is_new = found.notices.1 & bit == 0;
        found.notices.1 |= bit;
        if is_new && found.notices.0 & bit != 0 {
            self.latch(task, Event::notice(bit));
        }
    }

    /// The memory of a view that ended is kept, and overwritten.
    pub fn bury(&mut self, view: Option<Vec<u8>>) {
        let Some(mut view) = view else { return };
        let poison = self.plan.poison;
        view.fill(poison);
        self.graveyard.push_back(view);
        if self.graveyard.len() > 512 {
            self.graveyard.pop_front();
        }
    }

    /// Bytes that a module gives out must not be those of ended views [overview.undefined].
    pub fn look_for_poison(&mut self, call: &'static str, bytes: &[u8]) {
        let poison = self.plan.poison;
        if bytes.windows(4).any(|four| four.iter().all(|&byte| byte == poison)) {
            let text = format!("{call}: the bytes come from a view whose life has ended");
            self.record.violate("overview.undefined", text);
        }
    }
}
