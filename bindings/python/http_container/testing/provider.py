# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.provider/1: a test is the container that asks the members of a provider. Must not know what a member is connected to."""

from ..abi import Memory, ffi, to_bytes
from ..constants import (
    HC_DISCARDED,
    HC_E_BUSY,
    HC_E_INVALID,
    HC_E_RESOURCE,
    HC_E_STATE,
    HC_E_UNSUPPORTED,
    HC_KV_ID,
    HC_LIMIT_ID,
    HC_OK,
    HC_POOL_ID,
    HC_SQL_ID,
    HC_SQL_SCRIPT,
    EventKind,
    KvOperation,
    MemberFlag,
    MemberRequestKind,
    SqlTransaction,
    TaskKind,
)
from .rules import Refusal, breach
from .sql import value_of, write_value
from .task import Task

_KINDS = MemberRequestKind
_CARRIED = (HC_SQL_ID, HC_KV_ID, HC_POOL_ID, HC_LIMIT_ID)


class Asked:
    """What a member was asked, and what it has answered so far: `columns`, `rows`, and when `is_done`, `status`, `affected`,
    `code`, `message`, `flags`, and for a store `found`, `value`, `number`, `ttl_ms`."""

    def __init__(self, member, kind, **more):
        self.member, self.kind, self.more = member, kind, more
        self.columns, self.rows, self.is_done, self.is_interrupted = None, [], False, False
        self.status, self.affected, self.code, self.message, self.flags = None, 0, "", "", MemberFlag(0)
        self.found, self.value, self.number, self.ttl_ms = 0, b"", 0, 0
        self.memory = Memory()

    def wait(self):
        """Runs until it is done, or the member has ended."""
        self.member.host.run_until(lambda: self.is_done or self.member.life == "gone", self.member)
        return self

    def make(self):
        """The `hc_member_request`."""
        made = self.memory.new("hc_member_request *")
        made.size, made.kind = ffi.sizeof("hc_member_request"), int(self.kind)
        if self.kind == _KINDS.STATEMENT:
            values, statement = self.more["values"], self.memory.new("hc_sql_statement *")
            statement.size, statement.flags = ffi.sizeof("hc_sql_statement"), self.more["flags"]
            statement.text = self.memory.bytes(self.more["text"])
            statement.values = self.memory.new("hc_sql_value[]", max(1, len(values)))
            statement.value_count = len(values)
            for place, value in zip(statement.values[0 : len(values)], values):
                write_value(place, value, self.memory)
            made.statement = statement
        elif self.kind == _KINDS.TRANSACTION:
            made.transaction = int(self.more["what"])
        elif self.kind == _KINDS.KV:
            request = self.memory.new("hc_kv_request *")
            request.size = ffi.sizeof("hc_kv_request")
            for name, given in self.more.items():
                setattr(request, name, self.memory.bytes(given) if isinstance(given, (str, bytes)) else int(given))
            made.kv = request
        return made

    def end(self, status):
        """Its views end."""
        self.is_done, self.status = True, status
        self.memory.end()


