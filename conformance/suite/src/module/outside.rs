//! Waits, in real time, for what comes from outside of the host: descriptors, threads of the module's, works that run beside.
//! Must not know what follows.

use super::happenings::may_happen;
use super::state::{Shared, State};
use super::task::{Life, Wait};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

impl State {
    /// Whether something waits for what comes from outside.
    pub(super) fn awaits_outside(&self) -> bool {
        let is_outside = |wait: &Wait| matches!(wait, Wait::Completion(_) | Wait::Fd(..) | Wait::Beside(_));
        self.tasks.values().flat_map(|task| &task.waits).any(|(_, wait)| is_outside(wait))
    }

    /// Whether time passes as it does outside.
    pub(super) fn is_real(&self) -> bool {
        self.plan.is_real || !self.descriptors.is_empty()
    }

    fn has_work(&self) -> bool {
        self.has_latched()
            || self.tasks.iter().any(|(handle, task)| {
                let may = |(_, wait): &(u64, Wait)| may_happen(self, *handle, wait);
                task.life == Life::Parked && task.waits.iter().any(may)
            })
    }
}

/// Looks at descriptors without waiting.
pub fn look(shared: &Shared) {
    if !shared.lock().descriptors.is_empty() {
        wait(shared, Duration::ZERO);
    }
}

/// Waits for at most that long; whether something is to be done now.
pub fn wait(shared: &Shared, limit: Duration) -> bool {
    let started = Instant::now();
    let mut poll = shared.poll();
    let is_real = if let Some(poll) = poll.as_mut() {
        let limit = if shared.lock().has_work() { Duration::ZERO } else { limit };
        let mut events = mio::Events::with_capacity(64);
        // When it fails there is nothing to be told.
        let _ = poll.poll(&mut events, Some(limit));
        let mut state = shared.lock();
        state.descriptors.take(&events);
        true
    } else {
        let state = shared.lock();
        let is_real = state.is_real();
        let waited = shared.changed.wait_timeout_while(state, limit, |state| !state.has_work());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        is_real
    };
    let mut state = shared.lock();
    if is_real {
        state.now_ns += u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    }
    state.has_work()
}
