//! The requests that the kit's host sends to a module. Must not know what a module does with them.

use super::choices::Choices;
use crate::target::ModuleTarget;
use http_container_abi::constants::address_family;
use http_container_abi::{RequestFacts, RequestSpans, RequestStorage, Span, hc_address};

/// How a request body ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyEnd {
    /// Whole.
    Whole,
    /// The peer breaks it off: `HC_E_PEER`.
    Cut,
    /// It grows beyond the route's limit: `HC_E_LIMIT`.
    TooLong,
}

/// One request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Header fields.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How it ends.
    pub end: BodyEnd,
    /// Whether its length is told.
    pub is_length_known: bool,
    /// Whether trailers follow the body.
    pub has_trailers: bool,
    /// 10 or 11.
    pub version: u32,
}

/// Bytes of a body: printable, none of them a byte that ended views are poisoned with.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| b'a' + (index % 23) as u8).collect()
}

/// So many requests of all sorts. `wanted` names paths and fields of the user's; without paths they are the kit's own.
#[must_use]
pub fn scripts(choices: &mut Choices, count: usize, wanted: &ModuleTarget) -> Vec<Script> {
    const OWN: [&str; 5] = ["/", "/?ms=3", "/a/b%20c?x=1&y=%00", "/?", "/deep/er/path/index.html?ms=0"];
    const METHODS: [&str; 6] = ["GET", "POST", "GET", "PUT", "HEAD", "DELETE"];
    const SIZES: [usize; 7] = [0, 1, 2, 17, 300, 5_000, 70_000];
    let one = |choices: &mut Choices| {
        let own = OWN[choices.below(OWN.len())].to_owned();
        let target = if wanted.paths.is_empty() {
            own
        } else {
            wanted.paths[choices.below(wanted.paths.len())].clone()
        };
        let method = METHODS[choices.below(METHODS.len())];
        let size = if matches!(method, "POST" | "PUT") { SIZES[choices.below(SIZES.len())] } else { 0 };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![field("host", "kit.example"), field("x-kit", "a, b")];
        fields.extend(wanted.fields.clone());
        if choices.one_in(3) {
            fields.push(field("cookie", "a=1; b=2"));
        }
        if size > 0 {
            fields.push(field("content-type", "text/plain"));
        }
        let version = if choices.one_in(8) { 10 } else { 11 };
        let is_length_known = version == 10 || choices.one_in(2);
        let has_trailers = size > 0 && !is_length_known && choices.one_in(2);
        let (body, end) = (bytes(size), BodyEnd::Whole);
        Script { method, target, fields, body, end, is_length_known, has_trailers, version }
    };
    (0..count).map(|_| one(choices)).collect()
}

/// The plainest request.
#[must_use]
pub fn plain(target: &str) -> Script {
    Script {
        method: "GET",
        target: target.to_owned(),
        fields: vec![("host".to_owned(), "kit.example".to_owned())],
        body: Vec::new(),
        end: BodyEnd::Whole,
        is_length_known: true,
        has_trailers: false,
        version: 11,
    }
}

impl Script {
    /// The head in the layout of the boundary.
    #[must_use]
    pub fn storage(&self, id: u64, deadline_ns: u64) -> RequestStorage {
        let mut storage = RequestStorage::new();
        let buffer = storage.buffer();
        let mut put = |text: &[u8]| -> Span {
            let start = buffer.len();
            buffer.extend_from_slice(text);
            (start as u32, buffer.len() as u32)
        };
        let method = put(self.method.as_bytes());
        let target = put(self.target.as_bytes());
        let authority = put(b"kit.example");
        let mut lines: Vec<(Span, Span)> = Vec::new();
        for (name, value) in &self.fields {
            lines.push((put(name.as_bytes()), put(value.as_bytes())));
        }
        if self.is_length_known && !self.body.is_empty() {
            lines.push((put(b"content-length"), put(self.body.len().to_string().as_bytes())));
        } else if !self.body.is_empty() {
            lines.push((put(b"transfer-encoding"), put(b"chunked")));
        }
        let mark = self.target.find('?').map(|at| target.0 + at as u32);
        let spans = RequestSpans {
            method,
            target,
            scheme: "http",
            authority,
            path: (target.0, mark.unwrap_or(target.1)),
            query: mark.map(|mark| (mark + 1, target.1)),
            protocol: (0, 0),
        };
        let address = hc_address {
            ip: [127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            port: 40_000,
            family: address_family::IPV4,
        };
        let content_length = (self.is_length_known || self.body.is_empty()).then_some(self.body.len() as u64);
        let facts = RequestFacts {
            id,
            version: self.version,
            content_length,
            deadline_ns: Some(deadline_ns),
            peer: address,
            local: address,
            tls: None,
        };
        storage.seal(&spans, lines.into_iter(), facts);
        storage
    }
}
