//! A small reader of responses, written apart from the encoder: RFC 9112 section 6.3 from the client's side.

/// A response as a client understands it.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadResponse {
    pub status: u16,
    pub reason: String,
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    /// The connection can carry another response.
    pub persists: bool,
}

impl ReadResponse {
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| &value[..])
    }
}

fn line<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").expect("a line ends in CRLF");
    let line = &bytes[..end];
    assert!(!line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "a bare CR, LF or NUL in {line:?}");
    *bytes = &bytes[end + 2..];
    line
}

fn field_lines(bytes: &mut &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    loop {
        let line = line(bytes);
        if line.is_empty() {
            return fields;
        }
        let colon = line.iter().position(|&byte| byte == b':').expect("a field has a colon");
        let name = String::from_utf8(line[..colon].to_vec()).expect("a name is ASCII");
        assert!(!name.is_empty() && !name.contains([' ', '\t']), "{name:?} is no name");
        fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

/// Reads one response to `method` from the front of `bytes`; `is_1_0` says that the client speaks HTTP/1.0.
pub fn read_response(bytes: &mut &[u8], method: &str, is_1_0: bool) -> ReadResponse {
    let status_line = std::str::from_utf8(line(bytes)).expect("ASCII");
    let (version, rest) = status_line.split_once(' ').expect("a space");
    assert_eq!(version, "HTTP/1.1");
    let (status, reason) = rest.split_once(' ').expect("a second space, even without a reason");
    assert_eq!(status.len(), 3);
    let status: u16 = status.parse().expect("three digits");
    let fields = field_lines(bytes);
    let mut response = ReadResponse {
        status,
        reason: reason.into(),
        fields,
        body: Vec::new(),
        trailers: Vec::new(),
        persists: true,
    };
    let connection: Vec<_> = response.values("connection").map(<[u8]>::to_ascii_lowercase).collect();
    response.persists = !connection.contains(&b"close".to_vec());
    if is_1_0 && status >= 200 {
        response.persists &= connection.contains(&b"keep-alive".to_vec());
    }
    let lengths: Vec<usize> = response
        .values("content-length")
        .map(|v| std::str::from_utf8(v).expect("ASCII").parse().expect("a number"))
        .collect();
    let codings: Vec<_> = response.values("transfer-encoding").map(<[u8]>::to_vec).collect();
    assert!(lengths.len() + codings.len() <= 1, "one framing only");
    if status < 200 || status == 204 {
        assert!(lengths.is_empty() && codings.is_empty(), "{status} has no framing fields");
    } else if method == "HEAD" || status == 304 {
        // The framing fields describe content that is not there.
    } else if !codings.is_empty() {
        assert_eq!(codings, [b"chunked"]);
        assert!(!is_1_0, "chunked to HTTP/1.0");
        read_chunks(bytes, &mut response);
    } else if let [length] = lengths[..] {
        response.body = take(bytes, length).to_vec();
    } else {
        assert!(!response.persists, "content up to the end, and the connection goes on");
        response.body = take(bytes, bytes.len()).to_vec();
    }
    response
}

fn read_chunks(bytes: &mut &[u8], response: &mut ReadResponse) {
    loop {
        let size = std::str::from_utf8(line(bytes)).expect("ASCII");
        let size = usize::from_str_radix(size, 16).expect("a hexadecimal size");
        if size == 0 {
            response.trailers = field_lines(bytes);
            return;
        }
        response.body.extend_from_slice(take(bytes, size));
        assert_eq!(take(bytes, 2), b"\r\n");
    }
}
