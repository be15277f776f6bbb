//! Background tasks: work that outlives a request, or belongs to none. Must not know how a task is driven.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_container_abi::Status;

use crate::context;
use crate::drive::TaskFuture;
use crate::instance::Instance;

/// Starts a background task on this worker; the future need not be `Send`. It has no deadline, and goes on when the handle
/// is dropped. Where the container takes no more tasks, the future is dropped, and the handle says why.
///
/// ```
/// use http_container::{Body, spawn, testing::Container};
///
/// async fn handler(_: http::Request<Body>) -> Result<http::Response<String>, http_container::Error> {
///     let sum = spawn(async { (1..=10).sum::<u32>() });
///     Ok(http::Response::new(sum.await?.to_string()))
/// }
/// assert_eq!(Container::handler(handler).get("/").text(), "55");
/// ```
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    let context = context::current();
    let result = Shared::new();
    let job = run(future, Promise(Arc::clone(&result)));
    let spawned = match &context.worker {
        Some(worker) => worker.spawn(context.host, job),
        None => Err(Status::E_THREAD),
    };
    JoinHandle::new(Arc::clone(&context.instance), result, spawned)
}

fn run<F: Future + 'static>(future: F, promise: Promise<F::Output>) -> TaskFuture {
    Box::pin(async move {
        let output = future.await;
        promise.0.set(Ok(output));
        Ok(())
    })
}

/// Starts background tasks from anywhere: from [`App::create`](crate::App::create), from a thread of the module's own.
#[derive(Clone)]
pub struct Spawner {
    instance: Arc<Instance>,
}

impl Spawner {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self { instance }
    }

    /// Starts a background task on whichever worker is free. `make` runs there, and the future stays there.
    pub fn spawn<M, F>(&self, make: M) -> JoinHandle<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send,
    {
        self.spawn_where(None, make)
    }

    /// Starts a background task on that worker.
    pub fn spawn_on<M, F>(&self, worker: u32, make: M) -> JoinHandle<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send,
    {
        self.spawn_where(Some(worker), make)
    }

    fn spawn_where<M, F>(&self, worker: Option<u32>, make: M) -> JoinHandle<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send,
    {
        let result = Shared::new();
        let promise = Promise(Arc::clone(&result));
        // `make` is called by the first poll, where a panic is the task's own.
        let job = Box::new(move || run(async move { make().await }, promise));
        let spawned = self.instance.spawn(worker, job);
        JoinHandle::new(Arc::clone(&self.instance), result, spawned)
    }
}

/// Why a background task has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinError {
    status: Status,
}

impl JoinError {
    /// The status with which the task ended, or could not be started.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.status == Status::E_PANIC
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the background task has no result ({}: {})", self.status.name(), self.status.text())
    }
}

impl std::error::Error for JoinError {}

/// A background task. Await it for its result; dropping it lets the task go on.
pub struct JoinHandle<T> {
    instance: Arc<Instance>,
    result: Arc<Shared<T>>,
    task: u64,
}

impl<T> JoinHandle<T> {
    fn new(instance: Arc<Instance>, result: Arc<Shared<T>>, spawned: Result<u64, Status>) -> Self {
        let task = spawned.unwrap_or_else(|status| {
            // In place of what the promise said when it was dropped with the future.
            result.lock().state = State::Done(Err(JoinError { status }));
            0
        });
        Self { instance, result, task }
    }

    /// Asks that the task be cancelled: its future is dropped at its next `await`. It may be done before that.
    pub fn abort(&self) {
        if self.task != 0 {
            self.instance.gate.with(|host| host.task_cancel(self.task));
        }
    }

    /// Whether the result is there.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(self.result.lock().state, State::Running)
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut result = self.result.lock();
        match std::mem::replace(&mut result.state, State::Taken) {
            State::Done(output) => Poll::Ready(output),
            State::Running => {
                result.state = State::Running;
                let before = result.waker.replace(context.waker().clone());
                drop(result);
                drop(before);
                Poll::Pending
            }
            State::Taken => Poll::Ready(Err(JoinError { status: Status::E_STATE })),
        }
    }
}

struct Shared<T>(Mutex<Slot<T>>);

struct Slot<T> {
    state: State<T>,
    waker: Option<Waker>,
}

enum State<T> {
    Running,
    Done(Result<T, JoinError>),
    Taken,
}

impl<T> Shared<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Slot { state: State::Running, waker: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, output: Result<T, JoinError>) {
        let mut slot = self.lock();
        if !matches!(slot.state, State::Running) {
            return;
        }
        slot.state = State::Done(output);
        let waker = slot.waker.take();
        drop(slot);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Held by the task: if its future is dropped before it is done, the handle is told why.
struct Promise<T>(Arc<Shared<T>>);

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let outcome = context::try_current().and_then(|context| context.outcome.get());
        let status = outcome.filter(|status| status.is_error()).unwrap_or(match std::thread::panicking() {
            true => Status::E_PANIC,
            false => Status::E_CANCELLED,
        });
        self.0.set(Err(JoinError { status }));
    }
}
