//! The current task for the author: where it runs, whose request it answers, what the container limits. Must not wait.

use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use http_container_abi::constants::{WORKER_NONE, limit};
use http_container_abi::{ExtensionTable, Status};

use crate::background::Spawner;
use crate::context::{self, TaskContext};
use crate::error::Error;
use crate::facts::{Address, Tls};
use crate::fields;
use crate::kv::Kv;
use crate::limit::Permit;
use crate::log::Logger;
use crate::named::{self, Handle};
use crate::pool::Pooled;
use crate::resource::Lease;
use crate::sql::Sql;

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

    /// Waits for a connection to a database that [`App::create`](crate::App::create) looked up, as
    /// [`Database::acquire`](crate::sql::Database::acquire) does.
    ///
    /// # Errors
    /// It was not looked up; else as `acquire`.
    pub async fn sql(&self, name: &str) -> Result<Sql, Error> {
        let choose = |handle: &Handle| match handle {
            Handle::Database(found) => Some(found.clone()),
            _ => None,
        };
        named::named(self.handles(), name, choose)?.acquire().await
    }

    /// As [`sql`](Self::sql), for a store.
    ///
    /// # Errors
    /// As [`sql`](Self::sql).
    pub async fn kv(&self, name: &str) -> Result<Kv, Error> {
        let choose = |handle: &Handle| match handle {
            Handle::Store(found) => Some(found.clone()),
            _ => None,
        };
        named::named(self.handles(), name, choose)?.acquire().await
    }

    /// As [`sql`](Self::sql), for a permit.
    ///
    /// # Errors
    /// As [`sql`](Self::sql).
    pub async fn permit(&self, name: &str) -> Result<Permit, Error> {
        let choose = |handle: &Handle| match handle {
            Handle::Permits(found) => Some(found.clone()),
            _ => None,
        };
        named::named(self.handles(), name, choose)?.acquire().await
    }

    /// As [`sql`](Self::sql), for an object of a pool.
    ///
    /// # Errors
    /// As [`sql`](Self::sql).
    pub async fn pooled(&self, name: &str) -> Result<Pooled, Error> {
        let choose = |handle: &Handle| match handle {
            Handle::Pool(found) => Some(found.clone()),
            _ => None,
        };
        named::named(self.handles(), name, choose)?.acquire().await
    }

    fn handles(&self) -> &[Handle] {
        self.context.instance.handles.get().map_or(&[], |all| all)
    }

    /// Takes the leases of the route's resource gates, in the route's order: the container had them before the task began.
    /// [`Lease::sql`] and its like make use of them. Those that nobody takes are given back, clean, when the task ends.
    #[must_use]
    pub fn gate_leases(&self) -> Vec<Lease> {
        let handles = std::mem::take(&mut *self.context.gate_leases.borrow_mut());
        handles.into_iter().map(|handle| Lease::of(Rc::clone(&self.context), handle)).collect()
    }

    /// Takes, of the leases of the route's gates, the first on a database. With a gate, ask for the connection so: to
    /// [`acquire`](crate::sql::Database::acquire) another one of the same database is refused when it would have to wait.
    #[must_use]
    pub fn gate_sql(&self) -> Option<Sql> {
        let extension = self.context.instance.sql?;
        Some(Sql::new(self.take_gate_lease(|interface| extension.is(interface))?, extension))
    }

    /// Takes, of the leases of the route's gates, the first on a store.
    #[must_use]
    pub fn gate_kv(&self) -> Option<Kv> {
        let extension = self.context.instance.kv?;
        Some(Kv::new(self.take_gate_lease(|interface| extension.is(interface))?, extension))
    }

    fn take_gate_lease(&self, is: impl Fn(ExtensionTable) -> bool) -> Option<Lease> {
        let (host, task) = (self.context.host, self.context.task.get());
        let mut handles = self.context.gate_leases.borrow_mut();
        let has = |handle: &u64| host.lease_interface(task, *handle).is_some_and(&is);
        let place = handles.iter().position(has)?;
        Some(Lease::of(Rc::clone(&self.context), handles.remove(place)))
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
