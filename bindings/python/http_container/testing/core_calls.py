# SPDX-License-Identifier: MIT OR Apache-2.0
"""The core calls that are not about messages: the container, waiting, tasks, and resources.

Must not know when callbacks are due.
"""

from ..abi import ffi, is_reserved, to_bytes
from ..constants import (
    HC_CANCELLED_MODULE,
    HC_E_DRAINING,
    HC_E_GONE,
    HC_E_INVALID,
    HC_E_LIMIT,
    HC_E_THREAD,
    HC_E_TOO_LATE,
    HC_E_UNSUPPORTED,
    HC_END,
    HC_OK,
    HC_PENDING,
    HC_WORKER_ANY,
    HC_WORKER_NONE,
    HC_WORKER_SELF,
    EventKind,
    Limit,
    Notice,
)
from .message_calls import MessageCalls
from .resources import ResourceCalls
from .rules import Refusal, breach
from .task import LogLine, Task

_ALL_NOTICES = Notice.PEER | Notice.DRAIN | Notice.RELOAD | Notice.DEADLINE


class CoreCalls(MessageCalls, ResourceCalls):
    """Methods named as the function pointers of `hc_host`."""

    def __init__(self, host):
        self.host = host

    # --- Container -------------------------------------------------------------------------------------------------------

    def extension(self, name):
        name = ffi.string(name).decode()
        return self.host.extension_table(name)

    def log(self, task, level, text):
        data = to_bytes(text)
        self.look_for_poison("log", data)
        line = LogLine(min(max(level, 1), 5), data.decode(errors="replace"), task)
        self.host.log.append(line)
        self.host.note(f"  log: {line}")

    def now(self):
        return self.host.now_ns

    def worker_index(self):
        here = self.host.here()
        return HC_WORKER_NONE if here is None or here.callback in ("create", "destroy") else here.worker

    def worker_count(self):
        return self.host.workers

    def limit(self, which):
        host = self.host
        known = {
            Limit.OPERATIONS: host.operations_max,
            Limit.RESPOND_BYTES: host.respond_max,
            Limit.HEAD_BYTES: host.head_max,
            Limit.BODY_BYTES: host.body_max,
            Limit.TASKS: host.tasks_max,
            Limit.DISPATCH_DEPTH: 4 if host.next_module else 0,
        }
        return known.get(which, 0)

    def refusal(self, rule, text):
        found = self.host.last_refusal()
        if found is None:
            return HC_END
        refusal, memory = found
        memory.end()
        if rule != ffi.NULL:
            rule[0] = memory.bytes(refusal.rule)
        if text != ffi.NULL:
            text[0] = memory.bytes(refusal.text)
        return HC_OK

    # --- Waiting ---------------------------------------------------------------------------------------------------------

    def completion(self, task, token, completion):
        operation = task.begin_result(token, EventKind.COMPLETION)
        operation.completion = completion[0] = self.host.new_handle()
        self.host.completions[operation.completion] = operation
        return HC_OK

    def complete(self, completion, status, value):
        if is_reserved(status):
            text = f"complete was given {status}, which no table lists"
            self.host.blame("error.number.module", text)
        operation = self.host.completions.pop(completion, None)
        if operation is None:
            raise Refusal(HC_E_GONE, "completion.once", "no such completion (any more)")
        operation.latch(status, value)
        return HC_OK

    def timer(self, task, token, delay_ns):
        operation = task.begin_result(token, EventKind.TIMER)
        operation.due_ns = self.host.now_ns + delay_ns
        return HC_PENDING

    def cancel(self, task, token, latched):
        operation = None if task.life == "finishing" else task.find(token)
        if operation is None or token == 0:
            raise Refusal(HC_E_GONE, "cancel.operation.gone", "the task has no such operation")
        if operation.is_latched:
            task.take(operation)
            if latched != ffi.NULL:
                operation.write(latched)
            return HC_E_TOO_LATE
        task.withdraw(operation)
        return HC_OK

    def notices(self, task, mask):
        if mask & ~int(_ALL_NOTICES):
            raise Refusal(HC_E_UNSUPPORTED, "notice.mask", "an unknown notice")
        task.wanted_notices = Notice(mask)
        return HC_OK

    # --- Tasks -----------------------------------------------------------------------------------------------------------

    def spawn(self, worker, argument, handle):
        host, here = self.host, self.host.here()
        callback = None if here is None else here.callback
        if worker == HC_WORKER_SELF:
            if callback in (None, "create", "destroy"):
                raise breach(HC_E_THREAD, "task.spawn.self", "spawn: HC_WORKER_SELF on no worker")
            worker = here.worker
        elif worker == HC_WORKER_ANY:
            worker = 0 if here is None else here.worker
        elif worker >= host.workers:
            raise Refusal(HC_E_INVALID, "task.spawn.worker", "no such worker")
        if host.is_closing or callback in ("worker_stop", "destroy"):
            raise Refusal(HC_E_DRAINING, "module.drain.spawn", "the instance ends")
        if sum(task.request is None for task in host.tasks.values()) >= host.tasks_max:
            raise Refusal(HC_E_LIMIT, "task.spawn.limit", "too many background tasks")
        task = Task(host, None, worker=worker, argument=argument)
        if handle != ffi.NULL:
            handle[0] = task.handle
        return HC_OK

    def task_cancel(self, handle):
        task = self.host.tasks.get(handle)
        if task is None:
            raise Refusal(HC_E_GONE, "handle.generation", "no such task")
        if task.life != "finishing":
            task.ask_to_cancel(HC_CANCELLED_MODULE)
        return HC_OK
