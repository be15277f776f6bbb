//! A body that the container hands over chunk by chunk: the request's, or that of a child's response. Must not know what is
//! done with the chunks.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::HeaderMap;
use http_body::Frame;
use http_container_abi::{HostRef, Status};

use crate::context::TaskContext;
use crate::error::BodyError;
use crate::operation::Operation;
use crate::request::header_map;

/// Where chunks come from.
pub(crate) trait Source {
    /// What an error says of the body.
    const WHAT: &'static str;
    fn read(&self, host: HostRef, task: u64, token: u64) -> Result<Bytes, Status>;
    fn trailers(&self, host: HostRef, task: u64) -> Result<HeaderMap, Status>;
}

/// The body of the task's request.
pub(crate) struct RequestBody;

impl Source for RequestBody {
    const WHAT: &'static str = "the request body is not whole";

    fn read(&self, host: HostRef, task: u64, token: u64) -> Result<Bytes, Status> {
        host.body_read(task, token, Bytes::copy_from_slice)
    }

    fn trailers(&self, host: HostRef, task: u64) -> Result<HeaderMap, Status> {
        host.body_trailers(task, |fields| header_map(fields.iter())).flatten()
    }
}

/// The unread rest of a body.
pub(crate) struct Chunks<S> {
    reading: Option<Operation>,
    context: Rc<TaskContext>,
    state: State,
    /// Bytes to come, where the length was told.
    left: Option<u64>,
    source: S,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unread,
    Reading,
    Over,
}

/// A step that has read so many chunks lets other tasks run: a fast peer would else hold the worker for as long as its body
/// lasts, where the container does not ration.
const CHUNKS_PER_STEP_MAX: u32 = 64;

type Next = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

impl<S: Source> Chunks<S> {
    pub(crate) fn new(context: Rc<TaskContext>, source: S, length: Option<u64>) -> Self {
        Self { reading: None, context, state: State::Unread, left: length, source }
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.state == State::Unread
    }

    pub(crate) fn context(&self) -> &Rc<TaskContext> {
        &self.context
    }

    pub(crate) fn left(&self) -> Option<u64> {
        self.left
    }

    pub(crate) fn poll_frame(&mut self, context: &mut Context<'_>) -> Next {
        if self.state == State::Over {
            return Poll::Ready(None);
        }
        self.state = State::Reading;
        let reading = self.reading.get_or_insert_with(|| Operation::of(Rc::clone(&self.context)));
        loop {
            if let Some(event) = ready!(reading.poll(context.waker()))
                && event.status.is_error()
            {
                return self.fail(event.status);
            }
            let answer = reading.call(|host, task, token| match self.context.chunks_read.get() {
                CHUNKS_PER_STEP_MAX.. => Err(host.timer(task, token, 0)),
                _ => self.source.read(host, task, token),
            });
            match answer {
                Ok(chunk) => {
                    self.context.chunks_read.update(|read| read + 1);
                    self.left = self.left.map(|left| left.saturating_sub(chunk.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(chunk))));
                }
                Err(Status::PENDING) => {}
                Err(Status::END) => return self.end(),
                // The task is being cancelled: its future is dropped when this step has ended.
                Err(Status::E_CANCELLED) => return Poll::Pending,
                Err(status) => return self.fail(status),
            }
        }
    }

    fn end(&mut self) -> Next {
        self.left = Some(0);
        self.reading = None;
        self.state = State::Over;
        match self.source.trailers(self.context.host, self.context.task.get()) {
            Ok(fields) if fields.is_empty() => Poll::Ready(None),
            Ok(fields) => Poll::Ready(Some(Ok(Frame::trailers(fields)))),
            Err(status) => self.fail(status),
        }
    }

    fn fail(&mut self, status: Status) -> Next {
        self.reading = None;
        self.state = State::Over;
        Poll::Ready(Some(Err(BodyError::new(status, S::WHAT))))
    }
}
