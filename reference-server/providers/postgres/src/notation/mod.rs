//! PostgreSQL's binary formats, written in its text notation. Must not know rows or the boundary.
//!
//! Times are written in ISO style whatever the session's `DateStyle` and `IntervalStyle` say, and instants in UTC: a text
//! that means the same whoever reads it.

mod address;
mod numeric;
mod time;

pub(crate) use address::address;
pub(crate) use numeric::numeric;
pub(crate) use time::{date, interval, time, time_with_zone, timestamp, timestamp_with_zone};

/// The bytes are not what the type's binary format asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// Takes fixed-size numbers from the front of a value.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (front, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*front)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.take().map(i16::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.take().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        self.take().map(i64::from_be_bytes)
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Appends a UUID.
pub(crate) fn uuid(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes: &[u8; 16] = bytes.try_into().map_err(|_| Malformed)?;
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    Ok(())
}

/// Appends what the type `"char"` holds: one byte, or none.
pub(crate) fn single_char(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    match bytes {
        [0] => {}
        [byte @ 1..=127] => out.push(char::from(*byte)),
        [byte] => {
            out.push('\\');
            for shift in [6, 3, 0] {
                out.push(char::from(b'0' + (byte >> shift & 7)));
            }
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut String) -> Result<(), Malformed>) -> Result<String, Malformed> {
        let mut out = String::new();
        write(&mut out).map(|()| out)
    }

    #[test]
    fn a_uuid_has_its_dashes() {
        let bytes: Vec<u8> = (0..16).map(|place| place * 17).collect();
        assert_eq!(written(|out| uuid(&bytes, out)).as_deref(), Ok("00112233-4455-6677-8899-aabbccddeeff"));
        assert_eq!(written(|out| uuid(&bytes[1..], out)), Err(Malformed));
    }

    #[test]
    fn a_char_is_one_byte_or_none() {
        for (bytes, text) in [(&b"r"[..], "r"), (b"\0", ""), (b"\xe9", "\\351")] {
            assert_eq!(written(|out| single_char(bytes, out)).as_deref(), Ok(text));
        }
        assert_eq!(written(|out| single_char(b"", out)), Err(Malformed));
    }
}
