//! What a column's type becomes at the boundary: one of six types, or text in PostgreSQL's notation. Must not know where rows
//! come from.

use std::error::Error as StdError;
use std::ops::Range;

use http_container::provider::SqlValue;
use tokio_postgres::types::{FromSql, Kind, Type};

use crate::notation::{self, Malformed, Reader};

/// How the binary format of a column is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Bool,
    Int2,
    Int4,
    Int8,
    /// Unsigned, of four bytes.
    Oid,
    Float4,
    Float8,
    /// The binary format is the text.
    Text,
    /// Text after a version number.
    Jsonb,
    Bytes,
    /// Written as text by this function.
    Written(Write),
}

/// A type that this crate writes as text itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Write {
    Numeric,
    Uuid,
    Address,
    SingleChar,
    Date,
    Time,
    TimeWithZone,
    Timestamp,
    TimestampWithZone,
    Interval,
}

impl Shape {
    /// How a type is read; `None` when only the server can write it as text.
    pub(crate) fn of(of: &Type) -> Option<Self> {
        Some(match *of {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID | Type::XID | Type::CID => Self::Oid,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => Self::Text,
            Type::JSON | Type::XML | Type::VOID => Self::Text,
            Type::JSONB => Self::Jsonb,
            Type::BYTEA => Self::Bytes,
            Type::NUMERIC => Self::Written(Write::Numeric),
            Type::UUID => Self::Written(Write::Uuid),
            Type::INET | Type::CIDR => Self::Written(Write::Address),
            Type::CHAR => Self::Written(Write::SingleChar),
            Type::DATE => Self::Written(Write::Date),
            Type::TIME => Self::Written(Write::Time),
            Type::TIMETZ => Self::Written(Write::TimeWithZone),
            Type::TIMESTAMP => Self::Written(Write::Timestamp),
            Type::TIMESTAMPTZ => Self::Written(Write::TimestampWithZone),
            Type::INTERVAL => Self::Written(Write::Interval),
            _ => match of.kind() {
                Kind::Enum(_) => Self::Text,
                Kind::Domain(base) => return Self::of(base),
                _ => return None,
            },
        })
    }

    /// Reads a value. What has to be written is appended to `written`.
    pub(crate) fn read<'a>(self, bytes: &'a [u8], written: &mut String) -> Result<Cell<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        let value = match self {
            Self::Bool => match bytes {
                [0] => return Ok(Cell::Value(SqlValue::Bool(false))),
                [1] => return Ok(Cell::Value(SqlValue::Bool(true))),
                _ => return Err(Malformed),
            },
            Self::Text => return text(bytes),
            Self::Jsonb => return bytes.strip_prefix(&[1]).ok_or(Malformed).and_then(text),
            Self::Bytes => return Ok(Cell::Value(SqlValue::Bytes(bytes))),
            Self::Written(write) => {
                let start = written.len();
                write.write(bytes, written)?;
                return Ok(Cell::Written(start..written.len()));
            }
            Self::Int2 => SqlValue::Int64(reader.i16()?.into()),
            Self::Int4 => SqlValue::Int64(reader.i32()?.into()),
            Self::Int8 => SqlValue::Int64(reader.i64()?),
            Self::Oid => SqlValue::Int64(reader.i32()?.cast_unsigned().into()),
            Self::Float4 => SqlValue::Float64(f32::from_bits(reader.i32()?.cast_unsigned()).into()),
            Self::Float8 => SqlValue::Float64(f64::from_bits(reader.i64()?.cast_unsigned())),
        };
        reader.end()?;
        Ok(Cell::Value(value))
    }
}

fn text(bytes: &[u8]) -> Result<Cell<'_>, Malformed> {
    str::from_utf8(bytes).map(|text| Cell::Value(SqlValue::Text(text))).map_err(|_| Malformed)
}

impl Write {
    fn write(self, bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
        match self {
            Self::Numeric => notation::numeric(bytes, out),
            Self::Uuid => notation::uuid(bytes, out),
            Self::Address => notation::address(bytes, out),
            Self::SingleChar => notation::single_char(bytes, out),
            Self::Date => notation::date(bytes, out),
            Self::Time => notation::time(bytes, out),
            Self::TimeWithZone => notation::time_with_zone(bytes, out),
            Self::Timestamp => notation::timestamp(bytes, out),
            Self::TimestampWithZone => notation::timestamp_with_zone(bytes, out),
            Self::Interval => notation::interval(bytes, out),
        }
    }
}

/// A value that was read.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Cell<'a> {
    /// As it came, or a number.
    Value(SqlValue<'a>),
    /// The place of its text among what was written.
    Written(Range<usize>),
}

/// The bytes of a value, of any type.
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(of: &Type, bytes: &[u8]) -> Result<String, Malformed> {
        let mut written = String::new();
        Ok(match Shape::of(of).unwrap().read(bytes, &mut written)? {
            Cell::Value(value) => format!("{value:?}"),
            Cell::Written(range) => written[range].to_owned(),
        })
    }

    #[test]
    fn numbers_and_texts_come_as_they_are() {
        assert_eq!(read(&Type::BOOL, &[1]).unwrap(), "Bool(true)");
        assert_eq!(read(&Type::INT2, &[255, 255]).unwrap(), "Int64(-1)");
        assert_eq!(read(&Type::OID, &[255; 4]).unwrap(), "Int64(4294967295)");
        assert_eq!(read(&Type::FLOAT4, &0.5_f32.to_be_bytes()).unwrap(), "Float64(0.5)");
        assert_eq!(read(&Type::VARCHAR, "ä".as_bytes()).unwrap(), "Text(\"ä\")");
        assert_eq!(read(&Type::JSONB, b"\x01{}").unwrap(), "Text(\"{}\")");
        assert_eq!(read(&Type::BYTEA, &[0, 1]).unwrap(), "Bytes([0, 1])");
        assert_eq!(read(&Type::DATE, &[0; 4]).unwrap(), "2000-01-01");
    }

    #[test]
    fn other_sizes_are_refused() {
        for (of, bytes) in [
            (&Type::BOOL, &[2][..]),
            (&Type::INT4, &[0; 3]),
            (&Type::INT4, &[0; 5]),
            (&Type::TEXT, &[255]),
            (&Type::JSONB, b"\x02{}"),
        ] {
            assert_eq!(read(of, bytes), Err(Malformed), "{of}");
        }
    }

    #[test]
    fn a_type_of_the_users_is_its_labels_or_its_base() {
        let made = |kind| Type::new("mood".into(), 70_000, kind, "public".into());
        assert_eq!(Shape::of(&made(Kind::Enum(vec!["glad".into()]))), Some(Shape::Text));
        assert_eq!(Shape::of(&made(Kind::Domain(Type::INT4))), Some(Shape::Int4));
        assert_eq!(Shape::of(&made(Kind::Simple)), None);
        assert_eq!(Shape::of(&Type::INT4_ARRAY), None);
        assert_eq!(Shape::of(&Type::POINT), None);
    }
}
