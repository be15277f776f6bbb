//! What a request head says, once it has passed every rule. Only shapes; the parsing is elsewhere.

use crate::span::Span;

/// The version of a message. A higher minor version of 1 is read as 1.1 (RFC 9110 section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// The form of the request target (RFC 9112 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`
    Origin,
    /// `http://host/path?query`
    Absolute,
    /// `host:port`, with CONNECT only.
    Authority,
    /// `*`, with OPTIONS only.
    Asterisk,
}

/// How the request content is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// There is none: the head is the whole request and neither `Data` nor `End` follows.
    Empty,
    /// Exactly this many bytes, more than zero.
    Known(u64),
    /// Chunked transfer coding.
    Chunked,
}

/// A request head. All spans are relative to the start of the `input` that `receive` was given, of which the
/// first `Received::consumed` bytes are the head (with empty lines before it, if any).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method, case-sensitive.
    pub method: Span,
    /// The request target as received.
    pub target: Span,
    /// Form of the target.
    pub form: TargetForm,
    /// Scheme of an absolute target: `http` or `https`, in any case.
    pub scheme: Option<Span>,
    /// The authority that the request is for: that of the target if it has one, else the value of Host.
    /// `None` only in HTTP/1.0 without Host; empty when Host is empty.
    pub authority: Option<Span>,
    /// The path, undecoded. Empty for an absolute target without a path (to be read as `/`, or as `*` with
    /// OPTIONS: RFC 9112 section 3.2.4) and for CONNECT; `*` for the asterisk form.
    pub path: Span,
    /// The query without its `?`, undecoded; `None` when there is no `?`.
    pub query: Option<Span>,
    /// The version.
    pub version: Version,
    /// How the content is delimited.
    pub body: RequestBody,
    /// The Content-Length field, if there is one (it can be zero).
    pub content_length: Option<u64>,
    /// `Expect: 100-continue` was given in HTTP/1.1 with content to come; see `Connection::wants_continue`.
    pub expect_continue: bool,
    /// An Upgrade field is there and named in Connection, in HTTP/1.1. Ignoring it is always right.
    pub upgrade: bool,
    /// `TE: trailers` was given: trailers of the response will not be dropped on the way.
    pub accepts_trailers: bool,
    /// The peer lets the connection be used for another request.
    pub keep_alive: bool,
}

impl Head {
    /// A head of which nothing was read yet; the parser fills it in place, for a head is large to move about.
    pub(crate) const EMPTY: Self = Self {
        method: Span::EMPTY,
        target: Span::EMPTY,
        form: TargetForm::Origin,
        scheme: None,
        authority: None,
        path: Span::EMPTY,
        query: None,
        version: Version::Http11,
        body: RequestBody::Empty,
        content_length: None,
        expect_continue: false,
        upgrade: false,
        accepts_trailers: false,
        keep_alive: false,
    };

    /// Whether content follows: `Data` events, then `End`.
    #[inline]
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.body != RequestBody::Empty
    }
}
