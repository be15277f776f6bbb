# SPDX-License-Identifier: MIT OR Apache-2.0
"""The core calls about the request's body and the response, with the least limits that a container may have.

Must not know when callbacks are due.
"""

import re

from ..abi import POISON, ffi, to_bytes
from ..constants import (
    HC_DISCARDED,
    HC_E_BUSY,
    HC_E_FIELD,
    HC_E_INVALID,
    HC_E_LIMIT,
    HC_E_PEER,
    HC_E_STATE,
    HC_END,
    HC_LENGTH_UNKNOWN,
    HC_OK,
    EventKind,
)
from .messages import texts
from .rules import Refusal, breach

_FRAMING = ("transfer-encoding", "connection", "keep-alive", "upgrade", "te", "proxy-connection")
_NO_TRAILERS = (
    "age authorization cache-control content-encoding content-length content-range content-type expect host "
    "max-forwards pragma range set-cookie trailer"
).split()
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


class MessageCalls:
    """Methods named as the function pointers of `hc_host`. `host` is a `Host`."""

    def look_for_poison(self, call, data):
        """Bytes that a module gives must not be those of a view that has ended."""
        if bytes([POISON]) * 4 in data:
            raise breach(HC_E_INVALID, "overview.undefined", f"{call}: the bytes come from a view whose life has ended")

    def look_at_size(self, call, pointer, structure):
        """A structure that the module fills in says how large it is."""
        if pointer.size < ffi.sizeof(structure):
            text = f"{call}: {structure}.size is {pointer.size}, not {ffi.sizeof(structure)}"
            raise breach(HC_E_INVALID, "version.size.set", text)

    def _fields(self, call, fields, count, is_trailer=False):
        if count and fields == ffi.NULL:
            raise breach(HC_E_INVALID, "host.call.null", f"{call}: {count} fields at NULL")
        for at in range(count):
            for part in (fields[at].name, fields[at].value):
                if part.size and part.data == ffi.NULL:
                    raise breach(HC_E_INVALID, "overview.bytes", f"{call}: bytes with a size and no data")
                self.look_for_poison(call, to_bytes(part))
        found = texts(fields, count)
        for name, value in found:
            if not _TOKEN.fullmatch(name):
                raise Refusal(HC_E_FIELD, "response.fields.name", f"the name {name!r} is no token")
            if _CONTROL.search(value):
                raise Refusal(HC_E_FIELD, "response.fields.value", f"the value of {name} has a control character")
            if name.lower() in _FRAMING:
                raise Refusal(HC_E_FIELD, "response.fields.framing", f"{name} is the container's own")
            if is_trailer and name.lower() in _NO_TRAILERS:
                raise Refusal(HC_E_FIELD, "response.trailers.forbidden", f"{name} may not stand in trailers")
        if sum(len(name) + len(value) for name, value in found) > self.host.head_max:
            rule = "response.trailers.limit" if is_trailer else "response.head.limit"
            raise Refusal(HC_E_LIMIT, rule, "the fields are too long together")
        return found

    # --- Request body ----------------------------------------------------------------------------------------------------

    def body_read(self, task, token, chunk):
        body = task.request.body
        if task.find_waiting(EventKind.BODY):
            raise Refusal(HC_E_BUSY, "body.read.one", "a read is waiting already")
        task.check_token(token)
        task.chunk_memory.end()
        if task.is_unready("body"):
            return task.begin_ready(token, EventKind.BODY, is_at_once=True)
        if task.is_alone:
            return HC_E_PEER
        if body.arrived:
            piece = bytes(body.arrived[: self.host.body_chunk_max])
            del body.arrived[: len(piece)]
            chunk[0] = task.chunk_memory.bytes(piece)
            return HC_OK
        if body.error is not None:
            return body.error
        if body.is_whole:
            task.has_read_all = True
            return HC_END
        return task.begin_ready(token, EventKind.BODY, lambda: task.is_alone or body.has_news())

    def body_trailers(self, task, fields, count):
        if not task.has_read_all:
            raise Refusal(HC_E_STATE, "body.trailers.after-end", "the body has not been read to its end")
        trailers = task.request.body.trailers
        fields[0], count[0] = task.memory.fields(trailers), len(trailers)
        return HC_OK

    # --- Response --------------------------------------------------------------------------------------------------------

    def _head(self, call, task, given, length):
        self.look_at_size(call, given, "hc_response")
        if not 200 <= given.status <= 599:
            raise breach(HC_E_INVALID, "response.status", f"{call}: the status is {given.status}, not 200 to 599")
        headers = self._fields(call, given.fields, given.field_count)
        told = headers.get_all("content-length")
        is_free = length in (0, HC_LENGTH_UNKNOWN) and (task.request.method == "HEAD" or given.status == 304)
        if len(told) > 1 or any(not value.isdigit() or not is_free and int(value) != length for value in told):
            text = "the field content-length does not agree with the length"
            raise Refusal(HC_E_FIELD, "response.content-length", text)
        return headers

    def _begin(self, task, given, headers, phase):
        response = task.response
        response.phase, response.status, response.headers = phase, given.status, headers
        response.has_no_body = given.status in (204, 205, 304) or task.request.method == "HEAD"

    def respond(self, task, given):
        if given.body.size and given.body.data == ffi.NULL:
            raise breach(HC_E_INVALID, "overview.bytes", "respond: a body with a size and no data")
        headers = self._head("respond", task, given, given.body.size)
        body = to_bytes(given.body)
        if len(body) > self.host.respond_max:
            raise Refusal(HC_E_LIMIT, "response.respond.limit", f"a body of {len(body)} bytes is too long for respond")
        self.look_for_poison("respond", body)
        self._begin(task, given, headers, "complete")
        if task.response.has_no_body:
            return HC_DISCARDED if body and task.request.method != "HEAD" else HC_OK
        task.response.body = body
        return HC_OK

    def inform(self, task, status, fields, count):
        if not 102 <= status <= 199:
            raise breach(HC_E_INVALID, "response.inform.status", f"inform: the status is {status}, not 102 to 199")
        headers = self._fields("inform", fields, count)
        if task.request.version == 10:
            return HC_DISCARDED
        task.response.interim.append((status, headers))
        return HC_OK

    def response_start(self, task, given):
        headers = self._head("response_start", task, given, given.content_length)
        if given.body.size:
            raise breach(HC_E_INVALID, "response.start.body", "response_start: the body comes by response_write")
        self._begin(task, given, headers, "open")
        task.response.body = bytearray()
        known = given.content_length != HC_LENGTH_UNKNOWN
        task.response.content_length = given.content_length if known else None
        return HC_OK

    def response_write(self, task, token, data, accepted):
        response = task.response
        if task.find_waiting(EventKind.WRITE):
            raise Refusal(HC_E_BUSY, "response.write.one", "a write is waiting already")
        task.check_token(token)
        data = to_bytes(data)
        self.look_for_poison("response_write", data)
        accepted[0] = 0
        if response.content_length is not None and response.offered + len(data) > response.content_length:
            if not response.has_no_body:
                text = f"response_write: more than the content_length of {response.content_length}"
                raise breach(HC_E_INVALID, "response.write.length", text)
        if response.has_no_body:
            response.offered += len(data)
            accepted[0] = len(data)
            return HC_DISCARDED
        if data and task.is_unready("write"):
            return task.begin_ready(token, EventKind.WRITE, is_at_once=True)
        size = min(len(data), self.host.write_max, len(data) if response.room is None else response.room)
        response.body += data[:size]
        response.offered += size
        if response.room is not None:
            response.room -= size
        accepted[0] = size
        if size == len(data):
            return HC_OK
        return task.begin_ready(token, EventKind.WRITE, lambda: task.is_alone or response.room is None or response.room > 0)

    def response_end(self, task, trailers, count):
        response = task.response
        found = self._fields("response_end", trailers, count, is_trailer=True)
        if task.find_waiting(EventKind.WRITE):
            raise Refusal(HC_E_BUSY, "response.end.waiting", "a write is waiting")
        length = response.content_length
        if not response.has_no_body and length is not None and response.offered < length:
            response.phase = "aborted"
            text = f"response_end: {response.offered} of {length} bytes were written"
            raise breach(HC_E_STATE, "response.end.length", text)
        response.phase, response.body = "complete", bytes(response.body)
        if not found:
            return HC_OK
        if length is not None or response.has_no_body or task.request.version == 10:
            return HC_DISCARDED
        response.trailers = found
        return HC_OK

    def abort(self, task):
        task.response.phase = "aborted"
        return HC_OK
