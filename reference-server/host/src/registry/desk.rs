//! The desk of one member: where who holds it hands in requests, and where its task takes them and hands out answers.
//!
//! Each side only ever touches the desk, under its lock; whom to wake is answered as a [`Wake`], to be told when no lock is
//! held. It must not know tasks beyond that, nor who waits for the member.

mod member;

use super::answer::Answer;
use super::pool::{Place, Returned};
use crate::calls::Refused;
use http_container_abi::constants::event_kind;
use http_container_abi::{MemberRequestStorage, Opaque, Status};
use std::sync::atomic::{AtomicU32, Ordering};
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
    /// How many columns the member has named, once it has.
    columns: Option<usize>,
    /// The member was asked to end it: that is not said twice [provider.interrupt].
    is_interrupted: bool,
}

impl Request {
    fn new(storage: MemberRequestStorage, sort: Sort, purpose: Purpose) -> Request {
        Request { storage, sort, purpose, columns: None, is_interrupted: false }
    }
}

/// The member's operations that wait for room and for a request, as far as their events are due.
pub(crate) type Calls = [Option<Wake>; 2];

/// Memory for requests that a desk keeps, bytes.
const KEPT_BYTES: usize = 4096;
/// So much of a reason is kept.
const REASON_BYTES: usize = 1024;

/// The slot of no task.
const NOBODY: u32 = u32::MAX;

/// The desk of one member in one of its lives.
pub(crate) struct Desk {
    pub place: Place,
    /// The member says nothing unasked, and nobody looks at what it is: a lease that is not used leaves no trace here.
    is_quiet: bool,
    /// The slot of the task to which the member is lent; [`NOBODY`].
    lent_to: AtomicU32,
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
    /// The slot of the task that holds the lease, once that counts as used.
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
    pub fn new(place: Place, is_quiet: bool) -> Desk {
        Desk {
            place,
            is_quiet,
            lent_to: AtomicU32::new(NOBODY),
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

    /// The desk of a member that has ended.
    pub fn deserted(place: Place) -> Desk {
        let desk = Desk::new(place, true);
        desk.lock().has_ended = true;
        desk
    }

    /// A lease of that task's slot begins. Answers whether it counts as used from now on.
    pub fn lend(&self, holder: u32) -> bool {
        self.lent_to.store(holder, Ordering::Release);
        if !self.is_quiet {
            self.lock().take(holder);
        }
        !self.is_quiet
    }

    /// A lease ends.
    pub fn take_back(&self) {
        self.lent_to.store(NOBODY, Ordering::Release);
    }

    /// The slot of the task to which the member is lent.
    pub fn lent_to(&self) -> Option<u32> {
        Some(self.lent_to.load(Ordering::Acquire)).filter(|holder| *holder != NOBODY)
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

/// The holder's side.
impl Seats {
    /// A lease counts as used.
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
        self.handed_in = Some(Request::new(storage, sort, Purpose::Holder));
        self.call_member()
    }

    /// The holder has withdrawn the operation that waits for an answer.
    pub fn abandon(&mut self) -> Calls {
        self.answer.forget_waiters();
        self.is_poisoned = true;
        // What the member has not seen needs no interrupt.
        self.handed_in.take_if(|request| request.purpose == Purpose::Holder);
        self.interrupt()
    }

    /// Asks for an end of a request of a holder's; those of the pool are never interrupted.
    fn interrupt(&mut self) -> Calls {
        if self.note_interrupt() { [self.call_for_rows(), self.call_member()] } else { [None, None] }
    }

    /// The member is to be told to end what it does, unless it was told.
    fn note_interrupt(&mut self) -> bool {
        let is_meant = |request: &&mut Request| request.purpose != Purpose::Pool && !request.is_interrupted;
        let Some(request) = self.under_way.as_mut().filter(is_meant) else { return false };
        request.is_interrupted = true;
        self.must_interrupt = true;
        true
    }

    /// The lease ends: how the member comes back.
    pub fn leave(&mut self, wished: Returned) -> Returned {
        self.holder = None;
        self.answer.forget_waiters();
        // What the member has not seen was under way all the same [lease.released.under-way].
        let is_dropped = self.handed_in.take_if(|request| request.purpose == Purpose::Holder).is_some();
        let is_poisoned = std::mem::take(&mut self.is_poisoned) || is_dropped;
        if let Some(request) = &mut self.under_way {
            // It is broken off first, also where the member is thrown away after that: what it began is not left at the
            // other end.
            request.purpose = Purpose::Nobody;
            self.is_broken |= wished == Returned::Broken;
            return Returned::UnderWay;
        }
        match wished {
            _ if self.is_broken || self.has_ended => Returned::Broken,
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

    /// Why it ended, in the provider's words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
