//! What the fake container knows: tasks, operations, its clock, its log. One lock around it; no module is called under it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};

use http_container_abi::constants::{event_kind, limit, task_kind};
use http_container_abi::{Event, Status};

use super::answer::{Counts, LogLine};
use super::resources::Resources;
use super::task::{Task, Wait};

/// A registered descriptor. Edges that came since the last wait are kept.
pub(super) struct Descriptor {
    pub(super) fd: RawFd,
    pub(super) edges: u32,
    /// An edge that is kept has brought the end: it is told twice.
    pub(super) has_ended: bool,
}

/// The callback that runs now.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub(super) thread: ThreadId,
    pub(super) worker: u32,
    pub(super) module: usize,
}

pub(super) struct State {
    pub(super) now_ns: u64,
    pub(super) next_handle: u64,
    pub(super) next_order: u64,
    /// Every task, also those that ended: tests ask for their answers.
    pub(super) tasks: HashMap<u64, Task>,
    live: BTreeSet<u64>,
    pub(super) queue: VecDeque<u64>,
    pub(super) timers: BTreeMap<(u64, u64), (u64, u64)>,
    /// Completion handle to task and token.
    pub(super) completions: HashMap<u64, (u64, u64)>,
    pub(super) descriptors: HashMap<u64, Descriptor>,
    pub(super) resources: Resources,
    /// Requests that wait at the gates.
    pub(super) gated: VecDeque<u64>,
    /// Where the provider that is being created says what it offers; `None` for a module that serves no resource.
    pub(super) offer: Option<Option<String>>,
    /// Threads that run offloaded work.
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) limits: HashMap<u32, u64>,
    pub(super) workers: u32,
    /// The numbers of the modules that answer requests, in the route's order.
    pub(super) chain: Vec<usize>,
    pub(super) next_worker: u32,
    pub(super) running: Option<Running>,
    pub(super) is_draining: bool,
    pub(super) refusal: Option<(&'static str, String)>,
    pub(super) log: Vec<LogLine>,
    pub(super) faults: Vec<String>,
    pub(super) steps: u64,
    pub(super) calls: u64,
}

impl State {
    pub(super) fn new(workers: u32) -> Self {
        let limits = HashMap::from([
            (limit::OPERATIONS, 1024),
            (limit::RESPOND_BYTES, 1 << 20),
            (limit::HEAD_BYTES, 1 << 16),
            (limit::BODY_BYTES, u64::MAX),
            (limit::TASKS, 10_000),
            (limit::DISPATCH_DEPTH, 8),
        ]);
        Self {
            now_ns: 1_000_000_000,
            next_handle: 0,
            next_order: 0,
            tasks: HashMap::new(),
            live: BTreeSet::new(),
            queue: VecDeque::new(),
            timers: BTreeMap::new(),
            completions: HashMap::new(),
            descriptors: HashMap::new(),
            resources: Resources::default(),
            gated: VecDeque::new(),
            offer: None,
            threads: Vec::new(),
            limits,
            workers,
            chain: Vec::new(),
            next_worker: 0,
            running: None,
            is_draining: false,
            refusal: None,
            log: Vec::new(),
            faults: Vec::new(),
            steps: 0,
            calls: 0,
        }
    }

