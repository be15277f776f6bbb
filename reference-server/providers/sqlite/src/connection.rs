//! A member's end of its session: each piece of work is a job on the container's pool of threads, which is begun again when
//! its turn has come or a lock is gone. Must not know requests.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use http_container::provider::Member;
use http_container::{Error, Status, offload};

use crate::failure::{Failure, Kind};
use crate::forward;
use crate::interrupt::Interrupt;
use crate::patience::Patience;
use crate::provider::Sqlite;
use crate::row_queue::RowQueue;
use crate::row_writer::RowWriter;
use crate::session::{Session, Stop};

/// A session that works elsewhere.
pub(crate) struct Connection {
    provider: Arc<Sqlite>,
    session: Arc<Mutex<Session>>,
    interrupt: Interrupt,
    is_dirty: Cell<bool>,
}

/// Why something has no outcome.
pub(crate) enum Fault {
    /// It failed.
    Failed(Failure),
    /// The member can do nothing more.
    Lost(Error),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

impl Connection {
    pub(crate) async fn open(provider: Arc<Sqlite>) -> Result<Self, Fault> {
        let interrupt = Interrupt::default();
        let patience = Patience::new(&interrupt, provider.database.options().busy_timeout);
        let session = loop {
            let (database, gate) = (Arc::clone(&provider.database), Arc::clone(&provider.gate));
            let interrupt = interrupt.clone();
            match on_pool(move || Session::open(&database, &gate, &interrupt)).await? {
                Ok(session) => break session,
                Err(failure) if failure.kind == Kind::Busy => patience.pause(failure).await?,
                Err(failure) => return Err(failure.into()),
            }
        };
        let session = Arc::new(Mutex::new(session));
        Ok(Self { provider, session, interrupt, is_dirty: Cell::new(false) })
    }

    /// The means to end what is being done.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Whether the next holder could tell it from a fresh one, as of the last job.
    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty.get()
    }

    /// Does `work` when it is possible: in its turn, and with no lock in the way.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, Fault>
    where
        T: Send + 'static,
        W: Fn(&mut Session) -> Result<T, Stop> + Clone + Send + 'static,
    {
        self.attempts(|| (self.job(work.clone()), async { Ok(()) })).await
    }

    /// As [`run`](Self::run), for work with an answer, which is handed on while it comes.
    pub(crate) async fn run_with_rows<T, W>(&self, member: &Member, work: W) -> Result<T, Fault>
    where
        T: Send + 'static,
        W: Fn(&mut Session, RowWriter) -> Result<T, Stop> + Clone + Send + 'static,
    {
        self.attempts(|| {
            let queue = RowQueue::new(self.provider.limits.clone());
            let writer = RowWriter::new(Arc::clone(&queue));
            let work = work.clone();
            let job = self.job(move |session| work(session, writer));
            (job, forward::forward(member, queue))
        })
        .await
    }

    /// Makes attempts, each with what hands its answer on, until one is not in vain.
    async fn attempts<T, J, A>(&self, make: impl Fn() -> (J, A)) -> Result<T, Fault>
    where
        J: Future<Output = Result<Result<T, Stop>, Fault>>,
        A: Future<Output = Result<(), Error>>,
    {
        let result = self.try_attempts(make).await;
        if result.is_err() {
            // A turn that was waited for in vain is somebody else's.
            self.lock().leave();
        }
        result
    }

    async fn try_attempts<T, J, A>(&self, make: impl Fn() -> (J, A)) -> Result<T, Fault>
    where
        J: Future<Output = Result<Result<T, Stop>, Fault>>,
        A: Future<Output = Result<(), Error>>,
    {
        let patience = Patience::new(&self.interrupt, self.provider.database.options().busy_timeout);
        loop {
            let (job, answer) = make();
            let (result, handed_on) = join(job, answer).await;
            handed_on?;
            match result {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Stop::Turn)) => {
                    let permit = patience.wait(self.provider.gate.enter()).await?;
                    self.lock().turn.give(permit);
                }
                Ok(Err(Stop::Failed(failure))) | Err(Fault::Failed(failure)) => match failure.kind {
                    Kind::Busy => patience.pause(failure).await?,
                    _ => return Err(failure.into()),
                },
                Err(lost) => return Err(lost),
            }
        }
    }

    /// One attempt.
    async fn job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, Stop> + Send + 'static,
    ) -> Result<Result<T, Stop>, Fault> {
        let session = Arc::clone(&self.session);
        let (result, is_dirty) = on_pool(move || {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            let result = work(&mut session);
            (result, session.is_dirty())
        })
        .await?;
        self.is_dirty.set(is_dirty);
        Ok(result)
    }

    /// The session, between two jobs: nobody else has it.
    fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes it, which may have to write to the file.
    pub(crate) async fn close(self) {
        // Where the pool takes nothing more it is closed here and now.
        let _ = offload(move || drop(self.session)).await;
    }
}

/// Does something on a thread of the container's pool. When that has too much to do already, it is like a lock that somebody
/// else has: it may be tried again.
pub(crate) async fn on_pool<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    offload(work).await.map_err(|error| match error.status() {
        Status::E_BUSY => {
            let message = "too much work waits for the container's pool of threads";
            Fault::Failed(Failure { kind: Kind::Busy, code: "53000", message: message.into() })
        }
        _ => Fault::Lost(error),
    })
}

/// Both, side by side.
async fn join<A: Future, B: Future>(one: A, two: B) -> (A::Output, B::Output) {
    let (mut one, mut two) = (pin!(one), pin!(two));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(output) = one.as_mut().poll(context)
        {
            first = Some(output);
        }
        if second.is_none()
            && let Poll::Ready(output) = two.as_mut().poll(context)
        {
            second = Some(output);
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (one, two) => {
                (first, second) = (one, two);
                Poll::Pending
            }
        }
    })
    .await
}
