//! Byte loops of the hot path, eight bytes at a time: tokens, control bytes, lower-casing.
//!
//! Each gives the same answer as the byte-wise table of `grammar`, which the tests hold it to.

use crate::grammar::{CONTROL, TOKEN, is};

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 0x80;

/// Eight bytes from offset `at`.
#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// The high bit of each byte that is at least `low` and below `past`; the bytes must be ASCII.
#[inline]
const fn within(word: u64, low: u8, past: u8) -> u64 {
    let from_low = word + ONES * (0x80 - low as u64);
    let from_past = word + ONES * (0x80 - past as u64);
    from_low & !from_past & HIGHS
}

/// Whether every byte is a lower-case letter or `-`: most field names are. False says nothing.
#[inline]
fn is_plain_name(word: u64) -> bool {
    word & HIGHS == 0 && within(word, b'a', b'z' + 1) | within(word, b'-', b'-' + 1) == HIGHS
}

/// Whether `bytes` is a token: not empty, only `tchar`.
#[inline]
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at + 8 <= bytes.len() && is_plain_name(word(bytes, at)) {
        at += 8;
    }
    if at > 0 && is_plain_name(word(bytes, bytes.len() - 8)) && bytes.len() - at < 8 {
        return true;
    }
    !bytes.is_empty() && bytes[at..].iter().all(|&byte| is(byte, TOKEN))
}

/// Whether any of eight bytes may be a control byte; HTAB raises a false alarm.
#[inline]
const fn may_have_control(word: u64) -> bool {
    let below = word.wrapping_sub(ONES * 0x20) & !word;
    let not_delete = word ^ (ONES * 0x7f);
    let delete = not_delete.wrapping_sub(ONES) & !not_delete;
    (below | delete) & HIGHS != 0
}

/// Whether any byte is a control byte other than HTAB.
#[inline]
pub(crate) fn has_control(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at + 8 <= bytes.len() && !may_have_control(word(bytes, at)) {
        at += 8;
    }
    if at > 0 && bytes.len() - at < 8 && !may_have_control(word(bytes, bytes.len() - 8)) {
        return false;
    }
    bytes[at..].iter().any(|&byte| is(byte, CONTROL))
}

/// Lower-cases a field name in place.
#[inline]
pub(crate) fn make_lower_case(name: &mut [u8]) {
    let length = name.len();
    if length < 8 {
        name.make_ascii_lowercase();
        return;
    }
    let mut at = 0;
    loop {
        // The last word may overlap the one before: lower-casing twice is lower-casing once.
        let place = at.min(length - 8);
        let word = word(name, place);
        let upper = if word & HIGHS == 0 { within(word, b'A', b'Z' + 1) } else { 0 };
        name[place..place + 8].copy_from_slice(&(word | upper >> 2).to_le_bytes());
        at += 8;
        if at >= length {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte value at every place of names of every length up to three words.
    fn each(mut check: impl FnMut(&[u8], u8)) {
        for length in 1..25 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    check(&bytes, byte);
                }
            }
        }
    }

    #[test]
    fn tokens_agree_with_the_table() {
        assert!(!is_token(b""));
        each(|bytes, byte| assert_eq!(is_token(bytes), is(byte, TOKEN), "{bytes:?}"));
    }

    #[test]
    fn control_bytes_agree_with_the_table() {
        assert!(!has_control(b""));
        each(|bytes, byte| assert_eq!(has_control(bytes), is(byte, CONTROL), "{bytes:?}"));
    }

    #[test]
    fn lower_casing_agrees_with_the_standard_library() {
        each(|bytes, byte| {
            if byte.is_ascii() {
                let mut lower = bytes.to_vec();
                make_lower_case(&mut lower);
                assert_eq!(lower, bytes.to_ascii_lowercase());
            }
        });
    }
}
