//! A transaction and its end. Must not know what is done in it.

use std::ops::{Deref, DerefMut};

use http_container_abi::constants::sql_transaction;

use super::error::SqlError;
use super::session::Sql;

/// An open transaction; it dereferences to the [`Sql`] that runs its statements. Dropped, it is rolled back: by the next
/// statement on the connection, or by the container when the connection is given back \[sql.transaction.open\].
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction<'s> {
    sql: &'s mut Sql,
}

impl<'s> Transaction<'s> {
    pub(super) fn new(sql: &'s mut Sql) -> Self {
        Self { sql }
    }

    /// Makes its changes last.
    ///
    /// # Errors
    /// `E_FAILED`: the database refused it, and nothing was changed. With any other, nobody knows \[sql.transaction.lost\].
    pub async fn commit(self) -> Result<(), SqlError> {
        self.sql.end_transaction(sql_transaction::COMMIT).await
    }

    /// Undoes its changes.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn rollback(self) -> Result<(), SqlError> {
        self.sql.end_transaction(sql_transaction::ROLLBACK).await
    }
}

impl Deref for Transaction<'_> {
    type Target = Sql;

    fn deref(&self) -> &Sql {
        self.sql
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Sql {
        self.sql
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.sql.abandon_transaction();
    }
}
