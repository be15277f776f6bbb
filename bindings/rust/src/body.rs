//! The body of a request or a response: nothing, bytes at hand, or a stream. Must not know who reads it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::channel::{Receiver, Sender, channel};
use crate::chunks::{Chunks, RequestBody};
use crate::context::TaskContext;
use crate::dispatch::Child;
use crate::error::{BodyError, Error};
use crate::writer::{Produced, Writer};

/// A body. Request bodies are read from it; anything that is [`IntoBody`] becomes a response's.
///
/// It is an [`http_body::Body`], so it goes through other libraries, and it can be read by hand: [`chunk`](Self::chunk),
/// [`collect`](Self::collect). Nothing is read before it is asked for, and a response's stream is asked for more only when
/// the peer has taken what went before: back-pressure holds in both directions.
#[derive(Default)]
pub struct Body {
    kind: Kind,
    trailers: Option<Box<HeaderMap>>,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Whole(Bytes),
    Incoming(Chunks<RequestBody>),
    Produced(Produced),
    Channel(Receiver),
    Child(Chunks<Child>),
    Other(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError>>>),
}

impl Body {
    fn of(kind: Kind) -> Self {
        Self { kind, trailers: None }
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn incoming(incoming: Chunks<RequestBody>) -> Self {
        Self::of(Kind::Incoming(incoming))
    }

    pub(crate) fn child(child: Chunks<Child>) -> Self {
        Self::of(Kind::Child(child))
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
        Self::of(Kind::Produced(Produced::new(produce)))
    }

    /// A body that another task, or a thread, sends. At most `capacity` chunks wait in between, at least one.
    #[must_use]
    pub fn channel(capacity: usize) -> (Sender, Self) {
        let (sender, receiver) = channel(capacity);
        (sender, Self::of(Kind::Channel(receiver)))
    }

    /// Any body of the `http_body` kind.
    pub fn wrap<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + 'static,
        B::Error: std::error::Error + 'static,
    {
        Self::of(Kind::Other(Box::pin(Wrapped(Box::pin(body)))))
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
                Err(frame) => self.trailers = frame.into_trailers().ok().map(Box::new),
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
        self.trailers.as_deref()
    }

    /// The whole body, if it is at hand and has at most `limit` bytes.
    pub(crate) fn into_whole(self, limit: usize) -> Result<Bytes, Self> {
        match self.kind {
            Kind::Empty => Ok(Bytes::new()),
            Kind::Whole(bytes) if bytes.len() <= limit => Ok(bytes),
            kind => Err(Self { kind, ..self }),
        }
    }

    /// The request body of the task, if this is it and nothing was read of it.
    pub(crate) fn is_unread_request(&self, task: &Rc<TaskContext>) -> bool {
        matches!(&self.kind, Kind::Incoming(body) if body.is_unread() && Rc::ptr_eq(body.context(), task))
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
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Incoming(incoming) => incoming.poll_frame(context),
            Kind::Produced(produced) => produced.poll_frame(context),
            Kind::Channel(receiver) => receiver.poll_frame(context),
            Kind::Child(child) => child.poll_frame(context),
            Kind::Other(other) => other.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Other(other) => other.is_end_stream(),
            Kind::Incoming(_) | Kind::Produced(_) | Kind::Channel(_) | Kind::Child(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let left = match &self.kind {
            Kind::Empty => Some(0),
            Kind::Whole(bytes) => Some(bytes.len() as u64),
            Kind::Incoming(incoming) => incoming.left(),
            Kind::Child(child) => child.left(),
            Kind::Produced(_) | Kind::Channel(_) => None,
            Kind::Other(other) => return other.size_hint(),
        };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Kind::Empty => out.write_str("Body(empty)"),
            Kind::Whole(bytes) => write!(out, "Body({} bytes)", bytes.len()),
            _ => out.write_str("Body(stream)"),
        }
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
