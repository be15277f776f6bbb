//! Looks at names and values of fields eight bytes at a time: each answers as the table of bytes in `fields` would.
//!
//! It must not know what a field means.

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 0x80;
/// The bit by which a lower-case letter differs from its upper-case one.
const CASE: u64 = ONES * 0x20;

/// The high bit of each byte from `first` to `last`; the bytes must be ASCII.
const fn between(word: u64, first: u8, last: u8) -> u64 {
    let from_first = word + ONES * (0x80 - first as u64);
    let past_last = word + ONES * (0x7f - last as u64);
    from_first & !past_last & HIGHS
}

/// Whether all eight bytes are letters, digits or `-`. False says nothing: there are other bytes of tokens.
const fn is_plain_name(word: u64) -> bool {
    if word & HIGHS != 0 {
        return false;
    }
    let others = between(word, b'0', b'9') | between(word, b'-', b'-');
    between(word | CASE, b'a', b'z') | others == HIGHS
}

/// Whether none of eight bytes is a control byte. False says nothing: HTAB is none that matters.
const fn is_plain_value(word: u64) -> bool {
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let differs = word ^ (ONES * 0x7f);
    let is_delete = differs.wrapping_sub(ONES) & !differs;
    (below_space | is_delete) & HIGHS == 0
}

/// Whether all words of `bytes` pass, the last of which may overlap the one before. False for fewer than eight bytes.
#[inline]
fn all_words(bytes: &[u8], passes: impl Fn(u64) -> bool) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else { return false };
    let passes = |word: &[u8; 8]| passes(u64::from_le_bytes(*word));
    bytes.as_chunks::<8>().0.iter().all(passes) && passes(last)
}

/// Whether it has at least eight bytes, all of them letters, digits or `-`. False says nothing.
#[inline]
pub(crate) fn are_plain_name(bytes: &[u8]) -> bool {
    all_words(bytes, is_plain_name)
}

/// Whether it has at least eight bytes, none of them a control byte. False says nothing.
#[inline]
pub(crate) fn are_plain_value(bytes: &[u8]) -> bool {
    all_words(bytes, is_plain_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of texts of every length up to three words.
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
    fn plain_names_are_letters_digits_and_hyphens() {
        each(|bytes, byte| {
            let expect = bytes.len() >= 8 && (byte.is_ascii_alphanumeric() || byte == b'-');
            assert_eq!(are_plain_name(bytes), expect, "{}", bytes.escape_ascii());
        });
    }

    #[test]
    fn plain_values_have_no_control_byte() {
        each(|bytes, byte| {
            let is_plain = bytes.len() >= 8 && byte >= b' ' && byte != 0x7f;
            assert_eq!(are_plain_value(bytes), is_plain, "{}", bytes.escape_ascii());
        });
    }
}
