//! Which call of a task is allowed where, what it is answered if not, and what begins an operation. Must not know what a call
//! does.

use super::plan::Disturbance;
use super::state::{Callback, OPERATIONS, State};
use super::task::{Life, Wait};
use http_container_abi::Status;
use http_container_abi::constants::{module_flag, task_kind};

/// In which callbacks of a worker a call is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowed {
    /// Steps.
    Step,
    /// Steps and `finish`, and never a breach elsewhere: destructors call it.
    Cancel,
    /// Steps and `finish`.
    StepOrFinish,
}

impl State {
    /// Whether a call with `thread=task` is allowed here for that task; what it is answered if not [host.call.order].
    ///
    /// # Errors
    /// The answer.
    pub fn permit(&mut self, call: &'static str, task: u64, allowed: Allowed) -> Result<(), Status> {
        self.look_alive(call);
        if let Err((rule, status, text)) = self.look(task, allowed) {
            let is_harmless =
                allowed == Allowed::Cancel || status == Status::E_GONE && allowed == Allowed::StepOrFinish;
            return Err(if is_harmless {
                self.refuse(rule, status, text)
            } else {
                self.breach(call, rule, status, text)
            });
        }
        let has_left = match self.plan.disturbance {
            Disturbance::PeerLeaves { script, call, .. } => (script, call),
            _ => (usize::MAX, 0),
        };
        let found = self.task(task);
        found.calls += 1;
        let is_peers = found.kind == task_kind::REQUEST;
        if is_peers && found.script == Some(has_left.0) && found.calls == has_left.1 {
            self.lose_peer(task);
        }
        Ok(())
    }

    /// As [`permit`](Self::permit), for a call that a container may refuse for reasons of its own.
    ///
    /// # Errors
    /// The answer.
    pub fn permit_refusable(&mut self, call: &'static str, task: u64) -> Result<(), Status> {
        self.permit(call, task, Allowed::Step)?;
        self.record.calls += 1;
        match self.plan.disturbance {
            Disturbance::Refuse { call: number, status } if number == self.record.calls => {
                self.record.trace(|| format!("   {call} is refused with {status:?}"));
                Err(self.refuse("", status, "the container cannot do it now"))
            }
            _ => Ok(()),
        }
    }

    fn look(&self, task: u64, allowed: Allowed) -> Result<(), (&'static str, Status, &'static str)> {
        let Some(running) = self.here() else {
            return Err(("thread.worker", Status::E_THREAD, "called on a thread that runs no callback"));
        };
        match running.callback {
            Callback::Create | Callback::Destroy => {
                return Err(("thread.worker", Status::E_THREAD, "called in create or destroy"));
            }
            Callback::WorkerStart | Callback::WorkerStop => {
                let text = "called in worker_start or worker_stop";
                return Err(("host.call.in-step", Status::E_STATE, text));
            }
            Callback::Finish if allowed == Allowed::Step => {
                return Err(("task.finish.calls", Status::E_STATE, "called in finish"));
            }
            Callback::Finish | Callback::Step => {}
        }
        let Some(found) = self.tasks.get(&task).filter(|found| found.is_live()) else {
            return Err(if task >> 40 == self.tag >> 40 || task == 0 {
                ("handle.generation", Status::E_GONE, "the task has ended")
            } else {
                ("handle.instance", Status::E_GONE, "there is no such task in this instance")
            });
        };
        if found.worker != running.worker {
            return Err(("thread.task.worker", Status::E_THREAD, "the task is another worker's"));
        }
        if self.flags & module_flag::MIGRATES != 0 && task != running.task {
            let text = "the task of another callback, in a module with HC_MODULE_MIGRATES";
            return Err(("thread.call.migrates", Status::E_THREAD, text));
        }
        if found.life == Life::Fresh {
            return Err(("task.fresh.calls", Status::E_STATE, "the task has not started"));
        }
        Ok(())
    }

    /// Whether a task has a request.
    ///
    /// # Errors
    /// The answer of a call that needs one.
    pub fn need_request(&mut self, call: &'static str, task: u64) -> Result<(), Status> {
        if matches!(self.task(task).kind, task_kind::REQUEST | task_kind::CHILD) {
            return Ok(());
        }
        Err(self.breach(call, "task.request.none", Status::E_STATE, "the task has no request"))
    }

    /// Begins an operation.
    pub fn begin(&mut self, call: &'static str, task: u64, token: u64, wait: Wait) -> Status {
        if let Err(status) = self.check_token(call, task, token) {
            return status;
        }
        if self.task(task).cancel.is_some() {
            return self.refuse("cancel.flag.calls", Status::E_CANCELLED, "the task is being cancelled");
        }
        if self.task(task).waits.len() >= OPERATIONS {
            return self.refuse("completion.limit", Status::E_LIMIT, "the task has too many operations");
        }
        let lease = wait.lease();
        let found = self.task(task);
        found.lease_tokens.extend(lease.map(|lease| (token, lease)));
        found.waits.push((token, wait));
        Status::PENDING
    }

    /// Whether a token is free.
    ///
    /// # Errors
    /// `HC_E_TOKEN`.
    pub fn check_token(&mut self, call: &'static str, task: u64, token: u64) -> Result<(), Status> {
        if token == 0 || !self.task(task).has_token(token) {
            return Ok(());
        }
        let text = "an outstanding operation of the task has this token";
        Err(self.breach(call, "completion.token.unique", Status::E_TOKEN, text))
    }
}
