//! Some rows of an answer as one piece of memory: made by the thread that runs the statement, kept in a queue or a file, and
//! taken apart for the user. Must not know who makes and who takes.

use http_container::provider::SqlValue;

/// Bytes from which on a chunk is handed over.
const FULL_BYTES: usize = 32 << 10;

/// Values from which on a chunk is handed over, however small they are.
const FULL_VALUES: usize = 2048;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT64: u8 = 3;
const FLOAT64: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;

/// Values, one after the other: a byte for the type, then what the type needs. It never leaves the process.
#[derive(Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    values: usize,
}

/// A chunk that came back from its file as something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Damaged;

impl Chunk {
    /// A chunk of bytes that were those of a chunk.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, values: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it is large enough to be handed over.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.values >= FULL_VALUES
    }

    pub(crate) fn push(&mut self, value: SqlValue<'_>) {
        self.values += 1;
        match value {
            SqlValue::Null => self.bytes.push(NULL),
            SqlValue::Bool(false) => self.bytes.push(FALSE),
            SqlValue::Bool(true) => self.bytes.push(TRUE),
            SqlValue::Int64(number) => self.fixed(INT64, number.to_le_bytes()),
            SqlValue::Float64(number) => self.fixed(FLOAT64, number.to_bits().to_le_bytes()),
            SqlValue::Text(text) => self.sized(TEXT, text.as_bytes()),
            SqlValue::Bytes(bytes) => self.sized(BYTES, bytes),
        }
    }

    fn fixed(&mut self, kind: u8, bytes: [u8; 8]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&bytes);
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.fixed(kind, (bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// The values.
    pub(crate) fn values(&self) -> Result<Vec<SqlValue<'_>>, Damaged> {
        let mut values = Vec::with_capacity(self.values);
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            values.push(value(&mut rest)?);
        }
        Ok(values)
    }
}

fn value<'a>(rest: &mut &'a [u8]) -> Result<SqlValue<'a>, Damaged> {
    Ok(match take(rest, 1)?[0] {
        NULL => SqlValue::Null,
        FALSE => SqlValue::Bool(false),
        TRUE => SqlValue::Bool(true),
        INT64 => SqlValue::Int64(number(rest)?.cast_signed()),
        FLOAT64 => SqlValue::Float64(f64::from_bits(number(rest)?)),
        TEXT => SqlValue::Text(std::str::from_utf8(sized(rest)?).map_err(|_| Damaged)?),
        BYTES => SqlValue::Bytes(sized(rest)?),
        _ => return Err(Damaged),
    })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Damaged> {
    let (taken, after) = rest.split_at_checked(count).ok_or(Damaged)?;
    *rest = after;
    Ok(taken)
}

fn number(rest: &mut &[u8]) -> Result<u64, Damaged> {
    let bytes = take(rest, 8)?.try_into().map_err(|_| Damaged)?;
    Ok(u64::from_le_bytes(bytes))
}

fn sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Damaged> {
    let size = usize::try_from(number(rest)?).map_err(|_| Damaged)?;
    take(rest, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[SqlValue<'_>]) {
        let mut chunk = Chunk::default();
        values.iter().for_each(|value| chunk.push(*value));
        let again = Chunk::from_bytes(chunk.bytes().to_vec());
        // As text, in which every NaN is like another.
        let expect = format!("{values:?}");
        assert_eq!(format!("{:?}", chunk.values().unwrap()), expect);
        assert_eq!(format!("{:?}", again.values().unwrap()), expect);
    }

    #[test]
    fn every_value_comes_back_as_it_was() {
        round_trip(&[]);
        round_trip(&[
            SqlValue::Null,
            SqlValue::Bool(false),
            SqlValue::Bool(true),
            SqlValue::Int64(i64::MIN),
            SqlValue::Float64(-0.0),
            SqlValue::Float64(f64::INFINITY),
            SqlValue::Text(""),
            SqlValue::Text("one\0two"),
            SqlValue::Bytes(b""),
            SqlValue::Bytes(b"\xff\0"),
        ]);
    }

    #[test]
    fn a_chunk_is_full_by_bytes_or_by_values() {
        let mut chunk = Chunk::default();
        chunk.push(SqlValue::Bytes(&[0; FULL_BYTES]));
        assert!(chunk.is_full());
        let mut chunk = Chunk::default();
        for _ in 1..FULL_VALUES {
            chunk.push(SqlValue::Null);
        }
        assert!(!chunk.is_full());
        chunk.push(SqlValue::Null);
        assert!(chunk.is_full());
    }

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(number: i64, bits: u64, text: String, bytes: Vec<u8>) {
            round_trip(&[
                SqlValue::Int64(number),
                SqlValue::Float64(f64::from_bits(bits)),
                SqlValue::Text(&text),
                SqlValue::Bytes(&bytes),
            ]);
        }

        #[test]
        fn other_bytes_are_found_damaged_or_are_values(bytes: Vec<u8>) {
            // No panic, and no value beyond the bytes.
            let _ = Chunk::from_bytes(bytes).values();
        }
    }
}
