//! Heads and trailer sections: `httparse` for the reading, with our own checks where it is lenient.
//!
//! A head that arrives whole is taken in one go; anything else, and anything doubtful, goes through `lines`, which
//! alone gives refusals for syntax. So the way the input is cut cannot change the verdict.

use crate::framing::{self, Framing};
use crate::head::{Head, Version};
use crate::limits::{Limits, MAXIMUM_FIELD_COUNT};
use crate::lines::{LineScan, Section, field_bound};
use crate::refusal::{Refusal, Rule};
use crate::request_line::{self, RequestLine};
use crate::span::{Field, FieldTable, Span};
use crate::target::{self, Target};
use std::mem::MaybeUninit;

/// A head whose syntax is sound; what its fields mean is judged next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoundHead {
    pub(crate) line: RequestLine,
    pub(crate) target: Target,
    /// Offset behind the head's empty line.
    pub(crate) end: usize,
}

/// Reads the head that starts at `input[base]`. `Ok(None)` when it is not complete.
#[inline]
pub(crate) fn read(
    input: &[u8],
    base: usize,
    scan: &mut LineScan,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Result<Option<SoundHead>, Refusal> {
    if scan.is_fresh()
        && let Some(head) = read_at_once(input, base, limits, fields)
    {
        return Ok(Some(head));
    }
    read_by_lines(input, base, scan, limits, fields)
}

/// The fast way: one pass of `httparse`, then what it lets through is checked. `None` is not a verdict.
#[inline]
fn read_at_once(input: &[u8], base: usize, limits: &Limits, fields: &mut FieldTable) -> Option<SoundHead> {
    let mut room = [const { MaybeUninit::uninit() }; MAXIMUM_FIELD_COUNT];
    let mut request = httparse::Request::new(&mut []);
    let head = &input[base..];
    // It would skip any number of empty lines; ours are counted before.
    let status = request.parse_with_uninit_headers(head, &mut room[..field_bound(limits)]);
    let Ok(httparse::Status::Complete(length)) = status else { return None };
    let end = base + length;
    let method = span_of(input, request.method?.as_bytes());
    let target = span_of(input, request.path?.as_bytes());
    let version = if request.version? == 0 { Version::Http10 } else { Version::Http11 };
    let line_end = target.end as usize + " HTTP/1.1".len();
    let too_long = length > limits.head_bytes as usize
        || line_end - base > limits.request_line_bytes as usize
        || method.len() > limits.method_bytes as usize;
    if too_long || method.start as usize != base || !input[..end].ends_with(b"\r\n\r\n") {
        return None;
    }
    if !take_fields(input, line_end, request.headers, fields) {
        return None;
    }
    let line = RequestLine { method, target, version };
    let target = target::parse(input, target, method.of(input)).ok()?;
    Some(SoundHead { line, target, end })
}

/// The careful way.
#[cold]
fn read_by_lines(
    input: &[u8],
    base: usize,
    scan: &mut LineScan,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Result<Option<SoundHead>, Refusal> {
    let Some(length) = scan.advance(&input[base..], Section::Head, limits)? else { return Ok(None) };
    let (end, line_end) = (base + length, base + scan.request_line as usize);
    let line = request_line::parse(input, base, line_end)?;
    let target = target::parse(input, line.target, line.method.of(input))?;
    read_fields(input, line_end + 2, end, limits, fields)?;
    Ok(Some(SoundHead { line, target, end }))
}

/// Reads the trailer section that starts at `input[base]` and returns the offset behind it. `Ok(None)` when it is
/// not complete.
pub(crate) fn read_trailers(
    input: &[u8],
    base: usize,
    scan: &mut LineScan,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Result<Option<usize>, Refusal> {
    let Some(length) = scan.advance(&input[base..], Section::Trailers, limits)? else { return Ok(None) };
    let end = base + length;
    read_fields(input, base, end, limits, fields)?;
    for field in fields.as_slice() {
        if is_forbidden_trailer(field.name.of(input)) {
            return Err(Rule::TrailerField.into());
        }
    }
    Ok(Some(end))
}

/// Fields that frame or route a message must not come late (RFC 9110 section 6.5.1).
pub(crate) fn is_forbidden_trailer(name: &[u8]) -> bool {
    [
        b"content-length" as &[u8],
        b"transfer-encoding",
        b"host",
        b"connection",
        b"te",
        b"trailer",
        b"upgrade",
        b"expect",
    ]
    .iter()
    .any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}

/// Reads the field lines `input[start..end]`, empty line included, with `httparse` as the second opinion on lines
/// that `LineScan` has found sound.
fn read_fields(
    input: &[u8],
    start: usize,
    end: usize,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Result<(), Refusal> {
    let mut room = [httparse::EMPTY_HEADER; MAXIMUM_FIELD_COUNT];
    let parsed = httparse::parse_headers(&input[start..end], &mut room[..field_bound(limits)]);
    match parsed {
        Ok(httparse::Status::Complete((length, headers)))
            if start + length == end && take_fields(input, start - 2, headers, fields) =>
        {
            Ok(())
        }
        _ => Err(Rule::FieldSyntax.into()),
    }
}

/// Fills the table. False when a line does not end in CRLF or has something between its value and its end:
/// `httparse` takes a bare LF as a line end. `line_end` is where the line before the first field ends.
#[inline]
fn take_fields(
    input: &[u8],
    mut line_end: usize,
    headers: &[httparse::Header<'_>],
    fields: &mut FieldTable,
) -> bool {
    fields.clear();
    for header in headers {
        let name = span_of(input, header.name.as_bytes());
        let start = name.start as usize;
        if start < line_end + 2 || input[start - 2..start] != *b"\r\n" {
            return false;
        }
        let value = value_span(input, name, header.value);
        line_end = value.end as usize;
        fields.push(Field { name, value });
    }
    true
}

/// Where the value is. An empty value has no place of its own; it is put behind the colon.
#[inline]
fn value_span(input: &[u8], name: Span, value: &[u8]) -> Span {
    if value.is_empty() {
        return Span { start: name.end + 1, end: name.end + 1 };
    }
    span_of(input, value)
}

/// The range of `part`, a sub-slice of `input`.
#[inline]
fn span_of(input: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr() - input.as_ptr().addr();
    Span::new(start, start + part.len())
}

/// Puts a sound head and the verdict over its fields together.
#[inline]
pub(crate) fn judge(
    input: &[u8],
    sound: &SoundHead,
    fields: &FieldTable,
    limits: &Limits,
) -> Result<Head, Refusal> {
    let SoundHead { line, target, .. } = sound;
    let framing: Framing = framing::judge(input, line.version, fields, limits)?;
    Ok(Head {
        method: line.method,
        target: line.target,
        form: target.form,
        scheme: target.scheme,
        authority: target.authority.or(framing.host),
        path: target.path,
        query: target.query,
        version: line.version,
        body: framing.body,
        content_length: framing.content_length,
        expect_continue: framing.expect_continue,
        upgrade: framing.upgrade,
        accepts_trailers: framing.accepts_trailers,
        keep_alive: framing.keep_alive,
    })
}
