//! Bytes of a response: field lines, numbers, chunk framing. It knows no state and makes no decision.

use crate::grammar::trimmed;
use crate::misuse::Misuse;
use crate::words::{has_control, is_token};

/// What the caller's fields contain that the head's own fields depend on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) has_date: bool,
}

/// Appends the caller's fields after checking each.
#[inline]
pub(crate) fn write_fields<'a, I>(out: &mut Vec<u8>, fields: I) -> Result<Written, Misuse>
where
    I: IntoIterator<Item = (&'a [u8], &'a [u8])>,
{
    let mut written = Written::default();
    for (name, value) in fields {
        if !is_token(name) {
            return Err(Misuse::FieldName);
        }
        if has_control(value) {
            return Err(Misuse::FieldValue);
        }
        if is_reserved(name) {
            return Err(Misuse::FieldReserved);
        }
        written.has_date |= name.len() == 4 && name.eq_ignore_ascii_case(b"date");
        let value = trimmed(value);
        out.reserve(name.len() + value.len() + 4);
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    Ok(written)
}

/// Fields that the connection alone writes.
#[inline]
fn is_reserved(name: &[u8]) -> bool {
    match name.len() {
        2 => name.eq_ignore_ascii_case(b"te"),
        7 => name.eq_ignore_ascii_case(b"upgrade"),
        10 => name.eq_ignore_ascii_case(b"connection") || name.eq_ignore_ascii_case(b"keep-alive"),
        14 => name.eq_ignore_ascii_case(b"content-length"),
        17 => name.eq_ignore_ascii_case(b"transfer-encoding"),
        _ => false,
    }
}

/// Appends the field line of Date.
#[inline]
pub(crate) fn write_date(out: &mut Vec<u8>, date: &[u8; 29]) {
    // Put together first: one append of a fixed length is cheaper than three.
    let mut line = *b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    line[6..35].copy_from_slice(date);
    out.extend_from_slice(&line);
}

/// Appends the field line of Content-Length.
#[inline]
pub(crate) fn write_content_length(out: &mut Vec<u8>, mut length: u64) {
    const NAME: &[u8; 16] = b"Content-Length: ";
    let mut line = *b"Content-Length: 18446744073709551615\r\n";
    let mut at = line.len() - 2;
    while length > 9 {
        at -= 1;
        line[at] = b'0' + (length % 10) as u8;
        length /= 10;
    }
    at -= 1;
    line[at] = b'0' + length as u8;
    let start = at - NAME.len();
    line[start..at].copy_from_slice(NAME);
    out.extend_from_slice(&line[start..]);
}

/// Appends a chunk-size line.
#[inline]
pub(crate) fn write_chunk_line(out: &mut Vec<u8>, size: usize) {
    let mut digits = [0; 18];
    let mut at = digits.len() - 2;
    digits[at..].copy_from_slice(b"\r\n");
    let mut number = size;
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[number & 15];
        number >>= 4;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
