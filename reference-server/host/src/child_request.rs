//! The request head of a child task: the parent's own, or one that the parent describes, which is checked as far as a
//! module may count on [dispatch.open.request-check].

use crate::calls::Refused;
use crate::fields;
use http_container_abi::constants::dispatch_flag;
use http_container_abi::{
    DispatchOptionsView, RequestFacts, RequestSpans, RequestStorage, RequestView, Status,
};

/// Makes the head of a child's request.
pub(crate) fn make(
    parent: &RequestStorage,
    options: &DispatchOptionsView<'_>,
) -> Result<RequestStorage, Refused> {
    let parents = parent.head();
    let head = options.request.unwrap_or(parents);
    if options.request.is_some() {
        check(&head)?;
    }
    let deadlines = [parents.deadline_ns(), head.deadline_ns()];
    let facts = RequestFacts {
        id: parents.id(),
        version: parents.version(),
        content_length: match options.flags & dispatch_flag::BODY {
            0 => Some(options.body.len() as u64),
            _ => parents.content_length(),
        },
        deadline_ns: deadlines.into_iter().flatten().min(),
        peer: *parents.peer(),
        local: *parents.local(),
        tls: parent.tls().cloned(),
    };
    Ok(copy(&head, facts))
}

fn copy(head: &RequestView<'_>, facts: RequestFacts) -> RequestStorage {
    let mut request = RequestStorage::new();
    let mut spans = Vec::with_capacity(head.fields().len());
    let buffer = request.buffer();
    let mut put = |bytes: &[u8]| {
        let start = buffer.len() as u32;
        buffer.extend_from_slice(bytes);
        (start, buffer.len() as u32)
    };
    let target = match (head.target(), head.query()) {
        ([], Some(query)) => put(&[head.path(), b"?", query].concat()),
        ([], None) => put(head.path()),
        (target, _) => put(target),
    };
    let parts = RequestSpans {
        method: put(head.method()),
        target,
        scheme: if head.scheme() == b"https" { "https" } else { "http" },
        authority: put(head.authority()),
        path: put(head.path()),
        query: head.query().map(&mut put),
        protocol: put(head.protocol()),
    };
    for (name, value) in head.fields() {
        spans.push((put(&name.to_ascii_lowercase()), put(value.trim_ascii())));
    }
    request.seal(&parts, spans.into_iter(), facts);
    request
}

/// Whether a head that a module wrote holds what every module may count on.
fn check(head: &RequestView<'_>) -> Result<(), Refused> {
    let is_text = |bytes: &[u8]| bytes.iter().all(|&byte| byte > b' ' && byte != 0x7f && byte != b'#');
    let is_path = |path: &[u8]| path.first() == Some(&b'/') && is_text(path) && !path.contains(&b'?');
    let wrong = if !fields::is_token(head.method()) {
        Some("the method is not a token")
    } else if head.scheme() != b"http" && head.scheme() != b"https" {
        Some("the scheme is neither \"http\" nor \"https\"")
    } else if !is_text(head.authority()) || head.authority().iter().any(|byte| b"/?@".contains(byte)) {
        Some("the authority is not a host with an optional port")
    } else if !(is_path(head.path()) || (head.path() == b"*" && head.method() == b"OPTIONS")) {
        Some("the path does not begin with a slash, or has a byte that no path has")
    } else if !head.query().is_none_or(is_text) {
        Some("the query has a byte that no query has")
    } else if !is_text(head.target()) {
        Some("the target has a byte that no target has")
    } else if !head.protocol().is_empty() && !is_text(head.protocol()) {
        Some("the protocol has a byte that no protocol has")
    } else {
        None
    };
    match wrong {
        Some(text) => Err(Refused::new(Status::E_INVALID, "dispatch.open.request-check", text)),
        None => fields::check_request(head.fields()),
    }
}
