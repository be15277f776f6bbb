//! The desk of one member: where who holds it hands in requests, and where its task takes them and hands out answers.
//!
//! Each side only ever touches the desk, under its lock; whom to wake is answered as a [`Wake`], to be told when no lock is
//! held. It must not know tasks beyond that, nor who waits for the member.

use super::answer::Answer;
use super::pool::{Ask, Place, Returned};
use crate::calls::Refused;
use crate::slots;
use http_container_abi::constants::{event_kind, member_flag, member_request};
use http_container_abi::{MemberRequestStorage, Opaque, RawMemberRequest, ResultView, Status};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An operation whose event is due: the slot of its task, its number there, and the event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wake {
    pub index: u32,
    pub number: u64,
    pub kind: u32,
    pub status: Status,
}

/// What the pool is to hear of a request that was its own, or whose holder has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settled {
    pub is_well: bool,
    pub is_dirty: bool,
}

/// What follows from the end of a request.
pub(crate) struct Done {
    /// The holder's operations that are answered.
    pub told: (Option<Wake>, Option<Wake>),
    /// The member's own wait for room, which is over.
    pub room: Option<Wake>,
    /// What the pool is to hear.
    pub settled: Option<Settled>,
}

/// For whom a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Holder,
    /// For a holder who has left.
    Nobody,
    Pool,
}

/// What a request is, as far as its answer depends on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sort {
    /// A statement, which may answer rows.
    Statement,
    /// Statements that answer none.
    Script,
    /// A beginning or end of a transaction.
    Transaction,
    /// An operation of a store.
    Store,
    /// A subscription to that channel begins, or ends.
    Subscribe(Box<[u8]>),
    Unsubscribe(Box<[u8]>),
    /// Of the pool's own.
    Care,
}

struct Request {
    storage: MemberRequestStorage,
    sort: Sort,
    purpose: Purpose,
}

/// Memory for requests that a desk keeps, bytes.
const KEPT_BYTES: usize = 4096;
/// So much of a reason is kept.
const REASON_BYTES: usize = 1024;

/// The desk of one member in one of its lives.
pub(crate) struct Desk {
    pub place: Place,
    state: Mutex<Seats>,
}

/// What lies on a desk.
pub(crate) struct Seats {
    /// The member's task; 0 until it was made.
    task: u64,
    /// The member's operation that waits for a request, and the one that waits for room.
    next: Option<u64>,
    room: Option<u64>,
    is_ready: bool,
    /// The member's task is over.
    has_ended: bool,
    is_dirty: bool,
    is_broken: bool,
    /// Handed in and not yet taken; taken and not yet done.
    handed_in: Option<Request>,
    /// What the last request was kept in.
    spare: Option<MemberRequestStorage>,
    under_way: Option<Request>,
    must_interrupt: bool,
    must_close: bool,
    /// The slot of the task that holds the lease.
    holder: Option<u32>,
    /// The holder has withdrawn an operation that was under way [lease.poison].
    is_poisoned: bool,
    pub answer: Answer,
    /// What it is, for hc.pool/1.
    object: Option<(Box<[u8]>, Opaque)>,
    reason: String,
    /// The operation of the member's task that waits for the end of the lease.
    held_end: Option<u64>,
}

