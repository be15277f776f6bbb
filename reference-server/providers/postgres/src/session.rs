//! One connection, and what it can be asked: statements, scripts, transactions, a reset, a check. Must not know members.
//!
//! The connection itself is driven elsewhere ([`drive`](crate::drive)); what is asked here is only queued for it.

use std::cell::RefCell;
use std::rc::Rc;

use http_container::provider::{SqlValue, TransactionKind};
use tokio_postgres::{CancelToken, Client, Statement};

use crate::answer::Answer;
use crate::as_text::around;
use crate::column::Shape;
use crate::failure::Failure;
use crate::parameter::Parameter;
use crate::script;
use crate::statements::Statements;
use crate::trace::Trace;
use crate::watch::{Heard, Transaction};

/// All that `DISCARD ALL` does but forgetting prepared statements, in one go: the statements that are kept stay good.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES";
/// The statements that a user prepared by SQL, as statements that forget them.
const PREPARED_BY_SQL: &str = "SELECT pg_catalog.format('DEALLOCATE %I', name) FROM pg_catalog.pg_prepared_statements \
    WHERE from_sql";
const ACTIVE_TRANSACTION: &str = "25001";
const NO_ACTIVE_TRANSACTION: &str = "25P01";
const TRANSACTION_ROLLBACK: &str = "40000";

/// One connection.
pub(crate) struct Session {
    client: Client,
    heard: Rc<Heard>,
    statements: RefCell<Statements<Prepared>>,
}

/// A statement that the server has prepared.
pub(crate) struct Prepared {
    pub(crate) statement: Statement,
    pub(crate) columns: Vec<Column>,
    trace: Trace,
}

/// A column of an answer.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) shape: Shape,
}

impl AsRef<str> for Column {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl Session {
    /// A connection, of which `statements_kept` statements stay prepared.
    pub(crate) fn new(client: Client, heard: Rc<Heard>, statements_kept: usize) -> Self {
        Self { client, heard, statements: RefCell::new(Statements::new(statements_kept)) }
    }

    /// What ends the statement under way, over a connection of its own.
    pub(crate) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// Whether the connection is other than a fresh one.
    pub(crate) fn is_dirty(&self) -> bool {
        self.heard.transaction() != Transaction::None || self.heard.has_changed_session()
    }

    /// Whether the connection can no longer do all that a fresh one can, and no reset would help.
    pub(crate) fn is_spent(&self) -> bool {
        self.heard.has_dropped_statements()
    }

    /// Runs a statement, up to the first row.
    pub(crate) async fn run(
        &self,
        text: &str,
        values: impl ExactSizeIterator<Item = SqlValue<'_>> + Clone,
        is_once: bool,
    ) -> Result<Answer, Failure> {
        // Statements that somebody dropped are not there to be used.
        let is_once = is_once || self.is_spent();
        let failure = match self.try_run(text, values.clone(), is_once).await {
            Err(failure) if failure.is_outdated => failure,
            answer => return answer,
        };
        // Prepared before the tables were changed, or forgotten by the server.
        self.statements.borrow_mut().forget(text);
        if self.heard.transaction() != Transaction::None {
            return Err(failure);
        }
        self.try_run(text, values, is_once).await
    }

    async fn try_run(
        &self,
        text: &str,
        values: impl ExactSizeIterator<Item = SqlValue<'_>>,
        is_once: bool,
    ) -> Result<Answer, Failure> {
        let kept = if is_once { None } else { self.statements.borrow_mut().find(text) };
        let prepared = match kept {
            Some(prepared) => prepared,
            None => {
                let prepared = Rc::new(self.prepare(text).await?);
                if !is_once {
                    self.statements.borrow_mut().keep(text, Rc::clone(&prepared));
                }
                prepared
            }
        };
        let placeholders = prepared.statement.params().len();
        if placeholders != values.len() {
            return Err(Failure::value_count(placeholders, values.len()));
        }
        self.heard.expect(prepared.trace);
        let rows = self.client.query_raw(&prepared.statement, values.map(Parameter)).await?;
        Ok(Answer::new(prepared, rows))
    }

