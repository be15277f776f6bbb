//! Response heads as the fake container checks them. Must not know bodies.

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_container_abi::constants::task_kind;
use http_container_abi::{FieldsView, ResponseView, Status};

use super::state::State;
use super::task::Phase;

/// Whether the container refuses a field in a response head.
fn is_framing(name: &[u8]) -> bool {
    const FRAMING: [&[u8]; 6] =
        [b"transfer-encoding", b"connection", b"keep-alive", b"upgrade", b"te", b"proxy-connection"];
    FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing))
}

/// The fields as a map; `None` when one is the container's own, or none that HTTP knows.
pub(super) fn headers(fields: FieldsView<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter() {
        if is_framing(name) {
            return None;
        }
        headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(headers)
}

/// Checks a response head and keeps it.
pub(super) fn start_response(
    state: &mut State,
    task: u64,
    response: &ResponseView<'_>,
    length: Option<u64>,
) -> Status {
    let status = u16::try_from(response.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status.filter(|status| (200..600).contains(&status.as_u16())) else {
        return state.refuse("response.status", Status::E_INVALID, "the status is not 200 to 599");
    };
    let Some(headers) = headers(response.fields) else {
        return state.refuse("response.fields.framing", Status::E_FIELD, "a field is the container's own");
    };
    let declared =
        headers.get("content-length").map(|value| value.to_str().ok().and_then(|text| text.parse().ok()));
    if declared.is_some_and(|declared| declared.is_none() || declared != length) {
        return state.refuse("response.content-length", Status::E_FIELD, "content-length does not agree");
    }
    let Ok(found) = state.stepping(task) else { return Status::E_GONE };
    if matches!(found.kind, task_kind::BACKGROUND | task_kind::MEMBER) {
        return state.refuse("task.request.none", Status::E_STATE, "a background task has no response");
    }
    if found.phase != Phase::None {
        return state.refuse("response.head.once", Status::E_STATE, "the response has started");
    }
    let method = found.request.as_ref().map_or(&b""[..], |request| request.method());
    found.has_no_body =
        method == b"HEAD" || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    found.answer.status = Some(status);
    found.answer.headers = headers;
    found.answer.content_length = length;
    found.phase = Phase::Open;
    Status::OK
}
