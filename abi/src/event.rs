//! Events as both sides see them. Must not know what an event means to a task.

use crate::constants::event_kind;
use crate::raw::hc_event;
use crate::status::Status;

/// What a task waited for, or what the container wants it to know: `hc_event`, field for field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Event {
    /// The operation's token; 0 for a notice.
    pub token: u64,
    /// By kind; see `enum hc_event_kind`.
    pub value: u64,
    /// By kind.
    pub status: Status,
    /// One of [`event_kind`].
    pub kind: u32,
}

impl Event {
    /// An event of a `[ready]` operation (body, write): "call again".
    #[must_use]
    pub const fn ready(kind: u32, token: u64) -> Event {
        Event { token, value: 0, status: Status::OK, kind }
    }

    /// A timer that fired at `now_ns`.
    #[must_use]
    pub const fn timer(token: u64, now_ns: u64) -> Event {
        Event { token, value: now_ns, status: Status::OK, kind: event_kind::TIMER }
    }

    /// A completion with what `complete` was given.
    #[must_use]
    pub const fn completion(token: u64, status: Status, value: u64) -> Event {
        Event { token, value, status, kind: event_kind::COMPLETION }
    }

    /// A notice: one bit of [`notice`](crate::constants::notice).
    #[must_use]
    pub const fn notice(bit: u32) -> Event {
        Event { token: 0, value: bit as u64, status: Status::OK, kind: event_kind::NOTICE }
    }

    /// The first of a slice of events, as the boundary wants it; NULL when there is none.
    pub(crate) const fn first(events: &[Event]) -> *const hc_event {
        if events.is_empty() { std::ptr::null() } else { events.as_ptr().cast() }
    }
}

impl From<Event> for hc_event {
    fn from(event: Event) -> hc_event {
        hc_event { token: event.token, value: event.value, status: event.status.0, kind: event.kind }
    }
}

impl From<hc_event> for Event {
    fn from(event: hc_event) -> Event {
        Event { token: event.token, value: event.value, status: Status(event.status), kind: event.kind }
    }
}
