//! The named limits of the request side. Nothing here measures time: time-outs are the server's.

/// The most field lines that one head or trailer section can have, whatever `Limits::field_count` says.
pub const MAXIMUM_FIELD_COUNT: usize = 128;

/// Upper bounds for what a peer may send. Every one has a unit; passing one is a [`crate::Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Empty lines tolerated before a request line (RFC 9112 section 2.2). Past it: 400.
    pub empty_lines: u8,
    /// Longest method, in bytes. Past it: 501 (RFC 9112 section 3).
    pub method_bytes: u32,
    /// Longest request line without its CRLF, in bytes. Past it: 414 (RFC 9112 section 3 asks for at least
    /// 8000).
    pub request_line_bytes: u32,
    /// Longest head: request line, field lines and the empty line, in bytes. Past it: 431.
    pub head_bytes: u32,
    /// Most field lines of a head, and of a trailer section; at most [`MAXIMUM_FIELD_COUNT`]. Past it: 431.
    pub field_count: u32,
    /// Largest request content, in bytes after removing the chunked coding. Past it: 413.
    pub body_bytes: u64,
    /// Longest chunk-size line with its extensions, without CRLF, in bytes. Past it: 400.
    pub chunk_line_bytes: u32,
    /// Most bytes of chunk extensions in one request (RFC 9112 section 7.1.1 asks for a bound). Past it: 400.
    pub chunk_extension_bytes: u32,
    /// Longest trailer section with its final empty line, in bytes. Past it: 431.
    pub trailer_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            empty_lines: 2,
            method_bytes: 32,
            request_line_bytes: 8 * 1024,
            head_bytes: 32 * 1024,
            field_count: 100,
            body_bytes: 1 << 30,
            chunk_line_bytes: 4 * 1024,
            chunk_extension_bytes: 16 * 1024,
            trailer_bytes: 8 * 1024,
        }
    }
}
