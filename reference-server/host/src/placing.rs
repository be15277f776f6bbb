//! How a fresh task is made and where it goes: to the worker it was meant for, to any of the server's workers, or to the threads for modules
//! that block. It must not start one.

use crate::container::Container;
use crate::inbox::Message;
use crate::instance::Instance;
use crate::slots;
use crate::task::{Phase, Record};
use crate::worker;
use http_container_abi::Status;
use std::sync::atomic::Ordering;

impl Container {
    /// The number by which a module knows a worker: the threads for modules that block have numbers of their own.
    pub(crate) fn number_of(&self, worker: u32) -> u32 {
        worker.checked_sub(self.serving).unwrap_or(worker)
    }

    /// The worker that a module knows by that number.
    pub(crate) fn worker_of(&self, number: u32, is_blocking: bool) -> Option<u32> {
        let (first, count) = self.workers_for(is_blocking);
        (number < count).then_some(first + number)
    }

    /// The first of the workers on which such a module runs, and how many there are.
    pub(crate) fn workers_for(&self, is_blocking: bool) -> (u32, u32) {
        if is_blocking { (self.serving, self.pool.slots()) } else { (0, self.serving) }
    }

    /// Brings a spawned task that was held back to where it may start.
    pub(crate) fn place(&self, instance: &Instance, target: Option<u32>, task: u64) {
        if !self.place_announced(instance, target, task, &mut |_| ()) {
            self.drop_fresh(task, Status::E_FAILED);
        }
    }

    /// Brings a spawned task to where it may start, after `announce` was told its handle; `false`, with nothing announced,
    /// when that worker has left.
    pub(crate) fn place_announced(
        &self,
        instance: &Instance,
        target: Option<u32>,
        task: u64,
        announce: &mut dyn FnMut(u64),
    ) -> bool {
        let is_blocking = self.modules[instance.module as usize].is_blocking();
        let here = worker::with_current(self, |current| {
            let is_mine = target == Some(current.index);
            let is_anyones = target.is_none() && !is_blocking && !current.is_of_pool();
            if is_mine || is_anyones {
                announce(task);
            }
            if is_mine {
                current.bound.borrow_mut().push_back(task);
            } else if is_anyones {
                current.fresh.borrow_mut().push(task);
            }
            is_mine || is_anyones
        });
        if here == Some(true) {
            return true;
        }
        match target {
            None if is_blocking => self.pool.submit(task, usize::MAX, announce),
            None => self.send_fresh(self.any_serving(), task, announce),
            Some(worker) => self.send_fresh(worker, task, announce),
        }
    }

    fn any_serving(&self) -> u32 {
        self.next_worker.fetch_add(1, Ordering::Relaxed) % self.serving.max(1)
    }

    /// A fresh task has come to a worker that is not of its module's sort.
    pub(crate) fn hand_over(&self, task: u64, is_blocking: bool, is_spawned: bool) {
        let limit = if is_spawned { usize::MAX } else { self.limits.blocking_queue };
        let taken = if is_blocking {
            self.pool.submit(task, limit, &mut |_| ())
        } else {
            self.send_fresh(self.any_serving(), task, &mut |_| ())
        };
        if !taken {
            // Refused for want of room, as when the container stops: 503.
            self.drop_fresh(task, Status::CANCELLED_DRAIN);
        }
    }

    /// The instance is not usable on that worker: the task goes to another one, if there is one
    /// [module.worker-start.failed].
    pub(crate) fn pass_on(&self, task: u64, worker: u32, instance: u32) {
        let Some(instance) = self.instance(instance) else { return };
        let is_blocking = self.modules[instance.module as usize].is_blocking();
        let (first, count) = self.workers_for(is_blocking);
        let next = (1..count)
            .map(|step| first + (worker - first + step) % count)
            .find(|&other| !instance.unusable[other as usize].load(Ordering::SeqCst));
        let taken = next.is_some_and(|next| {
            self.bind(task, next);
            self.send_fresh(next, task, &mut |_| ())
        });
        if !taken {
            self.drop_fresh(task, Status::E_FAILED);
        }
    }

    fn bind(&self, task: u64, worker: u32) {
        let (index, generation) = slots::unpack(task);
        if let Some(mut slot) = self.slots.lock(index)
            && slot.contents.generation == generation
            && slot.contents.phase == Phase::Fresh
        {
            slot.contents.worker = Some(worker);
        }
    }

    /// Puts a task into its worker's run queue; its record says already that it is queued.
    pub(crate) fn enqueue(&self, worker: u32, index: u32) {
        if worker::with_current(self, |current| current.enqueue(worker, index)).is_none() {
            self.send_run(worker, index);
        }
    }

    /// Tells a worker that is not the caller's that a task of it is queued.
    pub(crate) fn send_run(&self, worker: u32, index: u32) {
        if self.workers[worker as usize].post(Message::Run(index), || ()) {
            self.wake(worker);
        }
    }

    /// Hands a fresh task to a worker that is not the caller's; `false`, with nothing announced, when that worker has left.
    fn send_fresh(&self, worker: u32, task: u64, announce: &mut dyn FnMut(u64)) -> bool {
        let taken = self.workers[worker as usize].post(Message::Fresh(task), || announce(task));
        if taken {
            self.wake(worker);
        }
        taken
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
        // A slot that has no numbers left for a long task is never used again [handle.generation].
        let Some(generation) = slot.is_reusable().then(|| slot.next_number()).flatten() else { continue };
        let record = &mut slot.contents;
        record.generation = generation;
        record.phase = Phase::Fresh;
        record.worker = worker;
        fill(record);
        return Some(slots::pack(index, generation));
    }
}
