# SPDX-License-Identifier: MIT OR Apache-2.0
"""Vtables: each function pointer is a method of a Python object, behind the checks that its tag in the header asks for.

Must not know what the calls do.
"""

from ..abi import TAGS, ffi, is_callback, status_name
from ..constants import (
    HC_E_FAILED,
    HC_E_GONE,
    HC_E_INVALID,
    HC_E_PEER,
    HC_E_STATE,
    HC_E_THREAD,
    ModuleFlag,
)
from .rules import Refusal, breach

# Arguments, counted from H, that may be NULL; that of an array with a count is looked at by the call itself.
_MAY_BE_NULL = {
    ("hc_host", "refusal"): (1, 2),
    ("hc_host", "inform"): (3,),
    ("hc_host", "response_end"): (2,),
    ("hc_host", "cancel"): (3,),
    ("hc_host", "spawn"): (2, 3),
    ("hc_host", "acquire"): (3, 6),
}
# Calls that need a request, and the rule about the state of the response.
_OF_A_REQUEST = {
    "body_read": "",
    "body_trailers": "",
    "respond": "response.head.once",
    "inform": "response.head.once",
    "response_start": "response.head.once",
    "response_write": "response.write.open",
    "response_end": "response.write.open",
    "abort": "response.abort.ended",
}
# A handle that is gone is no fault in these [handle.gone.harmless]; `cancel` is one nowhere, since destructors call it.
_HARMLESS = ("cancel", "release", "complete", "task_cancel", "close")
# Calls about which nobody wants to read.
_SILENT = ("now", "refusal", "log", "worker_index", "worker_count", "limit", "extension")


def make(host, structure, calls):
    """A vtable, and what must live as long as it."""
    table = ffi.new(structure + " *")
    table.size = ffi.sizeof(structure)
    kept = [table]
    for name, field in ffi.typeof(structure).fields:
        if is_callback(field.type):
            function = ffi.callback(field.type, _Call(host, structure, name, getattr(calls, name), field.type))
            kept.append(function)
            setattr(table, name, function)
    return table, kept


