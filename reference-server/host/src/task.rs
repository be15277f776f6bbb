//! A task's record: what the host remembers of one unit of module work.
//!
//! The record lies behind its slot's lock and can be looked at from any thread; only its worker runs its steps. It must
//! not call a module or an exchange.

mod leases;
mod waits;

pub use waits::{LeaseWait, Operation, Wait};

use crate::dispatch::Child;
use crate::ending::Verdict;
use crate::exchange::Exchange;
use crate::gates::Gate;
use crate::registry::{Desk, Held};
use crate::validation::Views;
use crate::wheel::Key;
use http_container_abi::constants::event_kind;
use http_container_abi::{Event, Opaque, Status};
use std::sync::Arc;

/// Where a task is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// No task is in the slot.
    #[default]
    Free,
    /// Made, not yet started; may be started by any worker it was meant for.
    Fresh,
    /// A step runs.
    Running,
    /// It yielded and waits.
    Parked,
    /// `finish` runs.
    Finishing,
}

/// What is known of the one who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Peer {
    /// Nothing to the contrary.
    #[default]
    Here,
    /// It left before the task was started: this counts when the task yields [cancel.peer.pipelined].
    LeftEarly,
    /// It is gone.
    Gone,
}

/// The state of a task's response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Response {
    /// Nothing but interim responses was sent.
    #[default]
    None,
    /// The head was sent; the body follows.
    Open {
        /// Bytes that `content_length` promised and that were not yet written.
        remaining: Option<u64>,
        /// HEAD, 204, 304: what is written is thrown away.
        bodyless: bool,
    },
    /// All was handed over.
    Complete,
    /// Broken off.
    Aborted,
}

/// Everything about one task.
#[derive(Default)]
pub struct Record {
    /// The number in the task's handle.
    pub generation: u64,
    /// Where it is.
    pub phase: Phase,
    /// Whether it is in its worker's run queue.
    pub queued: bool,
    /// Whether a chunk of the body was given out.
    pub body_begun: bool,
    /// Whether the body was read to its end.
    pub body_ended: bool,
    /// What is known of its peer.
    pub peer: Peer,
    /// Its worker, once it has one.
    pub worker: Option<u32>,
    /// `hc_task_kind`.
    pub kind: u32,
    /// Index of the module that answers.
    pub module: u32,
    /// Index of the instance, once it has one.
    pub instance: Option<u32>,
    /// Index of the route, for tasks with a request.
    pub route: u32,
    /// Position in the route's chain of modules.
    pub link: u32,
    /// How many dispatches lie above.
    pub depth: u32,
    /// The request's id, or 0.
    pub request_id: u64,
    /// Deadline on the host's clock, ns.
    pub deadline_ns: Option<u64>,
    /// The whole time from its opening to its deadline, ns.
    pub allowed_ns: u64,
    /// The deadline's timer.
    pub deadline_key: Option<Key>,
    /// The timer of the deadline notice.
    pub notice_key: Option<Key>,
    /// The timer of the grace that the task has after its peer left.
    pub grace_key: Option<Key>,
    /// Who carries request and response.
    pub exchange: Option<Arc<dyn Exchange>>,
    /// The response's state.
    pub response: Response,
    /// Outstanding operations.
    pub operations: Vec<Operation>,
    /// Events that happened and were not delivered.
    pub events: Vec<Event>,
    /// Why it is to be cancelled, once decided.
    pub cancel: Option<Status>,
    /// Notices it asked for.
    pub notices: u32,
    /// Notices whose reason holds.
    pub notices_true: u32,
    /// Notices whose event was latched, so that it is not latched again.
    pub notices_told: u32,
    /// What `spawn` was given.
    pub arg: Opaque,
    /// What `start` set.
    pub state: Opaque,
    /// The chunk that `body_read` lent out.
    pub chunk: bytes::Bytes,
    /// Children that were opened and not closed.
    pub children: Vec<Child>,
    /// Whether a child has taken the request body over.
    pub body_taken: bool,
    /// The parent's handle, and the handle by which the parent knows this task, for a child.
    pub parent: Option<(u64, u64)>,
    /// Leases that it holds or waits for.
    pub leases: Vec<Held>,
    /// Tokens of latched events, each with the number of the lease that it is about.
    pub lease_events: Vec<(u64, u64)>,
    /// The highest rank of a resource that the tasks above it held when it was opened [resource.acquire.rank-child].
    pub rank_above: Option<u32>,
    /// For a member of a resource, its desk.
    pub member: Option<Arc<Desk>>,
    /// How it is to end, once the lease on it has ended [pool.object.life].
    pub held_end: Option<Verdict>,
    /// The start gates of its route, while it waits at one, and what of them it has to give back.
    pub gate: Option<Box<Gate>>,
    /// What it was lent, of a container that validates.
    pub views: Option<Box<Views>>,
}

impl Record {
    /// Latches an event for the operation with that number; `false` when there is no such operation.
    pub fn fire(&mut self, number: u64, kind: u32, status: Status, value: u64) -> bool {
        self.fire_where(|operation| operation.number == number, kind, status, value)
    }

    /// As [`Record::fire`], for the first operation of which `is_meant` holds.
    #[inline]
    pub fn fire_where(
        &mut self,
        is_meant: impl Fn(&Operation) -> bool,
        kind: u32,
        status: Status,
        value: u64,
    ) -> bool {
        let Some(at) = self.operations.iter().position(is_meant) else { return false };
        let operation = self.operations.swap_remove(at);
        if let Wait::Lease(lease, _) = operation.wait {
            self.lease_events.push((operation.token, lease));
        }
        self.events.push(Event { token: operation.token, value, status, kind });
        true
    }

