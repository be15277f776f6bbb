//! Sums of bytes, by which a change shows, and marks by which a use shows. Must not know whose bytes they are.

/// A sum of parts, by which a change shows (FNV-1a, 64 bits, eight bytes at a time).
#[must_use]
pub fn sum<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(23);
        }
        for byte in rest {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        sum = (sum ^ part.len() as u64).wrapping_mul(PRIME);
    }
    sum
}

/// Fills bytes with a mark, again and again.
pub fn fill(bytes: &mut [u8], mark: [u8; 8]) {
    let (words, rest) = bytes.as_chunks_mut::<8>();
    words.fill(mark);
    rest.copy_from_slice(&mark[..rest.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_differ_by_content_and_by_where_parts_end() {
        let of = |parts: &[&[u8]]| sum(parts.iter().copied());
        assert_eq!(of(&[b"abc", b"d"]), of(&[b"abc", b"d"]));
        assert_ne!(of(&[b"abc", b"d"]), of(&[b"ab", b"cd"]));
        assert_ne!(of(&[b"0123456789abcdef"]), of(&[b"0123456789abcdee"]));
        assert_ne!(of(&[b"0123456789abcdef"]), of(&[b"89abcdef01234567"]));
    }

    #[test]
    fn a_mark_fills_any_number_of_bytes() {
        for size in 0..20 {
            let mut bytes = vec![0; size];
            fill(&mut bytes, *b"abcdefgh");
            assert_eq!(bytes, b"abcdefghabcdefghabcdefgh"[..size]);
        }
    }
}
