//! Values of statements and of rows as they cross the boundary, and how foreign ones are checked. Must not know in which
//! statement or row they stand.

use std::marker::PhantomData;
use std::{fmt, slice, str};

use crate::constants::sql_type;
use crate::host_side::BoundaryRefusal;
use crate::raw::{hc_bytes, hc_sql_value};

const UNKNOWN_TYPE: BoundaryRefusal =
    BoundaryRefusal::invalid("sql.value.types", "a value is of a type that this version does not know");
const NO_BOOL: BoundaryRefusal =
    BoundaryRefusal::invalid("sql.value.types", "a value of the type HC_SQL_BOOL is neither 0 nor 1");
const NO_TEXT: BoundaryRefusal =
    BoundaryRefusal::invalid("sql.value.types", "a value of the type HC_SQL_TEXT is not UTF-8");

/// One value of a statement or of a row \[sql.value.types\].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SqlValue<'a> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int64(i64),
    /// A number with a fraction.
    Float64(f64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> SqlValue<'a> {
    /// The value as it crosses the boundary. It carries no lifetime: whoever hands it over keeps the bytes alive for as long
    /// as the header says.
    #[must_use]
    pub const fn raw(self) -> hc_sql_value {
        let none =
            hc_sql_value { type_: sql_type::NULL, reserved: 0, integer: 0, real: 0.0, bytes: hc_bytes::NONE };
        match self {
            SqlValue::Null => none,
            SqlValue::Bool(value) => hc_sql_value { type_: sql_type::BOOL, integer: value as i64, ..none },
            SqlValue::Int64(value) => hc_sql_value { type_: sql_type::INT64, integer: value, ..none },
            SqlValue::Float64(value) => hc_sql_value { type_: sql_type::FLOAT64, real: value, ..none },
            SqlValue::Text(text) => {
                hc_sql_value { type_: sql_type::TEXT, bytes: hc_bytes::of(text.as_bytes()), ..none }
            }
            SqlValue::Bytes(bytes) => {
                hc_sql_value { type_: sql_type::BYTES, bytes: hc_bytes::of(bytes), ..none }
            }
        }
    }

    /// How many bytes it has beside the fixed part: those of a text or of bytes.
    #[must_use]
    pub const fn byte_count(self) -> usize {
        self.bytes().len()
    }

    /// The bytes of a text or of bytes; else none.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        match self {
            SqlValue::Text(text) => text.as_bytes(),
            SqlValue::Bytes(bytes) => bytes,
            _ => &[],
        }
    }
}

/// Values in the layout of the boundary, in their order: checked, or of a storage of this crate. Iterates over [`SqlValue`].
#[derive(Clone, Copy, Default)]
pub struct SqlValues<'a> {
    raw: &'a [hc_sql_value],
    life: PhantomData<&'a [u8]>,
}

// SAFETY: values are numbers and shared slices of bytes, which may be sent and shared.
unsafe impl Send for SqlValues<'_> {}
// SAFETY: as above.
unsafe impl Sync for SqlValues<'_> {}

impl<'a> SqlValues<'a> {
    /// No values.
    pub const NONE: SqlValues<'static> = SqlValues { raw: &[], life: PhantomData };

