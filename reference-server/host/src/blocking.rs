//! The threads for modules that block (`HC_MODULE_BLOCKING`): workers of their own that serve no connections.
//!
//! Each thread is a slot of the pool, a worker in all respects but that: it has its own queue and timers, and runs the
//! steps of the tasks that it started. Fresh tasks wait in one queue for whichever slot is free. A step that blocks holds
//! up the parked tasks of its slot, and nothing else. The threads exist only when such a module is configured.

use crate::container::{Container, lock};
use crate::fd::Poller;
use crate::worker::Worker;
use http_container_abi::Status;
use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The threads, and the tasks that wait for one.
pub(crate) struct Pool {
    slots: u32,
    state: Mutex<State>,
    bells: Box<[Condvar]>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    fresh: VecDeque<u64>,
    /// Slots that sleep.
    asleep: Vec<u32>,
    /// Slots that were told to look.
    rung: Vec<bool>,
    stopping: bool,
    running: u32,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub fn new(slots: u32) -> Pool {
        let state = State { rung: vec![false; slots as usize], ..State::default() };
        let bells = (0..slots).map(|_| Condvar::new()).collect();
        Pool { slots, state: Mutex::new(state), bells, ended: Condvar::new() }
    }

    /// How many threads it has.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Begins to run its threads, once.
    pub fn run(&self, container: &Arc<Container>) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.stopping || !state.threads.is_empty() {
            return Ok(());
        }
        for slot in 0..self.slots {
            let container = Arc::clone(container);
            let body = move || container.pool.serve(&container, slot);
            let thread = std::thread::Builder::new().name(format!("hc-blocking-{slot}")).spawn(body)?;
            state.threads.push(thread);
            state.running += 1;
        }
        Ok(())
    }

    /// Queues a fresh task for the next free slot, after `announce` was told its handle; `false`, with nothing announced, when
    /// `limit` tasks wait already, or the pool has stopped.
    pub fn submit(&self, task: u64, limit: usize, announce: &mut dyn FnMut(u64)) -> bool {
        let mut state = lock(&self.state);
        if state.stopping || state.fresh.len() >= limit {
            return false;
        }
        announce(task);
        state.fresh.push_back(task);
        if let Some(slot) = state.asleep.pop() {
            self.bells[slot as usize].notify_one();
        }
        true
    }

    /// Makes a slot look at its inbox.
    pub fn wake(&self, slot: u32) {
        lock(&self.state).rung[slot as usize] = true;
        self.bells[slot as usize].notify_one();
    }

    /// Has the threads end every task and leave, without waiting for them.
    pub fn wind_up(&self) {
        lock(&self.state).stopping = true;
        self.bells.iter().for_each(Condvar::notify_all);
    }

    /// Ends every task of the pool and its threads; answers whether all came back within `limit_ns`.
    pub fn stop(&self, limit_ns: u64) -> bool {
        let until = Instant::now() + Duration::from_nanos(limit_ns);
        self.wind_up();
        let mut state = lock(&self.state);
        while state.running > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        threads.into_iter().for_each(|thread| drop(thread.join()));
        true
    }

    /// One thread's life.
    fn serve(&self, container: &Arc<Container>, slot: u32) {
        let worker = Worker::enter(Arc::clone(container), container.serving + slot, Box::new(NoDescriptors));
        loop {
            worker.turn(container.now_ns());
            let ran = worker.run(RUN_BUDGET);
            match self.next(&worker, slot, ran > 0) {
                Next::Start(task) => worker.start(task),
                Next::Drop(task) => {
                    container.request_cancel(task, Status::CANCELLED_DRAIN);
                    worker.start(task);
                }
                Next::Look => {}
                Next::Stop => break,
            }
        }
        worker.leave(Status::CANCELLED_DRAIN);
        lock(&self.state).running -= 1;
        self.ended.notify_all();
    }

    /// What the slot does next; sleeps while there is nothing.
    fn next(&self, worker: &Worker, slot: u32, is_busy: bool) -> Next {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.fresh.pop_front() {
                return if state.stopping { Next::Drop(task) } else { Next::Start(task) };
            }
            if state.stopping {
                return Next::Stop;
            }
            let rung = std::mem::take(&mut state.rung[slot as usize]);
            if rung || is_busy || worker.has_work() {
                return Next::Look;
            }
            let now_ns = worker.container().now_ns();
            let left = worker.next_timer_ns().map(|due_ns| due_ns.saturating_sub(now_ns));
            if left == Some(0) {
                return Next::Look;
            }
            state.asleep.push(slot);
            let bell = &self.bells[slot as usize];
            state = match left {
                Some(left_ns) => {
                    let waited = bell.wait_timeout(state, Duration::from_nanos(left_ns));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => bell.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.asleep.retain(|asleep| *asleep != slot);
        }
    }
}

/// How many queued tasks a slot runs before it looks for fresh ones.
const RUN_BUDGET: usize = 16;

enum Next {
    Start(u64),
    Drop(u64),
    Look,
    Stop,
}

/// The poller of threads that wait for no descriptors: `hc.fd/1` is not offered to modules that block.
struct NoDescriptors;

impl Poller for NoDescriptors {
    fn add(&self, _: RawFd, _: u32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, _: RawFd) {}
}
