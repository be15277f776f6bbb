//! Shared resources: waiting for one's turn, and giving back. Must not know what a resource is.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http_container_abi::constants::lease_end;
use http_container_abi::{ExtensionTable, Status};

use crate::context::{self, TaskContext};
use crate::error::Error;
use crate::kv::Kv;
use crate::limit::Permit;
use crate::operation::Operation;
use crate::sql::Sql;

/// A resource by its number in this instance; [`Setup::resource`](crate::Setup::resource) finds it by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Resource(u32);

impl Resource {
    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Waits for exclusive hold of one member, at most `timeout`. Where another acquisition of the task waits already, this
    /// one asks after it, and its time counts from then: [`acquire`] is for several members at once.
    ///
    /// # Errors
    /// `E_BUSY` when too many wait already, `E_TIMEOUT`, `E_RESOURCE` when it cannot be reached.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire(self, timeout: Duration) -> Result<Lease, Error> {
        let mut claim = Claim::new([self.0], timeout, [0]);
        let (context, [lease]) = poll_fn(|waker| claim.poll(waker)).await?;
        Ok(Lease::of(context, lease))
    }
}

/// Waits for one member of each resource, all or nothing, at most `timeout`.
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn acquire(resources: &[Resource], timeout: Duration) -> Acquire {
    let numbers: Vec<u32> = resources.iter().map(|resource| resource.0).collect();
    let leases = vec![0; numbers.len()];
    Acquire { claim: Claim::new(numbers, timeout, leases) }
}

/// The wait for leases. Dropping it gives up the place in the queue, or the leases, clean.
#[must_use = "leases are waited for only when they are awaited"]
pub struct Acquire {
    claim: Claim<Vec<u32>, Vec<u64>>,
}

impl Future for Acquire {
    type Output = Result<Vec<Lease>, Error>;

    fn poll(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Self::Output> {
        self.claim.poll(waker).map_ok(|(context, leases)| {
            leases.into_iter().map(|lease| Lease::of(Rc::clone(&context), lease)).collect()
        })
    }
}

/// A claim to leases of the resources in `R`; `L` holds their handles.
struct Claim<R: AsRef<[u32]>, L: AsMut<[u64]>> {
    /// Until it is answered.
    operation: Option<Operation>,
    /// Until the container is asked: the resources, and how long it may take, in nanoseconds.
    wish: Option<(R, u64)>,
    /// Whether it is this claim for which the task waits.
    has_turn: bool,
    status: Status,
    held: Option<(Rc<TaskContext>, L)>,
}

impl<R: AsRef<[u32]>, L: AsMut<[u64]>> Claim<R, L> {
    #[track_caller]
    fn new(resources: R, timeout: Duration, leases: L) -> Self {
        let operation = Operation::new();
        let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let held = Some((Rc::clone(operation.context()), leases));
        let wish = Some((resources, timeout_ns));
        Self { operation: Some(operation), wish, has_turn: false, status: Status::PENDING, held }
    }

    /// Asks the container, unless another claim of the task waits. Answers whether it was asked.
    fn ask(&mut self, waker: &Waker) -> bool {
        let (Some(operation), Some((context, leases))) = (&self.operation, &mut self.held) else {
            return false;
        };
        if self.wish.is_none() {
            return true;
        }
        if !context.claims.take(waker) {
            return false;
        }
        self.has_turn = true;
        if let Some((resources, timeout_ns)) = self.wish.take() {
            self.status = operation.call(|host, task, token| {
                host.acquire(task, token, resources.as_ref(), timeout_ns, leases.as_mut())
            });
        }
        true
    }

    fn end_turn(&mut self, context: &TaskContext) {
        if std::mem::take(&mut self.has_turn) {
            context.claims.give_back();
        }
    }

