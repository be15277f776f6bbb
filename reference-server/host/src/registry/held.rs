//! A lease as the record of its task has it. It must not know what is done with it.

use super::desk::Desk;
use crate::wheel::Key;
use std::sync::Arc;

/// One lease that a task holds, or waits for.
pub(crate) struct Held {
    /// The number in the lease's handle.
    pub number: u64,
    /// The index of its resource.
    pub pool: u32,
    /// The member, once it was granted.
    pub desk: Option<Arc<Desk>>,
    /// Whose operation waits for it: its number and token.
    pub operation: (u64, u64),
    /// The grant has reached the module.
    pub is_delivered: bool,
    /// It came through a start gate.
    pub is_of_gate: bool,
    /// Until it is used, nothing of this lease is on the member's desk.
    pub is_used: bool,
    /// The timer of the wait.
    pub timer: Option<Key>,
}

impl Held {
    /// One that waits for a member of that resource.
    pub fn awaited(number: u64, pool: u32, operation: (u64, u64), is_of_gate: bool) -> Held {
        let (desk, timer) = (None, None);
        Held { number, pool, desk, operation, is_delivered: false, is_of_gate, is_used: false, timer }
    }

    /// One whose member was lent at once, and which has yet to begin.
    pub fn granted(desk: Arc<Desk>, operation: (u64, u64)) -> Held {
        let mut held = Held::awaited(0, desk.place.pool, operation, false);
        (held.desk, held.is_delivered) = (Some(desk), true);
        held
    }

    /// It begins, with that number, for the task in that slot.
    pub fn begin(&mut self, number: u64, holder: u32) {
        self.number = number;
        self.is_used = self.desk.as_ref().is_some_and(|desk| desk.lend(holder));
    }
}
