//! Middleware over hc.dispatch/1: a child task answers, and its response comes back as a value. Must not know which module
//! answers.

use std::future::poll_fn;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use http_container_abi::constants::dispatch_flag;
use http_container_abi::raw::hc_address;
use http_container_abi::{ChildOptions, HostRef, RequestFacts, RequestSpans, RequestStorage, Status};

use crate::body::Body;
use crate::chunks::{Chunks, Source};
use crate::context::{self, TaskContext};
use crate::error::Error;
use crate::operation::Operation;
use crate::request::header_map;

/// Lets the next module of the route's chain answer `request`; `None` passes the request on as it came, with its body.
///
/// The response's head is there when this returns; its body is read from the child as it is asked for. Dropping the future,
/// or the body, cancels the child. A request whose body is the current request's, unread, hands that body over; any other
/// body must be at hand.
///
/// # Errors
/// There is no next module, the child failed before it answered, or the container offers no `hc.dispatch/1`.
pub async fn dispatch(request: Option<Request<Body>>) -> Result<Response<Body>, Error> {
    open(request, 0).await
}

/// As [`dispatch`], but the module is chosen by the authority and path of `request`, as for a new request.
///
/// # Errors
/// As [`dispatch`].
pub async fn dispatch_route(request: Option<Request<Body>>) -> Result<Response<Body>, Error> {
    open(request, dispatch_flag::ROUTE).await
}

async fn open(request: Option<Request<Body>>, mut flags: u32) -> Result<Response<Body>, Error> {
    let context = context::current();
    let Some(extension) = context.instance.dispatch else {
        return Err(Error::with_status(Status::E_UNSUPPORTED, "the container does not offer hc.dispatch/1"));
    };
    let mut body = Bytes::new();
    let mut head = None;
    match request {
        None => flags |= dispatch_flag::BODY,
        Some(request) => {
            let (parts, given) = request.into_parts();
            if given.is_unread_request(&context) {
                flags |= dispatch_flag::BODY;
            } else {
                body = given.into_whole(context.instance.respond_bytes_max).map_err(|_| {
                    Error::new(
                        "a child's body is the unread request body, or bytes at hand: collect it first",
                    )
                })?;
            }
            let length = (flags & dispatch_flag::BODY == 0).then_some(body.len());
            head = Some(storage(&parts, length));
        }
    }
    let opening = Operation::of(Rc::clone(&context));
    let mut child = Child { context: Rc::clone(&context), handle: 0 };
    let options = ChildOptions { flags, request: head.as_ref(), body: &body };
    let (status, handle) = opening.call(|_, task, token| extension.open(task, token, &options));
    child.handle = handle;
    drop((head, body));
    match status {
        Status::PENDING => {}
        Status::OK => return response(child),
        Status::E_CANCELLED => std::future::pending().await,
        status => return Err(Error::refused("the dispatch", status)),
    }
    match poll_fn(|waker| opening.poll(waker.waker())).await {
        Some(event) if event.status.is_error() => Err(Error::with_status(
            event.status,
            format!("the child ended without a response: {}", event.status.text()),
        )),
        _ => response(child),
    }
}

/// The head of a child, in the layout of the boundary. `length`: of a body of its own.
fn storage(parts: &http::request::Parts, length: Option<usize>) -> RequestStorage {
    let mut storage = RequestStorage::new();
    let buffer = storage.buffer();
    let mut put = |bytes: &[u8]| {
        let start = buffer.len() as u32;
        buffer.extend_from_slice(bytes);
        (start, buffer.len() as u32)
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let authority = authority.or_else(|| parts.headers.get(http::header::HOST).map(|host| host.as_bytes()));
    let target = put(path.as_bytes());
    let question = path.find('?').map(|place| place as u32);
    let spans = RequestSpans {
        method: put(parts.method.as_str().as_bytes()),
        target,
        scheme: if parts.uri.scheme() == Some(&http::uri::Scheme::HTTPS) { "https" } else { "http" },
        authority: authority.map_or((0, 0), &mut put),
        path: (target.0, question.map_or(target.1, |place| target.0 + place)),
        query: question.map(|place| (target.0 + place + 1, target.1)),
        protocol: (0, 0),
    };
    let mut fields = Vec::with_capacity(parts.headers.len() + 1);
    for (name, value) in &parts.headers {
        if length.is_some() && (name == CONTENT_LENGTH || name == TRANSFER_ENCODING) {
            continue;
        }
        fields.push((put(name.as_str().as_bytes()), put(value.as_bytes())));
    }
    if let Some(length) = length.filter(|&length| length > 0) {
        fields.push((put(b"content-length"), put(length.to_string().as_bytes())));
    }
    let nowhere = hc_address { ip: [0; 16], port: 0, family: 0 };
    let facts = RequestFacts {
        id: 0,
        version: 11,
        content_length: length.map(|length| length as u64),
        deadline_ns: None,
        peer: nowhere,
        local: nowhere,
        tls: None,
    };
    storage.seal(&spans, fields.into_iter(), facts);
    storage
}

fn response(child: Child) -> Result<Response<Body>, Error> {
    let Some(extension) = child.context.instance.dispatch else { return Err(Error::new("no hc.dispatch/1")) };
    let head = extension.head(child.context.task.get(), child.handle, |head| {
        let headers = header_map(head.fields.iter())?;
        Ok((head.status, headers, head.content_length))
    });
    let (status, headers, length) =
        head.flatten().map_err(|status| Error::refused("the head of the child's response", status))?;
    let context = Rc::clone(&child.context);
    let mut response = Response::new(Body::child(Chunks::new(context, child, length)));
    *response.status_mut() = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| Error::new(format!("the child answered with status {status}")))?;
    *response.headers_mut() = headers;
    Ok(response)
}

/// A child task. Dropping it says that it is of no more use.
pub(crate) struct Child {
    context: Rc<TaskContext>,
    handle: u64,
}

impl Source for Child {
    const WHAT: &'static str = "the body of the child's response is not whole";

    fn read(&self, _: HostRef, task: u64, token: u64) -> Result<Bytes, Status> {
        let extension = self.context.instance.dispatch.ok_or(Status::E_UNSUPPORTED)?;
        extension.read(task, self.handle, token, Bytes::copy_from_slice)
    }

    fn trailers(&self, _: HostRef, task: u64) -> Result<HeaderMap, Status> {
        let extension = self.context.instance.dispatch.ok_or(Status::E_UNSUPPORTED)?;
        extension.trailers(task, self.handle, |fields| header_map(fields.iter())).flatten()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let Some(extension) = self.context.instance.dispatch.filter(|_| self.handle != 0) else { return };
        // Outside the instance's callbacks the parent has ended, and the child with it.
        if context::is_inside(&self.context.instance) {
            extension.close(self.context.task.get(), self.handle);
        }
    }
}
