# SPDX-License-Identifier: MIT OR Apache-2.0
"""What follows from the status of a step, whether it is a breach, and what a container then answers. Must not call a module."""

from ..abi import ffi, is_cancellation, is_reserved, status_name
from ..constants import (
    HC_DISCARDED,
    HC_E_BUSY,
    HC_E_DRAINING,
    HC_E_FAILED,
    HC_E_INVALID,
    HC_E_LIMIT,
    HC_E_LOST,
    HC_E_PANIC,
    HC_E_RESOURCE,
    HC_E_STATE,
    HC_E_TIMEOUT,
    HC_OK,
    HC_PENDING,
)
from .messages import Headers

_UNAVAILABLE = (HC_E_RESOURCE, HC_E_BUSY, HC_E_TIMEOUT, HC_E_DRAINING)


def conclude(task, status):
    """The outcome of the task, or None when it goes on."""
    blame, phase = task.host.blame, task.response.phase
    # What the test had a call answer may be passed on.
    if is_reserved(status) and status not in task.host.refused_with:
        blame("error.number.module", f"a step of {task} returned {status}, which no table lists")
    if task.cancel_reason is not None:
        is_well = status in (HC_OK, HC_DISCARDED) and (task.request is None or phase == "complete")
        return HC_OK if is_well else status if status == HC_E_PANIC else task.cancel_reason
    if status == HC_PENDING:
        return _yielded(task)
    if status in (HC_OK, HC_DISCARDED):
        if task.request is not None and phase == "none":
            blame("task.done.no-response", f"a step of {task} returned HC_DONE, and nothing was answered")
            return HC_E_STATE
        if task.request is not None and phase == "open":
            blame("task.done.open-response", f"a step of {task} returned HC_DONE, and the response is still open")
            return HC_E_STATE
        return HC_OK
    if is_cancellation(status):
        blame("task.step.cancelled-status", f"a step of {task} returned {status_name(status)}, which is for outcomes only")
        return HC_E_FAILED
    if status < 0:
        return status
    blame("task.step.status", f"a step of {task} returned {status_name(status)}")
    return HC_E_INVALID


def _yielded(task):
    if task.host.module.entry.resume == ffi.NULL:
        task.host.blame("module.resume.missing", f"a step of {task} returned HC_YIELD, and the module has no resume")
        return HC_E_INVALID
    if not task.waits:
        task.host.blame("task.yield.nothing-outstanding", f"a step of {task} returned HC_YIELD with nothing outstanding")
        return HC_E_LOST
    return None


def answer_for(task, outcome):
    """What the container makes of a response that the task leaves behind: breaks it off, or answers in its place."""
    response = task.response
    if task.request is None or outcome == HC_OK:
        return
    if response.phase == "open":
        response.phase = "aborted"
    elif response.phase == "none" and is_cancellation(outcome):
        response.phase = "aborted"
    elif response.phase == "none":
        body = task.request.body.error
        broken = None if body is None else 413 if body == HC_E_LIMIT else 400
        response.status = broken or (503 if outcome in _UNAVAILABLE else 500)
        response.headers = Headers([("retry-after", "1")] if response.status == 503 else [])
        response.phase, response.body, response.is_from_container = "complete", b"", True
