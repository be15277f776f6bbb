# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.dispatch/1: the next module of a chain is a function of the test, which gives an `Answer` for each child's request."""

from ..abi import Memory, ffi, to_bytes
from ..constants import (
    HC_DISPATCH_BODY,
    HC_E_BUSY,
    HC_E_FAILED,
    HC_E_GONE,
    HC_E_INVALID,
    HC_E_RESOURCE,
    HC_E_STATE,
    HC_E_UNSUPPORTED,
    HC_END,
    HC_LENGTH_UNKNOWN,
    HC_OK,
    HC_PENDING,
    DispatchFlag,
    EventKind,
)
from .limits import fill
from .messages import Request, pairs, texts
from .rules import Refusal, breach


class Answer:
    """What a child answers. `chunks` may be a list that the test goes on filling; then it sets `is_whole` at the end.

    `status`: None: it ends without an answer, with `failure`. `breaks_off`: the body ends with HC_E_FAILED.
    """

    def __init__(self, status=200, headers=(), body=b"", *, trailers=(), chunks=None, failure=HC_E_FAILED, breaks_off=False):
        self.status, self.headers, self.trailers = status, pairs(headers), pairs(trailers)
        self.is_whole = chunks is None
        body = body.encode() if isinstance(body, str) else body
        self.chunks = chunks if chunks is not None else [body] if body else []
        self.length = len(body) if chunks is None and not breaks_off else HC_LENGTH_UNKNOWN
        self.failure, self.breaks_off = failure, breaks_off


class Child:
    """A child of a task: `request` and its `answer`."""

    def __init__(self, task, request):
        self.task, self.request, self.answer = task, request, None
        self.handle = task.host.new_handle()
        self.has_head = self.has_end = False
        self.memory, self.chunk_memory = Memory(), Memory()
        task.children.append(self)

    def close(self):
        for operation in [operation for operation in self.task.waits if operation.child is self]:
            operation.withdrawn = lambda: None
            self.task.withdraw(operation)
        self.memory.end()
        self.chunk_memory.end()
        self.task.children.remove(self)


class DispatchCalls:
    """Methods named as the function pointers of `hc_dispatch`."""

    def __init__(self, host):
        self.host = host

    def open(self, task, token, options, handle):
        host = self.host
        if options.size < ffi.sizeof("hc_dispatch_options"):
            raise breach(HC_E_INVALID, "version.size.set", f"open: hc_dispatch_options.size is {options.size}")
        if options.flags & ~int(DispatchFlag.ROUTE | DispatchFlag.BODY):
            raise Refusal(HC_E_UNSUPPORTED, "dispatch.open.flags", "an unknown flag")
        if task.request is None:
            raise breach(HC_E_STATE, "dispatch.open.parent", "open: the task has no request")
        request = self._request(task, options)
        operation = task.begin_result(token, EventKind.CHILD_HEAD)
        if host.next_module is None:
            task.waits.remove(operation)
            raise Refusal(HC_E_RESOURCE, "dispatch.open.none", "no module follows")
        child = Child(task, request)
        operation.child, handle[0] = child, child.handle
        operation.is_ready = lambda: True
        operation.withdrawn = lambda: child in task.children and child.close()

        def happen():
            child.answer = host.next_module(request)
            child.has_head = child.answer.status is not None
            return (HC_OK, child.answer.status) if child.has_head else (child.answer.failure, 0)

        operation.happen = happen
        return HC_PENDING

    def _request(self, task, options):
        """The child's request, as the next module would see it."""
        parent, given = task.request, options.request
        if given == ffi.NULL:
            request = Request(parent.method, parent.target, parent.headers, authority=parent.authority)
        else:
            text = lambda view: to_bytes(view).decode("latin-1")
            fields = texts(given.fields, given.field_count)
            request = Request(text(given.method), text(given.target), fields, authority=text(given.authority))
        if options.flags & HC_DISPATCH_BODY:
            request.body.arrived, request.body.is_whole = parent.body.arrived, parent.body.is_whole
        else:
            request.body.arrived, request.body.is_whole = bytearray(to_bytes(options.body)), True
        return request

    def _child(self, task, handle, call):
        child = next((child for child in task.children if child.handle == handle), None)
        if child is None:
            raise Refusal(HC_E_GONE, "dispatch.child.handle", f"{call}: the task has no such child", call != "close")
        return child

    def _with_head(self, task, handle, call):
        child = self._child(task, handle, call)
        if not child.has_head or task.find_waiting(EventKind.CHILD_HEAD, child=child):
            raise breach(HC_E_STATE, "dispatch.head.after-event", f"{call}: the child's head is not there")
        return child

    def head(self, task, handle, head):
        child = self._with_head(task, handle, "head")
        answer, memory = child.answer, child.memory
        members = {"fields": memory.fields(answer.headers), "field_count": len(answer.headers), "body": memory.bytes("")}
        return fill(head, "hc_response", "head", status=answer.status, content_length=answer.length, **members)

    def read(self, task, handle, token, chunk):
        child = self._with_head(task, handle, "read")
        answer = child.answer
        if task.find_waiting(EventKind.CHILD_BODY, child=child):
            raise Refusal(HC_E_BUSY, "dispatch.read.one", "a read of that child waits already")
        task.check_token(token)
        child.chunk_memory.end()
        if task.is_unready("child"):
            return task.begin_ready(token, EventKind.CHILD_BODY, is_at_once=True, child=child)
        if answer.chunks:
            piece = answer.chunks.pop(0)
            answer.chunks[:0] = [piece[self.host.body_chunk_max :]] if len(piece) > self.host.body_chunk_max else []
            chunk[0] = child.chunk_memory.bytes(piece[: self.host.body_chunk_max])
            return HC_OK
        if answer.breaks_off:
            return HC_E_FAILED
        if answer.is_whole:
            child.has_end = True
            return HC_END
        is_ready = lambda: bool(answer.chunks) or answer.is_whole or answer.breaks_off
        return task.begin_ready(token, EventKind.CHILD_BODY, is_ready, child=child)

    def trailers(self, task, handle, fields, count):
        child = self._with_head(task, handle, "trailers")
        if not child.has_end:
            raise Refusal(HC_E_STATE, "dispatch.trailers.after-end", "trailers: the body has not been read to its end")
        fields[0], count[0] = child.memory.fields(child.answer.trailers), len(child.answer.trailers)
        return HC_OK

    def close(self, task, handle):
        self._child(task, handle, "close").close()
        return HC_OK
