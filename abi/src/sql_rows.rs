//! Where a container keeps rows of an answer in the layout of the boundary: copied from the provider, read by the user.
//! Reusable. Must not know who is asked for rows, or when.

use std::{fmt, ptr};

use crate::raw::{hc_bytes, hc_sql_rows, hc_sql_value};
use crate::sql_value::{SqlValue, SqlValues};

/// Rows that a container hands to a module: where they are and how many. Carries no lifetime: the container keeps them alive
/// for as long as the header says. Made by [`RowsStorage::raw`].
#[derive(Clone, Copy, Debug)]
pub struct RawRows {
    values: *const hc_sql_value,
    row_count: usize,
    column_count: usize,
}

impl RawRows {
    /// How many rows there are.
    #[must_use]
    pub const fn row_count(&self) -> usize {
        self.row_count
    }

    /// How many values a row has.
    #[must_use]
    pub const fn column_count(&self) -> usize {
        self.column_count
    }

    /// The structure that the module is given.
    pub(crate) const fn structure(self) -> hc_sql_rows {
        hc_sql_rows {
            size: size_of::<hc_sql_rows>() as u32,
            reserved: 0,
            values: self.values,
            row_count: self.row_count,
            column_count: self.column_count,
        }
    }
}

/// Copied values, row by row. They stay where they are, however the storage itself is moved, until the next change of it.
#[derive(Default)]
pub struct RowsStorage {
    /// Texts and bytes of the values, one after the other in the order of the values.
    bytes: Vec<u8>,
    values: Vec<hc_sql_value>,
    column_count: usize,
}

// SAFETY: the pointers in `values` point into `bytes`, which moves with it (the heap block stays where it is).
unsafe impl Send for RowsStorage {}
// SAFETY: a shared RowsStorage is only read.
unsafe impl Sync for RowsStorage {}

impl RowsStorage {
    /// Room for nothing yet, and rows of no columns.
    #[must_use]
    pub const fn new() -> RowsStorage {
        RowsStorage { bytes: Vec::new(), values: Vec::new(), column_count: 0 }
    }

    /// Forgets the rows and keeps the memory; those to come have `column_count` values each.
    pub fn begin(&mut self, column_count: usize) {
        self.clear();
        self.column_count = column_count;
    }

    /// Forgets the rows, and keeps the memory and the number of columns.
    pub fn clear(&mut self) {
        self.values.clear();
        self.bytes.clear();
    }

    /// Copies values: whole rows, unless the rest of the last one is pushed later.
    pub fn push(&mut self, values: SqlValues<'_>) {
        self.values.reserve(values.len());
        self.reserve_bytes(values.iter().map(SqlValue::byte_count).sum());
        for value in values {
            self.push_value(value);
        }
    }

    /// Copies whole rows as long as [`bytes`](Self::bytes) is below `bytes_max`, so that one row of any size has room in an
    /// empty storage; how many were copied.
    pub fn push_rows(&mut self, values: SqlValues<'_>, bytes_max: usize) -> usize {
        if self.column_count == 0 {
            return 0;
        }
        let (offered, before) = (values.len() / self.column_count, self.row_count());
        let mut rest = values.iter();
        while self.bytes() < bytes_max && self.row_count() - before < offered {
            for value in rest.by_ref().take(self.column_count) {
                self.push_value(value);
            }
        }
        self.row_count() - before
    }

    /// Copies one value.
    pub fn push_value(&mut self, value: SqlValue<'_>) {
        let bytes = value.bytes();
        self.reserve_bytes(bytes.len());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let mut raw = value.raw();
        if !bytes.is_empty() {
            raw.bytes = hc_bytes::of(&self.bytes[start..]);
        }
        self.values.push(raw);
    }

    /// Makes room for bytes; when they move, the values follow them.
    fn reserve_bytes(&mut self, count: usize) {
        if self.bytes.capacity() - self.bytes.len() >= count {
            return;
        }
        self.bytes.reserve(count);
        let mut start = 0;
        for value in self.values.iter_mut().filter(|value| value.bytes.size != 0) {
            let end = start + value.bytes.size;
            value.bytes = hc_bytes::of(&self.bytes[start..end]);
            start = end;
        }
    }

    /// How many whole rows there are; 0 when they have no columns.
    #[must_use]
    pub const fn row_count(&self) -> usize {
        match self.values.len().checked_div(self.column_count) {
            Some(count) => count,
            None => 0,
        }
    }

    /// How many values a row has.
    #[must_use]
    pub const fn column_count(&self) -> usize {
        self.column_count
    }

    /// Whether there are no values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many bytes the rows take: what a bound on rows that wait is compared with.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len() + self.values.len() * size_of::<hc_sql_value>()
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> SqlValues<'_> {
        // SAFETY: every value was made of a SqlValue, with bytes in the storage; nothing changes while `self` is borrowed.
        unsafe { SqlValues::trusted(self.values.as_ptr(), self.values.len()) }
    }

    /// The rows as they are handed to a module, which may read them until this storage changes.
    #[must_use]
    pub const fn raw(&self) -> RawRows {
        let row_count = self.row_count();
        let values = if row_count == 0 { ptr::null() } else { self.values.as_ptr() };
        RawRows { values, row_count, column_count: self.column_count }
    }

    /// Forgets the rows and gives memory back, down to about `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        self.clear();
        self.bytes.shrink_to(bytes);
        self.values.shrink_to(bytes / size_of::<hc_sql_value>());
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.values.capacity() * size_of::<hc_sql_value>()
    }
}

impl fmt::Debug for RowsStorage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column_count {
            0 => self.values().fmt(out),
            count => out
                .debug_list()
                .entries(self.values.chunks(count).map(|row| {
                    // SAFETY: as in `values`.
                    unsafe { SqlValues::trusted(row.as_ptr(), row.len()) }
                }))
                .finish(),
        }
    }
}
