//! Tasks that come from outside of the module: requests of peers, and members of a provider's resource. Must not run them.

use super::member_scripts;
use super::members::{Member, Request};
use super::state::State;
use super::task::Task;
use http_container_abi::Status;
use http_container_abi::constants::task_kind;
use std::sync::Arc;

/// How long a request may take on the host's clock (ns).
pub const DEADLINE_NS: u64 = 3_600_000_000_000;

impl State {
    /// What comes for the script of that number: a request; or, to a provider, which gets none, a member.
    pub(super) fn arrive(&mut self, number: usize, id: u64) {
        if let Some(interface) = self.offered.clone() {
            let requests = member_scripts::requests(self.plan.seed, number, &interface);
            let task = self.open_member(requests, true);
            self.task(task).script = Some(number);
            return;
        }
        let script = self.plan.scripts[number].clone();
        let deadline_ns = self.now_ns + DEADLINE_NS;
        let workers = self.plan.workers as usize;
        let mut task = Task::new(self.choices.below(workers) as u32, task_kind::REQUEST);
        task.script = Some(number);
        task.is_head = script.method == "HEAD";
        task.is_old = script.version == 10;
        task.deadline_ns = deadline_ns;
        task.feed.bytes.clone_from(&script.body);
        task.feed.end = script.end;
        if script.has_trailers {
            task.feed.trailers.push(b"x-kit-trailer", b"at the end");
            task.feed.trailers.seal();
        }
        task.request = Some(Arc::new(script.storage(id, deadline_ns)));
        let handle = self.handle();
        self.record.trace(|| {
            let (method, target, end) = (script.method, &script.target, script.end);
            format!("request {}: {method} {target}, {} bytes {end:?}", handle & 0xffff, script.body.len())
        });
        self.tasks.insert(handle, task);
        self.order.push(handle);
    }

    /// A member is to be opened, and asked all that; `is_closing`: and to be closed then.
    pub(super) fn open_member(&mut self, requests: Vec<Request>, is_closing: bool) -> u64 {
        let workers = self.plan.workers as usize;
        let task = Task::new(self.choices.below(workers) as u32, task_kind::MEMBER);
        let handle = self.handle();
        self.record.trace(|| format!("member {}: {} requests", handle & 0xffff, requests.len()));
        self.members.insert(handle, Member { queue: requests.into(), is_closing, ..Member::default() });
        self.tasks.insert(handle, task);
        self.order.push(handle);
        handle
    }

    /// The request of a member that is under way, or that comes, is to be interrupted: once it was handed out, as soon as the
    /// member looks.
    pub(super) fn interrupt(&mut self, task: u64) {
        self.members.entry(task).and_modify(|member| member.is_to_interrupt = true);
    }

    /// Members are told to close when they have answered what they are asked.
    pub(super) fn close_members(&mut self) {
        self.members.values_mut().for_each(|member| member.is_closing = true);
    }

    /// Nothing happens any more: what members have not done is a breach, unless the run disturbed them.
    pub(super) fn judge_members(&mut self) {
        let mut found = Vec::new();
        for member in self.members.values().filter(|member| member.is_ready) {
            if let Some((request, _)) = &member.under_way {
                found.push(("provider.done.once", format!("a request was never answered: {request:?}")));
            } else if member.is_told_to_close {
                found.push((
                    "provider.close.end",
                    "a member was told to close, and its task does not end".to_owned(),
                ));
            }
        }
        found.into_iter().for_each(|(rule, text)| self.record.violate(rule, text));
    }

    /// A member's task is over by itself, with nothing that told it so.
    pub(super) fn end_member(&mut self, task: u64, outcome: Status) {
        let Some(member) = self.members.get(&task) else { return };
        let reason = member.reason.clone();
        self.record.trace(|| format!("   member {} is gone: {outcome:?} {reason}", task & 0xffff));
    }
}