    async fn prepare(&self, text: &str) -> Result<Prepared, Failure> {
        let statement = self.client.prepare(text).await?;
        let shapes: Vec<_> = statement.columns().iter().map(|column| Shape::of(column.type_())).collect();
        let columns = statement.columns().iter().zip(&shapes).map(|(column, shape)| Column {
            name: column.name().to_owned(),
            type_name: column.type_().to_string(),
            shape: shape.unwrap_or(Shape::Text),
        });
        let columns: Vec<Column> = columns.collect();
        let as_text: Vec<bool> = shapes.iter().map(Option::is_none).collect();
        let statement = match as_text.contains(&true) {
            false => statement,
            true => self.client.prepare(&around(text, &as_text)).await.map_err(|error| {
                let failure = Failure::from(error);
                let message = unwritable(&columns, &as_text, &failure.message);
                Failure { message, ..failure }
            })?,
        };
        Ok(Prepared { statement, columns, trace: Trace::of(text) })
    }

    /// Runs a script, and answers how many rows its last statement changed or found.
    pub(crate) async fn run_script(&self, text: &str) -> Result<u64, Failure> {
        // It may hold more than the local setting with which it begins.
        let trace = Trace::of(text);
        self.heard.expect(if trace == Trace::LocalSetting { Trace::None } else { trace });
        script::run(&self.client, text).await
    }

    /// Begins or ends a transaction.
    pub(crate) async fn transaction(&self, kind: TransactionKind) -> Result<(), Failure> {
        let is_open = self.heard.transaction() != Transaction::None;
        let text = match kind {
            TransactionKind::Begin | TransactionKind::BeginRead if is_open => {
                return Err(Failure::refused(ACTIVE_TRANSACTION, "a transaction is open already"));
            }
            TransactionKind::Commit | TransactionKind::Rollback if !is_open => {
                return Err(Failure::refused(NO_ACTIVE_TRANSACTION, "no transaction is open"));
            }
            TransactionKind::Begin => "BEGIN",
            TransactionKind::BeginRead => "BEGIN READ ONLY",
            TransactionKind::Commit => "COMMIT",
            TransactionKind::Rollback => "ROLLBACK",
        };
        self.client.batch_execute(text).await?;
        // The server rolls a failed transaction back, and does not call that an error.
        if kind == TransactionKind::Commit && self.heard.last_command() != "COMMIT" {
            let message = "the transaction was rolled back, since a statement in it had failed";
            return Err(Failure::refused(TRANSACTION_ROLLBACK, message));
        }
        Ok(())
    }

    /// Makes the connection like a fresh one.
    pub(crate) async fn reset(&self) -> Result<(), Failure> {
        match self.try_reset().await {
            // A cancellation that came late, for the statement before.
            Err(failure) if failure.is_cancelled() => self.try_reset().await,
            outcome => outcome,
        }
    }

    async fn try_reset(&self) -> Result<(), Failure> {
        if self.heard.transaction() != Transaction::None {
            self.client.batch_execute("ROLLBACK").await?;
        }
        self.client.batch_execute(RESET).await?;
        if self.heard.has_prepared() {
            let forget = script::first_column(&self.client, PREPARED_BY_SQL).await?;
            self.client.batch_execute(&forget.join(";")).await?;
        }
        self.heard.forget();
        Ok(())
    }

    /// Finds out whether the server still answers.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        Ok(self.client.check_connection().await?)
    }
}

fn unwritable(columns: &[Column], as_text: &[bool], reason: &str) -> String {
    let named = columns.iter().zip(as_text).filter(|(_, as_text)| **as_text);
    let named: Vec<_> =
        named.map(|(column, _)| format!("`{}` ({})", column.name, column.type_name)).collect();
    format!(
        "cast to text what only the server can write: {}; it could not be asked to: {reason}",
        named.join(", ")
    )
}
