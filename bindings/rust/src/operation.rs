//! One operation of a task, held by a future. Dropping it withdraws it. It may be held, polled and dropped by another task
//! of the same worker than the one it belongs to, also after that one's end. Must not know what the operation is.

use std::marker::PhantomData;
use std::rc::Rc;
use std::task::{Poll, Waker};

use http_container_abi::{Event, HostRef, Status};

use crate::context::{self, TaskContext};

/// A token of a task, and whether the container will send an event for it.
pub(crate) struct Operation {
    context: Rc<TaskContext>,
    token: u64,
    on_worker: PhantomData<*const ()>,
}

impl Operation {
    /// An operation of the current task that waits for nothing yet.
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self::of(context::current())
    }

    /// An operation of that task that waits for nothing yet.
    pub(crate) fn of(context: Rc<TaskContext>) -> Self {
        let token = context.allocate();
        Self { context, token, on_worker: PhantomData }
    }

    /// The task that it belongs to.
    pub(crate) fn context(&self) -> &Rc<TaskContext> {
        &self.context
    }

    /// Asks the container, with the task and this operation's token. After `HC_PENDING` it waits.
    pub(crate) fn call<R: Answer>(&self, call: impl FnOnce(HostRef, u64, u64) -> R) -> R {
        let answer = call(self.context.host, self.context.task.get(), self.token);
        if answer.status() == Status::PENDING {
            self.context.wait(self.token);
        }
        answer
    }

    /// Makes it a completion, which anybody may complete; answers its handle.
    pub(crate) fn complete_later(&self) -> Result<u64, Status> {
        let made = self.context.host.completion(self.context.task.get(), self.token);
        if made.is_ok() {
            self.context.wait(self.token);
        }
        made
    }

    /// The event, once it came; `None` if the operation waits for none.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<Event>> {
        self.context.poll_slot(self.token, waker)
    }

    /// Ends it now. Answers an event that had come, or had happened, and that nobody has seen.
    pub(crate) fn end(mut self) -> Option<Event> {
        // Token 0 is no operation, so the destructor finds nothing to release.
        self.context.release(std::mem::take(&mut self.token))
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.context.release(self.token);
    }
}

/// What a host call answers: a status, perhaps with more.
pub(crate) trait Answer {
    fn status(&self) -> Status;
}

impl Answer for Status {
    fn status(&self) -> Status {
        *self
    }
}

impl<T> Answer for Result<T, Status> {
    fn status(&self) -> Status {
        self.as_ref().err().copied().unwrap_or(Status::OK)
    }
}

impl<T> Answer for (Status, T) {
    fn status(&self) -> Status {
        self.0
    }
}
