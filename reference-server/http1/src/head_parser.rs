//! Heads and trailer sections: `httparse` for the reading, with our own checks where it is lenient.
//!
//! A head that arrives whole is taken in one go; anything else, and anything doubtful, goes through `lines`, which
//! alone gives refusals for syntax. So the way the input is cut cannot change the verdict.

use crate::framing::{Framing, Notes};
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
pub(crate) struct SoundHead<'a> {
    pub(crate) line: RequestLine,
    pub(crate) target: Target,
    notes: Notes<'a>,
    /// Offset behind the head's empty line.
    pub(crate) end: usize,
}

/// Reads the head that starts at `input[base]`. `Ok(None)` when it is not complete.
#[inline]
pub(crate) fn read<'a>(
    input: &'a [u8],
    base: usize,
    scan: &mut LineScan,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Result<Option<SoundHead<'a>>, Refusal> {
    if scan.is_fresh()
        && let Some(head) = read_at_once(input, base, limits, fields)
    {
        return Ok(Some(head));
    }
    read_by_lines(input, base, scan, limits, fields)
}

/// The fast way: one pass of `httparse`, then what it lets through is checked. `None` is not a verdict.
#[inline]
fn read_at_once<'a>(
    input: &'a [u8],
    base: usize,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Option<SoundHead<'a>> {
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
    let notes = take_fields(input, line_end, request.headers, fields)?;
    let line = RequestLine { method, target, version };
    let target = target::parse(input, target, method.of(input)).ok()?;
    Some(SoundHead { line, target, notes, end })
}

/// The careful way.
#[cold]
fn read_by_lines<'a>(
    input: &'a [u8],
    base: usize,
    scan: &mut LineScan,
    limits: &Limits,
    fields: &mut FieldTable,
) -> Result<Option<SoundHead<'a>>, Refusal> {
    let Some(length) = scan.advance(&input[base..], Section::Head, limits)? else { return Ok(None) };
    let (end, line_end) = (base + length, base + scan.request_line as usize);
    let line = request_line::parse(input, base, line_end)?;
    let target = target::parse(input, line.target, line.method.of(input))?;
    read_fields(input, line_end + 2, end, limits, fields)?;
    let mut notes = Notes::default();
    for field in fields.as_slice() {
        notes.note(field.name.of(input), field.value.of(input), field.value);
    }
    Ok(Some(SoundHead { line, target, notes, end }))
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
        Ok(httparse::Status::Complete((length, headers))) if start + length == end => {
            fields.clear();
            for header in headers {
                let name = span_of(input, header.name.as_bytes());
                fields.push(Field { name, value: value_span(input, name, header.value) });
            }
            Ok(())
        }
        _ => Err(Rule::FieldSyntax.into()),
    }
}

/// Fills the table and notes what the fields say. `None` when a line does not end in CRLF: `httparse` takes a bare LF as
/// a line end. `line_end` is where the request line ends.
#[inline]
fn take_fields<'a>(
    input: &'a [u8],
    mut line_end: usize,
    headers: &[httparse::Header<'a>],
    fields: &mut FieldTable,
) -> Option<Notes<'a>> {
    let mut notes = Notes::default();
    fields.clear();
    for header in headers {
        let name = span_of(input, header.name.as_bytes());
        // Between the line's end and the name stands CRLF, with optional white space before it.
        if !input[line_end..name.start as usize].ends_with(b"\r\n") {
            return None;
        }
        let value = value_span(input, name, header.value);
        line_end = value.end as usize;
        fields.push(Field { name, value });
        notes.note(header.name.as_bytes(), header.value, value);
    }
    Some(notes)
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
pub(crate) fn judge(sound: &SoundHead<'_>, limits: &Limits) -> Result<Head, Refusal> {
    let SoundHead { line, target, notes, .. } = sound;
    let framing: Framing = notes.judge(line.version, limits)?;
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
