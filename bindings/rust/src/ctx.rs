//! The current task for the author: where it runs, whose request it answers, what the container limits. Must not wait.

use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use http_container_abi::Status;
use http_container_abi::constants::{WORKER_NONE, limit};

use crate::background::Spawner;
use crate::context::{self, TaskContext};
use crate::error::Error;
use crate::facts::{Address, Tls};
use crate::fields;
use crate::log::Logger;

/// The task whose step runs on this thread.
///
/// # Panics
/// Outside a task.
#[must_use]
#[track_caller]
pub fn ctx() -> Ctx {
    Ctx { context: context::current() }
}

/// One task, as its own code sees it. It stays on its worker.
#[derive(Clone)]
pub struct Ctx {
    context: Rc<TaskContext>,
}

/// What a container limits; see [`Ctx::limit`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Limit {
    /// Outstanding operations of one task.
    Operations = limit::OPERATIONS,
    /// Bytes of a body that is sent at once.
    RespondBytes = limit::RESPOND_BYTES,
    /// Bytes of names and values of a response head, or of trailers.
    HeadBytes = limit::HEAD_BYTES,
    /// Bytes of a request body, where the route sets no other.
    BodyBytes = limit::BODY_BYTES,
    /// Live background tasks of one instance.
    Tasks = limit::TASKS,
    /// Child tasks of child tasks.
    DispatchDepth = limit::DISPATCH_DEPTH,
}

impl Ctx {
    /// The task's handle, as in the container's logs.
    #[must_use]
    pub fn task(&self) -> u64 {
        self.context.task.get()
    }

    /// The worker, from 0.
    #[must_use]
    pub fn worker(&self) -> u32 {
        self.context.worker.as_ref().map_or(WORKER_NONE, |worker| worker.index)
    }

    /// How many workers there are.
    #[must_use]
    pub fn worker_count(&self) -> u32 {
        self.context.host.worker_count()
    }

    /// The time on the container's monotonic clock, of no particular origin.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.context.host.now())
    }

    /// When the task is cancelled if it has not ended, on the clock of [`now`](Self::now).
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.context.facts.borrow().deadline_ns.map(Duration::from_nanos)
    }

    /// The request's number, unique in the process, as in the container's logs; `None` for a background task.
    #[must_use]
    pub fn request_id(&self) -> Option<u64> {
        let facts = self.context.facts.borrow();
        facts.is_request.then_some(facts.id)
    }

    /// Who sent the request.
    #[must_use]
    pub fn peer(&self) -> Address {
        self.context.facts.borrow().peer.as_ref().map_or(Address::Unknown, Address::from)
    }

    /// Where the container accepted it.
    #[must_use]
    pub fn local(&self) -> Address {
        self.context.facts.borrow().local.as_ref().map_or(Address::Unknown, Address::from)
    }

    /// What is known of the TLS session that carried it.
    #[must_use]
    pub fn tls(&self) -> Option<Tls> {
        self.context.facts.borrow().tls.as_deref().cloned()
    }

    /// A limit of the container: `None` for no limit, 0 for one that it does not know.
    #[must_use]
    pub fn limit(&self, which: Limit) -> Option<u64> {
        Some(self.context.host.limit(which as u32)).filter(|&limit| limit != u64::MAX)
    }

    /// How the task ended, for code that runs while its future is dropped; `None` before.
    #[must_use]
    pub fn outcome(&self) -> Option<Status> {
        self.context.outcome.get()
    }

    /// Sends an interim response, 102 to 199 (103 Early Hints), before the response.
    ///
    /// # Errors
    /// The status or a field was refused, or the response has started.
    pub fn inform(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), Error> {
        let (host, task) = (self.context.host, self.context.task.get());
        let answer = fields::with(headers, |fields| host.inform(task, status.as_u16().into(), fields));
        if answer.is_error() { Err(Error::refused("the interim response", answer)) } else { Ok(()) }
    }

    /// What starts background tasks from any thread.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        Spawner::new(std::sync::Arc::clone(&self.context.instance))
    }

    /// What writes to the container's log from any thread.
    #[must_use]
    pub fn logger(&self) -> Logger {
        Logger::new(std::sync::Arc::clone(&self.context.instance.gate))
    }
}
