//! A leased connection: statements one after another, and in which state it is given back. Must not know what is asked.

use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::ready;

use http_container_abi::constants::{sql_flag, sql_transaction};
use http_container_abi::{SqlRef, SqlValue, SqlValues, Status};

use super::error::SqlError;
use super::row::{Columns, Row};
use super::rows::Rows;
use super::transaction::Transaction;
use crate::operation::Operation;
use crate::resource::{Lease, LeaseEnd};

/// A connection to a database, held by this task. Dropped, it is given back; see [`sql`](super) for the state in which.
pub struct Sql {
    extension: SqlRef,
    /// The wait for rows. It is kept when a future that waited is dropped, so that no row is lost.
    rows: Operation,
    /// After the wait, which is withdrawn first.
    lease: Lease,
    phase: Phase,
    transaction: Open,
    is_doubtful: bool,
}

/// Where the last statement is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Done.
    Idle,
    /// Begun; when nobody awaits it any more, the lease is poisoned.
    UnderWay,
    /// Answered, and its rows were not read to the end.
    Unread,
}

/// Whether a transaction is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    No,
    Yes,
    /// Its guard is gone: it is rolled back before anything else is done.
    Abandoned,
}

impl Sql {
    pub(crate) fn new(lease: Lease, extension: SqlRef) -> Self {
        let rows = Operation::of(Rc::clone(lease.context()));
        Self { extension, rows, lease, phase: Phase::Idle, transaction: Open::No, is_doubtful: false }
    }

    /// Runs a statement whose answer is rows, read as they come. Placeholders are `$1` to `$n`, whatever the database;
    /// [`params!`](crate::params) makes the values.
    ///
    /// # Errors
    /// The database refused it, the connection is lost, or the lease is poisoned.
    pub async fn query(&mut self, text: &str, values: &[SqlValue<'_>]) -> Result<Rows<'_>, SqlError> {
        self.begin(0, text, values).await
    }

    /// As [`query`](Self::query), for a text that will hardly be used again: it is not kept prepared.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn query_once(&mut self, text: &str, values: &[SqlValue<'_>]) -> Result<Rows<'_>, SqlError> {
        self.begin(sql_flag::ONCE, text, values).await
    }

    /// Runs a statement, and answers how many rows it inserted, changed or deleted.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn execute(&mut self, text: &str, values: &[SqlValue<'_>]) -> Result<u64, SqlError> {
        self.query(text, values).await?.finish().await
    }

    /// Runs a statement that answers one row.
    ///
    /// # Errors
    /// As [`query`](Self::query); `E_FAILED` when it answers none, or more than one.
    pub async fn query_one(&mut self, text: &str, values: &[SqlValue<'_>]) -> Result<Row, SqlError> {
        let row = self.query_optional(text, values).await?;
        row.ok_or_else(|| SqlError::unexpected("the statement answered no row"))
    }

    /// Runs a statement that answers one row, or none.
    ///
    /// # Errors
    /// As [`query`](Self::query); `E_FAILED` when it answers more than one.
    pub async fn query_optional(
        &mut self,
        text: &str,
        values: &[SqlValue<'_>],
    ) -> Result<Option<Row>, SqlError> {
        let mut rows = self.query(text, values).await?;
        let row = rows.next().await?;
        match rows.next().await? {
            None => Ok(row),
            Some(_) => Err(SqlError::unexpected("the statement answered more than one row")),
        }
    }

    /// Runs several statements, as a schema: no values, no rows.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn script(&mut self, text: &str) -> Result<(), SqlError> {
        self.begin(sql_flag::SCRIPT, text, &[]).await?.finish().await?;
        Ok(())
    }

    /// Begins a transaction. Dropping the guard rolls it back.
    ///
    /// # Errors
    /// As [`query`](Self::query); `E_STATE` when one is open.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, SqlError> {
        self.open(sql_transaction::BEGIN).await
    }

