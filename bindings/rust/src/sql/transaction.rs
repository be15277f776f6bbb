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
    is_over: bool,
}

impl<'s> Transaction<'s> {
    pub(super) fn new(sql: &'s mut Sql) -> Self {
        Self { sql, is_over: false }
    }

    /// Makes its changes last.
    ///
    /// # Errors
    /// The database refused it, and nothing was changed; or the connection is lost, and nobody knows.
    pub async fn commit(self) -> Result<(), SqlError> {
        self.end(sql_transaction::COMMIT).await
    }

    /// Undoes its changes.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn rollback(self) -> Result<(), SqlError> {
        self.end(sql_transaction::ROLLBACK).await
    }

    async fn end(mut self, what: u32) -> Result<(), SqlError> {
        self.sql.end_transaction(what).await?;
        self.is_over = true;
        Ok(())
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
        if !self.is_over {
            self.sql.abandon_transaction();
        }
    }
}
