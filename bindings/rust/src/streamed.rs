//! A body that comes piece by piece, from wherever it does. Must not know who reads it.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::channel::Receiver;
use crate::chunks::{Chunks, RequestBody};
use crate::context::TaskContext;
use crate::dispatch::Child;
use crate::error::{BodyError, Error};
use crate::writer::Produced;

/// Where the pieces come from.
pub(crate) enum Pieces {
    Incoming(Chunks<RequestBody>),
    Produced(Produced),
    Channel(Receiver),
    Child(Chunks<Child>),
    Other(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError>>>),
}

/// The unread rest of a body, and the trailers once they were read.
pub(crate) struct Streamed {
    pub(crate) pieces: Pieces,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Streamed {
    pub(crate) fn new(pieces: Pieces) -> Self {
        Self { pieces, trailers: None }
    }

    /// Pieces of another library's body, whose errors become ours.
    pub(crate) fn wrap<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + 'static,
        B::Error: std::error::Error + 'static,
    {
        Self::new(Pieces::Other(Box::pin(Wrapped(Box::pin(body)))))
    }

    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.pieces {
            Pieces::Incoming(incoming) => incoming.poll_frame(context),
            Pieces::Produced(produced) => produced.poll_frame(context),
            Pieces::Channel(receiver) => receiver.poll_frame(context),
            Pieces::Child(child) => child.poll_frame(context),
            Pieces::Other(other) => other.as_mut().poll_frame(context),
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        matches!(&self.pieces, Pieces::Other(other) if other.is_end_stream())
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let left = match &self.pieces {
            Pieces::Incoming(incoming) => incoming.left(),
            Pieces::Child(child) => child.left(),
            Pieces::Produced(_) | Pieces::Channel(_) => None,
            Pieces::Other(other) => return other.size_hint(),
        };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    /// The request body of the task, if this is it and nothing was read of it.
    pub(crate) fn is_unread_request(&self, task: &Rc<TaskContext>) -> bool {
        matches!(&self.pieces, Pieces::Incoming(body) if body.is_unread() && Rc::ptr_eq(body.context(), task))
    }
}

/// A body of another library, whose errors become ours.
struct Wrapped<B>(Pin<Box<B>>);

impl<B> HttpBody for Wrapped<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: std::error::Error + 'static,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = std::task::ready!(self.0.as_mut().poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| {
                let error = Error::from(error);
                BodyError::new(error.status(), format!("the body failed: {error}"))
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
