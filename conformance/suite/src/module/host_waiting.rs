//! The kit's host: completions, timers, what is withdrawn, and tasks that are spawned. Must not know when callbacks are due.

use super::permission::Allowed;
use super::state::{Callback, State, TASKS};
use super::task::{Life, Task, Wait};
use http_container_abi::constants::{WORKER_ANY, WORKER_SELF, task_kind};
use http_container_abi::{Event, Opaque, Status};

impl State {
    pub(super) fn completion(&mut self, task: u64, token: u64) -> Result<u64, Status> {
        self.permit_refusable("completion", task)?;
        if token == 0 {
            let text = "the token is 0";
            return Err(self.breach("completion", "completion.token.zero", Status::E_TOKEN, text));
        }
        let handle = self.handle();
        match self.begin("completion", task, token, Wait::Completion(handle)) {
            Status::PENDING => {
                self.completions.insert(handle, (task, token));
                Ok(handle)
            }
            status => Err(status),
        }
    }

    pub(super) fn complete(&mut self, completion: u64, status: Status, value: u64) -> Status {
        self.look_alive("complete");
        if status.is_unlisted() {
            let text = format!("complete was given {}, which the table does not list", status.0);
            self.record.violate("error.number.module", text);
        }
        let Some((task, token)) = self.completions.remove(&completion) else {
            return self.refuse("completion.once", Status::E_GONE, "no such completion");
        };
        let found = self.task(task);
        if let Some(place) = found.find(token) {
            found.waits.remove(place);
        }
        self.latch(task, Event::completion(token, status, value));
        Status::OK
    }

    pub(super) fn timer(&mut self, task: u64, token: u64, delay_ns: u64) -> Status {
        if let Err(status) = self.permit_refusable("timer", task) {
            return status;
        }
        if token == 0 {
            return self.breach("timer", "completion.token.zero", Status::E_TOKEN, "the token is 0");
        }
        let at = self.now_ns.saturating_add(delay_ns);
        self.begin("timer", task, token, Wait::Timer(at))
    }

    pub(super) fn withdraw(
        &mut self,
        task: u64,
        token: u64,
        withdrawn: &mut Option<Wait>,
    ) -> (Status, Option<Event>) {
        if let Err(status) = self.permit("cancel", task, Allowed::Cancel) {
            return (status, None);
        }
        let found = self.task(task);
        if token != 0 && found.life != Life::Finishing {
            if let Some(place) = found.find(token) {
                let (_, wait) = found.waits.remove(place);
                found.forget_token(token);
                match wait {
                    Wait::Completion(handle) => {
                        self.completions.remove(&handle);
                    }
                    Wait::Acquire(_) => self.forget_leases(task, token),
                    Wait::ChildHead(child) => self.end_child(child),
                    Wait::Sql(lease) | Wait::Kv(lease) => {
                        self.leases.entry(lease).and_modify(|lease| lease.is_poisoned = true);
                    }
                    _ => {}
                }
                *withdrawn = Some(wait);
                return (Status::OK, None);
            }
            if let Some(place) = found.latched.iter().position(|event| event.token == token) {
                let event = found.latched.remove(place);
                found.forget_token(token);
                self.delivered(task, &event);
                return (Status::E_TOO_LATE, Some(event));
            }
        }
        (self.refuse("cancel.operation.gone", Status::E_GONE, "the task has no such operation"), None)
    }

    pub(super) fn spawn(&mut self, worker: u32, arg: Opaque) -> Result<u64, Status> {
        self.look_alive("spawn");
        let here = self.here();
        let is_stopping =
            here.is_some_and(|here| matches!(here.callback, Callback::WorkerStop | Callback::Destroy));
        let on = match worker {
            WORKER_ANY => self.choices.below(self.plan.workers as usize) as u32,
            WORKER_SELF => match here {
                Some(here) if !matches!(here.callback, Callback::Create | Callback::Destroy) => here.worker,
                _ => {
                    let text = "HC_WORKER_SELF on no worker";
                    return Err(self.breach("spawn", "task.spawn.self", Status::E_THREAD, text));
                }
            },
            number if number < self.plan.workers => number,
            _ => return Err(self.refuse("task.spawn.worker", Status::E_INVALID, "no such worker")),
        };
        let spawned = self.tasks.values().filter(|task| task.kind == task_kind::BACKGROUND).count();
        if spawned >= TASKS {
            return Err(self.refuse("task.spawn.limit", Status::E_LIMIT, "too many tasks"));
        }
        if self.is_closing || is_stopping {
            return Err(self.refuse("module.drain.spawn", Status::E_DRAINING, "the instance ends"));
        }
        let handle = self.handle();
        self.tasks.insert(handle, Task { arg, ..Task::new(on, task_kind::BACKGROUND) });
        self.order.push(handle);
        Ok(handle)
    }
}
