//! `hc.offload/1`: a bounded pool of threads for functions that block or compute for long.
//!
//! A thread takes the oldest piece of work whose operation is still there, runs it, and latches its event; where nobody
//! waits any more, the work is dropped, which tells the module so [offload.owner]. Threads are made when there is work for
//! them. It must not hold a lock while it calls a module.

use crate::calls::{Allowed, InstanceHost, Refused};
use crate::container::{Container, lock};
use crate::task::Wait;
use http_container_abi::constants::event_kind;
use http_container_abi::{OffloadHost, Status, Work};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The threads, and the work that waits for one.
pub(crate) struct Offload {
    threads: u32,
    queue_limit: usize,
    state: Mutex<State>,
    bell: Condvar,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Threads that wait, those that there are, and those that have a piece of work.
    idle: u32,
    running: u32,
    busy: u32,
    is_stopping: bool,
    handles: Vec<JoinHandle<()>>,
}

/// A piece of work, and the operation that waits for it: the slot of its task, and its number.
struct Job {
    index: u32,
    number: u64,
    instance: u32,
    work: Work,
}

const FULL: Refused =
    Refused::quiet(Status::E_BUSY, "offload.bound", "as much work is queued as the operator allows");

impl Offload {
    pub fn new(threads: u32, queue_limit: usize) -> Offload {
        Offload {
            threads: threads.max(1),
            queue_limit,
            state: Mutex::default(),
            bell: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    /// Queues a job; gives it back when there is no room.
    fn submit(&self, container: &Arc<Container>, job: Job) -> Result<(), Job> {
        let mut state = lock(&self.state);
        // What free threads will take does not wait, whether or not they have come to it [offload.bound].
        let free = self.threads.saturating_sub(state.busy) as usize;
        if state.is_stopping || state.queue.len() >= self.queue_limit.saturating_add(free) {
            return Err(job);
        }
        if state.idle <= state.queue.len() as u32 && state.running < self.threads {
            let container = Arc::clone(container);
            let body = move || container.offload.serve(&container);
            let name = format!("hc-offload-{}", state.running);
            match std::thread::Builder::new().name(name).spawn(body) {
                Ok(handle) => {
                    state.handles.push(handle);
                    state.running += 1;
                }
                Err(_) if state.running == 0 => return Err(job),
                Err(_) => {}
            }
        }
        state.queue.push_back(job);
        let is_awaited = state.idle > 0;
        // A thread that is woken with the lock held would run into it, and sleep again.
        drop(state);
        if is_awaited {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// One thread's life.
    fn serve(&self, container: &Arc<Container>) {
        while let Some((job, is_stopping)) = self.next() {
            job.run(container, is_stopping);
        }
        lock(&self.state).running -= 1;
        self.ended.notify_all();
    }

    fn next(&self) -> Option<(Job, bool)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.busy += 1;
                return Some((job, state.is_stopping));
            }
            if state.is_stopping {
                return None;
            }
            state.idle += 1;
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Drops what waits and ends the threads; answers whether all came back within `limit_ns`.
    pub fn stop(&self, limit_ns: u64) -> bool {
        let until = Instant::now() + Duration::from_nanos(limit_ns);
        let mut state = lock(&self.state);
        state.is_stopping = true;
        self.bell.notify_all();
        while state.running > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let handles = std::mem::take(&mut state.handles);
        drop(state);
        handles.into_iter().for_each(|handle| drop(handle.join()));
        true
    }
}

impl Job {
    fn run(mut self, container: &Container, is_stopping: bool) {
        let waits = |container: &Container| {
            let slot = container.slots.lock(self.index);
            slot.is_some_and(|slot| slot.contents.operations.iter().any(|one| one.number == self.number))
        };
        let end = || lock(&container.offload.state).busy -= 1;
        if is_stopping || !waits(container) {
            self.work.discard();
            end();
        } else {
            let (status, value) = self.work.run();
            let status = deliverable(status);
            // Whoever hears of the end finds the thread free.
            end();
            if container.latch(self.index, self.number, event_kind::OFFLOAD, status, value) {
                self.work.forget();
            } else {
                self.work.discard();
            }
        }
        if let Some(instance) = container.instance(self.instance)
            && instance.detached()
        {
            container.instance_over(&instance);
        }
    }
}

/// A status that `complete` may not be given is given as a failure [offload.status].
fn deliverable(status: Status) -> Status {
    if status.is_unlisted() || status.is_cancelled() { Status::E_FAILED } else { status }
}

impl OffloadHost for InstanceHost {
    fn offload_run(&self, task: u64, token: u64, work: Work) -> Result<(), (Status, Work)> {
        let mut work = Some(work);
        let answer: Result<(), Status> = self.on_task(task, Allowed::Step, |worker, index, slot| {
            Self::needs_token(token)?;
            self.may_begin(worker, &slot.contents, token)?;
            let instance = worker.container.instance(self.index).ok_or(crate::calls::GONE)?;
            let number = self.wait(worker, slot, token, Wait::Offload)?;
            let Some(given) = work.take() else { return Ok(()) };
            instance.attached();
            let job = Job { index, number, instance: self.index, work: given };
            worker.container.offload.submit(&worker.container, job).map_err(|job| {
                work = Some(job.work);
                slot.contents.operations.retain(|operation| operation.number != number);
                worker.counters().operations_ended.add(1);
                instance.detached();
                FULL
            })
        });
        match (answer, work) {
            (Err(status), Some(work)) => Err((status, work)),
            _ => Ok(()),
        }
    }
}

impl Container {
    /// Latches the event of an operation, from any thread; `false` when it is not there any more.
    pub(crate) fn latch(&self, index: u32, number: u64, kind: u32, status: Status, value: u64) -> bool {
        let Some(mut slot) = self.slots.lock(index) else { return false };
        let record = &mut slot.contents;
        let fired = record.fire(number, kind, status, value);
        let queue = (fired && record.wants_queue()).then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
        fired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_complete_may_not_be_given_is_a_failure() {
        let check = |given: i32, told: i32| assert_eq!(deliverable(Status(given)).0, told, "{given}");
        check(0, 0);
        check(5, 5);
        check(Status::E_BUSY.0, Status::E_BUSY.0);
        check(-99, Status::E_FAILED.0);
        check(Status::CANCELLED_PEER.0, Status::E_FAILED.0);
        check(-1_000, Status::E_FAILED.0);
        check(-1_001, -1_001);
    }
}