class Member(Task):
    """The task of a member. `is_ready`: it may be lent; `reason` is what it explained, `messages` what it handed on:
    pairs of channel and value, None where it lost some."""

    def __init__(self, host, worker=0):
        super().__init__(host, None, worker=worker)
        self.kind = TaskKind.MEMBER
        self.is_ready, self.reason, self.object, self.messages = False, None, None, []
        self.queue, self.under_way, self.notes = [], None, Memory()
        self.is_closing, self.in_transaction = False, False
        # Rows that it may still hand over; None: any number.
        self.row_room = None

    def __repr__(self):
        return f"member {self.number}"

    def _ask(self, kind, **more):
        self.queue.append(Asked(self, kind, **more))
        return self.queue[-1]

    def query(self, text, *values, flags=0):
        """Ask for a statement."""
        return self._ask(_KINDS.STATEMENT, text=text, values=values, flags=int(flags))

    def script(self, text):
        """Ask for several statements."""
        return self.query(text, flags=HC_SQL_SCRIPT)

    def transaction(self, what):
        """Ask to begin or end a transaction: `SqlTransaction.BEGIN` ..."""
        return self._ask(_KINDS.TRANSACTION, what=SqlTransaction(what))

    def kv(self, operation, key, **more):
        """Ask a store: `kv("set", "key", value="x", ttl_ms=1000)`."""
        operation = KvOperation[operation.upper()] if isinstance(operation, str) else operation
        return self._ask(_KINDS.KV, operation=operation, key=key, **more)

    def reset(self):
        """Ask it to be like a fresh one."""
        return self._ask(_KINDS.RESET)

    def check(self):
        """Ask whether it still works."""
        return self._ask(_KINDS.CHECK)

    def interrupt(self):
        """Nobody waits for what is under way any more."""
        assert self.under_way is not None, f"{self} has nothing under way"
        self.under_way.is_interrupted = True
        self.queue.insert(0, Asked(self, _KINDS.INTERRUPT))
        return self

    def close(self):
        """Tell it to close, and run until it has."""
        self.is_closing = True
        return self.run_to_end()

    def has_request(self):
        """Whether `next` has something to give."""
        first = self.queue[0].kind if self.queue else None
        return self.is_closing or first == _KINDS.INTERRUPT or (first is not None and self.under_way is None)

    def finish(self, outcome):
        super().finish(outcome)
        for asked in [self.under_way] * (self.under_way is not None) + self.queue:
            asked.end(HC_E_RESOURCE)
        self.under_way, self.queue = None, []
        self.notes.end()


