# SPDX-License-Identifier: MIT OR Apache-2.0
"""A real database in a test: SQLite out of Python's own library."""

import sqlite3

from ..constants import HC_SQL_SCRIPT
from .sql import Database, Failure, Rows, SqlTransaction

_COMMANDS = {
    SqlTransaction.BEGIN: "BEGIN IMMEDIATE",
    SqlTransaction.BEGIN_READ: "BEGIN",
    SqlTransaction.COMMIT: "COMMIT",
    SqlTransaction.ROLLBACK: "ROLLBACK",
}
_CODES = {"UNIQUE": "23505", "FOREIGN KEY": "23503", "NOT NULL": "23502", "CHECK": "23514"}


class SqliteDatabase(Database):
    """`Database` whose statements SQLite answers; `connection` is its one connection, for the test as well."""

    def __init__(self, name, path=":memory:", members=1, **more):
        super().__init__(name, members, answer=self._run, **more)
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def _run(self, statement):
        try:
            if statement.flags & HC_SQL_SCRIPT:
                self.connection.executescript(statement.text)
                return Rows()
            # A placeholder $1 is for SQLite a parameter with the name 1.
            values = {str(number): value for number, value in enumerate(statement.values, 1)}
            cursor = self.connection.execute(statement.text, values)
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
            return Rows(columns, rows, len(rows) if columns else max(cursor.rowcount, 0))
        except sqlite3.Error as error:
            return self._failure(error)

    def transact(self, what):
        try:
            self.connection.execute(_COMMANDS[what])
        except sqlite3.Error as error:
            return self._failure(error)
        return None

    def lease_ended(self, lease):
        if self.connection.in_transaction:
            self.connection.rollback()
        super().lease_ended(lease)

    def _failure(self, error):
        code = next((code for word, code in _CODES.items() if str(error).startswith(word)), "")
        return Failure("42P01" if "no such table" in str(error) else code, str(error))
