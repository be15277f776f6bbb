//! Byte classes and the small shared pieces of RFC 9110 section 5.6: tokens, lists, white space.
//!
//! Nothing here knows of messages or connections.

/// RFC 9110 `tchar`.
pub(crate) const TOKEN: u8 = 1;
/// A byte that may stand in a request target: visible ASCII without `#` and without `" < > \ ^` and the
/// backtick. `{`, `|`, `}`, `[` and `]` are let through although RFC 3986 wants them encoded: many clients
/// send them raw and no reader gives them a second meaning.
pub(crate) const TARGET: u8 = 2;
/// A byte that may stand in a registered name (RFC 3986 section 3.2.2), `%` included.
pub(crate) const REGISTERED_NAME: u8 = 4;
/// A byte that may stand in the text of an IPvFuture literal (RFC 3986 section 3.2.2).
pub(crate) const IP_LITERAL: u8 = 8;
/// A byte that ends or spoils a line: every control byte except HTAB.
pub(crate) const CONTROL: u8 = 16;
/// A byte that may stand in a quoted string as itself.
pub(crate) const QUOTED: u8 = 32;
/// `TARGET` without `?`.
pub(crate) const PATH: u8 = 64;
/// `REGISTERED_NAME` without `%`.
pub(crate) const PLAIN_HOST: u8 = 128;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        let alphanumeric = byte.is_ascii_alphanumeric();
        let mut class = 0;
        if alphanumeric || contains(b"!#$%&'*+-.^_`|~", byte) {
            class |= TOKEN;
        }
        if byte.is_ascii_graphic() && !contains(b"#\"<>\\^`", byte) {
            class |= TARGET;
            if byte != b'?' {
                class |= PATH;
            }
        }
        if alphanumeric || contains(b"-._~!$&'()*+,;=%", byte) {
            class |= REGISTERED_NAME;
            if byte != b'%' {
                class |= PLAIN_HOST;
            }
        }
        if alphanumeric || contains(b"-._~!$&'()*+,;=:", byte) {
            class |= IP_LITERAL;
        }
        if (byte < 0x20 && byte != b'\t') || byte == 0x7f {
            class |= CONTROL;
        } else if byte != b'"' && byte != b'\\' {
            class |= QUOTED;
        }
        table[index] = class;
        index += 1;
    }
    table
}

const fn contains(set: &[u8], byte: u8) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == byte {
            return true;
        }
        index += 1;
    }
    false
}

/// Whether `byte` is in any of the classes of `mask`.
#[inline]
pub(crate) fn is(byte: u8, mask: u8) -> bool {
    CLASS[byte as usize] & mask != 0
}

/// Optional white space: SP or HTAB.
#[inline]
pub(crate) const fn is_white(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `bytes` without white space at either end.
#[inline]
pub(crate) fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_white(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_white(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, trimmed; empty ones are skipped (RFC 9110 section 5.6.1.2).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trimmed).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_skip_empty_elements() {
        let elements: Vec<_> = list(b" , a ,\tb,, c").collect();
        assert_eq!(elements, [b"a", b"b", b"c"]);
    }
}
