//! Bodies that an async block writes while they are sent: block and reader run in one task, one chunk lies between them.
//! Must not know who reads.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::HeaderMap;
use http_body::Frame;

use crate::error::{BodyError, Error};

/// Where the block of [`Body::stream`](crate::Body::stream) writes.
pub struct Writer {
    desk: Rc<RefCell<Desk>>,
}

/// The one chunk between block and reader, and who waits for the place.
#[derive(Default)]
struct Desk {
    chunk: Option<Bytes>,
    trailers: Option<HeaderMap>,
    writer: Option<Waker>,
}

impl Writer {
    /// Writes a piece of the body, and waits until it is on its way: until the peer made room for it.
    ///
    /// # Errors
    /// None today; a body that nobody reads any more has its block dropped instead.
    pub async fn write(&mut self, data: impl Into<Bytes>) -> Result<(), Error> {
        let data = data.into();
        if data.is_empty() {
            return Ok(());
        }
        // A write that was dropped may have left its piece.
        poll_fn(|context| self.poll_taken(context)).await;
        self.desk.borrow_mut().chunk = Some(data);
        poll_fn(|context| self.poll_taken(context)).await;
        Ok(())
    }

    fn poll_taken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut desk = self.desk.borrow_mut();
        if desk.chunk.is_none() {
            return Poll::Ready(());
        }
        let before = desk.writer.replace(context.waker().clone());
        drop(desk);
        drop(before);
        Poll::Pending
    }

    /// The trailer fields, sent after the last piece.
    pub fn set_trailers(&mut self, trailers: HeaderMap) {
        self.desk.borrow_mut().trailers = Some(trailers);
    }
}

/// What the author wrote, until it is done.
type Block = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// The reading side: polls the block and takes what it wrote.
pub(crate) struct Produced {
    desk: Rc<RefCell<Desk>>,
    block: Option<Block>,
    ending: Option<Result<(), Error>>,
}

impl Produced {
    pub(crate) fn new<F, P>(produce: P) -> Self
    where
        P: FnOnce(Writer) -> F,
        F: Future<Output = Result<(), Error>> + 'static,
    {
        let desk = Rc::<RefCell<Desk>>::default();
        let block = produce(Writer { desk: Rc::clone(&desk) });
        Self { desk, block: Some(Box::pin(block)), ending: None }
    }

    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(block) = self.block.as_mut()
            && let Poll::Ready(ending) = block.as_mut().poll(context)
        {
            self.block = None;
            self.ending = Some(ending);
        }
        let (chunk, writer) = {
            let mut desk = self.desk.borrow_mut();
            let chunk = desk.chunk.take();
            (chunk, desk.writer.take())
        };
        if let Some(writer) = writer.filter(|writer| !writer.will_wake(context.waker())) {
            // The block waits inside a combinator of its own, which polls it only when it is told.
            writer.wake();
        }
        if let Some(chunk) = chunk {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match self.ending.take() {
            None if self.block.is_some() => Poll::Pending,
            None => Poll::Ready(None),
            Some(Ok(())) => {
                let trailers = self.desk.borrow_mut().trailers.take();
                Poll::Ready(trailers.map(|fields| Ok(Frame::trailers(fields))))
            }
            Some(Err(error)) => {
                let error = BodyError::new(error.status(), error.message().to_owned());
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}
