//! The request body: `body_read`, `body_trailers`.

use super::{Allowed, InstanceHost, Refused};
use crate::exchange::Read as Next;
use crate::slots::Slot;
use crate::task::{Record, Wait};
use crate::worker::Worker;
use http_container_abi::{RawFields, Read, Status};
use std::sync::Arc;

const NO_BODY: Refused =
    Refused::new(Status::E_STATE, "task.request.none", "the task has no request body to read");

impl InstanceHost {
    pub(crate) fn call_body_read(&self, task: u64, token: u64) -> Read {
        let answer =
            self.on_task(task, Allowed::Step, |worker, _, slot| self.read_body(worker, slot, task, token));
        answer.unwrap_or_else(Read::none)
    }

    fn read_body(
        &self,
        worker: &Worker,
        slot: &mut Slot<Record>,
        task: u64,
        token: u64,
    ) -> Result<Read, Refused> {
        let exchange = Arc::clone(slot.contents.exchange.as_ref().ok_or(NO_BODY)?);
        if slot.contents.operations.iter().any(|operation| operation.wait == Wait::Body) {
            return Err(Refused::new(Status::E_BUSY, "body.read.one", "a read is waiting already"));
        }
        if slot.contents.body_taken {
            return Err(Refused::new(
                Status::E_STATE,
                "dispatch.body.taken",
                "a child task has taken the body over",
            ));
        }
        if slot.contents.body_ended {
            return Ok(Read::none(Status::END));
        }
        self.may_wait(worker, slot, token)?;
        let record = &mut slot.contents;
        match exchange.read((token != 0).then_some(task)) {
            Next::Chunk(chunk) => {
                record.chunk = chunk;
                Ok(Read::chunk(&record.chunk))
            }
            Next::End => {
                record.body_ended = true;
                record.chunk = bytes::Bytes::new();
                Ok(Read::none(Status::END))
            }
            Next::Failed(status) => Ok(Read::none(status)),
            Next::Pending if token == 0 => Ok(Read::none(Status::PENDING)),
            Next::Pending if record.cancel.is_some() => {
                exchange.forget_reader();
                Ok(Read::none(Status::E_CANCELLED))
            }
            Next::Pending => {
                self.wait(worker, slot, token, Wait::Body)?;
                Ok(Read::none(Status::PENDING))
            }
        }
    }

    pub(crate) fn call_body_trailers(&self, task: u64) -> Result<RawFields, Status> {
        self.on_task(task, Allowed::Step, |_, _, slot| {
            let record = &slot.contents;
            let exchange = record.exchange.as_ref().ok_or(NO_BODY)?;
            if !record.body_ended {
                return Err(Refused::new(
                    Status::E_STATE,
                    "body.trailers.after-end",
                    "trailers are known only after body_read said HC_END",
                ));
            }
            Ok(exchange.trailers())
        })
    }
}
