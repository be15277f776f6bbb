//! Responses: `respond`, `inform`, `response_start`, `response_write`, `response_end`, `abort`.

use super::{Allowed, InstanceHost, Refused};
use crate::exchange::{Exchange, Head};
use crate::fields::{self, Place};
use crate::slots::Slot;
use crate::task::{Peer, Record, Response, Wait};
use crate::worker::Worker;
use http_container_abi::constants::event_kind;
use http_container_abi::{FieldsView, ResponseView, Status};
use std::sync::Arc;

const ONCE: Refused =
    Refused::new(Status::E_STATE, "response.head.once", "the task has given a response head already");
const NOT_OPEN: Refused =
    Refused::new(Status::E_STATE, "response.write.open", "the response is not open for its body");
const ENDED: Refused = Refused::new(
    Status::E_STATE,
    "response.abort.ended",
    "the response has ended: there is nothing to break off",
);
const NO_REQUEST: Refused =
    Refused::new(Status::E_STATE, "task.request.none", "the task has no request to read or answer");
const PEER: Refused = Refused::quiet(Status::E_PEER, "cancel.peer.calls", "the peer is gone");
const BUSY: Refused = Refused::new(Status::E_BUSY, "response.write.one", "a write is waiting already");

pub(super) fn exchange_of(record: &Record) -> Result<&Arc<dyn Exchange>, Refused> {
    record.exchange.as_ref().ok_or(NO_REQUEST)
}

/// Why a call that writes the response is refused in its state: the peer's leaving comes first [cancel.peer.calls].
fn refusal_in(record: &Record, otherwise: Refused) -> Refused {
    if record.response == Response::Aborted && record.peer == Peer::Gone { PEER } else { otherwise }
}

/// Whether the task may give its head.
pub(super) fn may_begin(record: &Record) -> Result<(), Refused> {
    exchange_of(record)?;
    if record.response == Response::None { Ok(()) } else { Err(refusal_in(record, ONCE)) }
}

/// Whether the response is open: how many bytes are promised and missing, and whether it has no body.
pub(super) fn may_go_on(record: &Record) -> Result<(Option<u64>, bool), Refused> {
    exchange_of(record)?;
    match record.response {
        Response::Open { remaining, bodyless } => Ok((remaining, bodyless)),
        _ => Err(refusal_in(record, NOT_OPEN)),
    }
}

/// Whether there is a response to break off.
pub(super) fn may_abort(record: &Record) -> Result<(), Refused> {
    exchange_of(record)?;
    match record.response {
        Response::None | Response::Open { .. } => Ok(()),
        Response::Complete | Response::Aborted => Err(refusal_in(record, ENDED)),
    }
}

/// HEAD, 204, 205 and 304: the response has no body (RFC 9110 sections 6.4.1, 9.3.2, 15.3.5, 15.3.6, 15.4.5).
fn is_bodyless(exchange: &dyn Exchange, status: u16) -> bool {
    matches!(status, 204 | 205 | 304) || exchange.request().method() == b"HEAD"
}

/// The exchange took a part of the response, or found the peer gone.
fn note_sent(record: &mut Record, sent: Status, state: Response) -> Result<Status, Refused> {
    match sent {
        Status::E_PEER => {
            record.response = Response::Aborted;
            record.peer = Peer::Gone;
            Err(PEER)
        }
        refused if refused.is_error() => {
            record.response = Response::Aborted;
            Ok(refused)
        }
        sent => {
            record.response = state;
            Ok(sent)
        }
    }
}

