//! Running one statement: its placeholders, its rows, what it changed. Must not know who reads the rows.

use http_container::provider::SqlValue;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

use crate::failure::{Failure, Kind};
use crate::interrupt::Interrupt;
use crate::placeholders;
use crate::row_writer::RowWriter;
use crate::session::{Session, Stop};
use crate::transaction::Transaction;

impl Session {
    /// Runs a statement, and writes its rows. Answers how many it changed, or, for one that changed none, how many it
    /// answered. `is_once`: it is not kept prepared. \[sql.query\] \[sql.outcome\]
    pub(crate) fn query(
        &mut self,
        text: &str,
        values: &[SqlValue<'_>],
        is_once: bool,
        mut rows: RowWriter,
    ) -> Result<u64, Stop> {
        if self.transaction == Transaction::Failed && is_rollback(text) {
            self.transaction = Transaction::None;
            return Ok(0);
        }
        let result = self.try_query(text, values, is_once, &mut rows);
        let has_written = rows.has_written();
        let result = self.settle(result).map_err(|stop| match stop {
            // Somebody has seen rows of it: it cannot be begun again.
            Stop::Failed(failure) if failure.kind == Kind::Busy && has_written => {
                Stop::Failed(Failure { kind: Kind::Refused, ..failure })
            }
            other => other,
        });
        // What an attempt that will be made again has answered is forgotten with its writer.
        if result.is_ok() || has_written {
            rows.finish()?;
        }
        result
    }

    fn try_query(
        &mut self,
        text: &str,
        values: &[SqlValue<'_>],
        is_once: bool,
        rows: &mut RowWriter,
    ) -> Result<u64, Stop> {
        self.transaction.admit()?;
        self.may_run(false)?;
        let prepared = self.connection.prepare_cached(text);
        // Whether it was prepared or not: some pragmas act in the attempt.
        self.alteration.note();
        let mut statement = prepared?;
        if !statement.readonly() {
            self.transaction.admit_write()?;
            if !self.turn.has_come() {
                return Err(Stop::Turn);
            }
        }
        let changes = self.connection.total_changes();
        let bound = placeholders::bind(&mut statement, values);
        let answered = bound.and_then(|()| step(&mut statement, &self.interrupt, rows));
        if is_once {
            statement.discard();
        }
        let answered = answered?;
        Ok(if self.connection.total_changes() == changes { answered } else { self.connection.changes() })
    }
}

/// Whether a text is `ROLLBACK`, and no more.
fn is_rollback(text: &str) -> bool {
    text.trim().trim_end_matches(';').trim_end().eq_ignore_ascii_case("rollback")
}

/// Runs a statement to its end. Answers how many rows it answered.
fn step(statement: &mut Statement<'_>, interrupt: &Interrupt, rows: &mut RowWriter) -> Result<u64, Failure> {
    let mut are_boolean = None;
    let mut count = 0;
    if interrupt.is_asked() {
        return Err(Failure::interrupted());
    }
    let mut cursor = statement.raw_query();
    while let Some(row) = cursor.next()? {
        if interrupt.is_asked() {
            return Err(Failure::interrupted());
        }
        // Another connection may have changed the table until now; the first step has seen that.
        let are_boolean = are_boolean.get_or_insert_with(|| {
            let columns = Columns::of(row.as_ref());
            rows.columns(columns.names);
            columns.are_boolean
        });
        write(row, are_boolean, rows)?;
        count += 1;
    }
    drop(cursor);
    if are_boolean.is_none() && statement.column_count() > 0 {
        rows.columns(Columns::of(statement).names);
    }
    Ok(count)
}

struct Columns {
    names: Vec<Box<str>>,
    are_boolean: Vec<bool>,
}

impl Columns {
    fn of(statement: &Statement<'_>) -> Self {
        let columns = statement.columns();
        let (names, are_boolean) =
            columns.map(|column| (column.name().into(), is_boolean(column.decl_type()))).unzip();
        Self { names, are_boolean }
    }
}

/// SQLite keeps truth values as 0 and 1; that they are ones only the declaration of the column says.
fn is_boolean(declared: Option<&str>) -> bool {
    declared.is_some_and(|name| ["boolean", "bool"].iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn write(row: &Row<'_>, are_boolean: &[bool], rows: &mut RowWriter) -> Result<(), Failure> {
    for (index, is_boolean) in are_boolean.iter().enumerate() {
        let value = match row.get_ref(index)? {
            ValueRef::Null => SqlValue::Null,
            ValueRef::Integer(number @ (0 | 1)) if *is_boolean => SqlValue::Bool(number == 1),
            ValueRef::Integer(number) => SqlValue::Int64(number),
            ValueRef::Real(number) => SqlValue::Float64(number),
            // SQLite takes any bytes for a text.
            ValueRef::Text(text) => std::str::from_utf8(text).map_or(SqlValue::Bytes(text), SqlValue::Text),
            ValueRef::Blob(bytes) => SqlValue::Bytes(bytes),
        };
        rows.row().push(value);
    }
    rows.end_row()
}
