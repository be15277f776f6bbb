//! Waiting for one's turn, for a lock, and for the pool of threads: in the member, for a bounded time, and no longer than
//! somebody wants the answer. Must not know what is waited for.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http_container::{ctx, sleep, timeout};

use crate::failure::{Failure, Kind};
use crate::interrupt::Interrupt;

/// The first pause before another attempt; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The time that one request may spend waiting.
pub(crate) struct Patience<'a> {
    interrupt: &'a Interrupt,
    /// When it ends, on the clock of the container.
    end: Duration,
    next_pause: Cell<Duration>,
}

impl<'a> Patience<'a> {
    /// From now on, for so long.
    pub(crate) fn new(interrupt: &'a Interrupt, most: Duration) -> Self {
        Self { interrupt, end: ctx().now() + most, next_pause: Cell::new(FIRST_PAUSE) }
    }

    fn left(&self) -> Duration {
        self.end.saturating_sub(ctx().now())
    }

    /// Waits for `future`, as long as there is patience left.
    pub(crate) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        match self.unless_interrupted(timeout(self.left(), future)).await? {
            Ok(output) => Ok(output),
            Err(_) => {
                let message = "database is locked: other members of the resource write, each in its turn";
                Err(Failure { kind: Kind::Refused, code: "55P03", message: message.into() })
            }
        }
    }

    /// Waits a little before another attempt at what has failed so.
    pub(crate) async fn pause(&self, failure: Failure) -> Result<(), Failure> {
        let left = self.left();
        if left.is_zero() {
            return Err(failure);
        }
        let pause = self.next_pause.get();
        self.next_pause.set((pause * 2).min(LONGEST_PAUSE));
        self.unless_interrupted(sleep(pause.min(left))).await
    }

    /// The member polls what it does again when it is interrupted; so a look at the flag in each poll is enough.
    async fn unless_interrupted<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let mut future = pin!(future);
        poll_fn(|context| match self.interrupt.is_asked() {
            true => Poll::Ready(Err(Failure::interrupted())),
            false => future.as_mut().poll(context).map(Ok),
        })
        .await
    }
}
