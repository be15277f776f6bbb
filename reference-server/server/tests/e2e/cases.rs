//! Reads files of cases: raw requests as data. The format is that of `http1/tests/cases`, so those files serve here too.
//!
//! A case is `## name`, then input lines, then `-> ` lines with what is expected. Every input line ends in CRLF unless its
//! last character is a backslash. Escapes: `\r \n \t \0 \\ \xHH`, and `\(text*count)` for repetition. Lines that start with
//! `! ` set things up. Lines before the first case are prose.

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The bytes that the peer sends.
    pub input: Vec<u8>,
    /// The `! ` lines.
    pub setup: Vec<String>,
    /// The `-> ` lines.
    pub expected: Vec<String>,
}

/// The cases of a file.
pub fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            let name = name.to_owned();
            cases.push(Case { name, input: Vec::new(), setup: Vec::new(), expected: Vec::new() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(expected) = line.strip_prefix("-> ") {
            case.expected.push(expected.to_owned());
        } else if let Some(setup) = line.strip_prefix("! ") {
            case.setup.push(setup.to_owned());
        } else if case.expected.is_empty() {
            append_line(line, &mut case.input);
        } else {
            assert_eq!(line, "", "after {:?} only an empty line may follow what is expected", case.name);
        }
    }
    let empty = cases.iter().find(|case| case.expected.is_empty());
    assert!(empty.is_none(), "nothing is expected of {empty:?}");
    cases
}

fn append_line(line: &str, input: &mut Vec<u8>) {
    match line.strip_suffix('\\') {
        Some(text) if !text.ends_with('\\') => input.extend(unescape(text)),
        _ => {
            input.extend(unescape(line));
            input.extend_from_slice(b"\r\n");
        }
    }
}

/// Undoes the escapes of a line; those of `escape_ascii` are among them.
pub fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let mut taken = 1;
        match escape.as_bytes().first() {
            Some(b'r') => bytes.push(b'\r'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'0') => bytes.push(0),
            Some(byte @ (b'\\' | b'\'' | b'"')) => bytes.push(*byte),
            Some(b'x') => {
                bytes.push(u8::from_str_radix(&escape[1..3], 16).expect("two hexadecimal digits"));
                taken = 3;
            }
            Some(b'(') => {
                let close = escape.find(')').expect("the repetition is closed");
                let (text, count) = escape[1..close].rsplit_once('*').expect("text*count");
                bytes.extend(unescape(text).repeat(count.parse().expect("a count")));
                taken = close + 1;
            }
            other => panic!("no escape {other:?} in {line:?}"),
        }
        rest = &escape[taken..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
