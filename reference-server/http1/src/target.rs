//! Request targets and authorities (RFC 9112 section 3.2, RFC 3986 section 3.2).
//!
//! Nothing is decoded or normalised: a percent-encoded byte stays as it was sent.

use crate::grammar::{IP_LITERAL, PATH, PLAIN_HOST, REGISTERED_NAME, TARGET, is};
use crate::head::{Head, TargetForm};
use crate::refusal::{Refusal, Rule};
use crate::span::Span;
use std::net::Ipv6Addr;

/// Takes the target at `span` of `input` apart, into the fields of `head` that come from it.
#[inline]
pub(crate) fn parse(input: &[u8], span: Span, method: &[u8], head: &mut Head) -> Result<(), Refusal> {
    let bytes = span.of(input);
    head.target = span;
    if bytes.first() != Some(&b'/') || method == b"CONNECT" {
        return parse_rare(bytes, span, method, head);
    }
    split_path(bytes, span.start as usize, head)
}

/// Every form but the common one.
fn parse_rare(bytes: &[u8], span: Span, method: &[u8], head: &mut Head) -> Result<(), Refusal> {
    check_bytes(bytes)?;
    if method == b"CONNECT" {
        if bytes.contains(&b'@') {
            return Err(Rule::TargetUserinfo.into());
        }
        if !matches!(authority_port(bytes), Some(Some(_))) {
            return Err(Rule::ConnectTarget.into());
        }
        head.form = TargetForm::Authority;
        head.authority = Some(span);
        head.path = Span { start: span.end, end: span.end };
        return Ok(());
    }
    if bytes == b"*" {
        head.form = TargetForm::Asterisk;
        head.path = span;
        return if method == b"OPTIONS" { Ok(()) } else { Err(Rule::TargetAsterisk.into()) };
    }
    parse_absolute(bytes, span.start as usize, head)
}

/// `scheme "://" authority path [ "?" query ]`; `start` is where `bytes` start.
fn parse_absolute(bytes: &[u8], start: usize, head: &mut Head) -> Result<(), Refusal> {
    let Some(colon) = bytes.windows(3).position(|window| window == b"://") else {
        // `host:port` without CONNECT is the authority form in the wrong place.
        let rule = if matches!(authority_port(bytes), Some(Some(_))) {
            Rule::ConnectTarget
        } else {
            Rule::TargetForm
        };
        return Err(rule.into());
    };
    let scheme = &bytes[..colon];
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
        return Err(if is_scheme { Rule::TargetScheme } else { Rule::TargetForm }.into());
    }
    let host = colon + 3;
    let host_end = bytes[host..]
        .iter()
        .position(|&byte| byte == b'/' || byte == b'?')
        .map_or(bytes.len(), |at| host + at);
    let authority = &bytes[host..host_end];
    if authority.contains(&b'@') {
        return Err(Rule::TargetUserinfo.into());
    }
    if authority.is_empty() || authority_port(authority).is_none() {
        return Err(Rule::TargetAuthority.into());
    }
    head.form = TargetForm::Absolute;
    head.scheme = Some(Span::new(start, start + colon));
    head.authority = Some(Span::new(start + host, start + host_end));
    split_path(&bytes[host_end..], start + host_end, head)
}

/// Refuses bytes that no target may have.
#[inline]
fn check_bytes(bytes: &[u8]) -> Result<(), Refusal> {
    match bytes.iter().find(|&&byte| !is(byte, TARGET)) {
        None => Ok(()),
        Some(b'#') => Err(Rule::TargetFragment.into()),
        Some(_) => Err(Rule::TargetByte.into()),
    }
}

/// Checks `bytes`, which start at offset `at`, and splits them into path and query at the first `?`.
#[inline]
fn split_path(bytes: &[u8], at: usize, head: &mut Head) -> Result<(), Refusal> {
    let end = at + bytes.len();
    let mark = bytes.iter().position(|&byte| !is(byte, PATH)).unwrap_or(bytes.len());
    head.path = Span::new(at, at + mark);
    if mark < bytes.len() {
        check_bytes(&bytes[mark..])?;
        head.query = Some(Span::new(at + mark + 1, end));
    }
    Ok(())
}

/// Whether `bytes` is a host of the usual kind: a name or an IPv4 address, without port and encoded bytes, or
/// empty.
#[inline]
pub(crate) fn is_plain_host(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| is(byte, PLAIN_HOST))
}

/// Checks `uri-host [ ":" port ]` and returns the port's digits if it has any; `None` when malformed.
pub(crate) fn authority_port(bytes: &[u8]) -> Option<Option<u16>> {
    let host_end = if bytes.first() == Some(&b'[') {
        let close = bytes.iter().position(|&byte| byte == b']')?;
        if !is_ip_literal(&bytes[1..close]) {
            return None;
        }
        close + 1
    } else {
        let end = bytes.iter().position(|&byte| !is(byte, REGISTERED_NAME)).unwrap_or(bytes.len());
        // A host may be empty, but not with a port (RFC 9110 section 4.2.1).
        if !percent_pairs_are_whole(&bytes[..end]) || (end == 0 && !bytes.is_empty()) {
            return None;
        }
        end
    };
    match &bytes[host_end..] {
        [] | [b':'] => Some(None),
        [b':', digits @ ..] => digits
            .iter()
            .try_fold(0u16, |port, digit| {
                let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
                port.checked_mul(10)?.checked_add(u16::from(digit))
            })
            .map(Some),
        _ => None,
    }
}

/// Whether `bytes` is what may stand between the brackets of a host: an IPv6 address, or the form that is kept
/// for later versions, `v` HEXDIG+ `.` and its own text. Zones (`%25eth0`) are of no meaning to a server.
fn is_ip_literal(bytes: &[u8]) -> bool {
    if let [b'v' | b'V', future @ ..] = bytes {
        let digits = future.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return match &future[digits..] {
            [b'.', text @ ..] => {
                digits > 0 && !text.is_empty() && text.iter().all(|&byte| is(byte, IP_LITERAL))
            }
            _ => false,
        };
    }
    str::from_utf8(bytes).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Whether every `%` is followed by two hexadecimal digits.
fn percent_pairs_are_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == b'%') {
        match &rest[at + 1..] {
            [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest = tail,
            _ => return false,
        }
    }
    true
}
