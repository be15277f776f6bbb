//! Polls the one future of a task, step by step, and says what the step answers. Must not know what the future does.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll};

use http_container_abi::constants::{event_kind, log_level};
use http_container_abi::guard;
use http_container_abi::{Event, Status};

use crate::context::TaskContext;
use crate::slots::{REST_TOKEN, WAKE_TOKEN};

/// How a task's future ends: `Err` fails the task with that status.
pub(crate) type Ending = Result<(), Status>;
/// The future of a task.
pub(crate) type TaskFuture = Pin<Box<dyn Future<Output = Ending>>>;

/// How often a task that wakes itself is polled in one step before it lets others run.
const POLLS_MAX: u32 = 16;

/// A task between `start` and `finish`. Kept and used again by its worker.
pub struct Task {
    pub(crate) context: Rc<TaskContext>,
    future: Option<TaskFuture>,
    /// The future has answered its request, holds nothing of it, and can answer a later task's.
    is_idle: bool,
    /// A wake completion is outstanding.
    is_armed: bool,
    /// The timer that ends a rest is outstanding.
    is_resting: bool,
}

impl Task {
    pub(crate) fn new(context: Rc<TaskContext>) -> Self {
        Self { context, future: None, is_idle: false, is_armed: false, is_resting: false }
    }

    /// Makes it fit for a new task. False if something still refers to the ended one.
    pub(crate) fn renew(&mut self) -> bool {
        if !self.is_idle {
            self.future = None;
        }
        self.is_armed = false;
        self.is_resting = false;
        self.context.renew()
    }

    /// What the task is to do, once.
    pub(crate) fn run(&mut self, job: TaskFuture) {
        self.is_idle = false;
        self.future = Some(job);
    }

    /// The task is to answer a request: with the future that answered an earlier one, or that `make` makes.
    pub(crate) fn serve(&mut self, make: impl FnOnce() -> TaskFuture) {
        if !std::mem::take(&mut self.is_idle) {
            self.future = Some(make());
        }
    }

    /// Takes the events of a step in, all of them before anything is polled.
    pub(crate) fn deliver(&mut self, events: &[Event]) {
        for event in events {
            match event.token {
                WAKE_TOKEN => {
                    self.is_armed = false;
                    self.context.cell.arm(0);
                }
                REST_TOKEN => self.is_resting = false,
                0 if event.kind == event_kind::NOTICE => self.context.take_notice(event.value),
                _ => {}
            }
        }
        self.context.deliver(events);
    }

    /// One step: polls until the future is done or waits. Call it inside the task's context.
    pub(crate) fn step(&mut self) -> Status {
        self.context.chunks_read.set(0);
        for _ in 0..POLLS_MAX {
            self.context.cell.begin_poll();
            match self.poll() {
                Poll::Ready(ending) => return self.conclude(ending),
                Poll::Pending if self.context.failure.get() != Status::OK => {
                    return self.conclude(Err(self.context.failure.get()));
                }
                Poll::Pending => {}
            }
            if !self.context.cell.is_notified() && self.settle() {
                return Status::PENDING;
            }
        }
        self.rest()
    }

    fn poll(&mut self) -> Poll<Ending> {
        let Some(future) = self.future.as_mut() else { return Poll::Ready(Err(Status::E_STATE)) };
        let mut waker = Context::from_waker(&self.context.waker);
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut waker))) {
            Ok(Poll::Pending) => match self.context.answered.take() {
                Some(ending) => {
                    self.is_idle = true;
                    Poll::Ready(ending)
                }
                None => Poll::Pending,
            },
            Ok(ready) => ready,
            Err(payload) => {
                self.report("panicked", guard::message(&*payload));
                Poll::Ready(Err(Status::E_PANIC))
            }
        }
    }

    /// Sees to it that whoever holds a waker can wake the parked task. False: it was woken meanwhile, poll again.
    ///
    /// While only the container can wake the task, no wake completion is outstanding: so a task that waits for nothing
    /// yields with nothing outstanding, and is found lost at once [task.yield.nothing-outstanding].
    fn settle(&mut self) -> bool {
        let context = &self.context;
        if context.is_waker_held() {
            if self.is_armed {
                return true;
            }
            match context.host.completion(context.task.get(), WAKE_TOKEN) {
                Ok(completion) => {
                    self.is_armed = true;
                    context.cell.arm(completion);
                }
                Err(Status::E_CANCELLED) => return true,
                Err(status) => context.failure.set(status),
            }
            return !context.cell.is_notified() && context.failure.get() == Status::OK;
        }
        // A waker that went away on another thread may have woken before it did.
        fence(Ordering::Acquire);
        self.disarm();
        !self.context.cell.is_notified()
    }

    /// Withdraws the wake completion, if there is one.
    fn disarm(&mut self) {
        if std::mem::take(&mut self.is_armed) {
            self.context.cell.arm(0);
            self.context.host.cancel(self.context.task.get(), WAKE_TOKEN);
        }
    }

    /// The task was woken in each of many polls: let others run, then go on. `notified` stays set, so nobody signals.
    fn rest(&mut self) -> Status {
        if !self.is_resting {
            let context = &self.context;
            match context.host.timer(context.task.get(), REST_TOKEN, 0) {
                Status::PENDING => self.is_resting = true,
                Status::E_CANCELLED => {}
                status => return self.conclude(Err(status)),
            }
        }
        Status::PENDING
    }

    /// Drops the future, inside the step, and says how the task ended.
    fn conclude(&mut self, ending: Ending) -> Status {
        let status = ending.err().unwrap_or(Status::OK);
        self.context.outcome.set(Some(status));
        let is_dropped = self.discard();
        self.context.end();
        self.disarm();
        if std::mem::take(&mut self.is_resting) {
            self.context.host.cancel(self.context.task.get(), REST_TOKEN);
        }
        match is_dropped {
            false if status == Status::OK => Status::E_PANIC,
            _ => status,
        }
    }

    /// Whether nothing is left of the task but what a later one uses again.
    pub(crate) fn is_clean(&self) -> bool {
        self.is_idle && !self.context.has_operations() && self.context.gate_leases.borrow().is_empty()
    }

    /// Drops the future, if it is still there and not idle. False: its destructor panicked.
    pub(crate) fn discard(&mut self) -> bool {
        if self.is_idle {
            return true;
        }
        let Some(future) = self.future.take() else { return true };
        let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) else { return true };
        self.report("panicked in a destructor", guard::message(&*payload));
        false
    }

    #[cold]
    fn report(&self, what: &str, message: &str) {
        let text = format!("the handler {what}: {message}");
        self.context.host.log(self.context.task.get(), log_level::ERROR, &text);
    }
}
