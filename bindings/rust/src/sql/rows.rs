//! The answer of a statement, row by row. Must not know what was asked.

use std::fmt;
use std::sync::Arc;

use http_container_abi::{RowsStorage, SqlValues};

use super::error::SqlError;
use super::row::{Columns, Row};
use super::session::Sql;

/// The rows that a statement answers. They come as they are asked for: the database is held back while nobody does. Dropped
/// before the end, the rest is read by the next statement on the connection.
pub struct Rows<'s> {
    sql: &'s mut Sql,
    columns: Arc<Columns>,
    /// Once there was one.
    batch: Option<Arc<RowsStorage>>,
    /// The next row of the batch.
    next: usize,
}

impl<'s> Rows<'s> {
    pub(super) fn new(sql: &'s mut Sql, columns: Arc<Columns>) -> Self {
        Self { sql, columns, batch: None, next: 0 }
    }

    /// The names of the columns, in order; none for a statement that answers no rows.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter()
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// The statement failed on its way, or the connection is lost.
    pub async fn next(&mut self) -> Result<Option<Row>, SqlError> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.next < batch.row_count()) {
                self.next += 1;
                return Ok(Some(Row::new(Arc::clone(&self.columns), Arc::clone(batch), self.next - 1)));
            }
            let (batch, next, column_count) = (&mut self.batch, &mut self.next, self.columns.len());
            let take = |values: SqlValues<'_>| {
                *next = 0;
                fresh(batch, column_count).push(values);
            };
            if !self.sql.fetch(take).await? {
                return Ok(None);
            }
        }
    }

    /// All rows that are left.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<Row>, SqlError> {
        let mut all = Vec::new();
        while let Some(row) = self.next().await? {
            all.push(row);
        }
        Ok(all)
    }

    /// Reads to the end without looking, and answers how many rows the statement inserted, changed, deleted or answered.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn finish(self) -> Result<u64, SqlError> {
        while self.sql.fetch(|_| ()).await? {}
        Ok(self.sql.affected())
    }
}

/// Room for rows: that of the last ones when nobody looks at them any more, or new room.
fn fresh(batch: &mut Option<Arc<RowsStorage>>, column_count: usize) -> &mut RowsStorage {
    let kept = batch.take().filter(|batch| Arc::strong_count(batch) == 1);
    let storage = Arc::get_mut(batch.insert(kept.unwrap_or_default()));
    let storage = storage.expect("a fresh batch has no other owner");
    storage.begin(column_count);
    storage
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Rows({:?})", self.columns.iter().collect::<Vec<_>>())
    }
}
