//! The escapes of the corpus. Must not know what the bytes mean.

/// The bytes that a text with escapes stands for.
///
/// # Errors
/// An escape that there is not.
pub fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b's') => b' ',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 2);
                let digits = digits.ok_or_else(|| format!("not two hexadecimal digits: {text}"))?;
                u8::from_str_radix(digits, 16).map_err(|_| format!("not hexadecimal: {text}"))?
            }
            _ => return Err(format!("no such escape: {text}")),
        });
    }
    Ok(bytes)
}

/// Bytes as a line for people, cut after a while.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    let text: String =
        bytes.iter().take(MOST).flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
    if bytes.len() > MOST { format!("{text}... ({} bytes)", bytes.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_shown() {
        assert_eq!(bytes_of("a\\r\\n\\0\\x7f\\\\\\s").unwrap(), b"a\r\n\0\x7f\\ ");
        assert!(bytes_of("\\q").is_err() && bytes_of("\\x1").is_err());
        assert_eq!(shown(b"a\r\n"), "a\\r\\n");
    }
}
