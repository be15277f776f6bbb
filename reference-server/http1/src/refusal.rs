//! What the peer did wrong: every rule that this crate enforces on received bytes, as one table.
//!
//! A refusal is final: the caller answers with `Refusal::status`, then closes. What the local caller does
//! wrong is `Misuse`, a different type, so that blame is never mixed up.

use std::fmt;

/// A request that must not be acted upon. Answer with [`Refusal::status`] and close the connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refusal(Rule);

/// One row of the table.
struct Row {
    rule: Rule,
    name: &'static str,
    status: u16,
    section: &'static str,
    sentence: &'static str,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $status:literal $section:literal $sentence:literal;)*) => {
        /// The rules that a peer can break; the table of [`Refusal`] tells what each means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $sentence] $variant,)*
        }

        /// Every rule, in the order of `Rule`.
        const TABLE: &[Row] = &[
            $(Row { rule: Rule::$variant, name: $name, status: $status, section: $section, sentence: $sentence },)*
        ];
    };
}

rules! {
    BareCr "bare-cr" 400 "RFC 9112 section 2.2" "A carriage return is not followed by a line feed.";
    BareLf "bare-lf" 400 "RFC 9112 section 2.2" "A line ends in a line feed without a carriage return.";
    ControlByte "control-byte" 400 "RFC 9110 section 5.5" "A control byte stands in the head or in a trailer.";
    EmptyLines "empty-lines" 400 "RFC 9112 section 2.2" "Too many empty lines precede the request line.";
    TruncatedHead "truncated-head" 400 "RFC 9112 section 8" "The connection ended inside a request head.";
    TlsOnPlainPort "tls-on-plain-port" 400 "RFC 9112 section 3" "A TLS handshake arrived on a port that speaks plain HTTP.";
    MethodToken "method-token" 400 "RFC 9110 section 9.1" "The method is not a token.";
    MethodLength "method-length" 501 "RFC 9112 section 3" "The method is longer than any that is implemented.";
    RequestLine "request-line" 400 "RFC 9112 section 3" "The request line is not method, target and version with one space between.";
    NoVersion "no-version" 400 "RFC 9112 section 2.3" "The request line has no HTTP version (HTTP/0.9 is not spoken).";
    VersionSyntax "version-syntax" 400 "RFC 9112 section 2.3" "The HTTP version is not spelt HTTP/DIGIT.DIGIT.";
    VersionMajor "version-major" 505 "RFC 9110 section 15.6.6" "Only major version 1 of HTTP is spoken here.";
    Http2Preface "http2-preface" 505 "RFC 9113 section 3.4" "An HTTP/2 connection preface arrived on a port that speaks HTTP/1.1.";
    TargetLength "target-length" 414 "RFC 9112 section 3" "The request line is longer than this server reads.";
    TargetByte "target-byte" 400 "RFC 9112 section 3.2" "The request target has a byte that no URI may have.";
    TargetFragment "target-fragment" 400 "RFC 9112 section 3.2" "The request target has a fragment.";
    TargetForm "target-form" 400 "RFC 9112 section 3.2" "The request target has none of the four forms.";
    TargetAsterisk "target-asterisk" 400 "RFC 9112 section 3.2.4" "The target * is for OPTIONS only.";
    TargetScheme "target-scheme" 400 "RFC 9110 section 4.2" "The scheme of the absolute target is neither http nor https.";
    TargetAuthority "target-authority" 400 "RFC 9110 section 4.2.1" "The authority of the request target is missing or malformed.";
    TargetUserinfo "target-userinfo" 400 "RFC 9110 section 4.2.4" "The request target carries user information.";
    ConnectTarget "connect-target" 400 "RFC 9112 section 3.2.3" "CONNECT takes a host and a port, and nothing else does.";
    SpaceBeforeField "space-before-field" 400 "RFC 9112 section 2.2" "White space stands between the request line and the first field.";
    LineFolding "line-folding" 400 "RFC 9112 section 5.2" "A field line is folded onto a second line.";
    SpaceBeforeColon "space-before-colon" 400 "RFC 9112 section 5.1" "White space stands between a field name and its colon.";
    FieldColon "field-colon" 400 "RFC 9112 section 5" "A field line has no colon.";
    FieldName "field-name" 400 "RFC 9110 section 5.1" "A field name is empty or not a token.";
    FieldSyntax "field-syntax" 400 "RFC 9112 section 5" "The field lines are malformed.";
    HeadLength "head-length" 431 "RFC 6585 section 5" "The request head is longer than this server reads.";
    FieldCount "field-count" 431 "RFC 6585 section 5" "There are more field lines than this server reads.";
    HostMissing "host-missing" 400 "RFC 9112 section 3.2" "An HTTP/1.1 request has no Host field.";
    HostRepeated "host-repeated" 400 "RFC 9112 section 3.2" "There is more than one Host field.";
    HostSyntax "host-syntax" 400 "RFC 9112 section 3.2" "The Host field is not a host with an optional port.";
    ContentLengthSyntax "content-length-syntax" 400 "RFC 9110 section 8.6" "Content-Length is not a decimal number.";
    ContentLengthRepeated "content-length-repeated" 400 "RFC 9112 section 6.3" "Content-Length is given more than once.";
    ContentLengthOverflow "content-length-overflow" 413 "RFC 9110 section 8.6" "Content-Length is too large to be counted.";
    TransferEncodingVersion "transfer-encoding-version" 400 "RFC 9112 section 6.1" "Transfer-Encoding is used below HTTP/1.1.";
    TransferEncodingWithLength "transfer-encoding-with-length" 400 "RFC 9112 section 6.3" "Transfer-Encoding and Content-Length are used together.";
    TransferEncodingFinal "transfer-encoding-final" 400 "RFC 9112 section 6.3" "The last transfer coding is not chunked, or chunked is applied twice.";
    TransferCodingUnknown "transfer-coding-unknown" 501 "RFC 9112 section 6.1" "A transfer coding other than chunked is used.";
    Expectation "expectation" 417 "RFC 9110 section 10.1.1" "An expectation other than 100-continue cannot be met.";
    BodyLength "body-length" 413 "RFC 9110 section 15.5.14" "The request content is larger than this server reads.";
    TruncatedBody "truncated-body" 400 "RFC 9112 section 8" "The connection ended inside the request content.";
    ChunkSize "chunk-size" 400 "RFC 9112 section 7.1" "A chunk size is not a hexadecimal number.";
    ChunkSizeOverflow "chunk-size-overflow" 400 "RFC 9112 section 7.1" "A chunk size is too large to be counted.";
    ChunkLine "chunk-line" 400 "RFC 9112 section 7.1" "A chunk-size line does not end in CRLF.";
    ChunkLineLength "chunk-line-length" 400 "RFC 9112 section 7.1.1" "A chunk-size line is longer than this server reads.";
    ChunkExtension "chunk-extension" 400 "RFC 9112 section 7.1.1" "A chunk extension is malformed.";
    ChunkExtensionLength "chunk-extension-length" 400 "RFC 9112 section 7.1.1" "The chunk extensions of a request are longer than this server reads.";
    ChunkEnd "chunk-end" 400 "RFC 9112 section 7.1" "Chunk data is not followed by CRLF.";
    TrailerLength "trailer-length" 431 "RFC 6585 section 5" "The trailer section is longer than this server reads.";
    TrailerField "trailer-field" 400 "RFC 9110 section 6.5.1" "A trailer names a field that frames or routes the message.";
}

impl Rule {
    /// Every rule, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.rule)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

impl From<Rule> for Refusal {
    #[cold]
    fn from(rule: Rule) -> Self {
        Self(rule)
    }
}

impl Refusal {
    /// The rule that was broken.
    #[must_use]
    pub fn rule(self) -> Rule {
        self.0
    }

    /// The HTTP status to answer with.
    #[must_use]
    pub fn status(self) -> u16 {
        self.0.row().status
    }

    /// The rule's name, in kebab-case: for logs and metrics; stable.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.row().name
    }

    /// Where the rule is written.
    #[must_use]
    pub fn section(self) -> &'static str {
        self.0.row().section
    }

    /// What happened, as one sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.0.row().sentence
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status(), self.name())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer: {} ({}, {})", self.sentence(), self.name(), self.section())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn every_rule_finds_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.rule as usize, index);
            assert!(row.section.starts_with("RFC "));
            assert!(row.sentence.ends_with('.'));
            assert!([400, 413, 414, 417, 431, 501, 505].contains(&row.status));
        }
    }
}
