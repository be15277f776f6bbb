//! The request line (RFC 9112 section 3): method, target, version.
//!
//! This reading is used when `httparse` could not take the head in one go, and it gives every refusal its
//! name.

use crate::grammar::{TOKEN, is};
use crate::head::Version;
use crate::limits::Limits;
use crate::refusal::{Refusal, Rule};
use crate::span::Span;

/// The three parts of a request line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Span,
    pub(crate) target: Span,
    pub(crate) version: Version,
}

/// Checks as much of the method as has arrived, so that what is not HTTP is refused at its first wrong byte.
pub(crate) fn check_method_so_far(head: &[u8], limits: &Limits) -> Result<(), Refusal> {
    let bound = limits.method_bytes as usize;
    for (index, &byte) in head.iter().enumerate() {
        if index == 0 && byte == 0x16 {
            return Err(Rule::TlsOnPlainPort.into());
        }
        match byte {
            b' ' if index > 0 => return Ok(()),
            b'\r' | b'\n' => return Ok(()),
            _ if !is(byte, TOKEN) => return Err(Rule::MethodToken.into()),
            _ if index >= bound => return Err(Rule::MethodLength.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Takes a whole request line apart: `input[start..end]`, without its CRLF. The method has passed
/// [`check_method_so_far`].
pub(crate) fn parse(input: &[u8], start: usize, end: usize) -> Result<RequestLine, Refusal> {
    let line = &input[start..end];
    let mut spaces = line.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(index, _)| index);
    let Some(first) = spaces.next() else { return Err(Rule::RequestLine.into()) };
    let Some(second) = spaces.next() else {
        let rule = if first + 1 == line.len() { Rule::RequestLine } else { Rule::NoVersion };
        return Err(rule.into());
    };
    if spaces.next().is_some() || second == first + 1 || second + 1 == line.len() {
        return Err(Rule::RequestLine.into());
    }
    let method = Span::new(start, start + first);
    let target = Span::new(start + first + 1, start + second);
    let version = parse_version(&line[second + 1..]).map_err(|refusal| {
        let is_preface = method.of(input) == b"PRI" && refusal.rule() == Rule::VersionMajor;
        if is_preface { Rule::Http2Preface.into() } else { refusal }
    })?;
    Ok(RequestLine { method, target, version })
}

/// `HTTP/DIGIT.DIGIT`; any 1.x from 1.1 on is 1.1.
fn parse_version(bytes: &[u8]) -> Result<Version, Refusal> {
    match bytes {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            match (major, minor) {
                (b'1', b'0') => Ok(Version::Http10),
                (b'1', _) => Ok(Version::Http11),
                _ => Err(Rule::VersionMajor.into()),
            }
        }
        _ => Err(Rule::VersionSyntax.into()),
    }
}
