//! Heads and trailer sections: `httparse` for the reading, with our own checks where it is lenient.
//!
//! A head that arrives whole is taken in one go; anything else, and anything doubtful, goes through `lines`,
//! which alone gives refusals for syntax. So the way the input is cut cannot change the verdict.

use crate::framing::Notes;
use crate::head::{Head, Version};
use crate::limits::{Limits, MAXIMUM_FIELD_COUNT};
use crate::lines::{LineScan, Section, field_bound};
use crate::refusal::{Refusal, Rule};
use crate::request_line;
use crate::span::{Field, FieldTable, Span};
use crate::target;
use std::mem::MaybeUninit;

/// Where a head is put: its parts, and what its fields say. One place, filled in place.
#[derive(Debug)]
pub(crate) struct HeadReader<'input, 'caller> {
    pub(crate) head: Head,
    pub(crate) notes: Notes<'input>,
    pub(crate) fields: &'caller mut FieldTable,
    pub(crate) limits: &'caller Limits,
}

impl<'input> HeadReader<'input, '_> {
    /// Reads the head that starts at `input[base]` and returns the offset behind it; its syntax is sound
    /// then. What its fields mean is judged next. `Ok(None)` when it is not complete.
    #[inline]
    pub(crate) fn read(
        &mut self,
        input: &'input [u8],
        base: usize,
        scan: &mut LineScan,
    ) -> Result<Option<usize>, Refusal> {
        if scan.is_fresh()
            && let Some(end) = self.read_at_once(input, base)
        {
            return Ok(Some(end));
        }
        self.read_by_lines(input, base, scan)
    }

    /// The fast way: one pass of `httparse`, then what it lets through is checked. `None` is not a verdict.
    #[inline]
    fn read_at_once(&mut self, input: &'input [u8], base: usize) -> Option<usize> {
        let mut room = [const { MaybeUninit::uninit() }; MAXIMUM_FIELD_COUNT];
        let mut request = httparse::Request::new(&mut []);
        let room = &mut room[..field_bound(self.limits)];
        let Ok(httparse::Status::Complete(length)) = request.parse_with_uninit_headers(&input[base..], room)
        else {
            return None;
        };
        let end = base + length;
        let (method, path) = (request.method?, request.path?);
        let target = span_of(input, path.as_bytes());
        let line_end = target.end as usize + " HTTP/1.1".len();
        let too_long = length > self.limits.head_bytes as usize
            || line_end - base > self.limits.request_line_bytes as usize
            || method.len() > self.limits.method_bytes as usize;
        // The last line ends in CRLF, and no empty line was skipped: those are counted before.
        if too_long
            || target.start as usize != base + method.len() + 1
            || !input[..end].ends_with(b"\r\n\r\n")
        {
            return None;
        }
        self.head.method = Span::new(base, base + method.len());
        self.head.version = if request.version? == 0 { Version::Http10 } else { Version::Http11 };
        target::parse(input, target, method.as_bytes(), &mut self.head).ok()?;
        self.take_fields(input, line_end, request.headers).then_some(end)
    }

    /// The careful way.
    #[cold]
    fn read_by_lines(
        &mut self,
        input: &'input [u8],
        base: usize,
        scan: &mut LineScan,
    ) -> Result<Option<usize>, Refusal> {
        let Some(length) = scan.advance(&input[base..], Section::Head, self.limits)? else { return Ok(None) };
        let (end, line_end) = (base + length, base + scan.request_line as usize);
        let line = request_line::parse(input, base, line_end)?;
        self.head = Head { method: line.method, version: line.version, ..Head::EMPTY };
        target::parse(input, line.target, line.method.of(input), &mut self.head)?;
        read_fields(input, line_end + 2, end, self.limits, self.fields)?;
        self.notes = Notes::default();
        for field in self.fields.as_slice() {
            self.notes.note(field.name.of(input), field.value.of(input), field.value);
        }
        Ok(Some(end))
    }

    /// Fills the table and notes what the fields say. False when a line does not end in CRLF: `httparse`
    /// takes a bare LF as a line end. `line_end` is where the request line ends.
    #[inline]
    fn take_fields(
        &mut self,
        input: &'input [u8],
        mut line_end: usize,
        headers: &[httparse::Header<'input>],
    ) -> bool {
        self.fields.clear();
        for header in headers {
            let name = span_of(input, header.name.as_bytes());
            // Between the line's end and the name stands CRLF, with optional white space before it.
            if !input[line_end..name.start as usize].ends_with(b"\r\n") {
                return false;
            }
            let value = value_span(input, name, header.value);
            line_end = value.end as usize;
            self.fields.push(Field { name, value });
            self.notes.note(header.name.as_bytes(), header.value, value);
        }
        true
    }

    /// Judges what the fields mean and completes the head.
    #[inline]
    pub(crate) fn judge(&mut self) -> Result<(), Refusal> {
        self.notes.judge(&mut self.head, self.limits)
    }
}

/// Reads the trailer section that starts at `input[base]` and returns the offset behind it. `Ok(None)` when
/// it is not complete.
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

/// Reads the field lines `input[start..end]`, empty line included, with `httparse` as the second opinion on
/// lines that `LineScan` has found sound.
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