class ProviderCalls:
    """Methods named as the function pointers of `hc_provider`."""

    def __init__(self, host):
        self.host = host

    def offer(self, interface):
        interface = ffi.string(interface).decode()
        if not self.host.is_provider or self.host.offered is not None:
            raise breach(HC_E_STATE, "provider.offer.once", "offer: said before, or the instance serves no resource")
        if interface not in _CARRIED:
            raise Refusal(HC_E_UNSUPPORTED, "provider.offer", f"the interface {interface} cannot be carried")
        self.host.offered = interface
        return HC_OK

    def _member(self, call, task, is_ready=True):
        if not isinstance(task, Member):
            raise breach(HC_E_STATE, "provider.member.only", f"{call}: the task is no member")
        if is_ready and not task.is_ready:
            raise breach(HC_E_STATE, "provider.ready", f"{call}: the member is not ready")
        return task

    def _statement(self, call, task):
        asked = self._member(call, task).under_way
        if asked is None or asked.kind != _KINDS.STATEMENT:
            raise breach(HC_E_STATE, f"provider.{call}", f"{call}: no statement is under way")
        return asked

    def ready(self, task):
        member = self._member("ready", task, is_ready=False)
        if member.is_ready:
            raise breach(HC_E_STATE, "provider.ready", "ready: said before")
        if self.host.offered == HC_POOL_ID and member.object is None:
            raise breach(HC_E_STATE, "provider.object", "ready: the member has no object")
        member.is_ready = True
        return HC_OK

    def explain(self, task, reason):
        self._member("explain", task, is_ready=False).reason = to_bytes(reason).decode(errors="replace")
        return HC_OK

    def object(self, task, name, pointer):
        member = self._member("object", task, is_ready=False)
        if member.is_ready or self.host.offered != HC_POOL_ID:
            raise breach(HC_E_STATE, "provider.object", "object: after `ready`, or of another interface")
        member.object = (ffi.string(name).decode(), pointer)
        return HC_OK

    def next(self, task, token, request):
        member = self._member("next", task)
        if member.find_waiting(EventKind.MEMBER):
            raise Refusal(HC_E_BUSY, "provider.next", "a `next` waits already")
        member.check_token(token)
        if not member.has_request():
            return member.begin_ready(token, EventKind.MEMBER, member.has_request)
        member.notes.end()
        if member.queue and (member.queue[0].kind == _KINDS.INTERRUPT or (member.under_way is None and not member.is_closing)):
            asked = member.queue.pop(0)
        else:
            asked = Asked(member, _KINDS.CLOSE)
        if asked.kind in (_KINDS.INTERRUPT, _KINDS.CLOSE):
            asked.memory = member.notes
        else:
            member.under_way = asked
        self.host.note(f"  the member is asked for {asked.kind.name}")
        request[0] = asked.make()
        return HC_OK

    def columns(self, task, names, count):
        asked = self._statement("columns", task)
        if asked.columns is not None or asked.more["flags"] & HC_SQL_SCRIPT:
            raise breach(HC_E_STATE, "provider.columns", "columns: they were given, or it is a script")
        try:
            asked.columns = [to_bytes(names[at]).decode() for at in range(count)]
        except UnicodeDecodeError:
            raise breach(HC_E_INVALID, "provider.columns", "columns: a name is not UTF-8") from None
        return HC_OK

    def rows(self, task, token, values, count, accepted):
        asked, member = self._statement("rows", task), task
        if not asked.columns:
            raise breach(HC_E_STATE, "provider.rows", "rows: the statement has no columns")
        width = len(asked.columns)
        if count % width:
            raise breach(HC_E_INVALID, "provider.rows", f"rows: {count} values are no rows of {width} columns")
        if member.find_waiting(EventKind.MEMBER_ROOM):
            raise Refusal(HC_E_BUSY, "provider.rows", "a `rows` waits already")
        member.check_token(token)
        given = [value_of(values[at], "rows") for at in range(count)]
        found = [tuple(given[at : at + width]) for at in range(0, count, width)]
        if asked.is_interrupted:
            accepted[0] = len(found)
            return HC_DISCARDED
        taken = found if member.row_room is None else found[: member.row_room]
        asked.rows += taken
        accepted[0] = len(taken)
        if member.row_room is not None:
            member.row_room -= len(taken)
        if len(taken) == len(found):
            return HC_OK
        has_room = lambda: member.row_room is None or member.row_room > 0 or asked.is_interrupted or asked.is_done
        return member.begin_ready(token, EventKind.MEMBER_ROOM, has_room)

    def message(self, task, channel, value):
        member = self._member("message", task)
        if self.host.offered != HC_KV_ID:
            raise breach(HC_E_STATE, "provider.message", "message: the resource is no store")
        # An empty channel says that some were lost [provider.message.lost].
        member.messages.append((to_bytes(channel), to_bytes(value)) if channel.size else None)
        return HC_OK

    def done(self, task, result):
        member = self._member("done", task)
        asked = member.under_way
        if asked is None:
            raise breach(HC_E_STATE, "provider.done", "done: no request is under way")
        if result.size < ffi.sizeof("hc_member_result"):
            raise breach(HC_E_INVALID, "version.size.set", f"done: hc_member_result.size is {result.size}")
        if result.status > 0:
            raise breach(HC_E_INVALID, "provider.done", f"done: the status is {result.status}")
        if result.flags & ~int(MemberFlag.BROKEN | MemberFlag.DIRTY):
            raise Refusal(HC_E_UNSUPPORTED, "provider.done", "an unknown flag")
        asked.flags, asked.affected = MemberFlag(result.flags), result.affected
        asked.code, asked.message = (to_bytes(part).decode(errors="replace") for part in (result.code, result.message))
        if result.reply != ffi.NULL:
            reply = result.reply
            asked.found, asked.value, asked.number, asked.ttl_ms = reply.found, to_bytes(reply.value), reply.number, reply.ttl_ms
        self._look_at_transaction(member, asked, result.status)
        member.under_way = None
        asked.end(result.status)
        # An interrupt that was not handed out is of no use any more.
        member.queue = [other for other in member.queue if other.kind != _KINDS.INTERRUPT]
        return HC_OK

    def _look_at_transaction(self, member, asked, status):
        """A member in a transaction says so each time [provider.flag.dirty.told]."""
        if asked.kind == _KINDS.RESET and status == HC_OK:
            member.in_transaction = False
        elif asked.kind == _KINDS.TRANSACTION and status == HC_OK:
            member.in_transaction = asked.more["what"] in (SqlTransaction.BEGIN, SqlTransaction.BEGIN_READ)
        elif asked.kind == _KINDS.TRANSACTION and asked.more["what"] == SqlTransaction.COMMIT:
            member.in_transaction = False  # a commit that failed is rolled back
        if member.in_transaction and not asked.flags & (MemberFlag.DIRTY | MemberFlag.BROKEN):
            text = "done: the member is in a transaction, and does not say HC_MEMBER_DIRTY"
            self.host.blame("provider.flag.dirty.told", text)
