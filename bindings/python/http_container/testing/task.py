# SPDX-License-Identifier: MIT OR Apache-2.0
"""A task, as a test drives it: step by step, or to its end. Must not know what the calls of a module do."""

from typing import NamedTuple

from ..abi import Memory, ffi, status_name
from ..constants import (
    HC_CANCELLED_PEER,
    HC_E_CANCELLED,
    HC_E_LIMIT,
    HC_E_PEER,
    HC_E_TOKEN,
    HC_PENDING,
    EventKind,
    LogLevel,
    Notice,
    TaskKind,
)
from .conclusion import answer_for, conclude
from .messages import Response
from .operation import READY, Operation
from .rules import Refusal, Stuck, breach


class LogLine(NamedTuple):
    """A line of the module's log. `level` is a number of `LogLevel`."""

    level: int
    text: str
    task: int = 0

    def __str__(self):
        return f"{LogLevel(self.level).name}: {self.text}"


class Task:
    """One unit of the module's work. `life` is fresh, running, parked, finishing or gone.

    `response` is what the peer has seen, `outcome` what `finish` was given, `steps` the number of steps so far.
    """

    def __init__(self, host, request, worker=0, argument=ffi.NULL, leases=()):
        self.host, self.request, self.worker, self.argument = host, request, worker, argument
        self.handle, self.life = host.new_handle(), "fresh"
        self.kind = TaskKind.BACKGROUND if request is None else TaskKind.REQUEST
        self.response = Response()
        self.waits, self.latched, self.leases = [], [], []
        self.outcome, self.cancel_reason, self.steps, self.last_status = None, None, 0, None
        self.is_alone = self.has_read_all = False
        self.wanted_notices, self.due_notices, self.told_notices = Notice(0), Notice(0), Notice(0)
        self.memory, self.chunk_memory = Memory(), Memory()
        self.children = []
        self._state, self._unready = ffi.new("void **"), {}
        host.tasks[self.handle] = self
        host.number_of[self.handle] = self.number = len(host.number_of) + 1
        for resource in leases:
            resource.lend(self)

    def __repr__(self):
        what = "background task" if self.request is None else f"{self.request.method} {self.request.target}"
        return f"task {self.number} ({what})"

    # --- What the peer does ----------------------------------------------------------------------------------------------

    def send(self, data):
        """More of the request body arrives."""
        self.request.body.arrived += data.encode() if isinstance(data, str) else data
        return self

    def end_body(self, trailers=()):
        """The request body is whole."""
        self.request.body.trailers, self.request.body.is_whole = list(trailers), True
        return self

    def break_body(self, status=HC_E_PEER):
        """After what has arrived the body breaks off: HC_E_PEER, or HC_E_LIMIT when it is longer than the route allows."""
        self.request.body.error = int(status)
        return self

    def room(self, size):
        """The peer takes so many bytes more of the response body, and no more until this is called again; None: any number."""
        self.response.room = size
        return self

    def notify(self, notice):
        """A notice comes true."""
        self.due_notices |= notice
        return self

    def leave(self, reason=HC_CANCELLED_PEER):
        """The peer goes away: the task is cancelled. With `host.cancel_grace`, it only gets the notice, and calls say so."""
        if self.response.phase != "complete":
            self.is_alone = True
            self.response.phase = "aborted"
        self.notify(Notice.PEER)
        return self if self.host.cancel_grace else self.cancel(reason)

    # --- Operations ------------------------------------------------------------------------------------------------------

    @property
    def waiting(self):
        """The operations that have not happened."""
        return [operation for operation in self.waits if not operation.is_latched]

    def waits_for(self, kind, token=None):
        """The operation of that kind (`"timer"`, or an `EventKind`) that has not happened. AssertionError: there is none."""
        kind = EventKind[kind.upper()] if isinstance(kind, str) else kind
        for operation in self.waiting:
            if operation.kind == kind and token in (None, operation.token):
                return operation
        raise AssertionError(f"{self} does not wait for {kind.name.lower()}, but {self.what_it_waits_for()}")

    def what_it_waits_for(self):
        """In words."""
        if self.life == "gone":
            return f"has ended with {status_name(self.outcome)}"
        if self.life != "parked":
            return f"is {self.life}"
        happened = ", ".join(operation.name for operation in self.latched)
        waits = ", ".join(map(repr, self.waiting)) or "nothing"
        return f"waits for {waits}" + (f"; {happened} has happened" if happened else "")

    def find(self, token):
        """The operation of that token, latched or not."""
        return next((operation for operation in self.waits if operation.token == token), None)

    def find_waiting(self, kind, **which):
        """The operation of that kind that has not happened; `which`: attributes it must have."""
        fits = lambda operation: all(getattr(operation, name) == value for name, value in which.items())
        return next((operation for operation in self.waiting if operation.kind == kind and fits(operation)), None)

    def check_token(self, token):
        if token and self.find(token):
            raise breach(HC_E_TOKEN, "completion.token.unique", f"an operation of {self} has the token {token} already")

    def begin_result(self, token, kind):
        """A new operation; refusals in the order of the specification."""
        if token == 0:
            raise breach(HC_E_TOKEN, "completion.token.zero", f"the token of a call for {kind.name} is 0")
        self.check_token(token)
        if self.cancel_reason is not None:
            raise Refusal(HC_E_CANCELLED, "cancel.flag.calls", "the task is being cancelled")
        if len(self.waits) >= self.host.operations_max:
            raise Refusal(HC_E_LIMIT, "completion.limit", "the task has too many operations")
        operation = Operation(self, token, kind)
        self.waits.append(operation)
        return operation

    def begin_ready(self, token, kind, is_ready=None, is_at_once=False, **which):
        """HC_PENDING of a [ready] call; with the token 0 nothing is begun."""
        if token:
            operation = self.begin_result(token, kind)
            operation.is_ready = (lambda: True) if is_at_once else is_ready
            for name, value in which.items():
                setattr(operation, name, value)
        return HC_PENDING

    def is_unready(self, what):
        """Whether a [ready] call is to wait for no reason, as `host.unready` says how often."""
        left = self._unready.setdefault(what, self.host.unready)
        self._unready[what] = left - 1 if left else self.host.unready
        return bool(left)

    def take(self, operation):
        """Its event is in somebody's hands."""
        self.waits.remove(operation)
        self.latched.remove(operation)
        operation.delivered()

    def withdraw(self, operation):
        """Its event will never come."""
        self.waits.remove(operation)
        if operation.is_latched:
            self.latched.remove(operation)
        self.host.completions.pop(operation.completion, None)
        operation.withdrawn()

    # --- Driving ---------------------------------------------------------------------------------------------------------

    def has_news(self):
        """Whether a step is due."""
        if self.life == "parked":
            return bool(self.latched or self._notices() or self.cancel_reason is not None)
        return self.life == "fresh"

    def start(self):
        """The first step."""
        assert self.life == "fresh", f"{self} {self.what_it_waits_for()}: it was started before"
        self.step()
        return self

    def resume(self, *operations):
        """Lets these operations happen, and makes a step with all that has happened. A [ready] one may be spurious so."""
        for operation in operations:
            if not operation.is_latched:
                if operation.kind == EventKind.TIMER:
                    self.host.now_ns = max(self.host.now_ns, operation.due_ns)
                    operation.latch(operation.status_when_due, self.host.now_ns)
                elif operation.kind in READY:
                    operation.latch()
                else:
                    operation.latch(*operation.happen())
        self.step()
        return self

    def run(self):
        """Steps, of this and other tasks, as long as there is something to do at this moment of the clock."""
        self.host.run()
        return self

    def run_to_end(self):
        """Runs until the task has ended: the clock moves on to the next timer whenever nothing else can happen. Stuck: it
        waits for what only the test can give."""
        self.host.run_until(lambda: self.life == "gone", self)
        return self

    def cancel(self, reason=HC_CANCELLED_PEER):
        """The task is cancelled between its steps: `finish` comes with that reason."""
        self.ask_to_cancel(reason)
        if self.life == "parked" or (self.life == "fresh" and self.request is not None):
            self.host.end_task(self, int(self.cancel_reason))
        return self

    def ask_to_cancel(self, reason):
        """As `cancel`, with the next turn of the task; the first reason counts."""
        if self.cancel_reason is None:
            self.cancel_reason = int(reason)

    def _notices(self):
        return self.due_notices & self.wanted_notices & ~self.told_notices

    def take_events(self, memory):
        """The events that are there, delivered: an array and its length."""
        notices = [notice for notice in Notice if notice & self._notices()]
        self.told_notices |= self._notices()
        events = memory.new("hc_event[]", max(1, len(notices) + len(self.latched)))
        count = 0
        for notice in notices:
            events[count].kind, events[count].value = int(EventKind.NOTICE), int(notice)
            count += 1
        for operation in list(self.latched):
            operation.write(events[count])
            count += 1
            self.take(operation)
        return events, count

    def step(self):
        """One step: `start`, or `resume` with all that has happened; or `finish`, when the task is to be cancelled."""
        assert self.life in ("fresh", "parked"), f"{self} {self.what_it_waits_for()}: there is no step to make"
        host, entry = self.host, self.host.module.entry
        if self.cancel_reason is not None and self.life == "parked":
            host.end_task(self, self.cancel_reason)
            return
        state = host.worker_state(self.worker)
        with host.lock:
            memory = Memory()
            if self.life == "fresh":
                host.note(f"start {self}")
                arguments = [self.handle, self._start(memory), self._state]
                function = entry.start
            else:
                if not self.latched and not self._notices():
                    raise Stuck(f"{self} has no event to be resumed with: it {self.what_it_waits_for()}")
                told = ", ".join(f"{operation.name} {status_name(operation.status)}" for operation in self.latched)
                host.note(f"resume {self}: {told or 'a notice'}")
                arguments = [self.handle, self._state[0], *self.take_events(memory)]
                function = entry.resume
            self.life = "running"
            self.steps += 1
        status = host.call("step", self.worker, self, function, host.instance[0], state, *arguments)
        memory.end()
        with host.lock:
            self.last_status = status
            host.note(f"-> {status_name(status)}")
            outcome = conclude(self, status)
        if outcome is None:
            self.life = "parked"
            host.look_at_breaches()
        else:
            host.end_task(self, outcome)

    def _start(self, memory):
        start = memory.new("hc_start *")
        start.size, start.kind, start.arg = ffi.sizeof("hc_start"), int(self.kind), self.argument
        if self.request is not None:
            start.request = self.request.make(self.memory, self.number)
        start.lease_count = len(self.leases)
        if self.leases:
            start.leases = memory.new("hc_lease[]", [lease.handle for lease in self.leases])
        return start

    def finish(self, outcome):
        """The end: for `Host.end_task`."""
        host = self.host
        with host.lock:
            was_started = self.life != "fresh"
            self.life, self.outcome = "finishing", outcome
            host.note(f"finish {self}: {status_name(outcome)}")
            answer_for(self, outcome)
            memory = Memory()
            unseen, count = self.take_events(memory)
            for operation in list(self.waits):
                self.withdraw(operation)
        if was_started and host.module.entry.finish != ffi.NULL:
            arguments = (self.handle, self._state[0], outcome, unseen if count else ffi.NULL, count)
            host.call("finish", self.worker, self, host.module.entry.finish, host.instance[0], host.worker_state(self.worker), *arguments)
        with host.lock:
            self.life = "gone"
            memory.end()
            for lease in list(self.leases):
                lease.end_with_task(outcome)
            self.memory.end()
            self.chunk_memory.end()
            host.tasks.pop(self.handle)
