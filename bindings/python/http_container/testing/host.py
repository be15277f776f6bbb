# SPDX-License-Identifier: MIT OR Apache-2.0
"""The host: an instance of a module in a container that the test plays. Must not know what the calls of a module do."""

import json
import threading
import time
from collections import deque
from typing import NamedTuple, Optional

from ..abi import Memory, ffi, is_reserved
from ..constants import HC_ABI_MAJOR, HC_ABI_MINOR, HC_CANCELLED_DRAIN, HC_E_CONFIG, HC_OK, EventKind, ModuleFlag
from .core_calls import CoreCalls
from .extensions import EXTENSIONS
from .leaks import left_behind, look_at_leaks
from .messages import Request
from .provider import Member
from .resources import grant
from .rules import Breach, CreateRefused, RuleBroken, Stuck
from .table import make
from .task import Task

# For all hosts: the callback that runs on a thread, and the numbers that were given out as handles, which never come back.
_running = threading.local()
_handles = {"last": 0x10000}
_open_hosts = set()


class Running(NamedTuple):
    """A callback: create, destroy, worker_start, worker_stop, step or finish."""

    host: "Host"
    callback: str
    worker: int
    task: Optional[Task]


class Host:
    """An instance of `module`, made with `config` (a dictionary, or JSON as text), which is closed by `close`, or by `with`.

    resources    `Database`, `Store`, `Permits`: what the operator configured, in the order of their rank
    workers      how many; all of them on the test's thread
    unready      so often each read and write says HC_PENDING for no reason before it goes on
    body_chunk_max, write_max    most bytes of one chunk, and of one write that are accepted
    next_module  for hc.dispatch/1: a function that takes the child's `Request` and gives an `Answer`
    cancel_grace when the peer leaves, the task only gets the notice
    is_provider  the instance serves a resource, whose members are opened by `member`
    is_spread    every callback runs on a thread of its own, as it may where the module is not HC_MODULE_THREAD_BOUND
    watches_leaks    whether threads and descriptors that are left when it is closed are the module's fault
    is_strict    a broken rule is raised as RuleBroken as soon as the callback returns; otherwise `breaches` holds it
    extensions   the ids that are offered; all by default
    """

    def __init__(self, module, config=None, *, resources=(), workers=1, is_strict=True, next_module=None, **settings):
        self.module, self.resources, self.workers = module, list(resources), workers
        self.is_strict, self.next_module = is_strict, next_module
        self.unready = settings.pop("unready", 0)
        self.body_chunk_max = settings.pop("body_chunk_max", 1 << 16)
        self.write_max = settings.pop("write_max", 1 << 30)
        self.cancel_grace = settings.pop("cancel_grace", False)
        # Of a provider: the interface that it offered.
        self.is_provider, self.offered = settings.pop("is_provider", False), None
        self.is_spread, self.watches_leaks = settings.pop("is_spread", False), settings.pop("watches_leaks", True)
        self.extensions = settings.pop("extensions", tuple(EXTENSIONS))
        # The least limits that a container may have.
        self.operations_max, self.tasks_max = settings.pop("operations_max", 16), settings.pop("tasks_max", 16)
        self.respond_max, self.head_max = settings.pop("respond_max", 65536), settings.pop("head_max", 8192)
        self.body_max = settings.pop("body_max", 1 << 20)
        if settings:
            raise TypeError(f"a host has no setting {', '.join(settings)}")
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.now_ns = 1_000_000_000
        # Seconds of real time for which `run_to_end` waits for threads and sockets before it moves the clock, and gives up.
        self.outside_grace, self.patience = 0.2, 10.0
        self.tasks, self.leases, self.completions, self.claims = {}, {}, {}, []
        self.number_of, self.log, self.breaches, self.errors = {}, [], [], []
        self.refusals_to_come, self.refused_with = {}, set()
        # Work of hc.offload/1 waits for the test, which says `operation.work.run()`.
        self.is_offload_held, self.works = False, []
        self.is_over = self.is_closing = self.is_closed = False
        # What extensions do when the workers have stopped.
        self.at_end = []
        self._trace, self._refusals, self._tables, self._workers = deque(maxlen=60), {}, {}, {}
        for number, resource in enumerate(self.resources, 1):
            resource.host, resource.number = self, number
        self._core = CoreCalls(self)
        table, self._kept = make(self, "hc_host", self._core)
        table.abi_major, table.abi_minor = HC_ABI_MAJOR, HC_ABI_MINOR
        self.H, self.instance = ffi.cast("const hc_host *", table), ffi.new("void **")
        self._was_alone, self._before = not _open_hosts, left_behind()
        self._create(config)
        _open_hosts.add(self)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _create(self, config):
        text = config if isinstance(config, str) else json.dumps(config or {})
        status, memory = HC_OK, Memory()
        if self.module.entry.create != ffi.NULL:
            self.note(f"create {text}")
            try:
                status = self.call("create", 0, None, self.module.entry.create, self.H, memory.bytes(text), self.instance)
            finally:
                memory.end()
        if status == HC_OK and self.is_provider and self.offered is None:
            self.blame("provider.offer.needed", "create returned HC_OK, and offered no interface")
            self.look_at_breaches()
        if status == HC_OK:
            return
        self.is_over = self.is_closed = True
        if is_reserved(status):
            self.blame("error.number.module", f"create returned {status}, which no table lists")
        if status == HC_E_CONFIG and not self.log:
            self.blame("configuration.refuse", "create refused its configuration, and said nothing in its log")
        self.look_at_breaches()
        raise CreateRefused(status, self.log)

    # --- Requests --------------------------------------------------------------------------------------------------------

    def request(self, method="GET", target="/", headers=(), body=b"", *, worker=0, leases=(), **more):
        """A request that has not started, as a `Task`. `body` is all of it; None: it comes by `task.send` and `task.end_body`.

        `leases` are resources of which the task holds a member when it starts; `more` is what `Request` takes."""
        request = Request(method, target, headers, **more)
        task = Task(self, request, worker=worker, leases=leases)
        if body is not None:
            task.send(body).end_body()
        return task

    def spawn(self, argument=ffi.NULL, *, worker=0):
        """A background task, as though the module had spawned it: it starts with the next `run`, or by its `start`."""
        return Task(self, None, worker=worker, argument=argument)

    def member(self, *, worker=0):
        """Opens a member of the resource that the instance serves: a `Member`, which is ready, or whose task has ended."""
        member = Member(self, worker)
        self.run_until(lambda: member.is_ready or member.life == "gone", member)
        return member

    def fetch(self, method="GET", target="/", headers=(), body=b"", **more):
        """A request from its start to its end: the response."""
        return self.request(method, target, headers, body, **more).run_to_end().response

    # --- Time ------------------------------------------------------------------------------------------------------------

    def advance(self, seconds):
        """Moves the clock on. What is due then has happened; nobody is resumed: `run` does that."""
        self.now_ns += round(seconds * 1e9)
        self.settle()

    def settle(self):
        """Lets everything happen that can happen at this moment."""
        with self.lock:
            grant(self)
            for operation in [operation for task in self.tasks.values() for operation in task.waiting]:
                if operation.is_latched or operation.kind == EventKind.ACQUIRE:
                    continue
                if operation.kind == EventKind.TIMER and operation.due_ns <= self.now_ns:
                    operation.latch(operation.status_when_due, self.now_ns)
                elif operation.is_ready():
                    operation.latch(*operation.happen())
        if not self.is_offload_held:
            for work in [work for work in self.works if work.state == "queued"]:
                work.run()

    def run(self):
        """Steps of all tasks, as long as there is something to do at this moment of the clock."""
        while self._run_once():
            pass

    def _run_once(self):
        self.settle()
        due = [task for task in list(self.tasks.values()) if task.has_news() and self._may_start(task)]
        for task in due:
            if task.life in ("fresh", "parked"):
                task.step()
        return bool(due)

    def _may_start(self, task):
        # A request that the test has not started is left to it; a spawned task starts by itself.
        return task.life != "fresh" or task.request is None

    def run_until(self, is_reached, task):
        """For `Task.run_to_end`."""
        if task.life == "fresh":
            task.start()
        while not is_reached():
            if self._run_once():
                continue
            if self._wait_for_outside(self.outside_grace) or self._advance_to_next():
                continue
            if not self._wait_for_outside(self.patience):
                raise Stuck(f"{task} {task.what_it_waits_for()}, which only the test can let happen\n{self.trace()}")

    def _advance_to_next(self):
        waiting = [operation for task in self.tasks.values() for operation in task.waiting]
        dues = [operation.due_ns for operation in waiting if operation.due_ns is not None]
        if not dues:
            return False
        self.now_ns = max(self.now_ns, min(dues))
        return True

    def _wait_for_outside(self, seconds):
        """Whether a thread of the module's completed something, or a descriptor became ready, within that real time."""
        with self.lock:
            sockets = [operation for task in self.tasks.values() for operation in task.waiting if operation.kind == EventKind.FD]
            # A thread that was there before the instance is not the module's.
            has_work = any(work.state == "running" for work in self.works)
            if not sockets and not has_work and not (self.completions and left_behind()[0] - self._before[0]):
                return False
            until = time.monotonic() + seconds
            while True:
                if any(task.latched or task.cancel_reason is not None for task in self.tasks.values()):
                    return True
                if any(operation.is_ready() for operation in sockets):
                    return True
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.01) if sockets else left)

    # --- Callbacks -------------------------------------------------------------------------------------------------------

    def here(self):
        """The callback of this instance that runs on the calling thread."""
        running = getattr(_running, "now", None)
        return running if running is not None and running.host is self else None

    def other_here(self):
        """The callback of another instance that runs on the calling thread."""
        running = getattr(_running, "now", None)
        return running if running is not None and running.host is not self else None

    def call(self, callback, worker, task, function, *arguments):
        """Runs a callback of the module, and shows what went wrong inside of the calls it made."""
        running = Running(self, callback, worker, task)
        if self.is_spread and not self.module.flags & ModuleFlag.THREAD_BOUND:
            answers = []
            thread = threading.Thread(target=lambda: answers.append(self._call_here(running, function, arguments)))
            thread.start()
            thread.join()
            answer = answers[0]
        else:
            answer = self._call_here(running, function, arguments)
        if self.errors:
            raise self.errors.pop(0)
        return answer

    def _call_here(self, running, function, arguments):
        assert getattr(_running, "now", None) is None, "a callback cannot be run inside of another"
        self._refusals.pop(threading.get_ident(), None)
        _running.now = running
        try:
            return function(*arguments)
        finally:
            _running.now = None

    def worker_state(self, worker):
        """The state of a worker, which is started with its first task."""
        if worker not in self._workers:
            state, start = ffi.new("void **"), self.module.entry.worker_start
            if start != ffi.NULL:
                self.note(f"worker_start {worker}")
                status = self.call("worker_start", worker, None, start, self.instance[0], worker, state)
                self.look_at_breaches()
                if status != HC_OK:
                    raise CreateRefused(status, self.log)
            self._workers[worker] = state
        return self._workers[worker][0]

    def end_task(self, task, outcome):
        """`finish`, and what follows from it."""
        task.finish(outcome)
        self.look_at_breaches()

    # --- Records ---------------------------------------------------------------------------------------------------------

    def new_handle(self):
        """A number that no handle has had."""
        _handles["last"] += 1
        return _handles["last"]

    def why_gone(self, handle):
        """The rule, and words, for a task that is not there."""
        if handle in self.number_of:
            return "handle.generation", f"task {self.number_of[handle]} has ended"
        return "handle.forged", "there is no such task in this instance"

    def note(self, line):
        """A line of the trace."""
        self._trace.append(line)

    def trace(self):
        """What happened, the latest last."""
        return "\n".join(self._trace)

    def blame(self, rule, text):
        """The module broke a rule."""
        self.breaches.append(Breach(rule, text))
        self.note(f"!! {text} [{rule}]")

    def look_at_breaches(self):
        """Raises RuleBroken when there is something to blame the module for."""
        if self.is_strict and self.breaches:
            breaches, self.breaches = self.breaches, []
            raise RuleBroken(breaches, self._trace, self.log)

    def remember_refusal(self, refusal):
        """For `refusal` of `hc_host`."""
        self._refusals[threading.get_ident()] = (refusal, Memory())

    def last_refusal(self):
        """What `remember_refusal` was told on this thread, in the callback that runs."""
        return self._refusals.get(threading.get_ident())

    def refuse_next(self, call, status):
        """The next call of that name (`"timer"`) that could go well is refused with the status."""
        self.refusals_to_come.setdefault(call, []).append(status)
        self.refused_with.add(int(status))

    def find_lease(self, task, handle, call, interface):
        """For interfaces: the lease that the task holds."""
        return self._core.held_lease(task, handle, call, interface)

    def extension_table(self, name):
        """The vtable of an extension, or NULL."""
        if name not in self.extensions or (name not in EXTENSIONS):
            return ffi.NULL
        if name not in self._tables:
            structure, calls = EXTENSIONS[name]
            table, kept = make(self, structure, calls(self))
            self._kept += kept
            self._tables[name] = ffi.cast("const void *", table)
        return self._tables[name]

    # --- The end ---------------------------------------------------------------------------------------------------------

    def close(self):
        """Ends what still runs as a container that stops would, then the instance, and looks at what it leaves behind."""
        if self.is_closed:
            return
        self.is_closing = True
        self._end_instance()
        self.module.look_at_entry(self)
        # What other instances have is not told apart from what this one left.
        if self.watches_leaks and self._was_alone and not _open_hosts:
            look_at_leaks(self, self._before)
        self.look_at_breaches()

    def abandon(self):
        """As `close` after a test has failed: without a further verdict."""
        self.is_strict, self.is_closing = False, True
        if not self.is_closed and getattr(_running, "now", None) is None:
            self._end_instance()

    def _end_instance(self):
        self.is_closed = True
        _open_hosts.discard(self)
        for task in list(self.tasks.values()):
            if task.life == "fresh" and task.request is None:
                task.step()
            if task.life in ("fresh", "parked"):
                task.cancel(HC_CANCELLED_DRAIN)
        for work in list(self.works):
            work.end()
        for worker in list(self._workers):
            if self.module.entry.worker_stop != ffi.NULL:
                self.call("worker_stop", worker, None, self.module.entry.worker_stop, self.instance[0], self._workers[worker][0])
        for end in self.at_end:
            end()
        if self.module.entry.destroy != ffi.NULL:
            self.note("destroy")
            self.call("destroy", 0, None, self.module.entry.destroy, self.instance[0])
        self.is_over = True
