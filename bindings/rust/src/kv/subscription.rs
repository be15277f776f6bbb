//! Messages of channels, as they come. Must not know who sends them.

use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_container_abi::Status;
use http_container_abi::constants::kv_operation;

use super::session::Kv;
use crate::error::Error;
use crate::operation::Operation;

/// A message of a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The channel.
    pub channel: Bytes,
    /// What was published.
    pub value: Bytes,
}

/// What a subscription brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Received {
    /// A message.
    Message(Message),
    /// Messages were lost here, since too many waited to be taken.
    Lost,
}

/// Channels whose messages a connection takes. Made by [`Kv::subscribe`]. Dropped, the connection stays subscribed, and is
/// good for nothing but to be given back, dirty; [`end`](Self::end) makes it free again.
pub struct Subscription<'k> {
    /// The wait for a message. It is kept when a future that waited is dropped, so that no message is lost.
    wait: Operation,
    kv: &'k mut Kv,
    channels: Vec<Bytes>,
}

impl<'k> Subscription<'k> {
    pub(super) fn new(kv: &'k mut Kv) -> Self {
        let wait = Operation::of(Rc::clone(kv.lease().context()));
        Self { wait, kv, channels: Vec::new() }
    }

    /// Takes the messages of a further channel.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn add(&mut self, channel: impl Into<Bytes>) -> Result<(), Error> {
        let channel = channel.into();
        self.kv.set_doubtful(true);
        self.kv.turn(kv_operation::SUBSCRIBE, &channel).await?;
        self.channels.push(channel);
        Ok(())
    }

    /// The next message, or that some were lost. Dropping the future loses none.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn next(&mut self) -> Result<Received, Error> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next), for hand-written futures and streams.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Received, Error>> {
        let (extension, lease) = (self.kv.extension(), self.kv.lease().handle());
        loop {
            if let Some(event) = ready!(self.wait.poll(context.waker()))
                && event.status == Status::E_GONE
            {
                return Poll::Ready(Err(Error::with_status(
                    Status::E_GONE,
                    "the subscriber's task has ended",
                )));
            }
            let asked = self.wait.call(|_, task, token| {
                extension.message(task, lease, token, |channel, value| {
                    let copy = Bytes::copy_from_slice;
                    Received::Message(Message { channel: copy(channel), value: copy(value) })
                })
            });
            match asked {
                Ok(received) => return Poll::Ready(Ok(received)),
                Err(Status::PENDING) => {}
                Err(Status::E_LIMIT) => return Poll::Ready(Ok(Received::Lost)),
                // The task is being cancelled: its future is dropped when this step has ended.
                Err(Status::E_CANCELLED) => return Poll::Pending,
                Err(status) => return Poll::Ready(Err(Error::refused("the next message", status))),
            }
        }
    }

    /// Leaves all channels: the connection is free for other operations.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn end(mut self) -> Result<(), Error> {
        while let Some(channel) = self.channels.pop() {
            self.kv.turn(kv_operation::UNSUBSCRIBE, &channel).await?;
        }
        self.kv.set_doubtful(false);
        Ok(())
    }
}

impl fmt::Debug for Subscription<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Subscription({:?})", self.channels)
    }
}
