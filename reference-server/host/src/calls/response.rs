//! Responses: `respond`, `inform`, `response_start`, `response_write`, `response_end`, `abort`.

use super::{Allowed, InstanceHost, Refused};
use crate::exchange::{Exchange, Head};
use crate::fields::{self, Place};
use crate::task::{Operation, Record, Response, Wait};
use crate::worker::Worker;
use http_container_abi::{FieldsView, ResponseView, Status};
use std::sync::Arc;

const ONCE: Refused =
    Refused::new(Status::E_STATE, "response.head.once", "the task has given a response head already");
const NOT_OPEN: Refused =
    Refused::new(Status::E_STATE, "response.write.open", "the response is not open for its body");
const NO_REQUEST: Refused =
    Refused::new(Status::E_STATE, "task.request.none", "the task has no request to answer");

fn exchange_of(record: &Record) -> Result<&Arc<dyn Exchange>, Refused> {
    record.exchange.as_ref().ok_or(NO_REQUEST)
}

/// HEAD, 204, 205 and 304: the response has no body (RFC 9110 sections 6.4.1, 9.3.2, 15.3.5, 15.3.6, 15.4.5).
fn is_bodyless(exchange: &dyn Exchange, status: u16) -> bool {
    matches!(status, 204 | 205 | 304) || exchange.request().method() == b"HEAD"
}

impl InstanceHost {
    pub(crate) fn call_respond(&self, task: u64, view: &ResponseView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            let limits = &worker.container.limits;
            let status = check_head(record, view, limits.response_head_bytes, Some(view.body.len() as u64))?;
            if view.body.len() as u64 > limits.respond_bytes {
                let text =
                    format!("{} bytes at once; the limit is {}", view.body.len(), limits.respond_bytes);
                return Err(Refused::owned(Status::E_LIMIT, "response.respond.limit", text));
            }
            let exchange = exchange_of(record)?;
            let thrown_away = matches!(status, 204 | 205 | 304) && !view.body.is_empty();
            let length = Some(view.body.len() as u64);
            let sent = exchange.respond(&Head { status, fields: view.fields, length }, view.body);
            record.response = Response::Complete;
            Ok(if sent == Status::OK && thrown_away { Status::DISCARDED } else { sent })
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_inform(&self, task: u64, status: u32, given: FieldsView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            let exchange = exchange_of(record)?;
            if record.response != Response::None {
                return Err(ONCE);
            }
            if !(102..=199).contains(&status) {
                let text = format!("{status} is not an interim status that a module may send (102 to 199)");
                return Err(Refused::owned(Status::E_INVALID, "response.inform.status", text));
            }
            fields::check(given, Place::Head, worker.container.limits.response_head_bytes)?;
            Ok(exchange.inform(status as u16, given))
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_response_start(&self, task: u64, view: &ResponseView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            let limits = &worker.container.limits;
            let status = check_head(record, view, limits.response_head_bytes, view.content_length)?;
            if !view.body.is_empty() {
                return Err(Refused::new(
                    Status::E_INVALID,
                    "response.start.body",
                    "response_start takes no body: use respond, or response_write",
                ));
            }
            let exchange = exchange_of(record)?;
            let bodyless = is_bodyless(&**exchange, status);
            let sent = exchange.start(&Head { status, fields: view.fields, length: view.content_length });
            record.response = Response::Open { remaining: view.content_length, bodyless };
            Ok(sent)
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let exchange = Arc::clone(exchange_of(&slot.contents)?);
            let Response::Open { remaining, bodyless } = slot.contents.response else { return Err(NOT_OPEN) };
            if slot.contents.operations.iter().any(|operation| operation.wait == Wait::Write) {
                return Err(Refused::new(Status::E_BUSY, "response.write.one", "a write is waiting already"));
            }
            if remaining.is_some_and(|remaining| data.len() as u64 > remaining) {
                let text = format!("{} bytes more than content_length leaves", data.len());
                return Err(Refused::owned(Status::E_INVALID, "response.write.length", text));
            }
            self.may_wait(worker, slot, token)?;
            let record = &mut slot.contents;
            let (status, accepted) = if bodyless {
                (Status::DISCARDED, data.len())
            } else {
                exchange.write(data, (token != 0).then_some(task))
            };
            if let Response::Open { remaining: Some(remaining), .. } = &mut record.response {
                *remaining -= accepted as u64;
            }
            if status != Status::PENDING || token == 0 {
                return Ok((status, accepted));
            }
            if record.cancel.is_some() {
                exchange.forget_writer();
                return Ok((Status::E_CANCELLED, accepted));
            }
            self.wait(worker, slot, token, Wait::Write)?;
            Ok((Status::PENDING, accepted))
        });
        answer.unwrap_or_else(|status| (status, 0))
    }

    pub(crate) fn call_response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            let exchange = Arc::clone(exchange_of(record)?);
            let Response::Open { remaining, bodyless } = record.response else { return Err(NOT_OPEN) };
            fields::check(trailers, Place::Trailers, worker.container.limits.response_head_bytes)?;
            if let Some(missing) = remaining.filter(|remaining| *remaining > 0 && !bodyless) {
                exchange.abort();
                record.response = Response::Aborted;
                let text =
                    format!("content_length promised {missing} bytes more; the response is broken off");
                return Err(Refused::owned(Status::E_STATE, "response.end.length", text));
            }
            withdraw_write(worker, record);
            let sent = exchange.end(trailers);
            record.response = Response::Complete;
            Ok(sent)
        });
        answer.unwrap_or_else(|status| status)
    }

    pub(crate) fn call_abort(&self, task: u64) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let record = &mut slot.contents;
            let exchange = Arc::clone(exchange_of(record)?);
            if matches!(record.response, Response::Complete | Response::Aborted) {
                return Err(Refused::new(
                    Status::E_STATE,
                    "response.abort.ended",
                    "the response has ended: there is nothing to break off",
                ));
            }
            withdraw_write(worker, record);
            exchange.abort();
            record.response = Response::Aborted;
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}

fn withdraw_write(worker: &Worker, record: &mut Record) {
    if let Some(at) = record.operations.iter().position(|Operation { wait, .. }| *wait == Wait::Write) {
        record.operations.swap_remove(at);
        worker.counters().operations_ended.add(1);
    }
}

/// Checks a response head; answers its status code.
fn check_head(
    record: &Record,
    view: &ResponseView<'_>,
    limit_bytes: u64,
    length: Option<u64>,
) -> Result<u16, Refused> {
    let exchange = exchange_of(record)?;
    if record.response != Response::None {
        return Err(ONCE);
    }
    if !(200..=599).contains(&view.status) {
        let text = format!("{} is not a final status (200 to 599)", view.status);
        return Err(Refused::owned(Status::E_INVALID, "response.status", text));
    }
    let given = fields::check(view.fields, Place::Head, limit_bytes)?;
    let status = view.status as u16;
    if let Some(given) = given.filter(|given| Some(*given) != length) {
        // A HEAD or 304 may tell the length that a GET would have, with no body here.
        if !(is_bodyless(&**exchange, status) && view.body.is_empty()) {
            let text = match length {
                Some(length) => format!("the field says {given}, the body has {length} bytes"),
                None => format!("the field says {given}, content_length says that it is unknown"),
            };
            return Err(Refused::owned(Status::E_FIELD, "response.content-length", text));
        }
    }
    Ok(status)
}
