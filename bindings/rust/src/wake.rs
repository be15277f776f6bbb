//! The waker of a task. Waking from the task's own step crosses no boundary; waking from elsewhere completes the task's
//! wake completion, once per step. Must not know what the task does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Wake;

use http_container_abi::Status;

use crate::context;
use crate::gate::Gate;

/// What all wakers of one task share.
///
/// `notified` says that a poll is due; whoever sets it first signals. `completion` is the handle of the armed wake
/// completion, 0 when none is armed. The waker writes `notified` and reads `completion`; the step writes `completion` and
/// reads `notified`, all in one total order, so at least one of them sees the other and no wake is lost.
pub(crate) struct WakeCell {
    notified: AtomicBool,
    completion: AtomicU64,
    gate: Arc<Gate>,
}

impl WakeCell {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { notified: AtomicBool::new(false), completion: AtomicU64::new(0), gate }
    }

    /// A poll begins: wakes from now on ask for another one.
    pub(crate) fn begin_poll(&self) {
        // Only this thread clears it: where it is clear, a wake that comes meanwhile is not overwritten but seen later.
        if self.notified.load(Ordering::SeqCst) {
            self.notified.store(false, Ordering::SeqCst);
        }
    }

    pub(crate) fn is_notified(&self) -> bool {
        self.notified.load(Ordering::SeqCst)
    }

    /// The handle that wakers complete from now on; 0 for none.
    pub(crate) fn arm(&self, completion: u64) {
        self.completion.store(completion, Ordering::SeqCst);
    }

    /// None from now on, as nearly always already.
    pub(crate) fn disarm(&self) {
        // Only this thread arms it.
        if self.completion.load(Ordering::Relaxed) != 0 {
            self.arm(0);
        }
    }

    fn signal(&self) {
        let completion = self.completion.load(Ordering::SeqCst);
        if completion != 0 {
            // GONE is fine: the task ended, or its completion was withdrawn and its step looks at `notified` after that.
            self.gate.with(|host| host.complete(completion, Status::OK, 0));
        }
    }
}

impl Wake for WakeCell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.notified.swap(true, Ordering::SeqCst) && !context::is_running(self) {
            self.signal();
        }
    }
}
