//! Values of hc.sql/1 as Rust has them, and as they cross the boundary. Must not know statements or rows.

use std::cell::Cell;
use std::marker::PhantomData;
use std::slice;

use crate::raw::{self, hc_bytes, hc_sql_value};

/// One value of a statement or of a row, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SqlValue<'a> {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int64(i64),
    /// A floating point number.
    Float64(f64),
    /// Text, and what a database has beyond these types, in its own notation.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl hc_sql_value {
    /// The value as it crosses. It carries no lifetime: whoever hands it over keeps the bytes alive.
    #[must_use]
    pub const fn of(value: &SqlValue<'_>) -> hc_sql_value {
        let (type_, integer, real, bytes) = match value {
            SqlValue::Null => (raw::HC_SQL_NULL, 0, 0.0, hc_bytes::NONE),
            SqlValue::Bool(value) => (raw::HC_SQL_BOOL, *value as i64, 0.0, hc_bytes::NONE),
            SqlValue::Int64(value) => (raw::HC_SQL_INT64, *value, 0.0, hc_bytes::NONE),
            SqlValue::Float64(value) => (raw::HC_SQL_FLOAT64, 0, *value, hc_bytes::NONE),
            SqlValue::Text(text) => (raw::HC_SQL_TEXT, 0, 0.0, hc_bytes::of(text.as_bytes())),
            SqlValue::Bytes(bytes) => (raw::HC_SQL_BYTES, 0, 0.0, hc_bytes::of(bytes)),
        };
        hc_sql_value { type_, reserved: 0, integer, real, bytes }
    }
}

/// Values that the other side holds.
#[derive(Clone, Copy)]
pub struct SqlValues<'a> {
    values: &'a [hc_sql_value],
    life: PhantomData<&'a [u8]>,
}

impl<'a> SqlValues<'a> {
    /// Values that the container vouches for; none when the pointer is NULL.
    ///
    /// # Safety
    /// `data` is NULL or points at `count` values whose views are readable and unchanged during `'a`.
    pub(crate) unsafe fn trusted(data: *const hc_sql_value, count: usize) -> SqlValues<'a> {
        let values = match data.is_null() || count == 0 {
            true => &[],
            // SAFETY: the caller promises `count` readable values.
            false => unsafe { slice::from_raw_parts(data, count) },
        };
        SqlValues { values, life: PhantomData }
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values in order. An unknown type is NULL; text that is not UTF-8 comes as bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SqlValue<'a>> + Clone + use<'a> {
        // SAFETY: `trusted` promises that every view is readable during 'a.
        self.values.iter().map(|value| unsafe { read(value) })
    }
}

/// # Safety
/// The value's bytes are readable and unchanged during `'a`.
unsafe fn read<'a>(value: &hc_sql_value) -> SqlValue<'a> {
    match value.type_ {
        raw::HC_SQL_BOOL => SqlValue::Bool(value.integer != 0),
        raw::HC_SQL_INT64 => SqlValue::Int64(value.integer),
        raw::HC_SQL_FLOAT64 => SqlValue::Float64(value.real),
        raw::HC_SQL_TEXT => {
            // SAFETY: the caller's promise.
            let bytes = unsafe { value.bytes.slice() };
            str::from_utf8(bytes).map_or(SqlValue::Bytes(bytes), SqlValue::Text)
        }
        // SAFETY: the caller's promise.
        raw::HC_SQL_BYTES => SqlValue::Bytes(unsafe { value.bytes.slice() }),
        _ => SqlValue::Null,
    }
}

thread_local! {
    /// Room for values on their way, so that no call allocates.
    static ROOM: Cell<Vec<hc_sql_value>> = const { Cell::new(Vec::new()) };
}

/// Room for more values than this is given back to the allocator.
const ROOM_MAX: usize = 16 * 1024;

/// Hands values over in the layout of the boundary, for the time of `call`.
pub(crate) fn with_raw<R>(values: &[SqlValue<'_>], call: impl FnOnce(*const hc_sql_value, usize) -> R) -> R {
    let mut room = ROOM.take();
    room.extend(values.iter().map(hc_sql_value::of));
    let answer = call(room.as_ptr(), room.len());
    room.clear();
    if room.capacity() <= ROOM_MAX {
        ROOM.set(room);
    }
    answer
}
