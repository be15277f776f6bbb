//! The answer of a statement, row by row. Must not know what was asked.

use std::fmt;
use std::sync::Arc;

use http_container_abi::RowsStorage;

use super::error::SqlError;
use super::row::{Columns, Row};
use super::session::{Sql, fresh};

/// The rows that a statement answers. They come as they are asked for: the database is held back while nobody does. Dropped
/// before the end, the rest is read by the next statement on the connection.
pub struct Rows<'s> {
    sql: &'s mut Sql,
    columns: Arc<Columns>,
    batch: Arc<RowsStorage>,
    /// The next row of the batch.
    next: usize,
}

impl<'s> Rows<'s> {
    pub(super) fn new(sql: &'s mut Sql, columns: Columns) -> Self {
        Self { sql, columns: Arc::new(columns), batch: Arc::default(), next: 0 }
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
        while self.next >= self.batch.row_count() {
            self.next = 0;
            let room = fresh(&mut self.batch, self.columns.len());
            if !self.sql.fetch(room).await? {
                return Ok(None);
            }
        }
        self.next += 1;
        Ok(Some(Row::new(Arc::clone(&self.columns), Arc::clone(&self.batch), self.next - 1)))
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
    pub async fn finish(mut self) -> Result<u64, SqlError> {
        let room = fresh(&mut self.batch, self.columns.len());
        while self.sql.fetch(room).await? {}
        Ok(self.sql.affected())
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Rows({:?})", self.columns.iter().collect::<Vec<_>>())
    }
}
