//! Byte ranges and the table of fields: what a parsed head is made of.
//!
//! A head is reported as ranges into the bytes that the caller passed in, so that the caller can copy the
//! head once and keep the ranges. This file knows nothing of HTTP's rules.

use crate::words::make_lower_case;

/// A half-open range of byte offsets, relative to the start of the `input` given to `Connection::receive`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };

    /// A span from offsets; heads are limited far below 4 GiB, so the offsets fit.
    #[inline]
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// Length in bytes.
    #[inline]
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the range holds no byte.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes of `input` in this range. `input` must be the bytes that the span was made from, or a copy.
    #[inline]
    #[must_use]
    pub fn of(self, input: &[u8]) -> &[u8] {
        &input[self.start as usize..self.end as usize]
    }

    /// The same range, counted from `base` bytes further on.
    #[inline]
    #[must_use]
    pub const fn rebased(self, base: u32) -> Self {
        Self { start: self.start - base, end: self.end - base }
    }
}

/// One field line: where its name and its value (without surrounding white space) are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// The field name, in the peer's spelling.
    pub name: Span,
    /// The field value, trimmed of optional white space (RFC 9110 section 5.5).
    pub value: Span,
}

/// The fields of one head or one trailer section, in the order received. Owned and reused by the caller.
#[derive(Clone, Debug, Default)]
pub struct FieldTable {
    fields: Vec<Field>,
}

impl FieldTable {
    /// An empty table; it grows to the largest head seen and is then reused without allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// The fields in order.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[Field] {
        &self.fields
    }

    /// Number of field lines.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Forgets the fields and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.fields.clear();
    }

    /// Names and values in order, as bytes of `input`.
    pub fn iter<'a>(&'a self, input: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields.iter().map(move |field| (field.name.of(input), field.value.of(input)))
    }

    #[inline]
    pub(crate) fn push(&mut self, field: Field) {
        self.fields.push(field);
    }
}

/// Appends the first `head_bytes` of `input` to `out` and lower-cases the field names in the copy.
///
/// Spans stay valid for the copy when it starts `out`; otherwise add the length that `out` had before.
pub fn copy_head_lowercased(input: &[u8], head_bytes: usize, fields: &FieldTable, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&input[..head_bytes]);
    let copy = &mut out[start..];
    for field in fields.as_slice() {
        make_lower_case(&mut copy[field.name.start as usize..field.name.end as usize]);
    }
}