    pub(super) fn handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.next_handle
    }

    pub(super) fn limit(&self, which: u32) -> u64 {
        self.limits.get(&which).copied().unwrap_or(0)
    }

    /// A new task, ready to be started; its handle.
    pub(super) fn add(&mut self, handle: u64, task: Task) {
        self.tasks.insert(handle, task);
        self.live.insert(handle);
        self.enqueue(handle);
    }

    /// The task has ended.
    pub(super) fn end(&mut self, task: u64, outcome: Status) -> Option<&mut Task> {
        self.live.remove(&task);
        let found = self.tasks.get_mut(&task)?;
        found.outcome = Some(outcome);
        Some(found)
    }

    /// The handles of live tasks, oldest first.
    pub(super) fn live_handles(&self) -> Vec<u64> {
        self.live.iter().copied().collect()
    }

    pub(super) fn all_live_with_handles(&self) -> impl Iterator<Item = (&u64, &Task)> {
        self.live.iter().filter_map(|handle| Some((handle, self.tasks.get(handle)?)))
    }

    pub(super) fn all_live(&self) -> impl Iterator<Item = &Task> {
        self.live.iter().filter_map(|handle| self.tasks.get(handle))
    }

    /// A live task, as the module named it.
    pub(super) fn live(&mut self, task: u64) -> Result<&mut Task, Status> {
        self.tasks.get_mut(&task).filter(|task| task.outcome.is_none()).ok_or(Status::E_GONE)
    }

    /// A live task in one of its steps, or between them; not in `finish`.
    pub(super) fn stepping(&mut self, task: u64) -> Result<&mut Task, Status> {
        let found = self.live(task)?;
        if found.in_finish { Err(Status::E_STATE) } else { Ok(found) }
    }

    /// Adds an operation that waits.
    pub(super) fn wait(&mut self, task: u64, token: u64, wait: Wait) -> Status {
        let limit = self.limit(limit::OPERATIONS);
        let Ok(found) = self.live(task) else { return Status::E_GONE };
        let is_used = found.find(token).is_some() || found.latched.iter().any(|event| event.token == token);
        if is_used {
            return self.refuse(
                "completion.token.unique",
                Status::E_TOKEN,
                "an outstanding operation has this token",
            );
        }
        if found.cancel.is_some() {
            return Status::E_CANCELLED;
        }
        if found.waits.len() as u64 >= limit {
            return self.refuse("completion.limit", Status::E_LIMIT, "the task has too many operations");
        }
        found.waits.push((token, wait));
        Status::PENDING
    }

    /// A call is refused, and the module may ask why.
    pub(super) fn refuse(&mut self, rule: &'static str, status: Status, text: &str) -> Status {
        self.refusal = Some((rule, text.to_owned()));
        status
    }

    /// An operation happened: its event is latched, and its task queued.
    pub(super) fn fire(&mut self, task: u64, token: u64, status: Status, value: u64) {
        let Ok(found) = self.live(task) else { return };
        let Some(place) = found.find(token) else { return };
        let (_, wait) = found.waits.remove(place);
        let kind = match wait {
            Wait::Body => event_kind::BODY,
            Wait::Write => event_kind::WRITE,
            Wait::Timer(..) => event_kind::TIMER,
            Wait::Completion(_) => event_kind::COMPLETION,
            Wait::Acquire => event_kind::ACQUIRE,
            Wait::Descriptor(..) => event_kind::FD,
            Wait::ChildHead(_) => event_kind::CHILD_HEAD,
            Wait::ChildBody(_) => event_kind::CHILD_BODY,
            Wait::Offload => event_kind::OFFLOAD,
            Wait::Sql(_) => event_kind::SQL,
            Wait::SqlRows(_) => event_kind::SQL_ROWS,
            Wait::Kv(_) => event_kind::KV,
            Wait::KvMessage(_) => event_kind::KV_MESSAGE,
            Wait::Member => event_kind::MEMBER,
            Wait::MemberRoom => event_kind::MEMBER_ROOM,
        };
        found.latched.push(Event { token, value, status, kind });
        self.enqueue(task);
    }

    pub(super) fn enqueue(&mut self, task: u64) {
        if let Ok(found) = self.live(task)
            && !found.is_queued
        {
            found.is_queued = true;
            self.queue.push_back(task);
        }
    }

    /// Forgets what an operation waited for, outside its task.
    pub(super) fn forget(&mut self, task: u64, token: u64, wait: Wait) {
        match wait {
            Wait::Acquire => self.give_up(task, token),
            Wait::Timer(deadline_ns, order) => {
                self.timers.remove(&(deadline_ns, order));
            }
            Wait::Completion(handle) => {
                self.completions.remove(&handle);
            }
            Wait::Sql(lease) | Wait::Kv(lease) => self.poison(lease),
            _ => {}
        }
    }

    /// Asks for the end of a task, between its steps.
    pub(super) fn cancel(&mut self, task: u64, reason: Status) {
        if let Ok(found) = self.live(task) {
            found.cancel.get_or_insert(reason);
            self.enqueue(task);
        }
    }

    pub(super) fn notice(&mut self, task: u64, bit: u32) {
        let Ok(found) = self.live(task) else { return };
        found.raised |= bit;
        if found.notices & bit != 0 {
            found.latched.push(Event::notice(bit));
            self.enqueue(task);
        }
    }

    /// Timers that are due, in order.
    pub(super) fn fire_timers(&mut self) {
        while let Some((&(deadline_ns, order), &(task, token))) = self.timers.first_key_value() {
            if deadline_ns > self.now_ns {
                return;
            }
            self.timers.remove(&(deadline_ns, order));
            let is_claim = self.live(task).is_ok_and(|found| {
                found.is_waiting_for(|wait| *wait == Wait::Acquire).is_some_and(|waiting| waiting == token)
            });
            if is_claim {
                self.fire(task, token, Status::E_TIMEOUT, 0);
                self.give_up(task, token);
            } else {
                self.fire(task, token, Status::OK, self.now_ns);
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let live = || self.all_live().filter(|task| task.kind != task_kind::MEMBER);
        Counts {
            tasks: live().count(),
            operations: live().map(|task| task.waits.len()).sum(),
            descriptors: self.descriptors.len(),
            leases: self.resources.held(),
            members: self.resources.members.len(),
            children: self
                .tasks
                .values()
                .filter_map(|task| task.child.as_ref())
                .filter(|child| !child.is_closed)
                .count(),
            steps: self.steps,
            calls: self.calls,
        }
    }
}

/// The state behind its lock, and the poll set that foreign threads wake.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) poll: Mutex<mio::Poll>,
    pub(super) registry: mio::Registry,
    pub(super) waker: mio::Waker,
}

/// The poll token of the waker.
pub(super) const WAKER: mio::Token = mio::Token(0);

impl Shared {
    pub(super) fn new(workers: u32) -> std::io::Result<Self> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(poll.registry(), WAKER)?;
        Ok(Self { state: Mutex::new(State::new(workers)), poll: Mutex::new(poll), registry, waker })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
