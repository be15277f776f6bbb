//! Stopping: nothing new is accepted, what is under way is answered, and when time is up the rest is cancelled.

use super::Shard;
use http_container_abi::Status;
use std::sync::atomic::Ordering;

impl Shard {
    /// Acts on the wish to stop, once.
    pub(super) fn check_stop(&mut self) {
        if self.drain_until_ns.is_some() || !self.common.stopping.load(Ordering::SeqCst) {
            return;
        }
        self.drain_until_ns = Some(self.now_ns.saturating_add(self.common.plan.times.drain_ns));
        self.stop_listening();
        for place in self.table.places() {
            self.drive_with(place, |_| ());
        }
        self.flush_all();
    }

    /// Whether stopping asks for a turn now: it was wished for and not begun, or it is done.
    pub(super) fn has_to_stop(&self) -> bool {
        match self.drain_until_ns {
            None => self.common.stopping.load(Ordering::SeqCst),
            Some(_) => self.is_over(),
        }
    }

    /// Whether the worker may go: no connection of the process is left (whoever closes the last wakes the others), or time
    /// is up. Background tasks had their notice, and are cancelled now.
    pub(super) fn is_over(&self) -> bool {
        let Some(until_ns) = self.drain_until_ns else { return false };
        self.common.connections.load(Ordering::SeqCst) == 0
            || self.common.ended.load(Ordering::SeqCst)
            || self.now_ns >= until_ns
    }

    /// The end: tasks that are left are cancelled, connections closed.
    pub(super) fn leave(mut self) {
        // Requests that no module has seen are refused; no other worker takes them any more.
        let unseen: Vec<u64> = self.fresh.drain(..).chain(std::iter::from_fn(|| self.queue.pop())).collect();
        for task in unseen {
            self.host.container().request_cancel(task, Status::CANCELLED_DRAIN);
            self.host.start(task);
        }
        self.host.leave(Status::CANCELLED_DRAIN);
        let mut noted = Vec::new();
        self.door.take(&mut noted);
        noted.into_iter().for_each(|place| self.drive_with(place, |_| ()));
        self.flush_all();
        for place in self.table.places() {
            if let Some(connection) = self.table.take(place) {
                self.close(place, *connection);
            }
        }
        if let Some(access) = &mut self.access {
            access.flush();
        }
        // Others may have waited for this worker's tasks only: they look again.
        self.host.container().drain();
    }
}
