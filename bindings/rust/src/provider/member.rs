//! One member, as its own code sees it: what it is asked, and what it answers. Must not know who asks.

use std::any::Any;
use std::cell::Cell;
use std::ffi::CString;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http_container_abi::{Opaque, ProviderRef, ResultView, SqlValue, Status};

use super::outcome::Outcome;
use super::request::Request;
use crate::context::TaskContext;
use crate::error::Error;
use crate::operation::Operation;

/// A member of the provider's resource: the container's end of it. Clones are the same member; they stay on its worker, and
/// other tasks of the provider there may use them.
#[derive(Clone)]
pub struct Member {
    core: Rc<Core>,
}

struct Core {
    context: Rc<TaskContext>,
    extension: ProviderRef,
    /// The wait for the next request. It is kept when a future that waited is dropped, so that nothing is withdrawn and
    /// asked for again.
    next: Operation,
    /// Columns of the answer under way; 0 before they were given.
    columns: Cell<usize>,
    is_under_way: Cell<bool>,
    /// The last outcome said so.
    is_dirty: Cell<bool>,
    is_explained: Cell<bool>,
}

/// What became of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// They were taken.
    All,
    /// Nobody wants them, nor any that would follow.
    Discarded,
}

/// What came first: see [`Member::race`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Race<T> {
    /// The work is done, with this.
    Done(T),
    /// Nobody waits for it any more: end it soon.
    Interrupt,
    /// The member is to be closed: end it now, and then the task.
    Close,
}

impl Member {
    pub(super) fn new(context: Rc<TaskContext>, extension: ProviderRef) -> Self {
        let next = Operation::of(Rc::clone(&context));
        let (columns, is_under_way, is_dirty, is_explained) = Default::default();
        let core = Core { context, extension, next, columns, is_under_way, is_dirty, is_explained };
        Self { core: Rc::new(core) }
    }

    fn task(&self) -> u64 {
        self.core.context.task.get()
    }

    fn answer(what: &str, status: Status) -> Result<(), Error> {
        if status.is_error() { Err(Error::refused(what, status)) } else { Ok(()) }
    }

    /// Says that it is open, and may be lent.
    ///
    /// # Errors
    /// It was said before.
    pub fn ready(&self) -> Result<(), Error> {
        Self::answer("the readiness of a member", self.core.extension.ready(self.task()))
    }

    /// Says why it could not be opened, or was lost, in words for the operator and for those who are refused. Without it
    /// the message of the error is told with which its future ends.
    pub fn explain(&self, reason: &str) {
        self.core.is_explained.set(true);
        self.core.extension.explain(self.task(), reason);
    }

    pub(super) fn explain_unless_explained(&self, reason: &str) {
        if !self.core.is_explained.get() {
            self.explain(reason);
        }
    }

    /// hc.pool/1: says what it is, before [`ready`](Self::ready). `type_name` is the name by which provider and user agree on
    /// what the object is. What a pointer points to must outlive the member's future, which may end while the object is
    /// lent: hand it to [`keep`](Self::keep).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use http_container::Error;
    /// use http_container::provider::{Member, Opaque};
    ///
    /// struct Session;
    ///
    /// fn lend(member: &Member) -> Result<(), Error> {
    ///     let session = Arc::new(Session);
    ///     member.object("org.example.session/1", Opaque::new(Arc::as_ptr(&session).cast_mut().cast()))?;
    ///     member.keep(session);
    ///     member.ready()
    /// }
    /// ```
    ///
    /// # Errors
    /// The name has a zero byte in it, or the member is of another interface.
    pub fn object(&self, type_name: &str, object: Opaque) -> Result<(), Error> {
        let name =
            CString::new(type_name).map_err(|_| Error::new("a name of a type has a zero byte in it"))?;
        Self::answer("the object of a member", self.core.extension.object(self.task(), &name, object))
    }

    /// Keeps a value until nobody holds the member any more \[pool.object.kept\]: until the container has finished its task.
    pub fn keep(&self, value: impl Any) {
        self.core.context.kept.borrow_mut().push(Box::new(value));
    }