    /// Begins a transaction that only reads.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub async fn read_transaction(&mut self) -> Result<Transaction<'_>, SqlError> {
        self.open(sql_transaction::BEGIN_READ).await
    }

    /// What was done changed the session (`SET`, a temporary table): the connection is made like a fresh one before somebody
    /// else has it.
    pub fn set_dirty(&mut self) {
        self.is_doubtful = true;
    }

    async fn open(&mut self, what: u32) -> Result<Transaction<'_>, SqlError> {
        if self.transaction == Open::Yes {
            return Err(SqlError::new(Status::E_STATE, "a transaction is open"));
        }
        self.settle().await?;
        self.tell(what).await?;
        self.transaction = Open::Yes;
        Ok(Transaction::new(self))
    }

    /// Ends the open transaction.
    ///
    /// What the database refuses leaves none open, either \[sql.transaction.commit\].
    pub(super) async fn end_transaction(&mut self, what: u32) -> Result<(), SqlError> {
        self.drain().await?;
        let told = self.tell(what).await;
        self.is_doubtful |= told.is_err();
        if told.as_ref().err().is_none_or(|error| error.status() == Status::E_FAILED) {
            self.transaction = Open::No;
        }
        told
    }

    /// The guard of the transaction is gone.
    pub(super) fn abandon_transaction(&mut self) {
        if self.transaction == Open::Yes {
            self.transaction = Open::Abandoned;
        }
    }

    async fn begin(&mut self, flags: u32, text: &str, values: &[SqlValue<'_>]) -> Result<Rows<'_>, SqlError> {
        self.settle().await?;
        let extension = self.extension;
        self.run(|task, lease, token| extension.query(task, lease, token, flags, text, values)).await?;
        self.phase = Phase::Unread;
        let columns = extension.columns(self.lease.task(), self.lease.handle(), Columns::shared);
        let columns = columns.map_err(|status| self.refused(status))?;
        Ok(Rows::new(self, columns))
    }

    async fn tell(&mut self, what: u32) -> Result<(), SqlError> {
        let extension = self.extension;
        self.run(|task, lease, token| extension.transaction(task, lease, token, what)).await
    }

    /// Makes the connection free for a statement: reads what is left of the last one, and rolls back what was abandoned.
    async fn settle(&mut self) -> Result<(), SqlError> {
        self.drain().await?;
        if self.transaction == Open::Abandoned {
            let told = self.end_transaction(sql_transaction::ROLLBACK).await;
            return match told {
                // A database that refuses has none open: a statement may have ended it.
                Err(error) if error.status() != Status::E_FAILED => Err(error),
                _ => Ok(()),
            };
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), SqlError> {
        if self.phase == Phase::UnderWay {
            let text = "a statement was given up in its middle: the lease is poisoned, acquire another one";
            return Err(SqlError::new(Status::E_STATE, text));
        }
        while self.phase == Phase::Unread {
            // What became of it was nobody's wish to know.
            let _ = self.fetch(|_| ()).await;
        }
        Ok(())
    }

    /// Asks for something whose event says what became of it. Dropping the future withdraws it.
    async fn run(&mut self, ask: impl FnOnce(u64, u64, u64) -> Status) -> Result<(), SqlError> {
        let operation = Operation::of(Rc::clone(self.lease.context()));
        let lease = self.lease.handle();
        let status = operation.call(|_, task, token| ask(task, lease, token));
        match status {
            Status::PENDING => {}
            // The task is being cancelled: its future is dropped when this step has ended.
            Status::E_CANCELLED => std::future::pending().await,
            status => return Err(self.refused(status)),
        }
        self.phase = Phase::UnderWay;
        let event = poll_fn(|context| operation.poll(context.waker())).await;
        self.phase = Phase::Idle;
        match event.map_or(Status::E_GONE, |event| event.status) {
            Status::OK => Ok(()),
            status => Err(self.failure(status)),
        }
    }

    /// Shows more rows to `take`; false: that was all. Dropping the future loses nothing.
    pub(super) async fn fetch(&mut self, mut take: impl FnMut(SqlValues<'_>)) -> Result<bool, SqlError> {
        if self.phase != Phase::Unread {
            return Ok(false);
        }
        let (rows, extension, lease) = (&self.rows, self.extension, self.lease.handle());
        let status = poll_fn(|context| {
            loop {
                if let Some(event) = ready!(rows.poll(context.waker()))
                    && event.status.is_error()
                {
                    return std::task::Poll::Ready(event.status);
                }
                let asked = rows.call(|_, task, token| extension.rows(task, lease, token, &mut take));
                match asked {
                    Ok(()) => return std::task::Poll::Ready(Status::OK),
                    Err(Status::PENDING) => {}
                    Err(status) => return std::task::Poll::Ready(status),
                }
            }
        })
        .await;
        match status {
            Status::OK => return Ok(true),
            Status::END => {
                self.phase = Phase::Idle;
                return Ok(false);
            }
            Status::E_CANCELLED if !self.has_outcome() => std::future::pending().await,
            _ => {}
        }
        self.phase = Phase::Idle;
        Err(self.failure(status))
    }

    fn has_outcome(&self) -> bool {
        self.extension.outcome(self.lease.task(), self.lease.handle(), |_| ()).is_ok()
    }

    /// Rows that the last statement inserted, changed, deleted or answered.
    pub(super) fn affected(&self) -> u64 {
        self.extension
            .outcome(self.lease.task(), self.lease.handle(), |outcome| outcome.affected)
            .unwrap_or_default()
    }

    /// A statement failed with that status: in the database's words, if it has any.
    #[cold]
    fn failure(&mut self, status: Status) -> SqlError {
        self.is_doubtful |= status != Status::E_FAILED;
        let told = self.extension.outcome(self.lease.task(), self.lease.handle(), |outcome| {
            SqlError::of_database(status, outcome.code, outcome.message)
        });
        told.unwrap_or_else(|_| SqlError::new(status, format!("the statement failed: {}", status.text())))
    }

    /// The container refused the call.
    #[cold]
    fn refused(&mut self, status: Status) -> SqlError {
        self.is_doubtful = true;
        SqlError::new(status, crate::error::Error::refused("the statement", status).message())
    }
}

impl Drop for Sql {
    fn drop(&mut self) {
        // With rows unread, the container looks whether the statement is under way still.
        let is_settled = self.phase != Phase::UnderWay && self.transaction == Open::No && !self.is_doubtful;
        self.lease.set_end(if is_settled { LeaseEnd::Clean } else { LeaseEnd::Dirty });
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sql({:#x})", self.lease.handle())
    }
}
