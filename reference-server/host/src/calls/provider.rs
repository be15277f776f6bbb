//! `hc.provider/1`: what the tasks of members call.

use super::interfaces::{OFFERED, note};
use super::leases::may_find_resources;
use super::{Allowed, InstanceHost, Refused};
use crate::registry::Desk;
use crate::slots::Slot;
use crate::task::{Record, Wait};
use crate::worker::Worker;
use http_container_abi::constants::{KV_ID, LIMIT_ID, POOL_ID};
use http_container_abi::{NamesView, Opaque, ProviderHost, RawMemberRequest, ResultView, SqlValues, Status};
use std::sync::Arc;

const NO_MEMBER: Refused =
    Refused::new(Status::E_STATE, "provider.member.only", "the task is that of no member");

/// A row that is refused outright, bytes [provider.rows.room].
const ROW_BYTES: usize = 16 << 20;

/// A task's slot and, beside it, the desk at which it sits, so that both are at hand without counting who has the desk.
/// Nothing looks for it in the record meanwhile.
struct Apart<'a> {
    slot: &'a mut Slot<Record>,
    member: Option<Arc<Desk>>,
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        self.slot.contents.member = self.member.take();
    }
}

impl InstanceHost {
    /// Runs `act` at the desk of a member's task.
    fn at_desk<R>(
        &self,
        task: u64,
        act: impl FnOnce(&Worker, &mut Slot<Record>, &Desk) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        self.on_task_told(task, Allowed::Step, |worker, _, slot| {
            let member = slot.contents.member.take();
            let apart = Apart { slot, member };
            let desk = apart.member.as_deref().ok_or(NO_MEMBER)?;
            act(worker, apart.slot, desk)
        })
    }

    fn interface_of(worker: &Worker, desk: &Desk) -> &'static str {
        let resource = &worker.container.registry.resources[desk.place.pool as usize];
        resource.interface.get().copied().unwrap_or("")
    }
}

impl ProviderHost for InstanceHost {
    fn provider_offer(&self, interface: &[u8]) -> Status {
        let offered = may_find_resources(self.index).and_then(|()| {
            let container = self.container().ok_or(NO_MEMBER)?;
            let none =
                Refused::new(Status::E_STATE, "provider.offer.once", "the instance serves no resource");
            let index = container.registry.of_provider(self.module).ok_or(none)?;
            let resource = &container.registry.resources[index as usize];
            let Some(known) = OFFERED.into_iter().find(|known| known.as_bytes() == interface) else {
                let text = format!("{} is no interface of a resource", String::from_utf8_lossy(interface));
                return Err(Refused::owned(Status::E_UNSUPPORTED, "provider.offer", text));
            };
            if self.has_offered.swap(true, std::sync::atomic::Ordering::SeqCst) {
                let text = "an interface was offered before";
                return Err(Refused::new(Status::E_STATE, "provider.offer.once", text));
            }
            // A fresh instance that takes the place of a failed one offers the same again.
            if *resource.interface.get_or_init(|| known) != known {
                let text = "the instance before this one offered another interface";
                return Err(Refused::new(Status::E_UNSUPPORTED, "provider.offer", text));
            }
            if known == LIMIT_ID {
                container.decide(|pools| pools.keep_all(index));
            }
            Ok(Status::OK)
        });
        offered.unwrap_or_else(|refused| self.refuse(0, refused))
    }

    fn provider_ready(&self, task: u64) -> Status {
        let answer = self.at_desk(task, |worker, _, desk| {
            let needs_object = Self::interface_of(worker, desk) == POOL_ID;
            desk.lock().set_ready(needs_object)?;
            Ok(desk.place)
        });
        match answer {
            Ok(place) => {
                self.with_worker(|worker| worker.container.member_ready(place));
                Status::OK
            }
            Err(status) => status,
        }
    }

