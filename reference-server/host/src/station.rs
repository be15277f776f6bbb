//! Instances on one worker: `worker_start` before the first task, `worker_stop` after the last, and what a worker says of
//! instances that were replaced.
//!
//! Invariant: an instance's `worker_start` is called at most once on a worker, and `worker_stop` only once no task of it
//! can start anywhere [module.worker-start.lazy] [module.worker-stop.once].

use crate::instance::Instance;
use crate::report::Level;
use crate::worker::{Acting, Callback, Stationed, Worker};
use http_container_abi::Status;
use http_container_abi::constants::notice;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why an instance cannot run on this worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoStation {
    /// It is over, or never came to be.
    TooLate,
    /// Its `worker_start` failed here.
    Unusable,
}

impl Worker {
    /// The instance on this worker, if it was started here.
    #[inline]
    pub(crate) fn stationed(&self, instance: u32) -> Option<Rc<Stationed>> {
        self.stationed.borrow().get(instance as usize)?.clone()
    }

    /// Starts the instance on this worker. Calls the module.
    #[cold]
    pub(crate) fn station(&self, index: u32) -> Result<(), NoStation> {
        let instance = self.container.instance(index).ok_or(NoStation::TooLate)?;
        let unusable = &instance.unusable[self.index as usize];
        if unusable.load(Ordering::SeqCst) {
            return Err(NoStation::Unusable);
        }
        if !instance.enter_worker() {
            return Err(NoStation::TooLate);
        }
        let number = self.container.number_of(self.index);
        let state =
            self.in_life(&instance, "worker_start", || instance.table.worker_start(instance.state(), number));
        match state {
            Ok(state) => {
                let stationed = Stationed {
                    instance: Arc::clone(&instance),
                    state,
                    live: Cell::new(0),
                    step_ns: Cell::new(0),
                };
                let mut all = self.stationed.borrow_mut();
                if all.len() <= index as usize {
                    all.resize_with(index as usize + 1, || None);
                }
                all[index as usize] = Some(Rc::new(stationed));
                Ok(())
            }
            Err(status) => {
                unusable.store(true, Ordering::SeqCst);
                if instance.leave_worker() {
                    self.container.want_care();
                }
                let name = self.container.module_name(instance.module);
                let text = format!("worker_start on worker {number} answered {}", status.name());
                self.container.tell(Level::Error, name, "module.worker-start.failed", &text);
                Err(NoStation::Unusable)
            }
        }
    }

    fn in_life<R>(&self, instance: &Instance, callback: &'static str, call: impl FnOnce() -> R) -> R {
        let acting = Acting { callback: Callback::WorkerLife, instance: instance.index, task: 0 };
        let before = self.acting.replace(acting);
        let answer = self.container.watch_life(instance, callback, call);
        self.acting.set(before);
        answer
    }

    /// Stops an instance that can have no tasks here any more. Calls the module.
    pub(crate) fn stop(&self, stationed: &Stationed) {
        let instance = &stationed.instance;
        self.forget_descriptors(instance.index);
        self.in_life(instance, "worker_stop", || {
            instance.table.worker_stop(instance.state(), stationed.state);
        });
        if instance.leave_worker() {
            self.container.want_care();
        }
    }

    /// Looks what became of the instances: tells tasks of replaced ones, ends those whose time has passed, and stops those
    /// that are over.
    #[cold]
    pub(crate) fn look_at_instances(&self) {
        let seen = self.retirement.replace(self.container.retirement.load(Ordering::SeqCst));
        if seen == self.retirement.get() {
            return;
        }
        let all: Vec<_> = crate::container::lock(&self.container.instances).clone();
        let retired = |index: u32| all.get(index as usize).filter(|one| one.retired.load(Ordering::SeqCst));
        if all.iter().any(|one| one.retired.load(Ordering::SeqCst) && !one.over.load(Ordering::SeqCst)) {
            self.each_task(|index, record| {
                let Some(instance) = record.instance.and_then(retired) else { return };
                record.notice(notice::RELOAD);
                // Members end by themselves, when nobody holds them any more [provider.drain].
                if instance.expired.load(Ordering::SeqCst) && record.member.is_none() {
                    record.cancel.get_or_insert(Status::CANCELLED_FAULT);
                }
                if (record.cancel.is_some() || !record.events.is_empty()) && record.wants_queue() {
                    self.queue.borrow_mut().push_back(index);
                }
            });
        }
        for instance in all.iter().filter(|one| one.retired.load(Ordering::SeqCst)) {
            if instance.over.load(Ordering::SeqCst) {
                let taken =
                    self.stationed.borrow_mut().get_mut(instance.index as usize).and_then(Option::take);
                if let Some(stationed) = taken {
                    self.stop(&stationed);
                }
            } else if self.stationed(instance.index).is_none_or(|stationed| stationed.live.get() == 0) {
                self.say_quiet(instance.index);
            }
        }
    }

    /// A task of the instance has ended here: if it was the last one of an instance that was replaced, says so.
    pub(crate) fn task_left(&self, stationed: &Stationed) {
        stationed.live.set(stationed.live.get() - 1);
        // Only once this worker has seen that the instance retired does it start no request in it any more.
        let is_known = self.retirement.get() == self.container.retirement.load(Ordering::Relaxed);
        if stationed.live.get() == 0 && is_known && stationed.instance.retired.load(Ordering::Relaxed) {
            self.say_quiet(stationed.instance.index);
        }
    }

    #[cold]
    fn say_quiet(&self, index: u32) {
        let mut quiet = self.quiet.borrow_mut();
        if quiet.len() <= index as usize {
            quiet.resize(index as usize + 1, false);
        }
        if std::mem::replace(&mut quiet[index as usize], true) {
            return;
        }
        drop(quiet);
        let Some(instance) = self.container.instance(index) else { return };
        if instance.quiet_on_worker() {
            self.container.instance_over(&instance);
        }
    }
}