    fn poll(&mut self, waker: &mut Context<'_>) -> Poll<Result<(Rc<TaskContext>, L), Error>> {
        let was_asked = self.wish.is_none();
        if !self.ask(waker.waker()) {
            return Poll::Pending;
        }
        let Some(operation) = &self.operation else { return Poll::Pending };
        match (self.status, operation.poll(waker.waker())) {
            (Status::PENDING, Poll::Ready(Some(event))) => self.status = event.status,
            (Status::PENDING, _) | (Status::E_CANCELLED, _) => return Poll::Pending,
            _ => {}
        }
        let context = Rc::clone(operation.context());
        self.operation = None;
        self.end_turn(&context);
        Poll::Ready(match (self.status, self.held.take()) {
            (Status::OK, Some(held)) => Ok(held),
            (status, _) if was_asked => {
                let text = format!("no lease was had ({}): {}", status.name(), status.text());
                Err(Error::with_status(status, text))
            }
            (status, _) => Err(Error::refused("the lease", status)),
        })
    }
}

impl<R: AsRef<[u32]>, L: AsMut<[u64]>> Drop for Claim<R, L> {
    fn drop(&mut self) {
        let Some(operation) = self.operation.take() else { return };
        let context = Rc::clone(operation.context());
        let granted = match self.status {
            Status::OK => true,
            _ => operation.end().is_some_and(|event| event.status == Status::OK),
        };
        self.end_turn(&context);
        if let Some((_, mut leases)) = self.held.take().filter(|_| granted) {
            for &mut lease in leases.as_mut() {
                Lease::of(Rc::clone(&context), lease).clean();
            }
        }
    }
}

/// How a lease is given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseEnd {
    /// As it was found.
    Clean,
    /// To be reset before somebody else has it.
    Dirty,
    /// To be thrown away.
    Broken,
}

impl LeaseEnd {
    const fn number(self) -> u32 {
        match self {
            Self::Clean => lease_end::CLEAN,
            Self::Dirty => lease_end::DIRTY,
            Self::Broken => lease_end::BROKEN,
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn of(number: u32) -> Option<Self> {
        [Self::Clean, Self::Dirty, Self::Broken].into_iter().find(|end| end.number() == number)
    }
}

/// Exclusive hold of one member of a resource. Dropped in the middle of its use it is given back dirty.
pub struct Lease {
    context: Rc<TaskContext>,
    handle: u64,
    end: LeaseEnd,
}

impl Lease {
    /// Gives it back as it was found.
    pub fn clean(mut self) {
        self.end = LeaseEnd::Clean;
    }

    /// Gives it back to be thrown away.
    pub fn broken(mut self) {
        self.end = LeaseEnd::Broken;
    }

    /// What becomes of it when it is dropped; at first [`LeaseEnd::Dirty`].
    pub fn set_end(&mut self, end: LeaseEnd) {
        self.end = end;
    }

    /// The connection that it is a lease on, if that is one to a database.
    ///
    /// # Errors
    /// It is a lease on something else, and comes back.
    pub fn sql(self) -> Result<Sql, Lease> {
        match self.context.instance.sql.filter(|sql| self.has(|interface| sql.is(interface))) {
            Some(extension) => Ok(Sql::new(self, extension)),
            None => Err(self),
        }
    }

    /// The connection that it is a lease on, if that is one to a store.
    ///
    /// # Errors
    /// It is a lease on something else, and comes back.
    pub fn kv(self) -> Result<Kv, Lease> {
        match self.context.instance.kv.filter(|kv| self.has(|interface| kv.is(interface))) {
            Some(extension) => Ok(Kv::new(self, extension)),
            None => Err(self),
        }
    }

    /// The permit that it is, if it is one.
    ///
    /// # Errors
    /// It is a lease on something else, and comes back.
    pub fn permit(self) -> Result<Permit, Lease> {
        match self.context.instance.limit.filter(|limit| self.has(|interface| limit.is(interface))) {
            Some(_) => Ok(Permit::new(self)),
            None => Err(self),
        }
    }

    fn has(&self, is: impl FnOnce(ExtensionTable) -> bool) -> bool {
        self.context.host.lease_interface(self.task(), self.handle).is_some_and(is)
    }

    pub(crate) fn of(context: Rc<TaskContext>, handle: u64) -> Self {
        Self { context, handle, end: LeaseEnd::Dirty }
    }

    /// The task that holds it.
    pub(crate) fn context(&self) -> &Rc<TaskContext> {
        &self.context
    }

    pub(crate) fn task(&self) -> u64 {
        self.context.task.get()
    }

    /// Its handle, for the functions of the resource's interface.
    #[must_use]
    pub fn handle(&self) -> u64 {
        self.handle
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Outside the instance's callbacks the task has ended, and the container has taken the lease back.
        if context::is_inside(&self.context.instance) {
            self.context.host.release(self.context.task.get(), self.handle, self.end.number());
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Lease({:#x})", self.handle)
    }
}