    fn provider_explain(&self, task: u64, reason: &[u8]) -> Status {
        let answer = self.at_desk(task, |_, _, desk| {
            desk.lock().explain(reason);
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }

    fn provider_object(&self, task: u64, type_name: &[u8], object: Opaque) -> Status {
        let answer = self.at_desk(task, |worker, _, desk| {
            if Self::interface_of(worker, desk) != POOL_ID {
                let text = "the resource is none of objects";
                return Err(Refused::new(Status::E_STATE, "provider.object", text));
            }
            if object.is_null() {
                return Err(Refused::new(Status::E_INVALID, "provider.object", "the object is NULL"));
            }
            desk.lock().set_object(type_name, object)?;
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }

    fn provider_next(&self, task: u64, token: u64) -> Result<RawMemberRequest, Status> {
        let answer = self.at_desk(task, |worker, slot, desk| {
            let mut seats = desk.lock();
            seats.check_ready()?;
            if seats.waits_for_next() {
                return Err(Refused::new(Status::E_BUSY, "provider.next", "a `next` waits already"));
            }
            self.check_token(&slot.contents, token)?;
            if let Some(request) = seats.next() {
                return Ok(Ok(request));
            }
            if token != 0 {
                self.may_begin(worker, &slot.contents, token)?;
                seats.await_next(self.wait(worker, slot, token, Wait::Member)?);
            }
            Ok(Err(Status::PENDING))
        });
        answer.unwrap_or_else(Err)
    }

    fn provider_columns(&self, task: u64, names: NamesView<'_>) -> Status {
        let answer = self.at_desk(task, |worker, _, desk| {
            let mut seats = desk.lock();
            seats.check_ready()?;
            seats.check_columns()?;
            if names.iter().any(|name| std::str::from_utf8(name).is_err()) {
                return Err(Refused::new(Status::E_INVALID, "provider.columns", "a name is not UTF-8"));
            }
            note(worker, seats.set_columns(names)?);
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }

    fn provider_rows(&self, task: u64, token: u64, values: SqlValues<'_>) -> (Status, usize) {
        let answer = self.at_desk(task, |worker, slot, desk| {
            let mut seats = desk.lock();
            seats.check_ready()?;
            let columns = seats.column_count()?;
            if !values.len().is_multiple_of(columns) {
                return Err(Refused::new(Status::E_INVALID, "provider.rows", "these are no whole rows"));
            }
            if seats.waits_for_room() {
                return Err(Refused::new(Status::E_BUSY, "provider.rows", "a `rows` waits already"));
            }
            self.check_token(&slot.contents, token)?;
            if values.iter().map(|value| value.byte_count()).max().unwrap_or(0) > ROW_BYTES {
                return Err(Refused::new(
                    Status::E_LIMIT,
                    "provider.rows.room",
                    "a value has more than 16 MiB",
                ));
            }
            let count = values.len() / columns;
            let Some((answer, holder)) = seats.answering() else { return Ok((Status::DISCARDED, count)) };
            if token != 0 {
                // Rows that were taken in part could not be refused any more, so this comes before.
                self.may_begin(worker, &slot.contents, token)?;
            }
            let (taken, wake) = answer.push_rows(values, holder);
            note(worker, wake);
            if taken == count {
                return Ok((Status::OK, taken));
            }
            if token != 0 {
                seats.await_room(self.wait(worker, slot, token, Wait::Member)?);
            }
            Ok((Status::PENDING, taken))
        });
        answer.unwrap_or_else(|status| (status, 0))
    }

    fn provider_message(&self, task: u64, channel: &[u8], value: &[u8]) -> Status {
        let answer = self.at_desk(task, |worker, _, desk| {
            let mut seats = desk.lock();
            seats.check_ready()?;
            if Self::interface_of(worker, desk) != KV_ID {
                let text = "the resource has no messages";
                return Err(Refused::new(Status::E_STATE, "provider.message", text));
            }
            let Some((answer, holder)) = seats.mail() else { return Ok(Status::DISCARDED) };
            let (is_kept, wake) = answer.push_message(channel, value, holder);
            note(worker, wake);
            Ok(if is_kept { Status::OK } else { Status::DISCARDED })
        });
        answer.unwrap_or_else(|status| status)
    }

    fn provider_done(&self, task: u64, result: &ResultView<'_>) -> Status {
        let answer = self.at_desk(task, |worker, _, desk| {
            let mut seats = desk.lock();
            seats.check_ready()?;
            if result.status.0 > 0 {
                let text = "the status of a result is HC_OK or an error";
                return Err(Refused::new(Status::E_INVALID, "provider.done", text));
            }
            let done = seats.done(result)?;
            let todo = &mut *worker.todo.borrow_mut();
            todo.wakes.extend(done.told.0.into_iter().chain(done.told.1).chain(done.room));
            if let Some(settled) = done.settled {
                // Under the lock of the desk, so that a lease which ends now is seen first or last.
                worker.container.note_settled(todo, desk.place, settled);
            }
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}
