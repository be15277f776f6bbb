//! The cases under `cases/`: bytes in, events out. Each is run whole, byte by byte and cut in two at every
//! place, and every way must give the log that the file states.
//!
//! A case is `## name`, then input lines, then `-> ` lines with the expected log. Every input line ends in
//! CRLF unless its last character is a backslash. Escapes: `\r \n \t \0 \\ \xHH`, and `\(text*count)` for
//! repetition. Lines that start with `! ` set things up: `! limit NAME VALUE`, `! eof`. Lines before the
//! first case are prose.

mod drive;

use drive::Driver;
use hc_http1::Limits;

struct Case {
    name: String,
    limits: Limits,
    eof: bool,
    input: Vec<u8>,
    expected: Vec<String>,
}

fn set_limit(limits: &mut Limits, name: &str, value: u32) {
    match name {
        "empty_lines" => limits.empty_lines = u8::try_from(value).expect("a small count"),
        "method_bytes" => limits.method_bytes = value,
        "request_line_bytes" => limits.request_line_bytes = value,
        "head_bytes" => limits.head_bytes = value,
        "field_count" => limits.field_count = value,
        "body_bytes" => limits.body_bytes = u64::from(value),
        "chunk_line_bytes" => limits.chunk_line_bytes = value,
        "chunk_extension_bytes" => limits.chunk_extension_bytes = value,
        "trailer_bytes" => limits.trailer_bytes = value,
        other => panic!("no limit {other}"),
    }
}

/// Appends the bytes of one input line, with CRLF unless its last character is a backslash.
fn append_line(line: &str, input: &mut Vec<u8>) {
    match line.strip_suffix('\\') {
        Some(text) if !text.ends_with('\\') => unescape(text, input),
        _ => {
            unescape(line, input);
            input.extend_from_slice(b"\r\n");
        }
    }
}

/// Undoes the escapes of `line` and appends its bytes.
fn unescape(line: &str, input: &mut Vec<u8>) {
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        input.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let mut taken = 1;
        match escape.bytes().next() {
            None => panic!("a backslash escapes nothing"),
            Some(b'r') => input.push(b'\r'),
            Some(b'n') => input.push(b'\n'),
            Some(b't') => input.push(b'\t'),
            Some(b'0') => input.push(0),
            Some(b'\\') => input.push(b'\\'),
            Some(b'x') => {
                input.push(u8::from_str_radix(&escape[1..3], 16).expect("two hexadecimal digits"));
                taken = 3;
            }
            Some(b'(') => {
                let close = escape.find(')').expect("the repetition is closed");
                let (text, count) = escape[1..close].rsplit_once('*').expect("text*count");
                let mut bytes = Vec::new();
                unescape(text, &mut bytes);
                input.extend(bytes.repeat(count.parse().expect("a count")));
                taken = close + 1;
            }
            Some(other) => panic!("no escape {other}"),
        }
        rest = &escape[taken..];
    }
    input.extend_from_slice(rest.as_bytes());
}

fn cases_of(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            let name = name.to_owned();
            cases.push(Case {
                name,
                limits: Limits::default(),
                eof: false,
                input: Vec::new(),
                expected: Vec::new(),
            });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(expected) = line.strip_prefix("-> ") {
            case.expected.push(expected.to_owned());
        } else if line == "! eof" {
            case.eof = true;
        } else if let Some(limit) = line.strip_prefix("! limit ") {
            let (name, value) = limit.split_once(' ').expect("a name and a value");
            set_limit(&mut case.limits, name, value.parse().expect("a number"));
        } else if case.expected.is_empty() {
            append_line(line, &mut case.input);
        } else {
            assert_eq!(line, "", "after {:?} only an empty line may follow the expected log", case.name);
        }
    }
    cases
}

/// Every way to cut the input that is tried: whole, single bytes, two pieces.
fn check(case: &Case) {
    let Case { name, limits, eof, input, expected } = case;
    assert!(!expected.is_empty(), "{name}: nothing is expected");
    assert_eq!(&Driver::log_of(*limits, [&input[..]], *eof), expected, "{name}: whole");
    assert_eq!(&Driver::log_of(*limits, input.chunks(1), *eof), expected, "{name}: byte by byte");
    let step = input.len() / 400 + 1;
    for cut in (1..input.len()).step_by(step) {
        let pieces = [&input[..cut], &input[cut..]];
        assert_eq!(&Driver::log_of(*limits, pieces, *eof), expected, "{name}: cut at {cut}");
    }
}

fn check_file(text: &str, at_least: usize) {
    let cases = cases_of(text);
    assert!(cases.len() >= at_least, "only {} cases were found", cases.len());
    let failures: Vec<_> = cases
        .iter()
        .filter(|case| std::panic::catch_unwind(|| check(case)).is_err())
        .map(|case| &case.name)
        .collect();
    assert!(failures.is_empty(), "{} of {} failed: {failures:#?}", failures.len(), cases.len());
}

#[test]
fn lines() {
    check_file(include_str!("cases/lines.txt"), 25);
}

#[test]
fn targets() {
    check_file(include_str!("cases/targets.txt"), 35);
}

#[test]
fn fields() {
    check_file(include_str!("cases/fields.txt"), 30);
}

#[test]
fn framing() {
    check_file(include_str!("cases/framing.txt"), 35);
}

#[test]
fn chunks() {
    check_file(include_str!("cases/chunks.txt"), 40);
}

#[test]
fn persistence() {
    check_file(include_str!("cases/persistence.txt"), 15);
}

#[test]
fn limits() {
    check_file(include_str!("cases/limits.txt"), 15);
}
