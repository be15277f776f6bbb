//! Values of Rust's types to and from those of hc.sql/1. Must not know rows.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http_container_abi::SqlValue;

/// What may stand for a placeholder. The macro [`params!`](crate::params) calls it.
pub trait ToValue {
    /// The value, borrowed.
    fn to_value(&self) -> SqlValue<'_>;
}

macro_rules! to_value {
    ($($type:ty: $this:ident => $value:expr;)*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> SqlValue<'_> {
                let $this = self;
                $value
            }
        }
    )*};
}

to_value! {
    bool: this => SqlValue::Bool(*this);
    i8: this => SqlValue::Int64((*this).into());
    i16: this => SqlValue::Int64((*this).into());
    i32: this => SqlValue::Int64((*this).into());
    i64: this => SqlValue::Int64(*this);
    u8: this => SqlValue::Int64((*this).into());
    u16: this => SqlValue::Int64((*this).into());
    u32: this => SqlValue::Int64((*this).into());
    f32: this => SqlValue::Float64((*this).into());
    f64: this => SqlValue::Float64(*this);
    str: this => SqlValue::Text(this);
    String: this => SqlValue::Text(this);
    Box<str>: this => SqlValue::Text(this);
    Cow<'_, str>: this => SqlValue::Text(this);
    [u8]: this => SqlValue::Bytes(this);
    Vec<u8>: this => SqlValue::Bytes(this);
    Bytes: this => SqlValue::Bytes(this);
    SqlValue<'_>: this => *this;
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Bytes(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> SqlValue<'_> {
        self.as_ref().map_or(SqlValue::Null, T::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> SqlValue<'_> {
        (**self).to_value()
    }
}

/// The values for the placeholders of a statement: `params![id, &name, None::<i64>]`.
///
/// ```
/// use http_container::{params, sql::SqlValue};
///
/// let name = String::from("Ada");
/// let values: &[SqlValue<'_>] = params![7, name, None::<bool>];
/// assert_eq!(values, [SqlValue::Int64(7), SqlValue::Text("Ada"), SqlValue::Null]);
/// assert!(params![].is_empty());
/// ```
#[macro_export]
macro_rules! params {
    () => { &[] as &[$crate::sql::SqlValue<'static>] };
    ($($value:expr),+ $(,)?) => { &[$($crate::sql::ToValue::to_value(&$value)),+] };
}

/// What a value of a row may be read as.
pub trait FromValue<'a>: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// The value is of another type, or does not fit.
    fn from_value(value: SqlValue<'a>) -> Result<Self, Mismatch>;
}

/// A value is not of the type that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mismatch {
    is: &'static str,
    wanted: &'static str,
}

impl Mismatch {
    /// For types of one's own: `value` cannot be read as `wanted`, a noun with no article.
    #[must_use]
    pub fn new(value: SqlValue<'_>, wanted: &'static str) -> Self {
        let is = match value {
            SqlValue::Null => "NULL",
            SqlValue::Bool(_) => "a truth value",
            SqlValue::Int64(_) => "a whole number",
            SqlValue::Float64(_) => "a floating point number",
            SqlValue::Text(_) => "a text",
            SqlValue::Bytes(_) => "bytes",
        };
        Self { is, wanted }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is no {}", self.is, self.wanted)
    }
}

impl std::error::Error for Mismatch {}

macro_rules! from_value {
    ($($type:ty, $wanted:literal: $($pattern:pat => $value:expr),*;)*) => {$(
        impl<'a> FromValue<'a> for $type {
            fn from_value(value: SqlValue<'a>) -> Result<Self, Mismatch> {
                match value {
                    $($pattern => $value.ok_or(Mismatch::new(value, $wanted)),)*
                    _ => Err(Mismatch::new(value, $wanted)),
                }
            }
        }
    )*};
}

from_value! {
    // A database without truth values has numbers in their stead.
    bool, "truth value": SqlValue::Bool(is) => Some(is), SqlValue::Int64(0) => Some(false), SqlValue::Int64(1) => Some(true);
    i16, "16-bit whole number": SqlValue::Int64(number) => number.try_into().ok();
    i32, "32-bit whole number": SqlValue::Int64(number) => number.try_into().ok();
    i64, "whole number": SqlValue::Int64(number) => Some(number);
    u32, "32-bit whole number without sign": SqlValue::Int64(number) => number.try_into().ok();
    u64, "whole number without sign": SqlValue::Int64(number) => number.try_into().ok();
    f64, "floating point number": SqlValue::Float64(number) => Some(number), SqlValue::Int64(number) => exact(number);
    &'a str, "text": SqlValue::Text(text) => Some(text);
    String, "text": SqlValue::Text(text) => Some(text.to_owned());
    &'a [u8], "bytes": SqlValue::Bytes(bytes) => Some(bytes), SqlValue::Text(text) => Some(text.as_bytes());
    Vec<u8>, "bytes": SqlValue::Bytes(bytes) => Some(bytes.to_vec()), SqlValue::Text(text) => Some(text.into());
    Bytes, "bytes": SqlValue::Bytes(bytes) => Some(Bytes::copy_from_slice(bytes));
}

impl<'a> FromValue<'a> for SqlValue<'a> {
    fn from_value(value: SqlValue<'a>) -> Result<Self, Mismatch> {
        Ok(value)
    }
}

/// The same number, where a floating point number can be it.
fn exact(number: i64) -> Option<f64> {
    let converted = number as f64;
    (converted as i64 == number).then_some(converted)
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    fn from_value(value: SqlValue<'a>) -> Result<Self, Mismatch> {
        match value {
            SqlValue::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}
