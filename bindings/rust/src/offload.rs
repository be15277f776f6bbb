//! Work that blocks or computes for long, on the container's pool of threads. Must not know what the work is.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http_container_abi::Status;

use crate::error::Error;
use crate::operation::Operation;

/// Runs `work` on a thread of the container's pool, and waits for what it returns. Dropping the future lets work that has
/// begun run to its end, for nobody; work that has not begun is dropped.
///
/// The work is no task: it may use a [`Logger`](crate::log::Logger), a [`Spawner`](crate::Spawner) or a
/// [`Completer`](crate::Completer), but neither sockets nor leases.
///
/// ```
/// use http_container::{Body, Error, Request, Response, offload, testing::Container};
///
/// async fn handler(_: Request<Body>) -> Result<Response<String>, Error> {
///     let sum = offload(|| (1..=1_000_000_u64).sum::<u64>()).await?;
///     Ok(Response::new(sum.to_string()))
/// }
/// assert_eq!(Container::handler(handler).get("/").text(), "500000500000");
/// ```
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn offload<T, F>(work: F) -> Offload<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let operation = Operation::new();
    let place = Arc::new(Mutex::new(None));
    let result = Arc::clone(&place);
    let work = move || {
        let value = work();
        *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        (Status::OK, 0)
    };
    let status = match operation.context().instance.offload {
        Some(extension) => operation.call(|_, task, token| {
            extension.run(task, token, Box::new(work)).map_or_else(|(status, _)| status, |()| Status::PENDING)
        }),
        None => Status::E_UNSUPPORTED,
    };
    Offload { operation, place, status }
}

/// Work on a thread of the container's pool. Made by [`offload`].
#[must_use = "the result is had by awaiting"]
pub struct Offload<T: Send + 'static> {
    operation: Operation,
    place: Arc<Mutex<Option<T>>>,
    status: Status,
}

impl<T: Send + 'static> Future for Offload<T> {
    /// `E_BUSY` when too much is queued, `E_PANIC` when the work panicked, `E_UNSUPPORTED` when the container has no such
    /// pool.
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.status {
            Status::PENDING => {}
            Status::E_CANCELLED => return Poll::Pending,
            status => return Poll::Ready(Err(Error::refused("offloaded work", status))),
        }
        let event = ready!(self.operation.poll(context.waker()));
        let value = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (value, event.map_or(Status::E_STATE, |event| event.status)) {
            (Some(value), Status::OK) => Poll::Ready(Ok(value)),
            (_, status) => {
                let text = format!("offloaded work has no result: {}", status.text());
                Poll::Ready(Err(Error::with_status(status, text)))
            }
        }
    }
}
