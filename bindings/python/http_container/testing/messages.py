# SPDX-License-Identifier: MIT OR Apache-2.0
"""A request as a peer sent it, and the response as the peer sees it. Must not know tasks, nor which calls there are."""

import json
import socket

from ..abi import ffi
from ..constants import HC_ADDRESS_IPV4, HC_ADDRESS_IPV6, HC_LENGTH_UNKNOWN, HC_NO_DEADLINE


class Headers(list):
    """Fields in their order, as pairs of text; `get` finds one by its name, whatever its case."""

    def get(self, name, default=None):
        """The value of the first field of that name."""
        return next((value for key, value in self if key.lower() == name.lower()), default)

    def get_all(self, name):
        """The values of all fields of that name."""
        return [value for key, value in self if key.lower() == name.lower()]


def pairs(fields):
    """Fields that a test gives, a dictionary or pairs, as pairs."""
    return list(fields.items()) if isinstance(fields, dict) else list(fields or ())


def texts(fields, count):
    """A copy of an array of `hc_field`."""
    view = lambda part: (ffi.buffer(part.data, part.size)[:] if part.size else b"").decode("latin-1")
    return Headers((view(fields[at].name), view(fields[at].value)) for at in range(count))


class Body:
    """The body of a request: what has arrived, and whether it is all."""

    def __init__(self):
        self.arrived = bytearray()
        self.is_whole, self.error, self.trailers = False, None, []

    def has_news(self):
        """Whether a read would answer something else than HC_PENDING."""
        return bool(self.arrived) or self.is_whole or self.error is not None


class Request:
    """What the peer asked. Everything is as the module will see it: names of fields in lower case."""

    def __init__(self, method="GET", target="/", headers=(), **more):
        self.method, self.target = method, target
        self.headers = Headers((name.lower(), value) for name, value in pairs(headers))
        self.version = more.pop("version", 11)
        self.scheme = more.pop("scheme", "http")
        self.authority = more.pop("authority", "localhost")
        self.peer, self.local = more.pop("peer", ("127.0.0.1", 40000)), more.pop("local", ("127.0.0.1", 80))
        self.content_length = more.pop("content_length", None)
        self.deadline_ns = more.pop("deadline_ns", HC_NO_DEADLINE)
        self.body = Body()
        if more:
            raise TypeError(f"a request has no {', '.join(more)}")

    def make(self, memory, number):
        """The `hc_request`, in that memory. A length that the test did not give is that of a body that is whole already."""
        made = memory.new("hc_request *")
        made.size, made.version, made.id = ffi.sizeof("hc_request"), self.version, number
        path, mark, query = self.target.partition("?")
        for name in ("method", "target", "scheme", "authority"):
            setattr(made, name, memory.bytes(getattr(self, name)))
        made.path = memory.bytes(path)
        if mark:
            made.query = memory.bytes(query)
        made.protocol = memory.bytes("")
        made.fields, made.field_count = memory.fields(self.headers), len(self.headers)
        if self.content_length is None:
            self.content_length = len(self.body.arrived) if self.body.is_whole else HC_LENGTH_UNKNOWN
        made.content_length, made.deadline_ns = self.content_length, self.deadline_ns
        made.peer, made.local = _address(memory, self.peer), _address(memory, self.local)
        return made


def _address(memory, address):
    made = memory.new("hc_address *")
    host, made.port = address
    if ":" in host:
        parts, made.family = socket.inet_pton(socket.AF_INET6, host), HC_ADDRESS_IPV6
    else:
        parts, made.family = bytes(int(part) for part in host.split(".")), HC_ADDRESS_IPV4
    for at, part in enumerate(parts):
        made.ip[at] = part
    return made


class Response:
    """What the peer has of the response. `phase`: none, open, complete or aborted; `interim`: pairs of status and fields."""

    def __init__(self):
        self.phase, self.status, self.headers, self.trailers = "none", None, Headers(), Headers()
        self.body, self.interim, self.content_length = b"", [], None
        self.offered, self.has_no_body = 0, False
        # Whether the container answered in the place of a task that failed.
        self.is_from_container = False
        # What the peer still takes of the body at the moment; None: all there is.
        self.room = None

    @property
    def is_whole(self):
        """Whether the module has given all of it."""
        return self.phase == "complete"

    @property
    def text(self):
        """The body as text."""
        return bytes(self.body).decode()

    def json(self):
        """The body, out of JSON."""
        return json.loads(bytes(self.body))

    def header(self, name, default=None):
        """The value of the first field of that name."""
        return self.headers.get(name, default)

    def __repr__(self):
        return f"<Response {self.phase} {self.status} {bytes(self.body[:60])!r}>"
