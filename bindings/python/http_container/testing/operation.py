# SPDX-License-Identifier: MIT OR Apache-2.0
"""An operation of a task: what it waits for, and then the event. Must not know how its kind comes about."""

from ..abi import status_name
from ..constants import HC_OK, EventKind

# [ready] kinds say "call again", and may be spurious.
READY = tuple(EventKind[name] for name in "BODY WRITE FD CHILD_BODY SQL_ROWS KV_MESSAGE MEMBER MEMBER_ROOM".split())


class Operation:
    """Begun by a call that answered HC_PENDING (or made a completion); latched when it has happened; then delivered."""

    def __init__(self, task, token, kind):
        self.task, self.token, self.kind = task, token, EventKind(kind)
        self.is_latched, self.status, self.value = False, HC_OK, 0
        # Of timers, and of what is bound in time: when it happens at the latest, and what its event says then.
        self.due_ns, self.status_when_due = None, HC_OK
        self.completion = self.lease = self.work = self.child = self.fd = None
        # Whether it can happen now, and what makes it happen: answers its status and value.
        self.is_ready = lambda: False
        self.happen = lambda: (HC_OK, 0)
        # What is to be done when the event reaches the module, and when it never will.
        self.delivered = self.withdrawn = lambda: None

    @property
    def name(self):
        """`timer`, `body`, `sql_rows` ..."""
        return self.kind.name.lower()

    def latch(self, status=HC_OK, value=0):
        """It has happened: the event is delivered with the next step of the task."""
        assert not self.is_latched, f"{self} has happened before"
        self.is_latched, self.status, self.value = True, int(status), int(value)
        if self.completion is not None:
            self.task.host.completions.pop(self.completion, None)
        self.task.latched.append(self)
        self.task.host.note(f"{self.task}: {self.name} has happened: {status_name(status)}")

    def complete(self, status=HC_OK, value=0):
        """Of a completion: what a thread of the module's would do by `complete`."""
        assert self.kind == EventKind.COMPLETION, f"{self} is no completion"
        self.latch(status, value)

    def write(self, event):
        """Into an `hc_event`."""
        event.token, event.value, event.status, event.kind = self.token, self.value, self.status, int(self.kind)

    def __repr__(self):
        due = "" if self.due_ns is None else f" in {(self.due_ns - self.task.host.now_ns) / 1e6:g} ms"
        return f"<{self.name} of {self.task}, token {self.token}{due}>"
