//! One row of an answer, with its columns by place or name. Must not know how rows come.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use http_container_abi::{NamesView, RowsStorage, SqlValue};

use super::error::SqlError;
use super::value::FromValue;

/// The names of the columns of one answer.
#[derive(Default)]
pub(super) struct Columns {
    text: String,
    /// Where each name ends.
    ends: Vec<usize>,
}

/// So many different answers are remembered on each thread, if their names are short.
const SHARED: usize = 8;
const SHARED_BYTES_MAX: usize = 1024;

thread_local! {
    /// Names of answers that came before: the same statements come again and again.
    static KNOWN: RefCell<VecDeque<Arc<Columns>>> = const { RefCell::new(VecDeque::new()) };
}

impl Columns {
    /// Those of these names; the same ones as before, when they were seen lately.
    pub(super) fn shared(names: NamesView<'_>) -> Arc<Self> {
        KNOWN.with_borrow_mut(|known| {
            if let Some(found) = known.iter().find(|columns| columns.are(names)) {
                return Arc::clone(found);
            }
            let made = Arc::new(Self::of(names));
            if made.text.len() <= SHARED_BYTES_MAX {
                known.truncate(SHARED - 1);
                known.push_front(Arc::clone(&made));
            }
            made
        })
    }

    fn are(&self, names: NamesView<'_>) -> bool {
        self.len() == names.len() && self.iter().zip(names.iter()).all(|(own, name)| own.as_bytes() == name)
    }

    fn of(names: NamesView<'_>) -> Self {
        let mut this = Self::default();
        for name in names.iter() {
            this.text.push_str(&String::from_utf8_lossy(name));
            this.ends.push(this.text.len());
        }
        this
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn name(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..*self.ends.get(index)?)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.name(index).unwrap_or_default())
    }
}

/// One row. It is whole: it may be kept, and sent to other threads.
#[derive(Clone)]
pub struct Row {
    columns: Arc<Columns>,
    batch: Arc<RowsStorage>,
    index: usize,
}

impl Row {
    pub(super) fn new(columns: Arc<Columns>, batch: Arc<RowsStorage>, index: usize) -> Self {
        Self { columns, batch, index }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none; never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter()
    }

    /// The value of a column, by its place from 0 or its name: `row.get::<i64>("id")?`, `row.get::<&str>(1)?`.
    ///
    /// # Errors
    /// There is no such column, or its value is of another type.
    pub fn get<'a, T: FromValue<'a>>(&'a self, column: impl ColumnIndex) -> Result<T, SqlError> {
        let index = column
            .find(self)
            .ok_or_else(|| SqlError::unexpected(format!("the answer has no column {}", column.describe())))?;
        T::from_value(self.value(index)).map_err(|mismatch| {
            let name = self.columns.name(index).unwrap_or_default();
            SqlError::unexpected(format!("the column `{name}`: {mismatch}"))
        })
    }

    /// The values, in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = SqlValue<'_>> {
        (0..self.len()).map(|index| self.value(index))
    }

    fn value(&self, index: usize) -> SqlValue<'_> {
        self.batch.values().get(self.index * self.len() + index).unwrap_or(SqlValue::Null)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.columns().zip(self.values())).finish()
    }
}

/// How a column is named: its place from 0, or its name as the database gives it.
pub trait ColumnIndex: Copy {
    /// The place of the column.
    fn find(&self, row: &Row) -> Option<usize>;
    /// For a message.
    fn describe(&self) -> String;
}

impl ColumnIndex for usize {
    fn find(&self, row: &Row) -> Option<usize> {
        Some(*self).filter(|&index| index < row.len())
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}

impl ColumnIndex for &str {
    fn find(&self, row: &Row) -> Option<usize> {
        row.columns().position(|name| name == *self)
    }

    fn describe(&self) -> String {
        format!("`{self}`")
    }
}
