//! A value from elsewhere, once: another task, another thread, a callback of a C library. Must not know where it comes from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_container_abi::Status;

use crate::gate::Gate;
use crate::operation::Operation;

/// A place for one value that anybody may fill, and a future of it in the current task.
///
/// ```
/// use http_container::{Body, completion, testing::Container};
///
/// async fn handler(_: http::Request<Body>) -> Result<http::Response<String>, http_container::Error> {
///     let (completer, value) = completion();
///     std::thread::spawn(move || completer.complete(6 * 7));
///     Ok(http::Response::new(value.await?.to_string()))
/// }
/// assert_eq!(Container::handler(handler).get("/").text(), "42");
/// ```
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn completion<T: Send + 'static>() -> (Completer<T>, Completion<T>) {
    let operation = Operation::new();
    let context = operation.context();
    let handle = operation.complete_later().unwrap_or_else(|status| {
        if status != Status::E_CANCELLED {
            context.failure.set(status);
        }
        0
    });
    let place = Arc::new(Mutex::new(None));
    let completer = Completer { handle, gate: Arc::clone(&context.instance.gate), place: Arc::clone(&place) };
    (completer, Completion { operation, place })
}

/// Fills the place of a [`Completion`], from any thread. Dropping it says that no value will come.
pub struct Completer<T: Send + 'static> {
    handle: u64,
    gate: Arc<Gate>,
    place: Arc<Mutex<Option<T>>>,
}

impl<T: Send + 'static> Completer<T> {
    /// Hands the value over.
    ///
    /// # Errors
    /// Nobody waits for it any more: it comes back.
    pub fn complete(mut self, value: T) -> Result<(), T> {
        *lock(&self.place) = Some(value);
        match self.send(Status::OK) {
            Status::OK => Ok(()),
            _ => lock(&self.place).take().map_or(Ok(()), Err),
        }
    }

    fn send(&mut self, status: Status) -> Status {
        let handle = std::mem::take(&mut self.handle);
        if handle == 0 {
            return Status::E_GONE;
        }
        self.gate.with(|host| host.complete(handle, status, 0)).unwrap_or(Status::E_GONE)
    }
}

impl<T: Send + 'static> Drop for Completer<T> {
    fn drop(&mut self) {
        self.send(Status::E_CANCELLED);
    }
}

fn lock<T>(place: &Mutex<Option<T>>) -> std::sync::MutexGuard<'_, Option<T>> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value that a [`Completer`] hands over.
#[must_use = "a completion waits only when it is awaited"]
pub struct Completion<T: Send + 'static> {
    operation: Operation,
    place: Arc<Mutex<Option<T>>>,
}

/// The [`Completer`] was dropped: no value will come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the completer was dropped")
    }
}

impl std::error::Error for Abandoned {}

impl<T: Send + 'static> Future for Completion<T> {
    type Output = Result<T, Abandoned>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.operation.poll(context.waker()) {
            Poll::Ready(Some(_)) => Poll::Ready(lock(&self.place).take().ok_or(Abandoned)),
            // Refused: the task is at its end, or fails at the end of this poll.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
