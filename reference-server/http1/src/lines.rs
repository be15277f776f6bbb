//! The careful reading of heads and trailers that arrive in pieces or are wrong: each byte is looked at once,
//! however the input is cut, and the first wrong byte or line decides the refusal.
//!
//! A head that arrives whole and sound never comes here; `head_parser` takes it in one go. This file knows
//! lines and field names, not what the fields mean.

use crate::grammar::{CONTROL, is, is_white};
use crate::head::Head;
use crate::limits::{Limits, MAXIMUM_FIELD_COUNT};
use crate::refusal::{Refusal, Rule};
use crate::words::{has_control, is_token};
use crate::{request_line, target};

/// How far the reading of an unfinished head or trailer section went; offsets from its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineScan {
    /// Every byte before this offset is settled.
    settled: u32,
    /// Where the line under way starts.
    line: u32,
    /// Complete lines so far.
    lines: u32,
    /// Length of the request line, once it is complete.
    pub(crate) request_line: u32,
}

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Head,
    Trailers,
}

impl LineScan {
    pub(crate) const fn new() -> Self {
        Self { settled: 0, line: 0, lines: 0, request_line: 0 }
    }

    /// Whether no byte was settled yet.
    #[inline]
    pub(crate) const fn is_fresh(&self) -> bool {
        self.settled == 0
    }

    /// Looks at the bytes of `section` that are new since the last call. `Some(length)` when it is complete
    /// and every line of it is sound.
    pub(crate) fn advance(
        &mut self,
        section: &[u8],
        kind: Section,
        limits: &Limits,
    ) -> Result<Option<usize>, Refusal> {
        if kind == Section::Head && self.lines == 0 {
            request_line::check_method_so_far(section, limits)?;
        }
        loop {
            let line = self.line as usize;
            let (bound, too_long) = self.bound(kind, limits);
            let reach = section.len().min(bound + 1);
            let from = (self.settled as usize).min(reach);
            let Some(found) = section[from..reach].iter().position(|&byte| is(byte, CONTROL)) else {
                self.settled = reach as u32;
                return if reach > bound { Err(too_long.into()) } else { Ok(None) };
            };
            let at = from + found;
            self.settled = at as u32;
            match section[at] {
                b'\r' => {}
                b'\n' => return Err(Rule::BareLf.into()),
                _ => return Err(Rule::ControlByte.into()),
            }
            match section.get(at + 1) {
                None => return Ok(None),
                Some(b'\n') => {}
                Some(_) => return Err(Rule::BareCr.into()),
            }
            let next = at + 2;
            let (section_bytes, section_rule) = section_bound(kind, limits);
            if next > section_bytes {
                return Err(section_rule.into());
            }
            if at == line && (kind == Section::Trailers || self.lines > 0) {
                return Ok(Some(next));
            }
            self.check_line(section, line, at, kind, limits)?;
            self.lines += 1;
            self.line = next as u32;
            self.settled = next as u32;
        }
    }

    /// The largest offset at which the line under way may still end, and the rule that a longer one breaks.
    fn bound(&self, kind: Section, limits: &Limits) -> (usize, Rule) {
        let (section_bytes, rule) = section_bound(kind, limits);
        let request_line = limits.request_line_bytes as usize;
        if kind == Section::Head && self.lines == 0 && request_line < section_bytes {
            (request_line, Rule::TargetLength)
        } else {
            (section_bytes, rule)
        }
    }

    fn check_line(
        &mut self,
        section: &[u8],
        start: usize,
        end: usize,
        kind: Section,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let is_request_line = kind == Section::Head && self.lines == 0;
        if is_request_line {
            let line = request_line::parse(section, start, end)?;
            let mut scratch = Head::EMPTY;
            target::parse(section, line.target, line.method.of(section), &mut scratch)?;
            self.request_line = end as u32;
            return Ok(());
        }
        let fields_before = self.lines - u32::from(kind == Section::Head);
        check_field_line(&section[start..end], fields_before == 0)?;
        if fields_before as usize >= field_bound(limits) {
            return Err(Rule::FieldCount.into());
        }
        Ok(())
    }
}

/// The most field lines under these limits.
#[inline]
pub(crate) fn field_bound(limits: &Limits) -> usize {
    (limits.field_count as usize).min(MAXIMUM_FIELD_COUNT)
}

fn section_bound(kind: Section, limits: &Limits) -> (usize, Rule) {
    match kind {
        Section::Head => (limits.head_bytes as usize, Rule::HeadLength),
        Section::Trailers => (limits.trailer_bytes as usize, Rule::TrailerLength),
    }
}

/// Checks one field line without its CRLF and names what is wrong with it.
fn check_field_line(line: &[u8], is_first: bool) -> Result<(), Refusal> {
    if line.first().is_some_and(|&byte| is_white(byte)) {
        return Err(if is_first { Rule::SpaceBeforeField } else { Rule::LineFolding }.into());
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return Err(Rule::FieldColon.into()) };
    let name = &line[..colon];
    if name.last().is_some_and(|&byte| is_white(byte)) {
        return Err(Rule::SpaceBeforeColon.into());
    }
    if !is_token(name) {
        return Err(Rule::FieldName.into());
    }
    debug_assert!(!has_control(&line[colon..]), "the scan has settled the control bytes");
    Ok(())
}
