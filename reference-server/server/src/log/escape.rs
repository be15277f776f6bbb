//! Text of peers and modules made harmless for a line of a log: no byte of it can end the line, end a quoted value, or
//! steer a terminal.

/// Append `bytes` as they stand between the quotes of a Common Log: printable ASCII as it is, `"` and `\` with a
/// backslash, `\n`, `\r` and `\t` by name, every other byte as `\xhh`. Lossless.
pub(super) fn push_quoted(line: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let plain = rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
        line.extend_from_slice(&rest[..plain]);
        let Some((&byte, after)) = rest[plain..].split_first() else { return };
        match byte {
            b'"' | b'\\' => line.extend([b'\\', byte]),
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            b'\t' => line.extend(b"\\t"),
            _ => {
                line.extend(b"\\x");
                push_hexadecimal(line, u32::from(byte), 2);
            }
        }
        rest = after;
    }
}

/// Printable ASCII that needs no backslash.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Append UTF-8 `text` for people: characters as they are, but `\` doubled, and control characters, line separators
/// and the characters that turn the direction of writing as `\n`, `\r`, `\t`, `\xhh` or `\u{hhhh}`.
/// With `quoted`, also `"` gets a backslash.
pub(super) fn push_text(line: &mut Vec<u8>, text: &str, quoted: bool) {
    for character in text.chars() {
        match character {
            '"' if quoted => line.extend(b"\\\""),
            '\\' => line.extend(b"\\\\"),
            ' '..='~' => line.push(character as u8),
            '\n' => line.extend(b"\\n"),
            '\r' => line.extend(b"\\r"),
            '\t' => line.extend(b"\\t"),
            '\0'..='\x7f' => {
                line.extend(b"\\x");
                push_hexadecimal(line, character.into(), 2);
            }
            _ if is_deceptive(character) => {
                line.extend(b"\\u{");
                push_hexadecimal(line, character.into(), 4);
                line.push(b'}');
            }
            _ => line.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Append a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD; characters that are deceptive in a
/// terminal are escaped.
pub(super) fn push_json(line: &mut Vec<u8>, bytes: &[u8]) {
    line.push(b'"');
    let mut rest = bytes;
    while !rest.is_empty() {
        // Every byte of a character beyond ASCII is odd, so that none is taken apart.
        let plain = rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
        line.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let odd = rest.iter().position(|&byte| is_plain(byte)).unwrap_or(rest.len());
        push_json_odd(line, &rest[..odd]);
        rest = &rest[odd..];
    }
    line.push(b'"');
}

fn push_json_odd(line: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_json_character(line, character);
        }
        if !chunk.invalid().is_empty() {
            line.extend("\u{fffd}".as_bytes());
        }
    }
}

fn push_json_character(line: &mut Vec<u8>, character: char) {
    match character {
        '"' => line.extend(b"\\\""),
        '\\' => line.extend(b"\\\\"),
        ' '..='~' => line.push(character as u8),
        '\n' => line.extend(b"\\n"),
        '\r' => line.extend(b"\\r"),
        '\t' => line.extend(b"\\t"),
        _ if character.is_control() || is_deceptive(character) => {
            line.extend(b"\\u");
            push_hexadecimal(line, character.into(), 4);
        }
        _ => line.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Characters that end a line or change how a line is shown: controls, line and paragraph separator, and
/// those that turn the direction of writing. All are in the basic plane.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn push_hexadecimal(line: &mut Vec<u8>, number: u32, digits: u32) {
    for digit in (0..digits).rev() {
        line.push(b"0123456789abcdef"[(number >> (4 * digit) & 0xf) as usize]);
    }
}

/// Append a number in decimal.
pub(super) fn push_decimal(line: &mut Vec<u8>, number: u64) {
    let mut text = [0; 20];
    let mut start = text.len();
    let mut rest = number;
    loop {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(&text[start..]);
}

#[cfg(test)]
mod tests {
    use super::{push_decimal, push_json, push_quoted, push_text};
    use proptest::prelude::*;

    fn made(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        push(&mut line);
        String::from_utf8(line).expect("logs are UTF-8")
    }

    #[test]
    fn hostile_bytes_in_a_quoted_value() {
        let cases: &[(&[u8], &str)] = &[
            (b"/plain?x=1 ~", "/plain?x=1 ~"),
            (b"a\"b\\c", "a\\\"b\\\\c"),
            (b"a\r\nb\tc", "a\\r\\nb\\tc"),
            (b"\x1b[2J\x00\x7f", "\\x1b[2J\\x00\\x7f"),
            ("\u{fc}\u{2028}".as_bytes(), "\\xc3\\xbc\\xe2\\x80\\xa8"),
            (b"\xff\x9b", "\\xff\\x9b"),
        ];
        for (bytes, expect) in cases {
            assert_eq!(made(|line| push_quoted(line, bytes)), *expect);
        }
    }

    #[test]
    fn hostile_characters_in_text() {
        let cases = [
            ("plain \u{fc} \"x\"", "plain \u{fc} \"x\"", "plain \u{fc} \\\"x\\\""),
            ("two\nlines\r\tand \\", "two\\nlines\\r\\tand \\\\", "two\\nlines\\r\\tand \\\\"),
            ("\x1b[31m\x7f", "\\x1b[31m\\x7f", "\\x1b[31m\\x7f"),
            ("\u{9b}2J", "\\u{009b}2J", "\\u{009b}2J"),
            ("a\u{202e}b\u{2028}", "a\\u{202e}b\\u{2028}", "a\\u{202e}b\\u{2028}"),
        ];
        for (text, plain, quoted) in cases {
            assert_eq!(made(|line| push_text(line, text, false)), plain);
            assert_eq!(made(|line| push_text(line, text, true)), quoted);
        }
    }

    proptest! {
        #[test]
        fn json_reads_back(text in ".{0,40}") {
            let json = made(|line| push_json(line, text.as_bytes()));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_bytes_make_one_printable_json_string(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let json = made(|line| push_json(line, &bytes));
            prop_assert!(!json.chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), String::from_utf8_lossy(&bytes).into_owned());
        }

        #[test]
        fn a_quoted_value_stays_in_its_quotes_and_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let quoted = made(|line| push_quoted(line, &bytes));
            prop_assert!(quoted.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(unquoted(quoted.as_bytes()), bytes);
        }

        #[test]
        fn decimals(number in any::<u64>()) {
            prop_assert_eq!(made(|line| push_decimal(line, number)), number.to_string());
        }
    }

    /// Undoes `push_quoted`; stops at a bare quote, as a reader of the log would.
    fn unquoted(quoted: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = quoted.iter().copied();
        while let Some(byte) = rest.next().filter(|&byte| byte != b'"') {
            bytes.push(match (byte, if byte == b'\\' { rest.next() } else { None }) {
                (b'\\', Some(b'n')) => b'\n',
                (b'\\', Some(b'r')) => b'\r',
                (b'\\', Some(b't')) => b'\t',
                (b'\\', Some(b'x')) => {
                    let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap() as u8;
                    digit() * 16 + digit()
                }
                (b'\\', Some(plain)) => plain,
                (plain, _) => plain,
            });
        }
        bytes
    }
}
