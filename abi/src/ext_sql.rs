//! hc.sql/1, the container's side: the vtable over the safe trait [`SqlHost`], and a statement as a module wrote it, checked.
//! Must not know how a statement reaches a database.

use std::str;

use crate::constants::{sql_flag, sql_transaction};
use crate::host_calls::{bytes, enter_lease};
use crate::host_side::{BoundaryRefusal, Host};
use crate::out::{Out, OutStruct};
use crate::raw::{hc_bytes, hc_host, hc_sql, hc_sql_outcome, hc_sql_rows, hc_sql_statement, hc_status};
use crate::response_view::read_options;
use crate::sql_names::RawNames;
use crate::sql_rows::RawRows;
use crate::sql_value::SqlValues;
use crate::status::Status;

/// How many values one statement may have [sql.query.values].
const VALUES_MAX: usize = 1000;

const BAD_TEXT: BoundaryRefusal =
    BoundaryRefusal::invalid("sql.query", "the text of the statement is not UTF-8, or holds a NUL");
const UNKNOWN_FLAG: BoundaryRefusal =
    BoundaryRefusal::unsupported("sql.query", "the statement has a flag that this version does not know");
const SCRIPT_VALUES: BoundaryRefusal =
    BoundaryRefusal::invalid("sql.script", "a script has values, and it can have none");
const MANY_VALUES: BoundaryRefusal = BoundaryRefusal {
    status: Status::E_LIMIT,
    rule: "sql.query.values",
    text: "the statement has more than 1,000 values",
};
const UNKNOWN_TRANSACTION: BoundaryRefusal =
    BoundaryRefusal::invalid("sql.transaction", "it is neither a beginning nor an end of a transaction");

/// What a module wants a database to run. Lives during the call.
#[derive(Clone, Copy, Debug)]
pub struct StatementView<'a> {
    /// Bits of [`sql_flag`]: known ones only.
    pub flags: u32,
    /// SQL of the database, with no NUL in it.
    pub text: &'a str,
    /// The values of the placeholders, in order: 1,000 at most, and none of a script.
    pub values: SqlValues<'a>,
}

impl<'a> StatementView<'a> {
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    unsafe fn check(statement: *const hc_sql_statement) -> Result<StatementView<'a>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let statement: &'a hc_sql_statement = unsafe { read_options(statement) }?;
        // SAFETY: passed on from the caller.
        let text = str::from_utf8(unsafe { bytes(statement.text) }?).map_err(|_| BAD_TEXT)?;
        let flags = statement.flags;
        if text.contains('\0') {
            Err(BAD_TEXT)
        } else if flags & !(sql_flag::ONCE | sql_flag::SCRIPT) != 0 {
            Err(UNKNOWN_FLAG)
        } else if flags & sql_flag::SCRIPT != 0 && statement.value_count != 0 {
            Err(SCRIPT_VALUES)
        } else if statement.value_count > VALUES_MAX {
            Err(MANY_VALUES)
        } else {
            // SAFETY: passed on from the caller.
            let values = unsafe { SqlValues::check(statement.values, statement.value_count) }?;
            Ok(StatementView { flags, text, values })
        }
    }
}

/// What became of a statement, in views that the container keeps alive as long as its columns.
#[derive(Clone, Copy, Debug)]
pub struct RawOutcome {
    /// `HC_OK`, or why it failed.
    pub status: Status,
    /// Rows inserted, changed or deleted; for a query, rows answered.
    pub affected: u64,
    /// Of a failure: SQLSTATE, or empty.
    pub code: hc_bytes,
    /// Of a failure: the database's own words.
    pub message: hc_bytes,
}

/// A host that offers `hc.sql/1`.
pub trait SqlHost: Host {
    /// Runs a statement.
    fn sql_query(&self, task: u64, lease: u64, token: u64, statement: &StatementView<'_>) -> Status;
    /// The names of the answer's columns, which the container keeps alive until the next statement on the lease.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn sql_columns(&self, task: u64, lease: u64) -> Result<RawNames, Status>;
    /// More rows, which the container keeps alive until the next rows or statement on the lease.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`: `HC_PENDING` and `HC_END` among it.
    fn sql_rows(&self, task: u64, lease: u64, token: u64) -> Result<RawRows, Status>;
    /// What became of the last statement.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn sql_outcome(&self, task: u64, lease: u64) -> Result<RawOutcome, Status>;
    /// Begins or ends a transaction: one of [`sql_transaction`].
    fn sql_transaction(&self, task: u64, lease: u64, token: u64, what: u32) -> Status;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: SqlHost> Table<H> {
    const SQL: &'static hc_sql = &hc_sql {
        size: size_of::<hc_sql>() as u32,
        reserved: 0,
        query: Some(query::<H>),
        columns: Some(columns::<H>),
        rows: Some(rows::<H>),
        outcome: Some(outcome::<H>),
        transaction: Some(transaction::<H>),
    };
}

/// The vtable of `hc.sql/1` over `H`: what [`Host::extension`] answers for [`SQL_ID`](crate::constants::SQL_ID), and
/// [`Host::lease_interface`] for a lease on a database.
#[must_use]
pub const fn sql_table<H: SqlHost>() -> &'static hc_sql {
    Table::<H>::SQL
}

/// # Safety
/// The host pointer is this host's, and the statement is what the header says.
unsafe extern "C" fn query<H: SqlHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    token: u64,
    statement: *const hc_sql_statement,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a statement of the module's, alive during the call.
        let statement = unsafe { StatementView::check(statement) }?;
        Ok(host.sql_query(task, lease, token, &statement))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.sql/1 query", body) }
}

/// # Safety
/// The host pointer is this host's; `names` and `count` may be written.
unsafe extern "C" fn columns<H: SqlHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    names: *mut *const hc_bytes,
    count: *mut usize,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: out parameters of the module's, alive during the call.
        let (names, count) = unsafe { (Out::new(names)?, Out::new(count)?) };
        let found = host.sql_columns(task, lease);
        if let Ok(found) = found {
            count.set(found.count);
        }
        Ok(names.set_answer(found.map(|found| found.data)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.sql/1 columns", body) }
}

/// # Safety
/// The host pointer is this host's; `answer` is a structure whose size is set.
unsafe extern "C" fn rows<H: SqlHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    token: u64,
    answer: *mut hc_sql_rows,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a structure of the module's, alive during the call.
        let answer = unsafe { OutStruct::new(answer) }?;
        Ok(answer.set_answer(host.sql_rows(task, lease, token).map(RawRows::structure)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.sql/1 rows", body) }
}

/// # Safety
/// The host pointer is this host's; `answer` is a structure whose size is set.
unsafe extern "C" fn outcome<H: SqlHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    answer: *mut hc_sql_outcome,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a structure of the module's, alive during the call.
        let answer = unsafe { OutStruct::new(answer) }?;
        Ok(answer.set_answer(host.sql_outcome(task, lease).map(|found| hc_sql_outcome {
            size: size_of::<hc_sql_outcome>() as u32,
            status: found.status.0,
            affected: found.affected,
            code: found.code,
            message: found.message,
        })))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.sql/1 outcome", body) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn transaction<H: SqlHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    token: u64,
    what: u32,
) -> hc_status {
    let body = |host: &H| {
        if !(sql_transaction::BEGIN..=sql_transaction::ROLLBACK).contains(&what) {
            return Err(UNKNOWN_TRANSACTION);
        }
        Ok(host.sql_transaction(task, lease, token, what))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.sql/1 transaction", body) }
}
