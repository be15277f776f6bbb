//! The rows of an answer, in batches as they come. Must not know who takes them.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::Stream;
use http_container::provider::SqlValue;
use tokio_postgres::{Row, RowStream};

use crate::column::{Cell, Raw};
use crate::failure::Failure;
use crate::session::{Column, Prepared};

/// A batch ends when it has so many bytes.
const BATCH_BYTES: usize = 32 * 1024;
/// A batch ends when it has so many rows.
const BATCH_ROWS: usize = 256;

/// The answer to a statement.
pub(crate) struct Answer {
    prepared: Rc<Prepared>,
    rows: Pin<Box<RowStream>>,
    batch: Vec<Row>,
    /// What became of the statement, once its last row has come.
    end: Option<Result<(), Failure>>,
}

impl Answer {
    pub(crate) fn new(prepared: Rc<Prepared>, rows: RowStream) -> Self {
        Self { prepared, rows: Box::pin(rows), batch: Vec::new(), end: None }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.prepared.columns
    }

    /// Fetches rows until the batch is full or the server has sent no more yet. False: that was all. Rows that came before a
    /// failure are told before it \[sql.rows.failed\].
    pub(crate) async fn fetch(&mut self) -> Result<bool, Failure> {
        self.batch.clear();
        if self.end.is_none() {
            poll_fn(|context| self.poll_batch(context)).await;
        }
        match &self.end {
            _ if !self.batch.is_empty() => Ok(true),
            Some(Err(failure)) => Err(failure.clone()),
            Some(Ok(())) | None => Ok(false),
        }
    }

    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut size = 0;
        while size < BATCH_BYTES && self.batch.len() < BATCH_ROWS {
            match self.rows.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(row))) => {
                    size += row.raw_size_bytes();
                    self.batch.push(row);
                }
                Poll::Ready(Some(Err(error))) => {
                    self.end = Some(Err(error.into()));
                    break;
                }
                Poll::Ready(None) => {
                    self.end = Some(Ok(()));
                    break;
                }
                // What is there is worth more now than together with what may come.
                Poll::Pending if self.batch.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(())
    }

    /// Shows the values of the batch, row by row. `written` holds the texts that had to be made for them.
    pub(crate) fn values<'a>(&'a self, written: &'a mut String) -> Result<Vec<SqlValue<'a>>, Failure> {
        written.clear();
        let columns = self.columns();
        let mut cells = Vec::with_capacity(self.batch.len() * columns.len());
        for row in &self.batch {
            for (place, column) in columns.iter().enumerate() {
                cells.push(match row.try_get::<_, Option<Raw<'_>>>(place)? {
                    None => Cell::Value(SqlValue::Null),
                    Some(Raw(bytes)) => column
                        .shape
                        .read(bytes, written)
                        .map_err(|error| Failure::malformed(&column.name, &column.type_name, error))?,
                });
            }
        }
        let written: &'a str = written;
        let value = |cell| match cell {
            Cell::Value(value) => value,
            Cell::Written(place) => SqlValue::Text(&written[place]),
        };
        Ok(cells.into_iter().map(value).collect())
    }

    /// Rows that the statement changed or found; after the last batch.
    pub(crate) fn affected(&self) -> u64 {
        self.rows.rows_affected().unwrap_or(0)
    }
}
