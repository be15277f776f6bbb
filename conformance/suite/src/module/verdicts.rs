//! What follows from the status of a step, and whether it is a breach. Must not call a module.

use super::plan::Disturbance;
use super::record::Phase;
use super::state::State;
use super::task::Life;
use http_container_abi::Status;
use http_container_abi::constants::task_kind;

/// Judges a step: `None` when the task goes on, else its outcome.
pub fn conclude(state: &mut State, task: u64, status: Status, has_resume: bool) -> Option<Status> {
    let injected = match state.plan.disturbance {
        Disturbance::Refuse { status, .. } => Some(status),
        _ => None,
    };
    if status.is_unlisted() && injected != Some(status) {
        let text = format!("a step returned {}, which the table does not list", status.0);
        state.record.violate("error.number.module", text);
    }
    let found = state.task(task);
    let is_request = matches!(found.kind, task_kind::REQUEST | task_kind::CHILD);
    let phase = found.answer.phase;
    if let Some(reason) = found.cancel {
        let is_well = status == Status::OK && (phase == Phase::Complete || !is_request);
        return Some(match status {
            _ if is_well => Status::OK,
            Status::E_PANIC => status,
            _ => reason,
        });
    }
    match status {
        Status::PENDING => park(state, task, has_resume),
        Status::OK | Status::DISCARDED => Some(match phase {
            Phase::None if is_request => {
                let text = "a step returned HC_DONE, and nothing was answered".to_owned();
                state.record.violate("task.done.no-response", text);
                Status::E_STATE
            }
            Phase::Open if is_request => {
                let text = "a step returned HC_DONE, and the response is still open".to_owned();
                state.record.violate("task.done.open-response", text);
                Status::E_STATE
            }
            _ => Status::OK,
        }),
        status if status.is_cancelled() => {
            let text = format!("a step returned {status:?}, which is for outcomes only");
            state.record.violate("task.step.cancelled-status", text);
            Some(Status::E_FAILED)
        }
        status if status.is_error() => Some(status),
        status => {
            state.record.violate("task.step.status", format!("a step returned {status:?}"));
            Some(Status::E_INVALID)
        }
    }
}

/// The step yielded.
fn park(state: &mut State, task: u64, has_resume: bool) -> Option<Status> {
    if !has_resume {
        let text = "a step returned HC_YIELD, and the module has no resume".to_owned();
        state.record.violate("module.resume.missing", text);
        return Some(Status::E_INVALID);
    }
    let found = state.task(task);
    if found.waits.is_empty() && found.latched.is_empty() {
        let text = "a step returned HC_YIELD with nothing outstanding".to_owned();
        state.record.violate("task.yield.nothing-outstanding", text);
        return Some(Status::E_LOST);
    }
    found.life = Life::Parked;
    found.suspensions += 1;
    let (script, suspensions, is_empty) = (found.script, found.suspensions, found.latched.is_empty());
    if let Disturbance::Cancel { script: of, suspension, reason, is_latched } = state.plan.disturbance
        && script == Some(of)
        && suspension == suspensions
    {
        if is_latched && is_empty {
            state.cancel_when_latched = Some((task, reason));
        } else {
            state.cancel(task, reason);
        }
    }
    None
}
