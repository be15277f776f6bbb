//! Responses as a strict client reads them (RFC 9112 sections 4 to 7). Written apart from the server's own code, so that a
//! mistake there does not hide itself here.

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// 10 or 11.
    pub version: u8,
    /// Status.
    pub status: u16,
    /// Fields in their order, names in lower case.
    pub fields: Vec<(String, String)>,
    /// Content, without its framing.
    pub body: Vec<u8>,
    /// Trailer fields, likewise.
    pub trailers: Vec<(String, String)>,
    /// Statuses of the interim responses that came before.
    pub interim: Vec<u16>,
    /// The content was chunked.
    pub chunked: bool,
}

impl Response {
    /// The value of a field that occurs at most once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values =
            self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} occurs twice");
        value
    }

    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server said that the connection ends with it.
    pub fn says_close(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Why there is no response.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// More bytes are needed; what is there is in order so far. The final status, if its head is there.
    Incomplete(Option<u16>),
    /// It breaks a rule.
    Malformed(String),
}

fn malformed<T>(why: impl Into<String>) -> Result<T, Unread> {
    Err(Unread::Malformed(why.into()))
}

/// One final response and what came before it, from the front of `bytes`; answers how many bytes it took. `eof`: no more
/// bytes come. `method` is that of its request.
pub fn parse(bytes: &[u8], method: &str, eof: bool) -> Result<(Response, usize), Unread> {
    let mut interim = Vec::new();
    let mut at = 0;
    loop {
        let (mut response, size) = head(&bytes[at..])?;
        at += size;
        if response.status < 200 {
            interim.push(response.status);
            continue;
        }
        response.interim = interim;
        let end = content(&mut response, bytes, at, method, eof)?;
        return Ok((response, end));
    }
}

/// A line without its CRLF, and the place behind it.
fn line(bytes: &[u8], from: usize) -> Result<(&str, usize), Unread> {
    let rest = &bytes[from..];
    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
        return Err(Unread::Incomplete(None));
    };
    let Some(text) = rest[..end].strip_suffix(b"\r") else { return malformed("a line ends in a bare LF") };
    if text.iter().any(|&byte| byte != b'\t' && !(b' '..0x7f).contains(&byte)) {
        return malformed(format!("strange bytes in the line {:?}", text.escape_ascii().to_string()));
    }
    Ok((std::str::from_utf8(text).unwrap(), from + end + 1))
}

fn head(bytes: &[u8]) -> Result<(Response, usize), Unread> {
    let (status_line, at) = line(bytes, 0)?;
    let version = match status_line.get(..9) {
        Some("HTTP/1.1 ") => 11,
        Some("HTTP/1.0 ") => 10,
        _ => return malformed(format!("status line {status_line:?}")),
    };
    let code = status_line.get(9..12).and_then(|code| code.parse().ok());
    let (Some(status @ 100..=599), Some(b' ')) = (code, status_line.as_bytes().get(12)) else {
        return malformed(format!("status line {status_line:?}"));
    };
    let (fields, at) = fields(bytes, at)?;
    Ok((Response { version, status, fields, ..Response::default() }, at))
}

type Fields = Vec<(String, String)>;

/// Field lines up to the empty line.
fn fields(bytes: &[u8], mut at: usize) -> Result<(Fields, usize), Unread> {
    let mut fields = Vec::new();
    loop {
        let (text, next) = line(bytes, at)?;
        at = next;
        if text.is_empty() {
            return Ok((fields, at));
        }
        let Some((name, value)) = text.split_once(':') else {
            return malformed(format!("field line {text:?}"));
        };
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return malformed(format!("field name {name:?}"));
        }
        fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
    }
}

/// The content that the head announces; answers where it ends.
fn content(
    response: &mut Response,
    bytes: &[u8],
    at: usize,
    method: &str,
    eof: bool,
) -> Result<usize, Unread> {
    let length = response.field("content-length").map(str::to_owned);
    let coding = response.field("transfer-encoding").map(str::to_owned);
    let status = response.status;
    if status == 204 && (length.is_some() || coding.is_some()) {
        return malformed("204 with framing fields (RFC 9110 section 8.6)");
    }
    if let Some(length) = &length
        && (length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return malformed(format!("content-length {length:?}"));
    }
    if method == "HEAD" || matches!(status, 204 | 304) {
        return Ok(at);
    }
    match (length, coding) {
        (Some(_), Some(_)) => malformed("both content-length and transfer-encoding"),
        (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => {
            response.chunked = true;
            chunks(response, bytes, at)
        }
        (None, Some(coding)) => malformed(format!("transfer-encoding {coding}")),
        (Some(length), None) => {
            let Ok(length) = length.parse::<usize>() else { return malformed("content-length too large") };
            let Some(body) = bytes.get(at..at + length) else { return Err(Unread::Incomplete(Some(status))) };
            response.body = body.to_vec();
            Ok(at + length)
        }
        (None, None) if eof => {
            response.body = bytes[at..].to_vec();
            Ok(bytes.len())
        }
        (None, None) => Err(Unread::Incomplete(Some(status))),
    }
}

fn chunks(response: &mut Response, bytes: &[u8], mut at: usize) -> Result<usize, Unread> {
    let status = response.status;
    let partial =
        |unread| if unread == Unread::Incomplete(None) { Unread::Incomplete(Some(status)) } else { unread };
    loop {
        let (text, next) = line(bytes, at).map_err(partial)?;
        let Ok(size) = usize::from_str_radix(text, 16) else {
            return malformed(format!("chunk line {text:?}"));
        };
        at = next;
        if size == 0 {
            (response.trailers, at) = fields(bytes, at).map_err(partial)?;
            return Ok(at);
        }
        let Some(data) = bytes.get(at..at + size + 2) else { return Err(Unread::Incomplete(Some(status))) };
        if &data[size..] != b"\r\n" {
            return malformed("a chunk does not end in CRLF");
        }
        response.body.extend_from_slice(&data[..size]);
        at += size + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reader itself: what is cut is incomplete, what is wrong is malformed.
    #[test]
    fn reads_strictly() {
        let whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\n\r\n";
        let (response, size) = parse(whole, "GET", false).unwrap();
        assert_eq!(
            (size, response.body.as_slice(), response.interim.as_slice()),
            (whole.len(), &b"ab"[..], &[100][..])
        );
        assert_eq!(response.trailers, [("x".into(), "y".into())]);
        for cut in 0..whole.len() {
            assert!(matches!(parse(&whole[..cut], "GET", true), Err(Unread::Incomplete(_))), "cut at {cut}");
        }
        for wrong in [
            "HTTP/1.1 200\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\n\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        ] {
            assert!(matches!(parse(wrong.as_bytes(), "GET", true), Err(Unread::Malformed(_))), "{wrong:?}");
        }
    }
}
