//! Sends what a handler answered: at once if the body is at hand, else piece by piece as there is room. Must not know how
//! the body is made.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use bytes::{Buf, Bytes};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode, response};
use http_body::Body as _;
use http_container_abi::{self as abi, Status};

use crate::body::Body;
use crate::context::TaskContext;
use crate::drive::Ending;
use crate::error::{BodyError, Error};
use crate::fields;
use crate::operation::Operation;

/// Sends the answer of a handler if its body is at hand, and says how its task ends. `Err`: a response for [`stream`].
pub(crate) fn at_once(
    context: &TaskContext,
    answer: Result<Response<Body>, Error>,
) -> Result<Ending, Box<Response<Body>>> {
    let mut response = match answer {
        Ok(response) => response,
        Err(error) => match error.http_status() {
            Some(status) => answer_of(status, &error),
            None => return Ok(Err(report(&error))),
        },
    };
    let Some(body) = response.body().whole(context.instance.respond_bytes_max) else {
        return Err(Box::new(response));
    };
    let sent = respond(context, &response, body);
    if let Some(worker) = &context.worker {
        worker.handover.keep(std::mem::take(response.headers_mut()));
    }
    Ok(sent.map_err(|error| report(&error)))
}

/// Sends a response whose body comes piece by piece, and says how its task ends.
pub(crate) async fn stream(context: Rc<TaskContext>, response: Box<Response<Body>>) -> Ending {
    pieces(context, *response).await.map_err(|error| report(&error))
}

#[cold]
fn answer_of(status: StatusCode, error: &Error) -> Response<Body> {
    let mut response = Response::new(Body::from(error.message().to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cold]
fn report(error: &Error) -> Status {
    match error.status() {
        Status::E_PEER | Status::E_CANCELLED => crate::debug!("{error:?}"),
        Status::E_BUSY | Status::E_TIMEOUT | Status::E_RESOURCE | Status::E_DRAINING => {
            crate::warn!("the handler failed: {error:?}");
        }
        _ => crate::error!("the handler failed: {error:?}"),
    }
    error.status()
}

fn respond<B>(context: &TaskContext, head: &Response<B>, body: &[u8]) -> Result<(), Error> {
    let status = fields::with(head.headers(), |fields| {
        let status = head.status().as_u16().into();
        let response = abi::Response { status, fields, body, content_length: None };
        context.host.respond(context.task.get(), &response)
    });
    accept("the response", status)
}

fn accept(what: &str, status: Status) -> Result<(), Error> {
    if status.is_error() { Err(Error::refused(what, status)) } else { Ok(()) }
}

async fn pieces(context: Rc<TaskContext>, response: Response<Body>) -> Result<(), Error> {
    let (head, mut body) = response.into_parts();
    start(&context, &head, &body)?;
    let room = Operation::of(Rc::clone(&context));
    while let Some(frame) = poll_fn(|waker| Pin::new(&mut body).poll_frame(waker)).await {
        match frame?.into_data() {
            Ok(data) => match write(&room, data).await? {
                Written::Sent => {}
                // Nobody gets this body, so there is no use in making the rest of it.
                Written::Discarded => break,
            },
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    drop(room);
                    return finish(&context, &trailers);
                }
            }
        }
    }
    drop(room);
    finish(&context, &HeaderMap::new())
}

fn start(context: &TaskContext, head: &response::Parts, body: &Body) -> Result<(), Error> {
    let declared = || head.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    let content_length = body.size_hint().exact().or_else(declared);
    let status = fields::with(&head.headers, |fields| {
        let response =
            abi::Response { status: head.status.as_u16().into(), fields, body: &[], content_length };
        context.host.response_start(context.task.get(), &response)
    });
    accept("the response head", status)
}

fn finish(context: &TaskContext, trailers: &HeaderMap) -> Result<(), Error> {
    let task = context.task.get();
    let status = fields::with(trailers, |fields| context.host.response_end(task, fields));
    accept("the end of the response", status)
}

enum Written {
    Sent,
    Discarded,
}

/// Writes all of `data`, waiting for room as often as it takes.
async fn write(room: &Operation, mut data: Bytes) -> Result<Written, Error> {
    while data.has_remaining() {
        let (status, accepted) = room.call(|host, task, token| host.response_write(task, token, &data));
        data.advance(accepted.min(data.len()));
        match status {
            Status::OK => {}
            Status::DISCARDED => return Ok(Written::Discarded),
            Status::PENDING => {
                if let Some(event) = poll_fn(|waker| room.poll(waker.waker())).await
                    && event.status.is_error()
                {
                    return Err(BodyError::new(event.status, "the response cannot go on").into());
                }
            }
            // The task is being cancelled: its future is dropped when this step has ended.
            Status::E_CANCELLED => std::future::pending().await,
            status => return Err(Error::refused("a part of the response body", status)),
        }
    }
    Ok(Written::Sent)
}
