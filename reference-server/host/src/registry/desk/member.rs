//! The sides of the member and of its pool at a desk. It must not know who holds the lease, but for whom to wake.

use super::super::answer::{Answer, cut};
use super::super::pool::Ask;
use super::{Calls, Done, KEPT_BYTES, Purpose, REASON_BYTES, Request, Seats, Settled, Sort, Wake};
use crate::calls::Refused;
use crate::slots;
use http_container_abi::constants::{event_kind, member_flag, member_request};
use http_container_abi::{MemberRequestStorage, NamesView, Opaque, RawMemberRequest, ResultView, Status};

const NOT_UNDER_WAY: Refused =
    Refused::new(Status::E_STATE, "provider.done.once", "the member has no request under way");

/// The member's side.
impl Seats {
    /// The member's task was made.
    pub fn sit(&mut self, task: u64) {
        self.task = task;
    }

    /// The member's task.
    pub fn task(&self) -> u64 {
        self.task
    }

    /// The member is open.
    pub fn set_ready(&mut self, needs_object: bool) -> Result<(), Refused> {
        if self.is_ready {
            return Err(Refused::new(
                Status::E_STATE,
                "provider.ready",
                "the member has said that it is ready",
            ));
        }
        if needs_object && self.object.is_none() {
            let text = "the member has not said what it is";
            return Err(Refused::new(Status::E_STATE, "provider.object", text));
        }
        self.is_ready = true;
        Ok(())
    }

    /// Whether the member is ready.
    pub fn check_ready(&self) -> Result<(), Refused> {
        let text = "the member has not said that it is ready";
        if self.is_ready { Ok(()) } else { Err(Refused::new(Status::E_STATE, "provider.ready", text)) }
    }

    /// Why the member could not be opened, or was lost.
    pub fn explain(&mut self, reason: &[u8]) {
        self.reason = String::from_utf8_lossy(cut(reason, REASON_BYTES)).into_owned();
    }

    /// What the member is.
    pub fn set_object(&mut self, type_name: &[u8], object: Opaque) -> Result<(), Refused> {
        if self.is_ready {
            let text = "the member says what it is before it is ready";
            return Err(Refused::new(Status::E_STATE, "provider.object", text));
        }
        self.object = Some((type_name.into(), object));
        Ok(())
    }

    /// The next request; `None`: nothing now.
    pub fn next(&mut self) -> Option<RawMemberRequest> {
        if std::mem::take(&mut self.must_interrupt) {
            return Some(RawMemberRequest::INTERRUPT);
        }
        if self.must_close {
            return Some(RawMemberRequest::CLOSE);
        }
        if self.under_way.is_some() {
            return None;
        }
        let request = self.handed_in.take()?;
        let raw = request.storage.raw();
        self.under_way = Some(request);
        Some(raw)
    }

    /// Whether a `next` waits already.
    pub fn waits_for_next(&self) -> bool {
        self.next.is_some()
    }

    /// Whether a `rows` waits already.
    pub fn waits_for_room(&self) -> bool {
        self.room.is_some()
    }

    /// The member waits for a request by the operation of that number.
    pub fn await_next(&mut self, number: u64) {
        self.next = Some(number);
    }

    /// The member waits for room.
    pub fn await_room(&mut self, number: u64) {
        self.room = Some(number);
    }

    /// The member has withdrawn an operation.
    pub fn forget_waiting(&mut self, number: u64) {
        self.next.take_if(|waiting| *waiting == number);
        self.room.take_if(|waiting| *waiting == number);
    }

    pub(super) fn call_member(&mut self) -> Option<Wake> {
        let number = self.next.take()?;
        Some(self.wake(number, event_kind::MEMBER))
    }

    /// There is room for rows again.
    pub fn call_for_rows(&mut self) -> Option<Wake> {
        let number = self.room.take()?;
        Some(self.wake(number, event_kind::MEMBER_ROOM))
    }

    pub(super) fn wake(&self, number: u64, kind: u32) -> Wake {
        Wake { index: slots::unpack(self.task).0, number, kind, status: Status::OK }
    }

