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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A value that owns its bytes.
    #[derive(Clone, Debug)]
    enum Owned {
        Null,
        Bool(bool),
        Int64(i64),
        Float64(f64),
        Text(String),
        Bytes(Vec<u8>),
    }

    impl Owned {
        fn value(&self) -> SqlValue<'_> {
            match self {
                Owned::Null => SqlValue::Null,
                Owned::Bool(value) => SqlValue::Bool(*value),
                Owned::Int64(value) => SqlValue::Int64(*value),
                Owned::Float64(value) => SqlValue::Float64(*value),
                Owned::Text(text) => SqlValue::Text(text),
                Owned::Bytes(bytes) => SqlValue::Bytes(bytes),
            }
        }
    }

    fn values() -> impl Strategy<Value = Vec<Owned>> {
        let value = prop_oneof![
            Just(Owned::Null),
            any::<bool>().prop_map(Owned::Bool),
            any::<i64>().prop_map(Owned::Int64),
            (-1e9..1e9).prop_map(Owned::Float64),
            ".{0,40}".prop_map(Owned::Text),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Owned::Bytes),
        ];
        prop::collection::vec(value, 0..60)
    }

    fn same(found: SqlValues<'_>, expect: &[Owned]) -> bool {
        found.len() == expect.len() && found.iter().eq(expect.iter().map(Owned::value))
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(first in values(), second in values(), again in values()) {
            let mut storage = RowsStorage::new();
            storage.begin(1);
            first.iter().for_each(|value| storage.push_value(value.value()));
            let mut moved = std::mem::take(&mut storage);
            prop_assert!(same(moved.values(), &first));
            storage.begin(1);
            second.iter().for_each(|value| storage.push_value(value.value()));
            moved.push(storage.values());
            let all: Vec<Owned> = first.iter().chain(&second).cloned().collect();
            prop_assert!(same(moved.values(), &all), "values follow their bytes");
            prop_assert!(same(moved.values().from_index(first.len()), &second));
            prop_assert_eq!(moved.row_count(), all.len());
            moved.clear();
            prop_assert!(moved.is_empty() && moved.bytes() == 0);
            again.iter().for_each(|value| moved.push_value(value.value()));
            prop_assert!(same(moved.values(), &again));
            prop_assert_eq!(moved.raw().row_count(), again.len());
        }
    }

    #[test]
    fn whole_rows_are_taken_while_there_is_room() {
        let mut from = RowsStorage::new();
        from.begin(2);
        for number in 0..7 {
            from.push_value(SqlValue::Int64(number));
        }
        let row = 2 * size_of::<hc_sql_value>();
        let mut storage = RowsStorage::new();
        assert_eq!(storage.push_rows(from.values(), usize::MAX), 0, "rows without columns are none");
        storage.begin(2);
        assert_eq!(storage.push_rows(from.values(), 0), 0);
        assert_eq!(storage.push_rows(from.values(), 1), 1, "one row of any size has room");
        assert_eq!(storage.push_rows(from.values(), row), 0);
        assert_eq!(storage.push_rows(from.values().from_index(2), row + 1), 1);
        assert_eq!(storage.push_rows(from.values(), usize::MAX), 3, "half a row is none");
        assert_eq!((storage.row_count(), storage.bytes()), (5, 5 * row));
        let numbers: Vec<_> = storage.values().iter().map(|value| format!("{value:?}")).collect();
        assert_eq!(numbers[..4], ["Int64(0)", "Int64(1)", "Int64(2)", "Int64(3)"]);
        let raw = storage.raw().structure();
        assert_eq!((raw.row_count, raw.column_count, raw.values), (5, 2, storage.values().as_ptr()));
        assert_eq!(
            format!("{from:?}"),
            "[[Int64(0), Int64(1)], [Int64(2), Int64(3)], [Int64(4), Int64(5)], [Int64(6)]]"
        );
        storage.shrink(0);
        assert_eq!((storage.heap_bytes(), storage.raw().row_count(), storage.column_count()), (0, 0, 2));
    }
}