class _Call:
    """One call: checks, does it, and answers as the header says."""

    def __init__(self, host, structure, name, method, ctype):
        self.host, self.structure, self.name, self.method = host, structure, name, method
        self.thread, _, self.within, self.responses = TAGS[(structure, name)]
        self.is_status = ctype.result.cname == "int32_t"
        self.nothing = ffi.NULL if ctype.result.kind == "pointer" else None if ctype.result.kind == "void" else 0

    def __call__(self, H, *arguments):
        host = self.host
        with host.lock:
            try:
                answer = self._do(H, arguments)
            except Refusal as refusal:
                answer = self._refused(refusal)
            except BaseException as error:  # shown to the test when the callback has returned
                host.errors.append(error)
                answer = HC_E_FAILED if self.is_status else self.nothing
            if self.name not in _SILENT:
                told = f" -> {status_name(answer)}" if self.is_status else ""
                host.note(f"  {self.name}({', '.join(self._shown(arguments))}){told}")
            host.changed.notify_all()
            return answer

    def _do(self, H, arguments):
        host = self.host
        if host.is_over:
            raise breach(HC_E_GONE, "thread.module.after-destroy", f"{self.name} was called after the end of the instance")
        here = host.here()
        if H != host.H or (here is None and host.other_here() is not None):
            text = f"{self.name} was called with the hc_host of another instance"
            raise breach(HC_E_GONE, "handle.instance", text)
        arguments = list(arguments)
        if self.thread != "any":
            self._look_at_place(here)
        if self.thread == "task":
            arguments[0] = self._find_task(here, arguments[0])
            self._look_at_response(arguments[0])
        self._look_at_arguments(arguments)
        refusals = host.refusals_to_come.get(self.name)
        if refusals:
            raise Refusal(refusals.pop(0), "", "the test wants this call refused")
        return self.method(*arguments)

    def _look_at_place(self, here):
        callback = None if here is None else here.callback
        is_init = callback in ("create", "destroy")
        if is_init != (self.thread == "init") or callback is None:
            where = f"in {callback}" if callback else "on a thread that runs no callback"
            raise self._wrong(HC_E_THREAD, "thread.worker", f"{self.name} was called {where}")
        if callback not in self.within:
            rule = "host.call.in-step" if callback.startswith("worker") else "call.table" if is_init else "task.finish.calls"
            raise self._wrong(HC_E_STATE, rule, f"{self.name} was called in {callback}")

    def _find_task(self, here, handle):
        host = self.host
        task = host.tasks.get(handle)
        if task is None:
            rule, text = host.why_gone(handle)
            raise self._wrong(HC_E_GONE, rule, f"{self.name}: {text}")
        if task.worker != here.worker:
            raise self._wrong(HC_E_THREAD, "thread.task.worker", f"{self.name}: the task is another worker's")
        if host.module.flags & ModuleFlag.MIGRATES and task is not here.task:
            text = f"{self.name}: the task of another callback, in a module with HC_MODULE_MIGRATES"
            raise self._wrong(HC_E_THREAD, "thread.call.migrates", text)
        if task.life == "fresh":
            raise self._wrong(HC_E_STATE, "task.fresh.calls", f"{self.name}: the task has not started")
        return task

    def _look_at_response(self, task):
        rule = _OF_A_REQUEST.get(self.name) if self.structure == "hc_host" else None
        if rule is None:
            return
        if task.request is None:
            raise breach(HC_E_STATE, "task.request.none", f"{self.name}: the task has no request")
        phase = task.response.phase
        if "any" in self.responses or phase in self.responses:
            return
        if phase == "aborted" and task.is_alone:
            raise Refusal(HC_E_PEER, "cancel.peer.calls", "the peer is gone")
        if phase == "aborted":
            raise Refusal(HC_E_STATE, "response.aborted.calls", "the response was broken off")
        has = {"none": "has not begun", "open": "has begun", "complete": "is complete"}[phase]
        raise breach(HC_E_STATE, rule, f"{self.name}: the response {has}")

    def _look_at_arguments(self, arguments):
        may = _MAY_BE_NULL.get((self.structure, self.name), ())
        for place, argument in enumerate(arguments, 1):
            if not isinstance(argument, ffi.CData):
                continue
            kind = ffi.typeof(argument).kind
            if kind == "pointer" and argument == ffi.NULL and place not in may:
                text = f"{self.name}: argument {place} is NULL"
                raise breach(HC_E_INVALID, "host.call.null", text)
            if kind == "struct" and argument.size and argument.data == ffi.NULL:
                raise breach(HC_E_INVALID, "overview.bytes", f"{self.name}: bytes with a size and no data")

    def _wrong(self, status, rule, text):
        is_harmless = self.name == "cancel" or status == HC_E_GONE and self.name in _HARMLESS
        return Refusal(status, rule, text, not is_harmless)

    def _refused(self, refusal):
        host = self.host
        if refusal.is_breach:
            # An instance that uses the host of another is to blame, not that other.
            culprit = host.other_here().host if host.other_here() else host
            culprit.blame(refusal.rule, refusal.text)
        if not self.is_status:
            return self.nothing
        host.remember_refusal(refusal)
        return int(refusal.status)

    def _shown(self, arguments):
        """The arguments as they stand in the trace."""
        for place, argument in enumerate(arguments):
            if not isinstance(argument, ffi.CData):
                is_task = place == 0 and self.thread == "task" and argument in self.host.number_of
                yield f"task {self.host.number_of[argument]}" if is_task else str(argument)
            elif ffi.typeof(argument).kind == "struct":
                yield f"{argument.size} bytes"
            else:
                yield "NULL" if argument == ffi.NULL else "*"
