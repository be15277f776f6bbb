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
}
