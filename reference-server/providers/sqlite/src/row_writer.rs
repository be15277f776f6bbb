//! Gathering rows into chunks for their queue, so that neither each row nor the last of a slow statement costs a wake-up. Must
//! not know who reads them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::chunk::Chunk;
use crate::failure::Failure;
use crate::row_queue::{MOST_PATIENCE, RowQueue};

/// How long a row waits for others at most, if the statement goes on.
const GATHER: Duration = Duration::from_millis(10);

/// The writer's side of a queue. Dropping it ends the queue; the reader is woken by the end of the statement's job, not by
/// this.
pub(crate) struct RowWriter {
    queue: Arc<RowQueue>,
    columns: Option<Vec<Box<str>>>,
    chunk: Chunk,
    has_written: bool,
    handed_over: Instant,
    patience: Duration,
}

impl RowWriter {
    pub(crate) fn new(queue: Arc<RowQueue>) -> Self {
        Self {
            queue,
            columns: None,
            chunk: Chunk::default(),
            has_written: false,
            handed_over: Instant::now(),
            patience: MOST_PATIENCE,
        }
    }

    /// The names of the columns, before all rows.
    pub(crate) fn columns(&mut self, names: Vec<Box<str>>) {
        self.columns = Some(names);
    }

    /// Where the values of the next row go.
    pub(crate) fn row(&mut self) -> &mut Chunk {
        &mut self.chunk
    }

    /// The row is whole: hands rows over when there are enough.
    pub(crate) fn end_row(&mut self) -> Result<(), Failure> {
        if self.chunk.is_full() || self.handed_over.elapsed() >= GATHER {
            self.hand_over(true)?;
        }
        Ok(())
    }

    /// Whether the reader may have seen something.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Hands over what is left.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.hand_over(false)
    }

    fn hand_over(&mut self, wakes: bool) -> Result<(), Failure> {
        self.has_written = true;
        if let Some(columns) = self.columns.take() {
            self.queue.put_columns(columns);
        }
        let chunk = std::mem::take(&mut self.chunk);
        if !chunk.is_empty() {
            self.queue.put(chunk, &mut self.patience, wakes)?;
        }
        self.handed_over = Instant::now();
        Ok(())
    }
}

impl Drop for RowWriter {
    fn drop(&mut self) {
        self.queue.end();
    }
}
