//! hc.sql/1 as a Rust module sees it. Must not know which database it is.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::host_ref::{HostRef, Look, call};
use crate::opaque::ExtensionTable;
use crate::raw::{HC_SQL_ID, hc_bytes, hc_sql, hc_sql_outcome, hc_sql_rows, hc_sql_statement, hc_sql_value};
use crate::sql_names::NamesView;
use crate::sql_value::{SqlValue, SqlValues};
use crate::status::Status;

/// What became of a statement. Lives during the look at it.
#[derive(Clone, Copy, Debug)]
pub struct SqlOutcome<'a> {
    /// `HC_OK`, or why it failed.
    pub status: Status,
    /// Rows inserted, changed or deleted; for a query, rows answered.
    pub affected: u64,
    /// Of a failure: SQLSTATE, or empty.
    pub code: &'a [u8],
    /// Of a failure: the database's own words.
    pub message: &'a [u8],
}

/// The extension `hc.sql/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct SqlRef {
    host: HostRef,
    table: NonNull<hc_sql>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for SqlRef {}
// SAFETY: as above.
unsafe impl Sync for SqlRef {}

impl SqlRef {
    pub(crate) fn new(host: HostRef) -> Option<SqlRef> {
        host.extension(HC_SQL_ID).map(|table| SqlRef { host, table })
    }

    fn table(&self) -> &hc_sql {
        // SAFETY: whole by its size, and valid as long as the host.
        unsafe { self.table.as_ref() }
    }

    /// Whether that is the interface of a lease on a database.
    #[must_use]
    pub fn is(&self, interface: ExtensionTable) -> bool {
        ptr::eq(self.table.as_ptr().cast(), interface.as_ptr())
    }

    /// Runs a statement; `flags` are of [`sql_flag`](crate::constants::sql_flag). `HC_E_STATE` inside a look.
    pub fn query(
        &self,
        task: u64,
        lease: u64,
        token: u64,
        flags: u32,
        text: &str,
        values: &[SqlValue<'_>],
    ) -> Status {
        let _look = match Look::begin() {
            Ok(look) => look,
            Err(status) => return status,
        };
        with_raw(values, |values, value_count| {
            let statement = hc_sql_statement {
                size: size_of::<hc_sql_statement>() as u32,
                flags,
                text: hc_bytes::of(text.as_bytes()),
                values,
                value_count,
            };
            call!(self.table(), query(self.host.pointer(), task, lease, token, &raw const statement))
        })
    }

    /// The names of the answer's columns, after the event: `take` looks at them. Inside `take` neither can a statement be
    /// run, nor rows be asked for, nor a lease be released (`HC_E_STATE`).
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn columns<R>(
        &self,
        task: u64,
        lease: u64,
        take: impl FnOnce(NamesView<'_>) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let (mut names, mut count) = (ptr::null(), 0);
        match call!(self.table(), columns(self.host.pointer(), task, lease, &raw mut names, &raw mut count)) {
            // SAFETY: the names live until the next statement or the lease's end, which `_look` excludes.
            Status::OK => Ok(take(unsafe { NamesView::trusted(names, count) })),
            other => Err(other),
        }
    }

    /// More rows: `take` looks at their values, row by row, as with [`columns`](Self::columns).
    ///
    /// # Errors
    /// Any status but `HC_OK`: `HC_PENDING` when an event will come, `HC_END` after the last row, or an error.
    pub fn rows<R>(
        &self,
        task: u64,
        lease: u64,
        token: u64,
        take: impl FnOnce(SqlValues<'_>) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut rows = hc_sql_rows {
            size: size_of::<hc_sql_rows>() as u32,
            reserved: 0,
            values: ptr::null(),
            row_count: 0,
            column_count: 0,
        };
        match call!(self.table(), rows(self.host.pointer(), task, lease, token, &raw mut rows)) {
            Status::OK => {
                let count = rows.row_count * rows.column_count;
                // SAFETY: the rows live until more are asked for, the next statement or the lease's end, which `_look`
                // excludes.
                Ok(take(unsafe { SqlValues::trusted(rows.values, count) }))
            }
            other => Err(other),
        }
    }

    /// What became of the last statement: `take` looks at it, as with [`columns`](Self::columns).
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn outcome<R>(
        &self,
        task: u64,
        lease: u64,
        take: impl FnOnce(SqlOutcome<'_>) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut outcome = hc_sql_outcome {
            size: size_of::<hc_sql_outcome>() as u32,
            status: 0,
            affected: 0,
            code: hc_bytes::NONE,
            message: hc_bytes::NONE,
        };
        match call!(self.table(), outcome(self.host.pointer(), task, lease, &raw mut outcome)) {
            Status::OK => Ok(take(SqlOutcome {
                status: Status(outcome.status),
                affected: outcome.affected,
                // SAFETY: they live until the next statement or the lease's end, which `_look` excludes.
                code: unsafe { outcome.code.slice() },
                // SAFETY: as above.
                message: unsafe { outcome.message.slice() },
            })),
            other => Err(other),
        }
    }

    /// Begins or ends a transaction: one of [`sql_transaction`](crate::constants::sql_transaction). `HC_E_STATE` inside a
    /// look.
    pub fn transaction(&self, task: u64, lease: u64, token: u64, what: u32) -> Status {
        match Look::begin() {
            Ok(_look) => {
                call!(self.table(), transaction(self.host.pointer(), task, lease, token, what))
            }
            Err(status) => status,
        }
    }
}

impl std::fmt::Debug for SqlRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.sql/1 of {:?}", self.host)
    }
}

thread_local! {
    /// Room for values on their way, so that no call allocates.
    static ROOM: Cell<Vec<hc_sql_value>> = const { Cell::new(Vec::new()) };
}

/// Room for more values than these is given back to the allocator.
const ROOM_VALUES_MAX: usize = 16 * 1024;

/// Hands values over in the layout of the boundary, for the time of `call`.
pub(crate) fn with_raw<R>(values: &[SqlValue<'_>], call: impl FnOnce(*const hc_sql_value, usize) -> R) -> R {
    let mut room = ROOM.take();
    room.extend(values.iter().map(|value| value.raw()));
    let answer = call(room.as_ptr(), room.len());
    room.clear();
    if room.capacity() <= ROOM_VALUES_MAX {
        ROOM.set(room);
    }
    answer
}
