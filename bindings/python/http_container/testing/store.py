# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.kv/1: a store that really stores, on the clock of the host."""

from ..abi import Memory, ffi, to_bytes
from ..constants import (
    HC_E_BUSY,
    HC_E_FAILED,
    HC_E_INVALID,
    HC_E_LIMIT,
    HC_E_RESOURCE,
    HC_E_STATE,
    HC_E_UNSUPPORTED,
    HC_KV_ID,
    HC_OK,
    HC_PENDING,
    EventKind,
    KvFlag,
    KvOperation,
)
from .limits import fill
from .resources import Resource
from .rules import Refusal, breach

_CONDITIONS = KvFlag.IF_ABSENT | KvFlag.IF_PRESENT | KvFlag.IF_EQUAL
_FLAGS = {KvOperation.SET: int(_CONDITIONS | KvFlag.KEEP_TTL), KvOperation.DELETE: int(KvFlag.IF_EQUAL)}


class Store(Resource):
    """Values by key, as bytes: `store["visits"]`, `store["visits"] = "41"`. `operations` is what was asked, in order.

    `fail(operation, status)`: from now on each operation of that kind ends so (HC_OK: no more).
    """

    interface = HC_KV_ID

    def __init__(self, name, members=1, **more):
        super().__init__(name, members, **more)
        self._values, self._failures, self.operations = {}, {}, []

    def __getitem__(self, key):
        return self.find(_bytes(key))[0]

    def __setitem__(self, key, value):
        self._values[_bytes(key)] = (_bytes(value), None)

    def __contains__(self, key):
        return self.find(_bytes(key)) is not None

    def fail(self, operation, status=HC_E_FAILED):
        self._failures[KvOperation[operation.upper()] if isinstance(operation, str) else operation] = status

    def publish(self, channel, value):
        """As somebody else would: the number of those who get it."""
        takers = [lease for lease in self.host.leases.values() if _bytes(channel) in lease.own.get("channels", ())]
        for lease in takers:
            lease.own["messages"].append((_bytes(channel), _bytes(value)))
        return len(takers)

    def find(self, key):
        """(value, when it ends or None), or None when there is none."""
        found = self._values.get(key)
        if found is not None and found[1] is not None and found[1] <= self.host.now_ns:
            del self._values[key]
            return None
        return found

    def is_stale(self, lease):
        return bool(lease.own.get("channels"))

    def do(self, lease, operation, flags, key, value, expected, number, ttl_ms):
        """One operation: its status, and what it replies."""
        self.operations.append((operation.name.lower(), key, value or number))
        if self._failures.get(operation, HC_OK) != HC_OK:
            return self._failures[operation], {}
        return getattr(self, "_" + operation.name.lower())(lease, key, flags, value, expected, number, ttl_ms)

    def _end(self, ttl_ms):
        return self.host.now_ns + ttl_ms * 1_000_000 if ttl_ms else None

    def _holds(self, found, flags, expected):
        return not (
            (flags & KvFlag.IF_ABSENT and found)
            or (flags & KvFlag.IF_PRESENT and not found)
            or (flags & KvFlag.IF_EQUAL and (not found or found[0] != expected))
        )

    def _get(self, lease, key, *_):
        found = self.find(key)
        if found is None:
            return HC_OK, {}
        left = 0 if found[1] is None else -(-(found[1] - self.host.now_ns) // 1_000_000)
        return HC_OK, {"found": 1, "value": found[0], "ttl_ms": left}

    def _set(self, lease, key, flags, value, expected, number, ttl_ms):
        found = self.find(key)
        if not self._holds(found, flags, expected):
            return HC_OK, {}
        end = (found[1] if found else None) if flags & KvFlag.KEEP_TTL else self._end(ttl_ms)
        self._values[key] = (value, end)
        return HC_OK, {"found": 1}

    def _add(self, lease, key, flags, value, expected, number, ttl_ms):
        found = self.find(key)
        before, end = found or (b"0", self._end(ttl_ms))
        if before != str(_number(before)).encode() or not -(2**63) <= _number(before) + number < 2**63:
            return HC_E_FAILED, {}
        self._values[key] = (str(_number(before) + number).encode(), end)
        return HC_OK, {"number": _number(before) + number}

    def _delete(self, lease, key, flags, value, expected, *_):
        found = self.find(key)
        if found is None or not self._holds(found, flags, expected):
            return HC_OK, {}
        del self._values[key]
        return HC_OK, {"found": 1}

    def _expire(self, lease, key, flags, value, expected, number, ttl_ms):
        found = self.find(key)
        if found is None:
            return HC_OK, {}
        self._values[key] = (found[0], self._end(ttl_ms))
        return HC_OK, {"found": 1}

    def _publish(self, lease, key, flags, value, *_):
        return HC_OK, {"number": self.publish(key, value)}

    def _subscribe(self, lease, key, *_):
        lease.own.setdefault("channels", set()).add(key)
        lease.own.setdefault("messages", [])
        return HC_OK, {}

    def _unsubscribe(self, lease, key, *_):
        channels = lease.own.get("channels", set())
        is_there = key in channels
        channels.discard(key)
        return HC_OK, {"found": int(is_there)}


def _bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def _number(digits):
    try:
        return int(digits)
    except ValueError:
        return 0


class KvCalls:
    """Methods named as the function pointers of `hc_kv`."""

    def __init__(self, host):
        self.host = host

    def _lease(self, task, handle, call):
        return self.host.find_lease(task, handle, call, HC_KV_ID)

    def run(self, task, handle, token, request):
        lease = self._lease(task, handle, "run")
        if request.size < ffi.sizeof("hc_kv_request"):
            raise breach(HC_E_INVALID, "version.size.set", f"run: hc_kv_request.size is {request.size}")
        if request.flags & ~15:
            raise Refusal(HC_E_UNSUPPORTED, "kv.run", "an unknown flag")
        if request.operation not in [int(known) for known in KvOperation]:
            raise breach(HC_E_INVALID, "kv.run", f"run: operation {request.operation} is unknown")
        operation, key = KvOperation(request.operation), to_bytes(request.key)
        conditions = request.flags & int(_CONDITIONS)
        if request.flags & ~_FLAGS.get(operation, 0) or conditions & (conditions - 1):
            raise breach(HC_E_INVALID, "kv.condition", f"run: {operation.name} with the flags {request.flags}")
        if not 1 <= len(key) <= 512:
            raise breach(HC_E_INVALID, "kv.key", f"run: a key of {len(key)} bytes")
        value, expected = to_bytes(request.value), to_bytes(request.expected)
        lease.look_at_use()
        if lease.own.get("channels") and operation not in (KvOperation.SUBSCRIBE, KvOperation.UNSUBSCRIBE):
            raise breach(HC_E_STATE, "kv.subscribed", f"run: {operation.name} on a lease that is subscribed")
        if lease.under_way is not None:
            raise Refusal(HC_E_BUSY, "lease.operation.one", "an operation is under way")
        if max(len(value), len(expected)) > 1 << 20:
            raise Refusal(HC_E_LIMIT, "kv.value.size", "a value of more than 1 MiB")
        begun = task.begin_result(token, EventKind.KV)
        lease.memory.end()
        lease.own["reply"] = None
        arguments = (lease, operation, request.flags, key, value, expected, request.number, request.ttl_ms)

        def happen():
            status, reply = lease.resource.do(*arguments)
            lease.own["reply"] = reply if status == HC_OK else None
            return status, 0

        lease.begin(begun, happen)
        begun.delivered = lambda: setattr(lease, "under_way", None)
        return HC_PENDING

    def reply(self, task, handle, reply):
        lease = self._lease(task, handle, "reply")
        found = lease.own.get("reply")
        if found is None or lease.under_way is not None:
            raise Refusal(HC_E_STATE, "kv.reply", "reply: no operation went well")
        all_of_it = {"found": 0, "number": 0, "ttl_ms": 0, **found, "value": lease.memory.bytes(found.get("value", b""))}
        return fill(reply, "hc_kv_reply", "reply", **all_of_it)

    def message(self, task, handle, token, message):
        lease = self._lease(task, handle, "message")
        if task.find_waiting(EventKind.KV_MESSAGE, lease=lease):
            raise Refusal(HC_E_BUSY, "kv.message", "a `message` waits already")
        task.check_token(token)
        messages = lease.own.setdefault("messages", [])
        if not messages and lease.is_lost:
            raise Refusal(HC_E_RESOURCE, "kv.message", "the connection is lost")
        if not messages and not lease.own.get("channels"):
            raise Refusal(HC_E_STATE, "kv.message", "nothing is subscribed")
        if not messages:
            is_ready = lambda: bool(messages) or lease.is_lost or not lease.own.get("channels")
            return task.begin_ready(token, EventKind.KV_MESSAGE, is_ready, lease=lease)
        memory = lease.own.setdefault("message_memory", Memory())
        memory.end()
        channel, value = messages.pop(0)
        return fill(message, "hc_kv_message", "message", channel=memory.bytes(channel), value=memory.bytes(value))
