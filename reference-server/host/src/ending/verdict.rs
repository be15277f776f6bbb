//! What an answer of a step, or a cancellation, means for the task. Ends nothing itself.

use crate::task::{Record, Response};
use http_container_abi::Status;

/// Why a task ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub outcome: Status,
    pub rule: &'static str,
    pub text: &'static str,
}

impl Verdict {
    pub const DONE: Verdict = Verdict { outcome: Status::OK, rule: "", text: "" };
    pub const NO_RESUME: Verdict = Verdict {
        outcome: Status::E_INVALID,
        rule: "module.resume.missing",
        text: "the task yielded, but the module has no resume",
    };
    pub const LOST: Verdict = Verdict {
        outcome: Status::E_LOST,
        rule: "task.yield.nothing-outstanding",
        text: "the task yielded with nothing outstanding: nothing could ever resume it",
    };
    const STATUS: Verdict = Verdict {
        outcome: Status::E_INVALID,
        rule: "task.step.status",
        text: "a step answered a status that is none of DONE, YIELD and FAIL",
    };
    const NO_RESPONSE: Verdict = Verdict {
        outcome: Status::E_STATE,
        rule: "task.done.no-response",
        text: "the task is done, but it gave no response",
    };
    const OPEN_RESPONSE: Verdict = Verdict {
        outcome: Status::E_STATE,
        rule: "task.done.open-response",
        text: "the task is done, but its response was not ended; it is broken off",
    };
    const CANCELLED_STATUS: Verdict = Verdict {
        outcome: Status::E_FAILED,
        rule: "task.step.cancelled-status",
        text: "a step answered a status that is kept for outcomes of cancelled tasks",
    };

    /// Whether the module broke the rule that it names.
    pub fn is_breach(&self) -> bool {
        [
            Verdict::NO_RESUME,
            Verdict::LOST,
            Verdict::STATUS,
            Verdict::NO_RESPONSE,
            Verdict::OPEN_RESPONSE,
            Verdict::CANCELLED_STATUS,
        ]
        .contains(self)
    }

    /// What DONE, FAIL or an unknown answer means for a task that is not cancelled.
    pub fn of(record: &Record, status: Status) -> Verdict {
        if is_reserved(status) {
            return Verdict::CANCELLED_STATUS;
        }
        if status.is_error() {
            let rule = match record.response {
                _ if record.exchange.is_none() => "task.step.fail",
                Response::Complete => "task.fail.complete",
                Response::None if is_unavailable(status) => "task.fail.unavailable",
                Response::None => "task.fail.before",
                _ => "task.fail.after",
            };
            return Verdict { outcome: status, rule, text: status.text() };
        }
        match (status, record.response) {
            (Status::OK, Response::None) if record.exchange.is_some() => Verdict::NO_RESPONSE,
            (Status::OK, Response::Open { .. }) => Verdict::OPEN_RESPONSE,
            (Status::OK, _) => Verdict::DONE,
            _ => Verdict::STATUS,
        }
    }
}

/// A task that was cancelled for that reason.
pub(crate) fn cancelled(reason: Status) -> Verdict {
    let (rule, text) = match reason {
        Status::CANCELLED_PEER => ("cancel.peer", "cancelled: the peer went away"),
        Status::CANCELLED_DEADLINE => ("cancel.deadline", "cancelled: its time was over"),
        Status::CANCELLED_DRAIN => ("cancel.drain", "cancelled: the container is stopping"),
        Status::CANCELLED_PARENT => ("cancel.parent", "cancelled: the parent task ended"),
        Status::CANCELLED_MODULE => ("cancel.module", "cancelled by the module"),
        Status::CANCELLED_FAULT => ("cancel.fault", "cancelled: the instance failed, and its time is over"),
        _ => ("cancel.drain", "cancelled"),
    };
    Verdict { outcome: reason, rule, text }
}

/// Statuses that only the container gives, as outcomes.
pub fn is_reserved(status: Status) -> bool {
    (-199..=-101).contains(&status.0)
}

/// What is short for now is told as short, not as broken [task.fail.unavailable].
pub(crate) fn is_unavailable(outcome: Status) -> bool {
    matches!(outcome, Status::E_RESOURCE | Status::E_BUSY | Status::E_TIMEOUT | Status::E_DRAINING)
}
