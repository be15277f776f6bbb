//! Bodies that another task or a thread sends: a bounded queue of chunks. Must not know who reads or writes.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::HeaderMap;
use http_body::Frame;
use http_container_abi::Status;

use crate::error::BodyError;

pub(crate) fn channel(capacity: usize) -> (Sender, Receiver) {
    let queue = Arc::new(Mutex::new(Queue {
        chunks: VecDeque::new(),
        capacity: capacity.max(1),
        ending: Ending::Open,
        reader: None,
        writer: None,
    }));
    (Sender { queue: Arc::clone(&queue) }, Receiver { queue })
}

struct Queue {
    chunks: VecDeque<Bytes>,
    capacity: usize,
    ending: Ending,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

enum Ending {
    Open,
    Whole(HeaderMap),
    Broken,
    ReaderLeft,
    Told,
}

/// The writing end of [`Body::channel`](crate::Body::channel); it may go to any thread.
///
/// Dropped before [`finish`](Self::finish), it breaks the body off, so that a truncated body never looks whole.
pub struct Sender {
    queue: Arc<Mutex<Queue>>,
}

/// Nobody reads the body any more; the chunk comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed(pub Bytes);

impl fmt::Display for Closed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("nobody reads the body any more")
    }
}

impl std::error::Error for Closed {}

/// Why a chunk was not taken at once; it comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrySend {
    /// As many chunks wait as may.
    Full(Bytes),
    /// Nobody reads the body any more.
    Closed(Bytes),
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    /// Sends a chunk, once there is room for it.
    ///
    /// # Errors
    /// Nobody reads the body any more.
    pub async fn send(&mut self, chunk: impl Into<Bytes>) -> Result<(), Closed> {
        let mut chunk = Some(chunk.into());
        poll_fn(|context| {
            let Some(data) = chunk.take() else { return Poll::Ready(Ok(())) };
            match self.offer(data, Some(context)) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(TrySend::Closed(data)) => Poll::Ready(Err(Closed(data))),
                Err(TrySend::Full(data)) => {
                    chunk = Some(data);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Sends a chunk if there is room for it now.
    ///
    /// # Errors
    /// There is no room, or nobody reads the body any more.
    pub fn try_send(&mut self, chunk: impl Into<Bytes>) -> Result<(), TrySend> {
        self.offer(chunk.into(), None)
    }

    fn offer(&mut self, chunk: Bytes, context: Option<&mut Context<'_>>) -> Result<(), TrySend> {
        let mut queue = lock(&self.queue);
        if matches!(queue.ending, Ending::ReaderLeft) {
            return Err(TrySend::Closed(chunk));
        }
        if chunk.is_empty() {
            return Ok(());
        }
        if queue.chunks.len() >= queue.capacity {
            let before = context.and_then(|context| queue.writer.replace(context.waker().clone()));
            drop(queue);
            drop(before);
            return Err(TrySend::Full(chunk));
        }
        queue.chunks.push_back(chunk);
        let reader = queue.reader.take();
        drop(queue);
        reader.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The body is whole. `trailers` are sent after it.
    pub fn finish(self, trailers: HeaderMap) {
        self.end(Ending::Whole(trailers));
    }

    fn end(&self, ending: Ending) {
        let mut queue = lock(&self.queue);
        if !matches!(queue.ending, Ending::Open) {
            return;
        }
        queue.ending = ending;
        let reader = queue.reader.take();
        drop(queue);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.end(Ending::Broken);
    }
}

/// The reading end.
pub(crate) struct Receiver {
    queue: Arc<Mutex<Queue>>,
}

impl Receiver {
    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut queue = lock(&self.queue);
        if let Some(chunk) = queue.chunks.pop_front() {
            let writer = queue.writer.take();
            drop(queue);
            writer.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match std::mem::replace(&mut queue.ending, Ending::Told) {
            Ending::Open => {
                queue.ending = Ending::Open;
                let before = queue.reader.replace(context.waker().clone());
                drop(queue);
                drop(before);
                Poll::Pending
            }
            Ending::Whole(trailers) if !trailers.is_empty() => {
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Ending::Broken => {
                let error =
                    BodyError::new(Status::E_FAILED, "the sender of the body went away before its end");
                Poll::Ready(Some(Err(error)))
            }
            Ending::Whole(_) | Ending::Told | Ending::ReaderLeft => Poll::Ready(None),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        queue.ending = Ending::ReaderLeft;
        let chunks = std::mem::take(&mut queue.chunks);
        let writer = queue.writer.take();
        drop(queue);
        drop(chunks);
        writer.into_iter().for_each(Waker::wake);
    }
}
