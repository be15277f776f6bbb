# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.sql/1: databases that answer what a test says, or that are SQLite in memory. Must not know leases but by their use."""

from typing import List, NamedTuple, Sequence

from ..abi import Memory, ffi, to_bytes
from ..constants import (
    HC_E_BUSY,
    HC_E_FAILED,
    HC_E_INVALID,
    HC_E_LIMIT,
    HC_E_STATE,
    HC_E_UNSUPPORTED,
    HC_END,
    HC_OK,
    HC_PENDING,
    HC_SQL_ID,
    HC_SQL_SCRIPT,
    EventKind,
    SqlFlag,
    SqlTransaction,
    SqlType,
)
from .limits import fill
from .resources import Resource
from .rules import Refusal, breach


class Rows(NamedTuple):
    """What a statement answered. `affected`: None: the number of rows. `status`: how it ends after its rows, if not well."""

    columns: Sequence[str] = ()
    rows: Sequence[Sequence] = ()
    affected: int = None
    status: int = HC_OK


class Failure(NamedTuple):
    """A statement that was refused, with SQLSTATE and the database's own words; or that ended with another status."""

    code: str = ""
    message: str = ""
    status: int = HC_E_FAILED


class Statement(NamedTuple):
    """What the module asked: text, values, flags."""

    text: str
    values: List
    flags: int = 0


class Database(Resource):
    """Statements answer what `on` said for them, or what `answer` gives for every `Statement`: `Rows` or a `Failure`.

    `statements` is what was asked; `begun`, `committed` and `rolled_back` count transactions.
    """

    interface = HC_SQL_ID

    def __init__(self, name, members=1, answer=None, **more):
        super().__init__(name, members, **more)
        self.answer, self.statements, self._scripted = answer, [], []
        self.begun = self.committed = self.rolled_back = 0
        # Most rows that come together.
        self.rows_max = 100

    def on(self, part, columns=(), rows=(), *, failure=None, affected=None, status=HC_OK):
        """For each statement whose text has that part; what was said last counts first."""
        self._scripted.insert(0, (part, failure or Rows(columns, rows, affected, status)))
        return self

    def asked(self, part):
        """The statements so far whose text has that part."""
        return [statement for statement in self.statements if part in statement.text]

    def ask(self, statement):
        """The answer to a statement."""
        self.statements.append(statement)
        for part, answer in self._scripted:
            if part in statement.text:
                return answer
        if self.answer is not None:
            return self.answer(statement)
        raise AssertionError(f"nothing was said about the statement {statement.text!r}: say {self.name}.on(part, ...)")

    def transact(self, what):
        """HC_OK or a `Failure` for BEGIN, COMMIT ...: by default all goes well."""
        return None

    def is_stale(self, lease):
        return lease.own.get("in_transaction", False)

    def lease_ended(self, lease):
        self.rolled_back += bool(lease.own.pop("in_transaction", False))


_PLAIN = {SqlType.NULL: lambda value: None, SqlType.BOOL: lambda value: bool(value.integer)}


def value_of(value, call="query"):
    """The Python value of an `hc_sql_value`."""
    kind = value.type
    if kind == SqlType.BOOL and value.integer not in (0, 1):
        raise breach(HC_E_INVALID, "sql.value.types", f"{call}: a boolean is {value.integer}")
    if kind in _PLAIN:
        return _PLAIN[kind](value)
    if kind == SqlType.INT64:
        return value.integer
    if kind == SqlType.FLOAT64:
        return value.real
    if kind == SqlType.TEXT:
        return _utf8(to_bytes(value.bytes), "a text among the values")
    if kind == SqlType.BYTES:
        return to_bytes(value.bytes)
    raise breach(HC_E_INVALID, "sql.value.types", f"{call}: a value is of the unknown type {kind}")


def _utf8(data, what):
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise breach(HC_E_INVALID, "sql.query", f"query: {what} is not UTF-8") from None


def write_value(place, value, memory):
    """A Python value into an `hc_sql_value`."""
    if value is None:
        place.type = SqlType.NULL
    elif isinstance(value, bool):
        place.type, place.integer = SqlType.BOOL, value
    elif isinstance(value, int):
        place.type, place.integer = SqlType.INT64, value
    elif isinstance(value, float):
        place.type, place.real = SqlType.FLOAT64, value
    elif isinstance(value, str):
        place.type, place.bytes = SqlType.TEXT, memory.bytes(value)
    else:
        place.type, place.bytes = SqlType.BYTES, memory.bytes(value)


class _Answer:
    """What the last statement of a lease answered, and how far it was read."""

    def __init__(self):
        self.phase, self.rows, self.columns, self.read = "running", [], [], 0
        self.end, self.affected, self.code, self.message = HC_END, 0, "", ""
        self.rows_memory, self.names_memory = Memory(), Memory()

    def take(self, answer):
        """The status of its event."""
        if isinstance(answer, Failure):
            self.phase, self.end, self.code, self.message = "over", answer.status, answer.code, answer.message
            self.began = False
            return answer.status
        self.columns, self.rows, self.began = list(answer.columns), list(answer.rows), True
        self.affected = len(self.rows) if answer.affected is None else answer.affected
        self.end = HC_END if answer.status == HC_OK else answer.status
        self.phase = "reading" if self.columns else "over"
        return HC_OK


