//! Time: waiting, deadlines, and letting others run. Must not know any clock but the container's.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use http_container_abi::{Event, Status};

use crate::operation::Operation;

/// Waits for at least `duration`, counted from now.
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let timer = Operation::new();
    let status = timer.call(|host, task, token| host.timer(task, token, nanoseconds));
    if !matches!(status, Status::PENDING | Status::E_CANCELLED) {
        timer.context().failure.set(status);
    }
    Sleep { timer }
}

/// Lets every other task that is ready run first.
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn yield_now() -> Sleep {
    sleep(Duration::ZERO)
}

/// A running timer. Dropping it stops it.
#[must_use = "a timer waits only when it is awaited"]
pub struct Sleep {
    timer: Operation,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.timer.poll(context.waker()) {
            Poll::Ready(Some(Event { status: Status::OK, .. })) => Poll::Ready(()),
            // Refused or gone: the task is at its end, or fails at the end of this poll.
            Poll::Ready(_) | Poll::Pending => Poll::Pending,
        }
    }
}

/// The time of [`timeout`] passed. A handler that fails with it is answered for with 503: `?` makes it `E_TIMEOUT`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the time passed")
    }
}

impl std::error::Error for Elapsed {}

/// Waits for `future`, but no longer than `duration`; then drops it.
///
/// # Errors
/// The time passed first.
///
/// # Panics
/// Outside a task.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut sleep = sleep(duration);
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut sleep).poll(context).map(|()| Err(Elapsed))
    })
    .await
}