    /// As [`Record::fire`], for the operation that waits for exactly that.
    pub fn fire_wait(&mut self, wait: Wait, kind: u32, status: Status, value: u64) -> bool {
        self.fire_where(|operation| operation.wait == wait, kind, status, value)
    }

    /// Whether an outstanding operation has that token: until its event was delivered [completion.token.unique].
    pub fn has_token(&self, token: u64) -> bool {
        self.operations.iter().any(|operation| operation.token == token)
            || self.events.iter().any(|event| event.token == token)
    }

    /// How many operations are outstanding, those included whose events were not delivered.
    pub fn outstanding(&self) -> usize {
        let latched = self.events.iter().filter(|event| event.kind != event_kind::NOTICE).count();
        self.operations.len() + latched
    }

    /// Whether some operation waits for that.
    pub fn waits_for(&self, wait: Wait) -> bool {
        self.operations.iter().any(|operation| operation.wait == wait)
    }

    /// Makes a notice true, and latches its event when the task asked for it.
    pub fn notice(&mut self, notice: u32) {
        if self.notices_true & notice == 0 {
            self.notices_true |= notice;
            if self.notices & notice != 0 {
                self.notices_told |= notice;
                self.events.push(Event::notice(notice));
            }
        }
    }

    /// Whether the task is live for a caller: taken, not about to end.
    pub fn is_live(&self, generation: u64) -> bool {
        self.generation == generation && self.phase != Phase::Free
    }

    /// Whether the task must be put into its worker's run queue now; marks it as queued when so.
    pub fn wants_queue(&mut self) -> bool {
        let wants = self.phase == Phase::Parked && !self.queued;
        self.queued |= wants;
        wants
    }

    /// Empties the record for the next task, member by member, keeping what it allocated.
    pub fn clear(&mut self) {
        // Named one by one, so that a new member cannot be forgotten here.
        let Record {
            generation,
            phase,
            queued,
            body_begun,
            body_ended,
            peer,
            worker,
            kind,
            module,
            instance,
            route,
            link,
            depth,
            request_id,
            deadline_ns,
            allowed_ns,
            deadline_key,
            notice_key,
            grace_key,
            exchange,
            response,
            operations,
            events,
            cancel,
            notices,
            notices_true,
            notices_told,
            arg,
            state,
            chunk,
            children,
            body_taken,
            parent,
            leases,
            lease_events,
            rank_above,
            member,
            held_end,
            gate,
            views,
        } = self;
        (*generation, *phase, *queued) = (0, Phase::Free, false);
        (*body_begun, *body_ended, *body_taken) = (false, false, false);
        (*peer, *response) = (Peer::Here, Response::None);
        (*worker, *instance) = (None, None);
        (*kind, *module, *route, *link, *depth) = (0, 0, 0, 0, 0);
        (*request_id, *allowed_ns, *deadline_ns) = (0, 0, None);
        (*deadline_key, *notice_key, *grace_key) = (None, None, None);
        (*cancel, *parent, *rank_above, *held_end) = (None, None, None, None);
        (*member, *gate, *views) = (None, None, None);
        (*notices, *notices_true, *notices_told) = (0, 0, 0);
        (*arg, *state) = (Opaque::default(), Opaque::default());
        *exchange = None;
        operations.clear();
        events.clear();
        children.clear();
        leases.clear();
        lease_events.clear();
        if !chunk.is_empty() {
            *chunk = bytes::Bytes::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheel::Wheel;

    #[test]
    fn a_cleared_record_is_as_a_fresh_one() {
        let key = Some(Wheel::new(0).insert(1, ()));
        let pointer = Opaque::new(std::ptr::without_provenance_mut(8));
        let event = Event { token: 1, value: 2, status: Status::OK, kind: event_kind::TIMER };
        let mut record = Record {
            generation: 1,
            phase: Phase::Finishing,
            queued: true,
            body_begun: true,
            body_ended: true,
            peer: Peer::Gone,
            worker: Some(1),
            kind: 1,
            module: 1,
            instance: Some(1),
            route: 1,
            link: 1,
            depth: 1,
            request_id: 1,
            deadline_ns: Some(1),
            allowed_ns: 1,
            deadline_key: key,
            notice_key: key,
            grace_key: key,
            exchange: None,
            response: Response::Complete,
            operations: vec![Operation { token: 1, number: 1, wait: Wait::Body }],
            events: vec![event],
            cancel: Some(Status::CANCELLED_PEER),
            notices: 1,
            notices_true: 1,
            notices_told: 1,
            arg: pointer,
            state: pointer,
            chunk: bytes::Bytes::from_static(b"chunk"),
            children: Vec::new(),
            body_taken: true,
            parent: Some((1, 1)),
            leases: Vec::new(),
            lease_events: vec![(1, 1)],
            rank_above: Some(1),
            member: None,
            held_end: None,
            gate: None,
            views: None,
        };
        record.clear();
        let fresh = Record::default();
        macro_rules! same {
            ($($member:ident)*) => { $(assert_eq!(record.$member, fresh.$member, stringify!($member));)* };
        }
        same!(generation phase queued body_begun body_ended peer worker kind module instance route link depth);
        same!(request_id deadline_ns allowed_ns deadline_key notice_key grace_key response cancel notices);
        same!(notices_true notices_told arg state chunk body_taken parent lease_events rank_above);
        assert!(record.operations.is_empty() && record.events.is_empty());
        assert!(
            record.operations.capacity() > 0 && record.events.capacity() > 0,
            "what it allocated is kept"
        );
    }
}
