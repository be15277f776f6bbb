//! What the fields of a head mean for the connection: Host, framing, persistence, expectations
//! (RFC 9112 sections 3.2, 6 and 9; RFC 9110 sections 7.2, 7.8, 8.6 and 10.1). Syntax is settled before.

use crate::grammar::list;
use crate::head::{Head, RequestBody, Version};
use crate::limits::Limits;
use crate::refusal::{Refusal, Rule};
use crate::span::Span;
use crate::target::{authority_port, is_plain_host};

/// What the fields say, noted one by one while they are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notes<'a> {
    host: Option<(Span, &'a [u8])>,
    hosts: u32,
    content_length: Option<&'a [u8]>,
    content_lengths: u32,
    /// Number of transfer codings, and how often one of them is chunked.
    codings: u32,
    chunked: u32,
    chunked_last: bool,
    transfer_encoding: bool,
    close: bool,
    keep_alive: bool,
    connection_upgrade: bool,
    upgrade: bool,
    trailers: bool,
    expect_continue: bool,
    expect_other: bool,
}

/// Whether the token `name` is `lower`, which is in lower case, in any case. Setting bit 5 makes no other
/// token byte equal to a lower-case letter or to `-`.
#[inline]
fn is_name<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(name).is_ok_and(|name| {
        (0..N).fold(0, |difference, index| difference | (name[index] | 0x20) ^ lower[index]) == 0
    })
}

impl<'a> Notes<'a> {
    /// Notes one field; its length alone rules nearly every one out.
    #[inline]
    pub(crate) fn note(&mut self, name: &[u8], value: &'a [u8], span: Span) {
        match name.len() {
            4 if is_name(name, b"host") => {
                self.host = Some((span, value));
                self.hosts += 1;
            }
            10 if is_name(name, b"connection") => self.note_connection(value),
            14 if is_name(name, b"content-length") => {
                self.content_length = Some(value);
                self.content_lengths += 1;
            }
            17 if is_name(name, b"transfer-encoding") => self.note_transfer_encoding(value),
            6 if is_name(name, b"expect") => self.note_expect(value),
            7 if is_name(name, b"upgrade") => self.upgrade = true,
            2 if is_name(name, b"te") => {
                self.trailers |= list(value).any(|element| element.eq_ignore_ascii_case(b"trailers"));
            }
            _ => {}
        }
    }

    #[inline]
    fn note_connection(&mut self, value: &[u8]) {
        if value == b"keep-alive" {
            self.keep_alive = true;
        } else {
            self.note_connection_options(value);
        }
    }

    fn note_connection_options(&mut self, value: &[u8]) {
        for option in list(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    fn note_transfer_encoding(&mut self, value: &[u8]) {
        self.transfer_encoding = true;
        for coding in list(value) {
            self.codings += 1;
            self.chunked_last = coding.eq_ignore_ascii_case(b"chunked");
            self.chunked += u32::from(self.chunked_last);
        }
    }

    fn note_expect(&mut self, value: &[u8]) {
        for expectation in list(value) {
            let is_continue = expectation.eq_ignore_ascii_case(b"100-continue");
            self.expect_continue |= is_continue;
            self.expect_other |= !is_continue;
        }
    }

    /// Judges what was noted, once every field was, and completes `head`.
    #[inline]
    pub(crate) fn judge(&self, head: &mut Head, limits: &Limits) -> Result<(), Refusal> {
        let version = head.version;
        self.check_host(version)?;
        head.content_length = self.length()?;
        head.body = self.body(version, head.content_length)?;
        if self.expect_other {
            return Err(Rule::Expectation.into());
        }
        if head.content_length.is_some_and(|length| length > limits.body_bytes) {
            return Err(Rule::BodyLength.into());
        }
        if head.authority.is_none() {
            head.authority = self.host.map(|(span, _)| span);
        }
        let is_http_1_1 = version == Version::Http11;
        head.expect_continue = self.expect_continue && is_http_1_1 && head.body != RequestBody::Empty;
        head.upgrade = self.upgrade && self.connection_upgrade && is_http_1_1;
        head.accepts_trailers = self.trailers;
        head.keep_alive = !self.close && (is_http_1_1 || self.keep_alive);
        Ok(())
    }

    #[inline]
    fn check_host(&self, version: Version) -> Result<(), Refusal> {
        match (self.hosts, self.host) {
            (1, Some((_, host))) if !is_plain_host(host) && authority_port(host).is_none() => {
                Err(Rule::HostSyntax.into())
            }
            (1, _) => Ok(()),
            (0, _) if version == Version::Http10 => Ok(()),
            (0, _) => Err(Rule::HostMissing.into()),
            _ => Err(Rule::HostRepeated.into()),
        }
    }

    /// The one Content-Length. Lists and repetitions are refused even when their values agree: RFC 9112
    /// section 6.3 leaves it to us, and two readings are one too many.
    #[inline]
    fn length(&self) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.content_length else { return Ok(None) };
        if self.content_lengths > 1 || value.contains(&b',') {
            return Err(Rule::ContentLengthRepeated.into());
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Rule::ContentLengthSyntax.into());
        }
        let length = value
            .iter()
            .try_fold(0u64, |length, digit| length.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        length.map(Some).ok_or_else(|| Rule::ContentLengthOverflow.into())
    }

    #[inline]
    fn body(&self, version: Version, content_length: Option<u64>) -> Result<RequestBody, Refusal> {
        if !self.transfer_encoding {
            return Ok(content_length
                .filter(|&length| length > 0)
                .map_or(RequestBody::Empty, RequestBody::Known));
        }
        if version == Version::Http10 {
            return Err(Rule::TransferEncodingVersion.into());
        }
        if content_length.is_some() {
            return Err(Rule::TransferEncodingWithLength.into());
        }
        if !self.chunked_last || self.chunked != 1 {
            return Err(Rule::TransferEncodingFinal.into());
        }
        if self.codings != 1 {
            return Err(Rule::TransferCodingUnknown.into());
        }
        Ok(RequestBody::Chunked)
    }
}
