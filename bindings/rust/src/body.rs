//! The body of a request or a response: nothing, bytes at hand, or a stream. Must not know who reads it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::channel::{Sender, channel};
use crate::chunks::{Chunks, RequestBody};
use crate::context::TaskContext;
use crate::dispatch::Child;
use crate::error::{BodyError, Error};
use crate::streamed::{Pieces, Streamed};
use crate::writer::{Produced, Writer};

/// A body. Request bodies are read from it; anything that is [`IntoBody`] becomes a response's.
///
/// It is an [`http_body::Body`], so it goes through other libraries, and it can be read by hand: [`chunk`](Self::chunk),
/// [`collect`](Self::collect). Nothing is read before it is asked for, and a response's stream is asked for more only when
/// the peer has taken what went before: back-pressure holds in both directions.
pub struct Body {
    kind: Kind,
}

/// No body is one of no bytes: a third kind would make every request and response larger.
enum Kind {
    Whole(Bytes),
    /// Boxed, so that a request or a response with no stream is small to move.
    Streamed(Box<Streamed>),
}

impl Body {
    fn of(kind: Kind) -> Self {
        Self { kind }
    }

    fn streamed(pieces: Pieces) -> Self {
        Self::of(Kind::Streamed(Box::new(Streamed::new(pieces))))
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Kind::Whole(Bytes::new()))
    }

    pub(crate) fn incoming(incoming: Chunks<RequestBody>) -> Self {
        Self::streamed(Pieces::Incoming(incoming))
    }

    pub(crate) fn child(child: Chunks<Child>) -> Self {
        Self::streamed(Pieces::Child(child))
    }

    /// A body that `produce` writes while it is sent, in the task that sends it.
    ///
    /// ```
    /// use http_container::{Body, testing::Container};
    ///
    /// async fn count(_: http::Request<Body>) -> http::Response<Body> {
    ///     http::Response::new(Body::stream(|mut body| async move {
    ///         for n in 0..3 {
    ///             http_container::sleep(std::time::Duration::from_secs(1)).await;
    ///             body.write(format!("{n}\n")).await?;
    ///         }
    ///         Ok(())
    ///     }))
    /// }
    /// assert_eq!(Container::handler(count).get("/").text(), "0\n1\n2\n");
    /// ```
    pub fn stream<F, P>(produce: P) -> Self
    where
        P: FnOnce(Writer) -> F,
        F: Future<Output = Result<(), Error>> + 'static,
    {
        Self::streamed(Pieces::Produced(Produced::new(produce)))
    }

    /// A body that another task, or a thread, sends. At most `capacity` chunks wait in between, at least one.
    #[must_use]
    pub fn channel(capacity: usize) -> (Sender, Self) {
        let (sender, receiver) = channel(capacity);
        (sender, Self::streamed(Pieces::Channel(receiver)))
    }

    /// Any body of the `http_body` kind.
    pub fn wrap<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + 'static,
        B::Error: std::error::Error + 'static,
    {
        Self::of(Kind::Streamed(Box::new(Streamed::wrap(body))))
    }

    /// The next piece, never empty; `None` when the body is whole. Trailers, if any, can be had after that.
    ///
    /// # Errors
    /// The body was cut off, is too long, or its producer failed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut *self).poll_frame(context)).await {
            match frame?.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(frame) => {
                    if let Kind::Streamed(streamed) = &mut self.kind {
                        streamed.trailers = frame.into_trailers().ok();
                    }
                }
            }
        }
        Ok(None)
    }

    /// The whole body, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// A longer body is an error with HTTP status 413; others as [`chunk`](Self::chunk).
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let too_long =
            || Error::http(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {limit} bytes"));
        if self.size_hint().lower() > limit as u64 {
            return Err(too_long());
        }
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else {
            return if first.len() > limit { Err(too_long()) } else { Ok(first) };
        };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        let mut next = Some(second);
        whole.extend_from_slice(&first);
        while let Some(chunk) = next {
            if chunk.len() > limit.saturating_sub(whole.len()) {
                return Err(too_long());
            }
            whole.extend_from_slice(&chunk);
            next = self.chunk().await?;
        }
        Ok(whole.freeze())
    }

    /// The trailer fields, after [`chunk`](Self::chunk) said that the body is whole.
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderMap> {
        match &self.kind {
            Kind::Streamed(streamed) => streamed.trailers.as_ref(),
            Kind::Whole(_) => None,
        }
    }

    /// The whole body, if it is at hand and has at most `limit` bytes.
    pub(crate) fn into_whole(self, limit: usize) -> Result<Bytes, Self> {
        match self.kind {
            Kind::Whole(bytes) if bytes.len() <= limit => Ok(bytes),
            kind => Err(Self::of(kind)),
        }
    }

    /// As [`into_whole`](Self::into_whole), but only looks.
    pub(crate) fn whole(&self, limit: usize) -> Option<&[u8]> {
        match &self.kind {
            Kind::Whole(bytes) if bytes.len() <= limit => Some(bytes),
            _ => None,
        }
    }

    /// The request body of the task, if this is it and nothing was read of it.
    pub(crate) fn is_unread_request(&self, task: &Rc<TaskContext>) -> bool {
        matches!(&self.kind, Kind::Streamed(streamed) if streamed.is_unread_request(task))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.kind {
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Streamed(streamed) => streamed.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Streamed(streamed) => streamed.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Streamed(streamed) => streamed.size_hint(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Kind::Whole(bytes) if bytes.is_empty() => out.write_str("Body(empty)"),
            Kind::Whole(bytes) => write!(out, "Body({} bytes)", bytes.len()),
            Kind::Streamed(_) => out.write_str("Body(stream)"),
        }
    }
}

/// What can be the body of a response.
pub trait IntoBody {
    /// The body.
    fn into_body(self) -> Body;
}

impl IntoBody for Body {
    fn into_body(self) -> Body {
        self
    }
}

macro_rules! bodies {
    ($($type:ty),*) => {
        $(impl IntoBody for $type {
            fn into_body(self) -> Body {
                Body::of(Kind::Whole(self.into()))
            }
        }
        impl From<$type> for Body {
            fn from(whole: $type) -> Self {
                whole.into_body()
            }
        })*
    };
}

bodies!(Bytes, &'static str, &'static [u8], String, Vec<u8>);

impl IntoBody for () {
    fn into_body(self) -> Body {
        Body::empty()
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stay_small_to_move() {
        assert_eq!(size_of::<Body>(), size_of::<Bytes>());
    }
}
