//! Numbers as a store keeps them: decimal, in one spelling only. Must not know where they are kept.

/// The number that a value is, if it is written as [`write`] would write it: so no value is taken for a counter by chance, and
/// adding 0 changes nothing.
pub(crate) fn read(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let number: i64 = text.parse().ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = match digits.as_bytes() {
        [b'0'] => number == 0 && digits.len() == text.len(),
        [first, ..] => (b'1'..=b'9').contains(first),
        [] => false,
    };
    is_canonical.then_some(number)
}

/// A number as a value.
pub(crate) fn write(number: i64) -> Vec<u8> {
    number.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_is_a_number() {
        for number in [0, 1, -1, 10, 907, i64::MAX, i64::MIN] {
            assert_eq!(read(&write(number)), Some(number));
        }
        let others = [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "00",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x1",
            "one",
            "9223372036854775808",
            "-01",
        ];
        for text in others {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(b"\xff"), None);
    }
}
