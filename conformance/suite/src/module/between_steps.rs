//! What the kit's host looks at and settles between steps: what is due next, what an ended task leaves, what came out. Must not
//! call a module.

use super::arrivals::DEADLINE_NS;
use super::record::{Ended, Phase, Record};
use super::state::State;
use super::task::{Life, Task, Wait};
use http_container_abi::Status;
use http_container_abi::constants::notice;
use std::sync::Arc;

/// When a task is told that its deadline is near: nine tenths of its time are over. `u64::MAX`: never, or it was.
fn warning(task: &Task) -> u64 {
    let is_told = task.notices.1 & notice::DEADLINE != 0;
    if is_told || task.deadline_ns == u64::MAX { u64::MAX } else { task.deadline_ns - DEADLINE_NS / 10 }
}

impl State {
    /// Everything that came out of the run. What the host keeps after that is small: it may live on for a while.
    pub(super) fn conclude(&mut self) -> Record {
        self.plan.scripts = Vec::new();
        self.graveyard.clear();
        self.request_graveyard.clear();
        self.event_graveyard.clear();
        self.lease_graveyard.clear();
        self.stores.clear();
        self.past_members.clear();
        self.descriptors.clear();
        std::mem::take(&mut self.record)
    }

    pub(super) fn has_latched(&self) -> bool {
        self.tasks.values().any(|task| {
            task.life == Life::Fresh
                || task.life == Life::Parked && (!task.latched.is_empty() || task.cancel.is_some())
        })
    }

    /// When the next timer fires or the next deadline passes.
    pub(super) fn next_time(&self) -> Option<u64> {
        let timers = self.tasks.values().flat_map(|task| &task.waits).filter_map(|(_, wait)| match wait {
            Wait::Timer(at) => Some(*at),
            _ => None,
        });
        let first = timers.min()?;
        let deadline =
            self.tasks.values().map(|task| task.deadline_ns.min(warning(task))).min().unwrap_or(u64::MAX);
        Some(first.min(deadline))
    }

    /// Time passes, if it has not yet.
    pub(super) fn pass_to(&mut self, at: u64) {
        self.now_ns = self.now_ns.max(at);
        self.pass_deadlines();
    }

    fn pass_deadlines(&mut self) {
        let now_ns = self.now_ns;
        let is_near = |task: &Task| warning(task) <= now_ns;
        let near: Vec<u64> =
            self.tasks.iter().filter(|(_, task)| is_near(task)).map(|(handle, _)| *handle).collect();
        near.into_iter().for_each(|handle| self.notice(handle, notice::DEADLINE));
        let is_late = |task: &Task| task.deadline_ns <= now_ns && task.cancel.is_none();
        let late: Vec<u64> =
            self.tasks.iter().filter(|(_, task)| is_late(task)).map(|(handle, _)| *handle).collect();
        for handle in late {
            self.cancel(handle, Status::CANCELLED_DEADLINE);
        }
    }

    /// The task is over: its views end, and its answer is kept.
    pub(super) fn bury_task(&mut self, handle: u64, mut task: Task, outcome: Status) {
        let shown = task.feed.shown.take();
        self.bury(shown);
        if let Some(mut request) = task.request.take().and_then(Arc::into_inner) {
            let poison = self.plan.poison;
            let bytes = request.buffer();
            bytes.resize(bytes.capacity(), poison);
            self.request_graveyard.push_back(request);
            if self.request_graveyard.len() > 128 {
                self.request_graveyard.pop_front();
            }
        }
        if task.answer.phase == Phase::Open {
            task.answer.phase = Phase::Aborted;
        }
        if let Some(member) = self.members.remove(&handle) {
            task.answer.body = member.transcript().into_bytes();
            if task.script.is_none() {
                self.past_members.insert(handle, member);
            }
        }
        if let Some(script) = task.script {
            self.record.ended[script] = Some(Ended {
                outcome,
                answer: task.answer,
                suspensions: task.suspensions,
                calls: task.calls,
            });
        }
    }
}