impl InstanceHost {
    pub(crate) fn call_respond(&self, task: u64, view: &ResponseView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            may_begin(record)?;
            let limits = &worker.container.limits;
            let length = Some(view.body.len() as u64);
            let exchange = exchange_of(record)?;
            let status = check_head(&**exchange, view, limits.response_head_bytes, length)?;
            if view.body.len() as u64 > limits.respond_bytes {
                let text =
                    format!("{} bytes at once; the limit is {}", view.body.len(), limits.respond_bytes);
                return Err(Refused::owned(Status::E_LIMIT, "response.respond.limit", text));
            }
            let sent = exchange.respond(&Head { status, fields: view.fields, length }, view.body);
            // The row of HEAD comes first [response.discarded].
            let thrown_away = matches!(status, 204 | 205 | 304)
                && !view.body.is_empty()
                && exchange.request().method() != b"HEAD";
            let sent = note_sent(record, sent, Response::Complete)?;
            Ok(if sent == Status::OK && thrown_away { Status::DISCARDED } else { sent })
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_inform(&self, task: u64, status: u32, given: FieldsView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            may_begin(record)?;
            if !(102..=199).contains(&status) {
                let text = format!("{status} is not an interim status that a module may send (102 to 199)");
                return Err(Refused::owned(Status::E_INVALID, "response.inform.status", text));
            }
            fields::check(given, Place::Interim, worker.container.limits.response_head_bytes)?;
            match exchange_of(record)?.inform(status as u16, given) {
                Status::E_PEER => note_sent(record, Status::E_PEER, Response::None),
                sent => Ok(sent),
            }
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_response_start(&self, task: u64, view: &ResponseView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            may_begin(record)?;
            if !view.body.is_empty() {
                return Err(Refused::new(
                    Status::E_INVALID,
                    "response.start.body",
                    "response_start takes no body: use respond, or response_write",
                ));
            }
            let limit_bytes = worker.container.limits.response_head_bytes;
            let exchange = exchange_of(record)?;
            let status = check_head(&**exchange, view, limit_bytes, view.content_length)?;
            let bodyless = is_bodyless(&**exchange, status);
            let sent = exchange.start(&Head { status, fields: view.fields, length: view.content_length });
            note_sent(record, sent, Response::Open { remaining: view.content_length, bodyless })
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let (remaining, bodyless) = may_go_on(&slot.contents)?;
            if !bodyless && remaining.is_some_and(|remaining| data.len() as u64 > remaining) {
                let text = format!("{} bytes are more than content_length leaves", data.len());
                return Err(Refused::owned(Status::E_INVALID, "response.write.length", text));
            }
            if slot.contents.waits_for(Wait::Write) {
                return Err(BUSY);
            }
            if data.is_empty() {
                self.check_token(&slot.contents, token)?;
                return Ok((Status::OK, 0));
            }
            if bodyless {
                self.check_token(&slot.contents, token)?;
                return Ok((Status::DISCARDED, data.len()));
            }
            if token != 0 {
                // A write that was taken in part could not be refused any more, so this comes before it.
                self.may_begin(worker, &slot.contents, token)?;
            }
            self.write(worker, slot, task, token, data)
        });
        answer.unwrap_or_else(|status| (status, 0))
    }

    fn write(
        &self,
        worker: &Worker,
        slot: &mut Slot<Record>,
        task: u64,
        token: u64,
        data: &[u8],
    ) -> Result<(Status, usize), Refused> {
        let exchange = Arc::clone(exchange_of(&slot.contents)?);
        let record = &mut slot.contents;
        let (status, accepted) = exchange.write(data, (token != 0).then_some(task));
        let mut state = record.response;
        if let Response::Open { remaining: Some(remaining), .. } = &mut state {
            *remaining -= accepted as u64;
        }
        let status = note_sent(record, status, state)?;
        if status == Status::PENDING && token != 0 {
            self.wait(worker, slot, token, Wait::Write)?;
        }
        Ok((status, accepted))
    }

    pub(crate) fn call_response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            let (remaining, bodyless) = may_go_on(record)?;
            let exchange = Arc::clone(exchange_of(record)?);
            let short = remaining.filter(|remaining| *remaining > 0 && !bodyless);
            fields::check(trailers, Place::Trailers, worker.container.limits.response_head_bytes)?;
            if record.waits_for(Wait::Write) {
                return Err(BUSY);
            }
            if let Some(missing) = short {
                exchange.abort();
                record.response = Response::Aborted;
                let text =
                    format!("content_length promised {missing} bytes more; the response is broken off");
                return Err(Refused::owned(Status::E_STATE, "response.end.length", text));
            }
            let sent = exchange.end(trailers);
            note_sent(record, sent, Response::Complete)
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_abort(&self, task: u64) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            let record = &mut slot.contents;
            may_abort(record)?;
            let exchange = Arc::clone(exchange_of(record)?);
            record.response = Response::Aborted;
            exchange.abort();
            // Who waits for room is told to look again, and finds that there is none to wait for.
            if record.fire_wait(Wait::Write, event_kind::WRITE, Status::OK, 0) {
                exchange.forget_writer();
                if record.wants_queue() {
                    worker.queue.borrow_mut().push_back(index);
                }
            }
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}

/// Checks a response head; answers its status code.
fn check_head(
    exchange: &dyn Exchange,
    view: &ResponseView<'_>,
    limit_bytes: u64,
    length: Option<u64>,
) -> Result<u16, Refused> {
    if !(200..=599).contains(&view.status) {
        let text = format!("{} is not a final status (200 to 599)", view.status);
        return Err(Refused::owned(Status::E_INVALID, "response.status", text));
    }
    let status = view.status as u16;
    let given = fields::check(view.fields, Place::Head, limit_bytes)?;
    if let Some(given) = given.filter(|given| Some(*given) != length) {
        // A HEAD or 304 may tell the length that a GET would have, with no body here.
        let tells_another = status == 304 || exchange.request().method() == b"HEAD";
        if !(tells_another && view.body.is_empty()) {
            let text = match length {
                Some(length) => format!("the field says {given}, the body has {length} bytes"),
                None => format!("the field says {given}, content_length says that it is unknown"),
            };
            return Err(Refused::owned(Status::E_FIELD, "response.content-length", text));
        }
    }
    Ok(status)
}
