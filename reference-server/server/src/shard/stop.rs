//! Stopping: nothing new is accepted, what is under way is answered, and when time is up the rest is cancelled.

use super::Shard;
use http_container_abi::Status;
use std::sync::atomic::Ordering;

/// So much later than a member's own time the worker goes without it, ns.
const MEMBER_MARGIN_NS: u64 = 200_000_000;

impl Shard {
    /// Acts on the wish to stop, and on the end of the last connection.
    pub(super) fn check_stop(&mut self) {
        if !self.common.stopping.load(Ordering::SeqCst) {
            return;
        }
        if self.drain_until_ns.is_none() {
            self.drain_until_ns = Some(self.now_ns.saturating_add(self.common.plan.times.drain_ns));
            self.stop_listening();
            for place in self.table.places() {
                self.drive_with(place, |_| ());
            }
            self.flush_all();
        }
        if self.quiet_until_ns.is_none() && self.is_quiet() {
            self.quiet_until_ns = Some(self.now_ns.saturating_add(self.common.plan.times.background_ns));
        }
        // When nobody is left who could use them, or time is up, the members of resources end [provider.drain].
        let is_last = self.quiet_until_ns.is_some() && self.host.container().background_tasks() == 0;
        if self.members_until_ns.is_none() && (is_last || self.is_over()) && self.host.has_members() {
            // What a member does not end in its time it is cancelled for; so this is only the last resort.
            let member_ns = self.host.container().member_time_ns().saturating_add(MEMBER_MARGIN_NS);
            self.members_until_ns = Some(self.now_ns.saturating_add(member_ns));
            self.host.end_users(Status::CANCELLED_DRAIN);
        }
    }

    /// When stopping asks for a turn by itself.
    pub(super) fn stop_times(&self) -> [Option<u64>; 2] {
        match self.members_until_ns {
            Some(until_ns) => [Some(until_ns), None],
            None => [self.drain_until_ns, self.quiet_until_ns],
        }
    }

    /// Whether the worker may go: all that used resources is over, and their members have broken off what was under way and
    /// said goodbye, or had their time for that [provider.drain].
    pub(super) fn may_leave(&self) -> bool {
        if self.members_until_ns.is_none() && !self.is_over() {
            return false;
        }
        let is_late = self.members_until_ns.is_some_and(|until_ns| self.now_ns >= until_ns);
        is_late || self.common.ended.load(Ordering::SeqCst) || !self.host.has_members()
    }

    /// No connection of the process is left (whoever closes the last wakes the others), and no task but background ones and
    /// members of resources.
    fn is_quiet(&self) -> bool {
        let container = self.host.container();
        self.common.connections.load(Ordering::SeqCst) == 0
            && container.totals().live_tasks() <= container.background_tasks() + container.member_tasks()
    }

    /// Whether stopping asks for a turn now: it was wished for and not begun, or it is done.
    pub(super) fn has_to_stop(&self) -> bool {
        if self.members_until_ns.is_some() {
            return self.may_leave();
        }
        match (self.drain_until_ns, self.quiet_until_ns) {
            (None, _) => self.common.stopping.load(Ordering::SeqCst),
            (Some(_), None) => self.is_quiet() || self.is_over(),
            (Some(_), Some(_)) => self.is_over(),
        }
    }

    /// Whether all is done, or what is left has had its time [module.drain.order].
    fn is_over(&self) -> bool {
        let Some(until_ns) = self.drain_until_ns else { return false };
        let is_done = self.is_quiet() && self.host.container().totals().live_tasks() == 0;
        let is_late = self.now_ns >= self.quiet_until_ns.unwrap_or(until_ns).min(until_ns);
        is_done || is_late || self.common.ended.load(Ordering::SeqCst)
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
