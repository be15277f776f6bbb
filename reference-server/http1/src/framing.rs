//! What the fields of a head mean for the connection: Host, framing, persistence, expectations
//! (RFC 9112 sections 3.2, 6 and 9; RFC 9110 sections 7.2, 7.8, 8.6 and 10.1). Syntax is settled before.

use crate::grammar::list;
use crate::head::{RequestBody, Version};
use crate::limits::Limits;
use crate::refusal::{Refusal, Rule};
use crate::span::{FieldTable, Span};
use crate::target::authority_port;

/// The verdict over all fields of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framing {
    pub(crate) host: Option<Span>,
    pub(crate) content_length: Option<u64>,
    pub(crate) body: RequestBody,
    pub(crate) expect_continue: bool,
    pub(crate) upgrade: bool,
    pub(crate) accepts_trailers: bool,
    pub(crate) keep_alive: bool,
}

/// What was seen while walking over the fields.
#[derive(Default)]
struct Seen {
    host: Option<Span>,
    hosts: u32,
    content_length: Option<Span>,
    content_lengths: u32,
    transfer_encoding: bool,
    /// Number of codings, how often chunked, and whether it came last.
    codings: u32,
    chunked: u32,
    chunked_last: bool,
    close: bool,
    keep_alive: bool,
    connection_upgrade: bool,
    upgrade: bool,
    trailers: bool,
    expect_continue: bool,
    expect_other: bool,
}

/// Judges the fields of a head.
#[inline]
pub(crate) fn judge(
    input: &[u8],
    version: Version,
    fields: &FieldTable,
    limits: &Limits,
) -> Result<Framing, Refusal> {
    let mut seen = Seen::default();
    for field in fields.as_slice() {
        // The length alone rules most fields out.
        match field.name.len() {
            2 | 4 | 6 | 7 | 10 | 14 | 17 => seen.note(input, field.name.of(input), field.value),
            _ => {}
        }
    }
    seen.check_host(input, version)?;
    let content_length = seen.length(input)?;
    let body = seen.body(version, content_length)?;
    if seen.expect_other {
        return Err(Rule::Expectation.into());
    }
    if content_length.is_some_and(|length| length > limits.body_bytes) {
        return Err(Rule::BodyLength.into());
    }
    let is_http_1_1 = version == Version::Http11;
    Ok(Framing {
        host: seen.host,
        content_length,
        body,
        expect_continue: seen.expect_continue && is_http_1_1 && body != RequestBody::Empty,
        upgrade: seen.upgrade && seen.connection_upgrade && is_http_1_1,
        accepts_trailers: seen.trailers,
        keep_alive: !seen.close && (is_http_1_1 || seen.keep_alive),
    })
}

impl Seen {
    #[inline]
    fn note(&mut self, input: &[u8], name: &[u8], span: Span) {
        let value = span.of(input);
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.host = Some(span);
                self.hosts += 1;
            }
            10 if name.eq_ignore_ascii_case(b"connection") => self.note_connection(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.content_length = Some(span);
                self.content_lengths += 1;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.note_transfer_encoding(value),
            6 if name.eq_ignore_ascii_case(b"expect") => self.note_expect(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
            2 if name.eq_ignore_ascii_case(b"te") => {
                self.trailers |= list(value).any(|element| element.eq_ignore_ascii_case(b"trailers"));
            }
            _ => {}
        }
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in list(value) {
            match option.len() {
                5 if option.eq_ignore_ascii_case(b"close") => self.close = true,
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                7 if option.eq_ignore_ascii_case(b"upgrade") => self.connection_upgrade = true,
                _ => {}
            }
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
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.expect_continue = true;
            } else {
                self.expect_other = true;
            }
        }
    }

    #[inline]
    fn check_host(&self, input: &[u8], version: Version) -> Result<(), Refusal> {
        match (self.hosts, self.host) {
            (1, Some(host)) if authority_port(host.of(input)).is_none() => Err(Rule::HostSyntax.into()),
            (1, _) => Ok(()),
            (0, _) if version == Version::Http10 => Ok(()),
            (0, _) => Err(Rule::HostMissing.into()),
            _ => Err(Rule::HostRepeated.into()),
        }
    }

    /// The one Content-Length. Lists and repetitions are refused even when their values agree: RFC 9112 section 6.3
    /// leaves it to us, and two readings are one too many.
    #[inline]
    fn length(&self, input: &[u8]) -> Result<Option<u64>, Refusal> {
        let Some(span) = self.content_length else { return Ok(None) };
        let value = span.of(input);
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
