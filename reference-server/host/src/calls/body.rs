//! The request body: `body_read`, `body_trailers`.

use super::response::exchange_of;
use super::{Allowed, InstanceHost, Refused};
use crate::exchange::Read as Next;
use crate::slots::Slot;
use crate::task::{Record, Wait};
use crate::worker::Worker;
use http_container_abi::{RawFields, Read, Status};
use std::sync::Arc;

const TAKEN: Refused =
    Refused::new(Status::E_STATE, "dispatch.body.taken", "a child task has taken the body over");
const NOT_ENDED: Refused = Refused::new(
    Status::E_STATE,
    "body.trailers.after-end",
    "trailers are known only after body_read said HC_END",
);

/// Whether the task has a body to read.
pub(super) fn may_read(record: &Record) -> Result<(), Refused> {
    exchange_of(record)?;
    if record.body_taken { Err(TAKEN) } else { Ok(()) }
}

/// Whether the task's body was read to its end.
pub(super) fn has_trailers(record: &Record) -> Result<(), Refused> {
    may_read(record)?;
    if record.body_ended { Ok(()) } else { Err(NOT_ENDED) }
}

impl InstanceHost {
    pub(crate) fn call_body_read(&self, task: u64, token: u64) -> Read {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            self.read_body(worker, index, slot, task, token)
        });
        answer.unwrap_or_else(Read::none)
    }

    fn read_body(
        &self,
        worker: &Worker,
        index: u32,
        slot: &mut Slot<Record>,
        task: u64,
        token: u64,
    ) -> Result<Read, Refused> {
        may_read(&slot.contents)?;
        worker.end_last_chunk(index, &mut slot.contents);
        if slot.contents.waits_for(Wait::Body) {
            return Err(Refused::new(Status::E_BUSY, "body.read.one", "a read is waiting already"));
        }
        self.check_token(&slot.contents, token)?;
        if slot.contents.body_ended {
            return Ok(Read::none(Status::END));
        }
        let exchange = Arc::clone(exchange_of(&slot.contents)?);
        let record = &mut slot.contents;
        // Who is cancelled may take what is there, and begins no wait [cancel.flag.calls].
        let may_wait = token != 0 && record.cancel.is_none();
        let room = if may_wait { self.check_room(worker, record) } else { Ok(()) };
        match exchange.read((may_wait && room.is_ok()).then_some(task)) {
            Next::Chunk(chunk) => {
                record.body_begun = true;
                record.chunk = chunk;
                Ok(Read::chunk(worker.lend_chunk(record)))
            }
            Next::End => {
                record.body_ended = true;
                record.chunk = bytes::Bytes::new();
                Ok(Read::none(Status::END))
            }
            Next::Failed(status) => Ok(Read::none(status)),
            Next::Pending if token == 0 => Ok(Read::none(Status::PENDING)),
            Next::Pending => {
                Self::check_cancel(record)?;
                room?;
                if let Err(refused) = self.wait(worker, slot, token, Wait::Body) {
                    exchange.forget_reader();
                    return Err(refused);
                }
                Ok(Read::none(Status::PENDING))
            }
        }
    }

    pub(crate) fn call_body_trailers(&self, task: u64) -> Result<RawFields, Status> {
        self.on_task(task, Allowed::Step, |_, _, slot| {
            has_trailers(&slot.contents)?;
            Ok(exchange_of(&slot.contents)?.trailers())
        })
    }
}
