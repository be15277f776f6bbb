//! Values for the placeholders `$1` to `$n` of a statement. SQLite takes `$1` for a name, and numbers names as they come; so
//! each is looked up by its name. Must not know where the values are from.

use http_container::provider::SqlValue;
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::failure::Failure;

/// Binds all values. There must be one for each number up to the highest, and no more. \[sql.placeholder\]
pub(crate) fn bind(statement: &mut Statement<'_>, values: &[SqlValue<'_>]) -> Result<(), Failure> {
    let mut numbers = Vec::new();
    for index in 1..=statement.parameter_count() {
        numbers.push(number(statement.parameter_name(index))?);
    }
    let highest = numbers.iter().max().copied().unwrap_or(0);
    if highest != values.len() {
        let message = format!("{} values were given for placeholders up to ${highest}", values.len());
        return Err(Failure::refused("07001", message));
    }
    for (place, number) in numbers.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, bound(values[number - 1])?)?;
    }
    Ok(())
}

/// The number of a placeholder.
fn number(name: Option<&str>) -> Result<usize, Failure> {
    let digits = name.and_then(|name| name.strip_prefix('$')).unwrap_or_default();
    let number = digits.parse().ok().filter(|_| matches!(digits.as_bytes(), [b'1'..=b'9', ..]));
    number.ok_or_else(|| {
        let message = format!("`{}` is no placeholder: they are $1 to $n", name.unwrap_or("?"));
        Failure::refused("42P02", message)
    })
}

/// A value as SQLite takes it. \[sql.value.given\]
fn bound(value: SqlValue<'_>) -> Result<ToSqlOutput<'_>, Failure> {
    Ok(ToSqlOutput::Borrowed(match value {
        SqlValue::Null => ValueRef::Null,
        SqlValue::Bool(value) => ValueRef::Integer(i64::from(value)),
        SqlValue::Int64(value) => ValueRef::Integer(value),
        SqlValue::Float64(value) if value.is_nan() => {
            return Err(Failure::refused("22003", "SQLite has no NaN, and would take it for NULL"));
        }
        SqlValue::Float64(value) => ValueRef::Real(value),
        SqlValue::Text(text) => ValueRef::Text(text.as_bytes()),
        SqlValue::Bytes(bytes) => ValueRef::Blob(bytes),
    }))
}