    /// Checks values from the other side: the array, and of each value the type, the view, and that a text is UTF-8.
    ///
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    pub(crate) unsafe fn check(
        data: *const hc_sql_value,
        count: usize,
    ) -> Result<SqlValues<'a>, BoundaryRefusal> {
        if count == 0 {
            return Ok(SqlValues::NONE);
        }
        if data.is_null() || count > isize::MAX as usize / size_of::<hc_sql_value>() {
            return Err(BoundaryRefusal::NULL_VIEW);
        }
        if !data.is_aligned() {
            return Err(BoundaryRefusal::MISALIGNED);
        }
        // SAFETY: not NULL and aligned, and the caller promises `count` readable values.
        let raw = unsafe { slice::from_raw_parts(data, count) };
        for value in raw {
            // SAFETY: passed on from the caller.
            unsafe { check_value(value) }?;
        }
        Ok(SqlValues { raw, life: PhantomData })
    }

    /// Values that the other side vouches for, or a storage of this crate; none when the pointer is NULL.
    ///
    /// # Safety
    /// `data` is NULL or points at `count` values of known types, whose views are readable and unchanged during `'a` and
    /// whose texts are UTF-8.
    pub(crate) unsafe fn trusted(data: *const hc_sql_value, count: usize) -> SqlValues<'a> {
        if data.is_null() || count == 0 {
            return SqlValues::NONE;
        }
        // SAFETY: the caller promises `count` readable values.
        SqlValues { raw: unsafe { slice::from_raw_parts(data, count) }, life: PhantomData }
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The value at `index`, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<SqlValue<'a>> {
        self.raw.get(index).map(value)
    }

    /// The values from `start` on.
    ///
    /// # Panics
    /// When there are fewer than `start`.
    #[must_use]
    pub fn from_index(&self, start: usize) -> SqlValues<'a> {
        SqlValues { raw: &self.raw[start..], life: PhantomData }
    }

    /// Each value, in order.
    pub fn iter(&self) -> SqlValuesIter<'a> {
        self.raw.iter().map(value)
    }

    /// Where the values are.
    pub(crate) const fn as_ptr(&self) -> *const hc_sql_value {
        self.raw.as_ptr()
    }
}

/// The values of a [`SqlValues`], one by one.
pub type SqlValuesIter<'a> =
    std::iter::Map<slice::Iter<'a, hc_sql_value>, fn(&'a hc_sql_value) -> SqlValue<'a>>;

impl<'a> IntoIterator for SqlValues<'a> {
    type Item = SqlValue<'a>;
    type IntoIter = SqlValuesIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for SqlValues<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// # Safety
/// What passes the checks is readable and unchanged during the call.
unsafe fn check_value(value: &hc_sql_value) -> Result<(), BoundaryRefusal> {
    if value.reserved != 0 {
        return Err(BoundaryRefusal::RESERVED);
    }
    match value.type_ {
        sql_type::NULL | sql_type::INT64 | sql_type::FLOAT64 => Ok(()),
        sql_type::BOOL if matches!(value.integer, 0 | 1) => Ok(()),
        sql_type::BOOL => Err(NO_BOOL),
        sql_type::TEXT | sql_type::BYTES if !value.bytes.is_valid() => Err(BoundaryRefusal::NULL_VIEW),
        // SAFETY: the view is valid; the caller promises the rest.
        sql_type::TEXT if str::from_utf8(unsafe { value.bytes.slice() }).is_err() => Err(NO_TEXT),
        sql_type::TEXT | sql_type::BYTES => Ok(()),
        _ => Err(UNKNOWN_TYPE),
    }
}

/// The value in a `SqlValues`, all of whose values passed the checks or are vouched for.
fn value<'a>(raw: &'a hc_sql_value) -> SqlValue<'a> {
    // SAFETY: whoever made the `SqlValues` promised views that are readable and unchanged during 'a.
    let bytes = |view: hc_bytes| -> &'a [u8] { unsafe { view.slice() } };
    match raw.type_ {
        sql_type::BOOL => SqlValue::Bool(raw.integer != 0),
        sql_type::INT64 => SqlValue::Int64(raw.integer),
        sql_type::FLOAT64 => SqlValue::Float64(raw.real),
        // SAFETY: whoever made the `SqlValues` found it to be UTF-8, or promised it.
        sql_type::TEXT => SqlValue::Text(unsafe { str::from_utf8_unchecked(bytes(raw.bytes)) }),
        sql_type::BYTES => SqlValue::Bytes(bytes(raw.bytes)),
        _ => SqlValue::Null,
    }
}
