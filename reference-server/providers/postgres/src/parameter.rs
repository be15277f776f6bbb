//! A value for a placeholder, in the form that the placeholder's type asks for. Must not know statements.
//!
//! Where the types agree it goes in binary format. Else it goes as text, and the server reads it by the type's own rules: so
//! a text may be a date, and a number that does not fit is refused in the server's own words.

use std::error::Error as StdError;
use std::fmt;

use bytes::{BufMut, BytesMut};
use http_container::provider::SqlValue;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// Above this, not every whole number is a `float8`.
const FLOAT8_WHOLE_MAX: u64 = 1 << f64::MANTISSA_DIGITS;
/// Above this, not every whole number is a `float4`.
const FLOAT4_WHOLE_MAX: u64 = 1 << f32::MANTISSA_DIGITS;

/// A value for a placeholder.
pub(crate) struct Parameter<'a>(pub(crate) SqlValue<'a>);

/// What goes over the wire.
#[derive(Clone, PartialEq, Debug)]
enum Form<'a> {
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Float4(f32),
    Float8(f64),
    /// The binary format as the user made it.
    Raw(&'a [u8]),
    Text(&'a str),
    Written(String),
}

/// A number that the placeholder's type would change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Unfit {
    number: i64,
    type_name: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} cannot be passed as {} without loss", self.number, self.type_name)
    }
}

impl StdError for Unfit {}

impl<'a> Parameter<'a> {
    fn form(&self, of: &Type) -> Result<Form<'a>, Unfit> {
        Ok(match self.0 {
            SqlValue::Null => Form::Null,
            SqlValue::Bool(value) => match *of {
                Type::BOOL => Form::Bool(value),
                Type::INT2 | Type::INT4 | Type::INT8 => whole(value.into(), of)?,
                _ => Form::Written(value.to_string()),
            },
            SqlValue::Int64(value) => whole(value, of)?,
            SqlValue::Float64(value) => real(value, of),
            SqlValue::Text(text) => Form::Text(text),
            SqlValue::Bytes(bytes) => Form::Raw(bytes),
        })
    }
}

fn whole(value: i64, of: &Type) -> Result<Form<'static>, Unfit> {
    let fits = |max| value.unsigned_abs() <= max;
    let form = match *of {
        Type::BOOL if value == 0 || value == 1 => Some(Form::Bool(value == 1)),
        Type::INT2 => i16::try_from(value).ok().map(Form::Int2),
        Type::INT4 => i32::try_from(value).ok().map(Form::Int4),
        Type::INT8 => Some(Form::Int8(value)),
        Type::FLOAT4 if fits(FLOAT4_WHOLE_MAX) => Some(Form::Float4(value as f32)),
        Type::FLOAT8 if fits(FLOAT8_WHOLE_MAX) => Some(Form::Float8(value as f64)),
        Type::FLOAT4 | Type::FLOAT8 => return Err(Unfit { number: value, type_name: of.to_string() }),
        _ => None,
    };
    Ok(form.unwrap_or_else(|| Form::Written(value.to_string())))
}

fn real(value: f64, of: &Type) -> Form<'static> {
    match *of {
        Type::FLOAT8 => Form::Float8(value),
        // The nearest one, as a literal would be; what is too large for the type the server refuses.
        Type::FLOAT4 if (value as f32).is_finite() || !value.is_finite() => Form::Float4(value as f32),
        _ => Form::Written(value.to_string()),
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.form(of)? {
            Form::Null => return Ok(IsNull::Yes),
            Form::Bool(value) => out.put_u8(value.into()),
            Form::Int2(value) => out.put_i16(value),
            Form::Int4(value) => out.put_i32(value),
            Form::Int8(value) => out.put_i64(value),
            Form::Float4(value) => out.put_f32(value),
            Form::Float8(value) => out.put_f64(value),
            Form::Raw(bytes) => out.put_slice(bytes),
            Form::Text(text) => out.put_slice(text.as_bytes()),
            Form::Written(text) => out.put_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, of: &Type) -> Format {
        match self.0 {
            SqlValue::Text(_) => Format::Text,
            _ => match self.form(of) {
                Ok(Form::Written(_)) => Format::Text,
                _ => Format::Binary,
            },
        }
    }

    to_sql_checked!();
}

/// Libraries log parameters; values are nobody's business.
impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form<'a>(value: SqlValue<'a>, of: &Type) -> Form<'a> {
        Parameter(value).form(of).unwrap()
    }

    #[test]
    fn types_that_agree_go_in_binary() {
        assert_eq!(form(SqlValue::Null, &Type::INT4), Form::Null);
        assert_eq!(form(SqlValue::Bool(true), &Type::BOOL), Form::Bool(true));
        assert_eq!(form(SqlValue::Bool(true), &Type::INT8), Form::Int8(1));
        assert_eq!(form(SqlValue::Int64(-7), &Type::INT2), Form::Int2(-7));
        assert_eq!(form(SqlValue::Int64(7), &Type::FLOAT8), Form::Float8(7.0));
        assert_eq!(form(SqlValue::Int64(1), &Type::BOOL), Form::Bool(true));
        assert_eq!(form(SqlValue::Float64(0.1), &Type::FLOAT4), Form::Float4(0.1));
        assert_eq!(form(SqlValue::Bytes(&[1]), &Type::BYTEA), Form::Raw(&[1]));
    }

    #[test]
    fn other_types_are_left_to_the_server() {
        let written = |text: &str| Form::Written(text.to_owned());
        assert_eq!(form(SqlValue::Int64(70_000), &Type::INT2), written("70000"));
        assert_eq!(form(SqlValue::Int64(2), &Type::BOOL), written("2"));
        assert_eq!(form(SqlValue::Int64(5), &Type::NUMERIC), written("5"));
        assert_eq!(form(SqlValue::Bool(false), &Type::TEXT), written("false"));
        assert_eq!(form(SqlValue::Float64(3.0), &Type::INT4), written("3"));
        assert_eq!(form(SqlValue::Float64(3.5), &Type::NUMERIC), written("3.5"));
        assert_eq!(form(SqlValue::Float64(f64::INFINITY), &Type::NUMERIC), written("inf"));
        assert_eq!(form(SqlValue::Text("2024-01-02"), &Type::DATE), Form::Text("2024-01-02"));
        let large = Parameter(SqlValue::Float64(1e300));
        assert!(matches!(large.form(&Type::FLOAT4), Ok(Form::Written(_))));
        assert!(matches!(large.encode_format(&Type::FLOAT4), Format::Text));
    }

    #[test]
    fn a_number_is_never_changed() {
        let edge = FLOAT8_WHOLE_MAX.cast_signed();
        assert_eq!(form(SqlValue::Int64(-edge), &Type::FLOAT8), Form::Float8(-9_007_199_254_740_992.0));
        let error = Parameter(SqlValue::Int64(edge + 1)).form(&Type::FLOAT8).unwrap_err();
        assert_eq!(error.to_string(), "9007199254740993 cannot be passed as float8 without loss");
        assert!(Parameter(SqlValue::Int64(16_777_217)).form(&Type::FLOAT4).is_err());
    }

    #[test]
    fn a_value_is_not_shown() {
        assert_eq!(format!("{:?}", Parameter(SqlValue::Text("secret"))), "_");
    }
}