    /// Waits for the next request. While one is under way only [`Request::Interrupt`] and [`Request::Close`] come, so wait
    /// for them beside the work. Dropping the future loses no request. One future waits at a time: of several, the one that
    /// was polled last is told.
    pub async fn next(&self) -> Request {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next), for hand-written futures.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Request> {
        let core = &*self.core;
        loop {
            ready!(core.next.poll(context.waker()));
            let asked =
                core.next.call(|_, task, token| core.extension.next(task, token, |view| Request::of(&view)));
            match asked {
                Ok(Some(request)) => {
                    if let Some(request) = self.admit(request) {
                        return Poll::Ready(request);
                    }
                }
                Ok(None) => {
                    self.core.is_under_way.set(true);
                    self.done(Outcome::unsupported());
                }
                // `poll` says so, and keeps the waker.
                Err(Status::PENDING) => {}
                Err(Status::E_GONE) => return Poll::Ready(Request::Close),
                // The task is being cancelled: its future is dropped when this step has ended.
                Err(Status::E_CANCELLED) => return Poll::Pending,
                Err(status) => {
                    core.context.failure.set(status);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Waits for the next request, or for `lost`, whichever comes first: so that a connection which the other end closes
    /// while nothing is under way is not lent \[provider.lost.noticed\]. Neither a request nor what `lost` waits for is lost
    /// when the other one comes first.
    ///
    /// # Errors
    /// What `lost` says.
    pub async fn next_unless<F: Future>(&self, mut lost: Pin<&mut F>) -> Result<Request, F::Output> {
        poll_fn(|context| match self.poll_next(context) {
            Poll::Ready(request) => Poll::Ready(Ok(request)),
            Poll::Pending => lost.as_mut().poll(context).map(Err),
        })
        .await
    }

    /// Notes that a request is under way; drops an interrupt that came when its request was done already.
    fn admit(&self, request: Request) -> Option<Request> {
        match request {
            Request::Interrupt if !self.core.is_under_way.get() => return None,
            Request::Interrupt | Request::Close => {}
            _ => {
                self.core.is_under_way.set(true);
                self.core.columns.set(0);
            }
        }
        Some(request)
    }

    /// Waits for `work`, which does the request under way, or for the container's wish that it end, whichever comes first.
    /// The work is not dropped: go on with it after an interrupt, or drop it.
    ///
    /// ```
    /// use std::pin::pin;
    /// use http_container::Error;
    /// use http_container::provider::{Member, Outcome, Race, Statement};
    /// # async fn run(_: &Statement, _: &Member) -> Outcome { Outcome::ok() }
    /// # async fn cancel_at_the_server() {}
    ///
    /// /// Whether the member goes on.
    /// async fn serve(statement: &Statement, member: &Member) -> Result<bool, Error> {
    ///     let mut work = pin!(run(statement, member));
    ///     loop {
    ///         match member.race(work.as_mut()).await {
    ///             Race::Done(outcome) => {
    ///                 member.done(outcome);
    ///                 return Ok(true);
    ///             }
    ///             Race::Interrupt => cancel_at_the_server().await,
    ///             Race::Close => return Ok(false),
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn race<F: Future>(&self, mut work: Pin<&mut F>) -> Race<F::Output> {
        poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Race::Done(output));
            }
            loop {
                match ready!(self.poll_next(context)) {
                    Request::Interrupt => return Poll::Ready(Race::Interrupt),
                    Request::Close => return Poll::Ready(Race::Close),
                    other => self.refuse(&other),
                }
            }
        })
        .await
    }

    /// A request in the middle of another one, or with none under way: the provider's mistake or the container's.
    fn refuse(&self, request: &Request) {
        crate::error!("a request came while one was awaited to end: {request:?}");
        self.core.context.failure.set(Status::E_STATE);
    }

    /// Gives the names of the columns of the answer to a statement, once, before its rows. Without it there are none.
    ///
    /// # Errors
    /// No statement is under way, or they were given.
    pub fn columns<N: AsRef<str>>(&self, names: &[N]) -> Result<(), Error> {
        Self::answer("the columns of an answer", self.core.extension.columns(self.task(), names))?;
        self.core.columns.set(names.len());
        Ok(())
    }

    /// Gives rows of the answer: values row by row, one row or many. Waits until the user has room for them. Dropping the
    /// future may leave some of them given.
    ///
    /// # Errors
    /// No statement is under way, it has no columns, or the values are no whole rows.
    pub async fn rows(&self, values: &[SqlValue<'_>]) -> Result<Taken, Error> {
        let columns = self.core.columns.get();
        let mut rest = values;
        let operation = Operation::of(Rc::clone(&self.core.context));
        loop {
            match operation.call(|_, task, token| self.core.extension.rows(task, token, rest)) {
                (Status::OK, _) => return Ok(Taken::All),
                (Status::DISCARDED, _) => return Ok(Taken::Discarded),
                (Status::PENDING, rows) => {
                    rest = rest.get(rows.saturating_mul(columns)..).unwrap_or_default();
                    poll_fn(|context| operation.poll(context.waker())).await;
                }
                (Status::E_CANCELLED, _) => std::future::pending().await,
                (status, _) => return Err(Error::refused("rows of an answer", status)),
            }
        }
    }

    /// Gives a message to the holder of a subscribed member (hc.kv/1). False: it is lost, since nobody is there to take it,
    /// or too many wait; the user is told so.
    pub fn message(&self, channel: &[u8], value: &[u8]) -> bool {
        self.core.extension.message(self.task(), channel, value) == Status::OK
    }

    /// Tells the holder of a subscribed member that messages were lost here, on their way to this provider.
    pub fn messages_lost(&self) {
        self.core.extension.message(self.task(), b"", b"");
    }

    /// Says what became of the request under way. Without one the task fails: it is the provider's mistake.
    pub fn done(&self, outcome: Outcome) {
        let task = self.task();
        // What it does not serve leaves a member as it was [provider.flag.dirty.told].
        let is_as_before = outcome.is_unsupported() && self.core.is_dirty.get();
        let outcome = outcome.dirty_if(is_as_before);
        self.core.is_dirty.set(outcome.is_dirty());
        let done = |result: &ResultView<'_>| self.core.extension.done(task, result);
        match outcome.with_result(done) {
            Status::E_CANCELLED | Status::E_GONE => {}
            status if status.is_error() => {
                crate::error!("{}", Error::refused("the outcome of a request", status));
                self.core.context.failure.set(status);
            }
            _ => {}
        }
        self.core.is_under_way.set(false);
        self.core.columns.set(0);
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Member({:#x})", self.task())
    }
}