impl Desk {
    pub fn new(place: Place) -> Desk {
        Desk {
            place,
            state: Mutex::new(Seats {
                task: 0,
                next: None,
                room: None,
                is_ready: false,
                has_ended: false,
                is_dirty: false,
                is_broken: false,
                handed_in: None,
                spare: None,
                under_way: None,
                must_interrupt: false,
                must_close: false,
                holder: None,
                is_poisoned: false,
                answer: Answer::default(),
                object: None,
                reason: String::new(),
                held_end: None,
            }),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Seats> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const POISONED: Refused = Refused::new(
    Status::E_STATE,
    "lease.poison",
    "an operation on this lease was withdrawn while it was under way: release it",
);
const LOST: Refused = Refused::quiet(
    Status::E_RESOURCE,
    "lease.member.ended",
    "the leased member has ended: release the lease",
);
const ONE: Refused =
    Refused::new(Status::E_BUSY, "lease.operation.one", "an operation on this lease is under way already");
const NOT_UNDER_WAY: Refused =
    Refused::new(Status::E_STATE, "provider.done.once", "the member has no request under way");

/// The holder's side.
impl Seats {
    /// The lease begins.
    pub fn take(&mut self, holder: u32) {
        self.holder = Some(holder);
        self.is_poisoned = false;
        self.answer.clear();
    }

    /// Whether an operation was withdrawn on this lease.
    pub fn check_poison(&self) -> Result<(), Refused> {
        if self.is_poisoned { Err(POISONED) } else { Ok(()) }
    }

    /// Whether nothing is under way on it.
    pub fn check_free(&self) -> Result<(), Refused> {
        let is_busy = self.handed_in.is_some() || self.under_way.is_some() || self.answer.is_open();
        if is_busy { Err(ONE) } else { Ok(()) }
    }

    /// Whether the member is there.
    pub fn check_member(&self) -> Result<(), Refused> {
        if self.has_ended { Err(LOST) } else { Ok(()) }
    }

    /// Hands a request in, whose event `kind` is awaited by the holder's operation of that number.
    pub fn hand_in(
        &mut self,
        fill: impl FnOnce(&mut MemberRequestStorage),
        sort: Sort,
        kind: u32,
        number: u64,
    ) -> Option<Wake> {
        self.answer.begin(kind, number);
        let mut storage = self.spare.take().unwrap_or_else(|| MemberRequestStorage::plain(0));
        fill(&mut storage);
        self.handed_in = Some(Request { storage, sort, purpose: Purpose::Holder });
        self.call_member()
    }

    /// The holder has withdrawn the operation that waits for an answer.
    pub fn abandon(&mut self) -> Option<Wake> {
        self.answer.forget_waiters();
        self.is_poisoned = true;
        // What the member has not seen needs no interrupt.
        self.handed_in.take_if(|request| request.purpose == Purpose::Holder);
        self.interrupt()
    }

    /// Asks for an end of a request of a holder's; those of the pool are never interrupted.
    fn interrupt(&mut self) -> Option<Wake> {
        let is_meant = self.under_way.as_ref().is_some_and(|request| request.purpose != Purpose::Pool);
        if !is_meant {
            return None;
        }
        self.must_interrupt = true;
        self.call_for_rows().or_else(|| self.call_member())
    }

    /// The lease ends: how the member comes back.
    pub fn leave(&mut self, wished: Returned) -> Returned {
        self.holder = None;
        self.answer.forget_waiters();
        self.handed_in.take_if(|request| request.purpose == Purpose::Holder);
        let is_poisoned = std::mem::take(&mut self.is_poisoned);
        if let Some(request) = &mut self.under_way {
            request.purpose = Purpose::Nobody;
            return if wished == Returned::Broken { wished } else { Returned::UnderWay };
        }
        match wished {
            _ if self.is_broken => Returned::Broken,
            Returned::Clean if self.is_dirty || is_poisoned => Returned::Dirty,
            wished => wished,
        }
    }

    /// The member's object, if it is of that type.
    pub fn object(&self, type_name: &[u8]) -> Result<Opaque, Refused> {
        self.check_member()?;
        let of_type = self.object.as_ref().filter(|(name, _)| **name == *type_name);
        let other =
            Refused::new(Status::E_UNSUPPORTED, "pool.object", "the member is an object of another type");
        of_type.map(|(_, object)| *object).ok_or(other)
    }

    /// Whether somebody holds the lease on something that this member is.
    pub fn is_object_in_use(&self) -> bool {
        self.object.is_some() && self.holder.is_some()
    }

    /// The end of the member's task waits for that of the lease, by the operation of that number.
    pub fn hold_end(&mut self, number: u64) {
        self.held_end = Some(number);
    }

    /// The lease has ended: so may the member's task, if that waits.
    pub fn release_end(&mut self) -> Option<Wake> {
        let number = self.held_end.take()?;
        Some(self.wake(number, event_kind::MEMBER))
    }

    /// Whether it was told to close.
    pub fn is_closing(&self) -> bool {
        self.must_close
    }

    /// Why it ended, in the provider's words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

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
        let reason = &reason[..reason.len().min(REASON_BYTES)];
        self.reason = String::from_utf8_lossy(reason).into_owned();
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
        if self.must_close {
            return Some(RawMemberRequest::CLOSE);
        }
        if self.under_way.is_some() {
            return std::mem::take(&mut self.must_interrupt).then_some(RawMemberRequest::INTERRUPT);
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

    fn call_member(&mut self) -> Option<Wake> {
        let number = self.next.take()?;
        Some(self.wake(number, event_kind::MEMBER))
    }

    /// There is room for rows again.
    pub fn call_for_rows(&mut self) -> Option<Wake> {
        let number = self.room.take()?;
        Some(self.wake(number, event_kind::MEMBER_ROOM))
    }

    fn wake(&self, number: u64, kind: u32) -> Wake {
        Wake { index: slots::unpack(self.task).0, number, kind, status: Status::OK }
    }

    /// The statement that is under way, as far as somebody still wants its answer: `Ok(None)` when nobody does.
    pub fn answering(&mut self) -> Result<Option<(&mut Answer, u32)>, Refused> {
        let request = self.under_way.as_ref().ok_or(NOT_UNDER_WAY)?;
        if request.sort != Sort::Statement {
            let text = "columns and rows are answers to a statement that is no script";
            return Err(Refused::new(Status::E_STATE, "provider.columns", text));
        }
        let holder = self.holder.filter(|_| request.purpose == Purpose::Holder && !self.is_poisoned);
        Ok(holder.map(|holder| (&mut self.answer, holder)))
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
    pub fn ask(&mut self, ask: Ask) -> Option<Wake> {
        let kind = match ask {
            Ask::Interrupt => return self.interrupt(),
            Ask::Close => {
                self.must_close = true;
                return self.call_member();
            }
            Ask::Check => member_request::CHECK,
            Ask::Reset => member_request::RESET,
        };
        let storage = MemberRequestStorage::plain(kind);
        self.handed_in = Some(Request { storage, sort: Sort::Care, purpose: Purpose::Pool });
        self.call_member()
    }
}