class SqlCalls:
    """Methods named as the function pointers of `hc_sql`."""

    def __init__(self, host):
        self.host = host

    def _lease(self, task, handle, call):
        return self.host.find_lease(task, handle, call, HC_SQL_ID)

    def _look(self, lease):
        lease.look_at_use()
        answer = lease.own.get("answer")
        if answer is not None and answer.phase != "over":
            raise Refusal(HC_E_BUSY, "sql.query.busy", "a statement is under way, or its rows were not read to HC_END")

    def _begin(self, task, lease, token, ask):
        operation = task.begin_result(token, EventKind.SQL)
        for memory in ("rows_memory", "names_memory"):
            if "answer" in lease.own:
                getattr(lease.own["answer"], memory).end()
        answer = lease.own["answer"] = _Answer()
        lease.begin(operation, lambda: (answer.take(ask()), 0))
        operation.delivered = lambda: setattr(lease, "under_way", None)
        return HC_PENDING

    def query(self, task, handle, token, statement):
        lease = self._lease(task, handle, "query")
        if statement.size < ffi.sizeof("hc_sql_statement"):
            raise breach(HC_E_INVALID, "version.size.set", f"query: hc_sql_statement.size is {statement.size}")
        text = _utf8(to_bytes(statement.text), "the statement")
        if "\0" in text:
            raise breach(HC_E_INVALID, "sql.query", "query: the statement has a NUL")
        if statement.flags & ~int(SqlFlag.ONCE | SqlFlag.SCRIPT):
            raise Refusal(HC_E_UNSUPPORTED, "sql.query", "an unknown flag")
        if statement.value_count > 1000:
            raise Refusal(HC_E_LIMIT, "sql.query.values", "more than 1,000 values")
        values = [value_of(statement.values[at]) for at in range(statement.value_count)]
        if values and statement.flags & HC_SQL_SCRIPT:
            raise breach(HC_E_INVALID, "sql.script", "query: values together with HC_SQL_SCRIPT")
        self._look(lease)
        asked = Statement(text, values, statement.flags)
        return self._begin(task, lease, token, lambda: lease.resource.ask(asked))

    def transaction(self, task, handle, token, what):
        lease = self._lease(task, handle, "transaction")
        if what not in [int(known) for known in SqlTransaction]:
            raise breach(HC_E_INVALID, "sql.transaction", f"transaction: what is {what}")
        self._look(lease)
        return self._begin(task, lease, token, lambda: self._transact(lease, SqlTransaction(what)))

    def _transact(self, lease, what):
        resource, is_open = lease.resource, lease.own.get("in_transaction", False)
        is_begin = what in (SqlTransaction.BEGIN, SqlTransaction.BEGIN_READ)
        if is_begin and is_open:
            return Failure("25001", "there is a transaction already")
        if not is_begin and not is_open:
            return Failure("25P01", "there is no transaction")
        failure = resource.transact(what)
        lease.own["in_transaction"] = is_begin and failure is None
        if is_begin:
            resource.begun += failure is None
        elif what == SqlTransaction.COMMIT and failure is None:
            resource.committed += 1
        else:
            resource.rolled_back += 1
        return failure or Rows()

    def _answer(self, lease, call):
        """The answer whose event was delivered with HC_OK."""
        answer = lease.own.get("answer")
        if answer is None or answer.phase == "running" or lease.under_way is not None or not answer.began:
            raise Refusal(HC_E_STATE, f"sql.{call}", f"{call}: there is no statement whose event said HC_OK")
        return answer

    def columns(self, task, handle, names, count):
        answer = self._answer(self._lease(task, handle, "columns"), "columns")
        array = answer.names_memory.new("hc_bytes[]", max(1, len(answer.columns)))
        for place, name in enumerate(answer.columns):
            array[place] = answer.names_memory.bytes(name)
        names[0], count[0] = array, len(answer.columns)
        return HC_OK

    def rows(self, task, handle, token, rows):
        lease = self._lease(task, handle, "rows")
        answer = self._answer(lease, "rows")
        if task.find_waiting(EventKind.SQL_ROWS, lease=lease):
            raise Refusal(HC_E_BUSY, "sql.rows", "a `rows` waits already")
        task.check_token(token)
        if task.is_unready("rows"):
            return task.begin_ready(token, EventKind.SQL_ROWS, is_at_once=True, lease=lease)
        answer.rows_memory.end()
        some = answer.rows[answer.read : answer.read + lease.resource.rows_max]
        if not some:
            answer.phase = "over"
            return answer.end
        answer.read += len(some)
        width = len(answer.columns)
        array = answer.rows_memory.new("hc_sql_value[]", len(some) * width)
        for at, value in enumerate(value for row in some for value in row):
            write_value(array[at], value, answer.rows_memory)
        return fill(rows, "hc_sql_rows", "rows", values=array, row_count=len(some), column_count=width)

    def outcome(self, task, handle, outcome):
        lease = self._lease(task, handle, "outcome")
        answer = lease.own.get("answer")
        if answer is None or answer.phase != "over" or lease.under_way is not None:
            raise Refusal(HC_E_STATE, "sql.outcome", "outcome: no statement is over")
        memory = answer.names_memory
        status = HC_OK if answer.end == HC_END else answer.end
        views = {"code": memory.bytes(answer.code), "message": memory.bytes(answer.message)}
        return fill(outcome, "hc_sql_outcome", "outcome", status=status, affected=answer.affected, **views)
