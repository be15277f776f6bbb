# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.offload/1: functions that block run on a thread of their own, when the host runs or the test says so."""

import threading

from ..abi import ffi, is_cancellation, is_reserved
from ..constants import HC_E_FAILED, HC_E_INVALID, HC_PENDING, EventKind
from .rules import Stuck, breach


class Work:
    """A piece of work, of `operation.work`. `state`: queued, running, done, dropping, dropped."""

    def __init__(self, host, operation, work):
        self.host, self.operation, self.state = host, operation, "queued"
        self._run, self._drop, self._arg = work.run, work.drop, work.arg
        self._is_wanted = True
        host.works.append(self)

    def run(self, patience=10.0):
        """Runs the function on another thread, and waits for it. Its event has happened then, or `drop` was called."""
        self._look_at_state()
        self._on_a_thread(self._do, patience)

    def begin(self):
        """Runs the function on another thread, and does not wait: `task.run_to_end` and the like do."""
        self._look_at_state()
        self.state = "running"
        threading.Thread(target=self._do, daemon=True).start()
        return self

    def _look_at_state(self):
        assert self.state == "queued", f"the work is {self.state}"

    def _on_a_thread(self, function, patience):
        thread = threading.Thread(target=function, daemon=True)
        thread.start()
        thread.join(patience)
        if thread.is_alive():
            raise Stuck(f"work of {self.operation.task} did not return within {patience} s [offload.module.bounded]")
        self.host.look_at_breaches()

    def _do(self):
        self.state = "running"
        value = ffi.new("uint64_t *")
        status = self._run(self._arg, value)
        status = HC_E_FAILED if is_reserved(status) or is_cancellation(status) else status
        with self.host.lock:
            self.state = "done" if self._is_wanted else "dropping"
            if self._is_wanted:
                self.operation.latch(status, value[0])
            self.host.changed.notify_all()
        if self.state == "dropping":
            self._give_back()

    def unwanted(self):
        """Nobody will get the event: `drop` is due, after the function has returned or in its stead."""
        self._is_wanted = False

    def _give_back(self):
        if self._drop != ffi.NULL:
            self._drop(self._arg)
        with self.host.lock:
            self.state = "dropped"
            self.host.works.remove(self)
            self.host.changed.notify_all()

    def end(self, patience=10.0):
        """Before the instance is destroyed all work is over."""
        with self.host.lock:
            is_over = self.host.changed.wait_for(lambda: self.state not in ("running", "dropping"), patience)
        if not is_over:
            raise Stuck(f"work of {self.operation.task} does not return [offload.module.bounded]")
        if not self._is_wanted and self.state in ("queued", "done"):
            self._on_a_thread(self._give_back, patience)


class OffloadCalls:
    """Methods named as the function pointers of `hc_offload`."""

    def __init__(self, host):
        self.host = host

    def run(self, task, token, work):
        if work.size < ffi.sizeof("hc_work"):
            raise breach(HC_E_INVALID, "version.size.set", f"run: hc_work.size is {work.size}")
        if work.run == ffi.NULL:
            raise breach(HC_E_INVALID, "offload.run.null", "run: the function is NULL")
        operation = task.begin_result(token, EventKind.OFFLOAD)
        queued = operation.work = Work(self.host, operation, work)
        operation.delivered = lambda: self.host.works.remove(queued)
        operation.withdrawn = queued.unwanted
        operation.happen = lambda: self._happen(queued)
        return HC_PENDING

    def _happen(self, work):
        raise AssertionError(f"the event of {work.operation} comes from its function: say `operation.work.run()`")