    fn statement(&mut self) -> Result<&mut Request, Refused> {
        let request = self.under_way.as_mut().ok_or(NOT_UNDER_WAY)?;
        if request.sort == Sort::Statement {
            return Ok(request);
        }
        let text = "columns and rows are answers to a statement that is no script";
        Err(Refused::new(Status::E_STATE, "provider.columns", text))
    }

    /// Whether the columns of the statement that is under way may be named: once.
    pub fn check_columns(&mut self) -> Result<(), Refused> {
        match self.statement()?.columns {
            None => Ok(()),
            Some(_) => {
                let text = "the columns were given already";
                Err(Refused::new(Status::E_STATE, "provider.columns", text))
            }
        }
    }

    /// The columns of the statement that is under way are named.
    pub fn set_columns(&mut self, names: NamesView<'_>) -> Result<Option<Wake>, Refused> {
        self.statement()?.columns = Some(names.len());
        Ok(self.answering().and_then(|(answer, holder)| answer.set_columns(names, holder)))
    }

    /// How many columns the statement that is under way has: one at least.
    pub fn column_count(&mut self) -> Result<usize, Refused> {
        let text = "the answer has no columns";
        let none = Refused::new(Status::E_STATE, "provider.rows", text);
        self.statement()?.columns.filter(|count| *count > 0).ok_or(none)
    }

    /// Where the answer goes, as far as somebody still wants it.
    pub fn answering(&mut self) -> Option<(&mut Answer, u32)> {
        let is_wanted = self.under_way.as_ref().is_some_and(|request| request.purpose == Purpose::Holder);
        let holder = self.holder.filter(|_| is_wanted && !self.is_poisoned)?;
        Some((&mut self.answer, holder))
    }

    /// Where a message goes: nobody takes it when the member is not leased.
    pub fn mail(&mut self) -> Option<(&mut Answer, u32)> {
        let holder = self.holder.filter(|_| !self.is_poisoned)?;
        Some((&mut self.answer, holder))
    }

    /// The request under way is over.
    pub fn done(&mut self, result: &ResultView<'_>) -> Result<Done, Refused> {
        let request = self.under_way.take().ok_or(NOT_UNDER_WAY)?;
        self.must_interrupt = false;
        self.is_dirty = result.flags & member_flag::DIRTY != 0;
        self.is_broken |= result.flags & member_flag::BROKEN != 0 || result.status == Status::E_RESOURCE;
        let settled = Settled { is_well: !self.is_broken, is_dirty: self.is_dirty };
        let holder = self.holder.filter(|_| !self.is_poisoned);
        let (told, settled) = match (request.purpose, holder) {
            (Purpose::Holder, Some(holder)) => (self.answer.end(&request.sort, result, holder), None),
            (Purpose::Holder, None) => ((None, None), None),
            (Purpose::Nobody, _) => ((None, None), Some(settled)),
            (Purpose::Pool, _) => {
                let is_well = settled.is_well && result.status == Status::OK;
                ((None, None), Some(Settled { is_well, ..settled }))
            }
        };
        let mut storage = request.storage;
        storage.shrink(KEPT_BYTES);
        self.spare = Some(storage);
        Ok(Done { told, room: self.call_for_rows(), settled })
    }

    /// The member's task is over.
    pub fn end(&mut self) -> (Option<Wake>, Option<Wake>) {
        self.has_ended = true;
        (self.next, self.room) = (None, None);
        let was_asked = self.handed_in.take().is_some() | self.under_way.take().is_some();
        let Some(holder) = self.holder.filter(|_| !self.is_poisoned) else { return (None, None) };
        self.answer.lose(was_asked, holder)
    }
}

/// The pool's side.
impl Seats {
    /// Asks the member for something.
    pub fn ask(&mut self, ask: Ask) -> Calls {
        let kind = match ask {
            Ask::Interrupt => return self.interrupt(),
            Ask::Close => {
                self.must_close = true;
                return [self.call_for_rows(), self.call_member()];
            }
            Ask::Check => member_request::CHECK,
            Ask::Reset => member_request::RESET,
        };
        let storage = MemberRequestStorage::plain(kind);
        self.handed_in = Some(Request::new(storage, Sort::Care, Purpose::Pool));
        [None, self.call_member()]
    }
}
