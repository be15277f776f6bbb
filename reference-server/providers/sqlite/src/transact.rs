//! Beginning and ending transactions, and scripts. Must not know rows.

use std::time::Duration;

use rusqlite::Batch;
use rusqlite::fallible_iterator::FallibleIterator;

use http_container::provider::TransactionKind;

use crate::failure::{Failure, Kind};
use crate::session::{Session, Stop};
use crate::transaction::Transaction;

/// How long a statement in the middle of a script waits for a lock of another process, in its thread: the script cannot be
/// begun again.
const SCRIPT_WAIT: Duration = Duration::from_millis(100);

impl Session {
    /// Begins or ends a transaction. \[sql.transaction.nested\] \[sql.transaction.commit\]
    pub(crate) fn transact(&mut self, what: TransactionKind) -> Result<(), Stop> {
        let result = match what {
            TransactionKind::Begin => self.begin("BEGIN IMMEDIATE", false),
            TransactionKind::BeginRead => self.begin("BEGIN", true),
            TransactionKind::Commit => self.commit(),
            TransactionKind::Rollback => self.end().and_then(|_| Ok(self.roll_back()?)),
        };
        self.settle(result)
    }

    fn begin(&mut self, text: &str, reads_only: bool) -> Result<(), Stop> {
        self.transaction.admit()?;
        if self.transaction != Transaction::None {
            let message = "cannot start a transaction within a transaction";
            return Err(Failure::refused("25001", message).into());
        }
        self.may_run(!reads_only)?;
        self.run(text)?;
        self.transaction = Transaction::Open { reads_only };
        Ok(())
    }

    /// Whether there is a transaction to be ended: whether it can still be committed.
    fn end(&mut self) -> Result<bool, Stop> {
        match self.transaction {
            Transaction::None => Err(Failure::refused("25P01", "no transaction is active").into()),
            Transaction::Open { .. } => Ok(true),
            Transaction::Failed => {
                self.transaction = Transaction::None;
                Ok(false)
            }
        }
    }

    fn commit(&mut self) -> Result<(), Stop> {
        if !self.end()? {
            return Err(Failure::refused("40000", "an error had rolled the transaction back").into());
        }
        match self.run("COMMIT") {
            Ok(()) => self.transaction = Transaction::None,
            // Readers are in the way: it may be tried again.
            Err(failure) if failure.kind == Kind::Busy => return Err(failure.into()),
            Err(failure) => {
                self.roll_back()?;
                return Err(failure.into());
            }
        }
        Ok(())
    }

    /// Runs all statements of a text, up to the first that fails. Answers what the last one changed. \[sql.script\]
    pub(crate) fn script(&mut self, text: &str) -> Result<u64, Stop> {
        let result = self.try_script(text);
        self.alteration.note();
        let reset = self.connection.busy_timeout(Duration::ZERO);
        let affected = self.settle(result)?;
        reset?;
        Ok(affected)
    }

    fn try_script(&mut self, text: &str) -> Result<u64, Stop> {
        self.transaction.admit()?;
        // A script mostly writes; and it could not wait for its turn in the middle.
        self.may_run(self.transaction.admit_write().is_ok())?;
        let mut affected = 0;
        let mut batch = Batch::new(&self.connection, text);
        let mut is_first = true;
        let again = |failure: Failure, is_first: bool| match failure.kind {
            Kind::Busy if !is_first => Failure { kind: Kind::Refused, ..failure },
            _ => failure,
        };
        while let Some(mut statement) = batch.next().map_err(|error| again(error.into(), is_first))? {
            if self.interrupt.is_asked() {
                return Err(Failure::interrupted().into());
            }
            if statement.parameter_count() > 0 {
                return Err(Failure::refused("42P02", "a script has no placeholders").into());
            }
            if !statement.readonly() {
                self.transaction.admit_write()?;
            }
            let changes = self.connection.total_changes();
            let mut rows = statement.raw_query();
            while rows.next().map_err(|error| again(error.into(), is_first))?.is_some() {}
            let has_changed = self.connection.total_changes() != changes;
            affected = if has_changed { self.connection.changes() } else { 0 };
            if std::mem::take(&mut is_first) {
                self.connection.busy_timeout(SCRIPT_WAIT)?;
            }
        }
        Ok(affected)
    }
}
