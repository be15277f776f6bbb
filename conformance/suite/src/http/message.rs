//! A strict reader of HTTP/1.1 responses, which notes what no response may be. Must not know what was asked, but for the method.

use super::escapes::shown;

/// A final response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    /// The minor version: 0 or 1.
    pub minor: u8,
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub fields: Vec<(String, String)>,
    /// The content, without its coding.
    pub content: Vec<u8>,
    /// The trailer fields.
    pub trailers: Vec<(String, String)>,
    /// The statuses of interim responses before it.
    pub interim: Vec<u16>,
    /// What no response may be: one sentence each, with the section.
    pub faults: Vec<String>,
    /// What it lacks by the meaning of its status and fields: one sentence each, with the section. Its framing is sound.
    pub remarks: Vec<String>,
    /// Whether the end of the connection is its end.
    pub is_framed_by_end: bool,
}

impl Response {
    /// The values of a field, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether `connection` lists the word.
    #[must_use]
    pub fn connection_says(&self, word: &str) -> bool {
        self.values("connection")
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(word))
    }

    /// Whether the connection ends after it, by what it says.
    #[must_use]
    pub fn tells_close(&self) -> bool {
        self.connection_says("close")
            || self.is_framed_by_end
            || (self.minor == 0 && !self.connection_says("keep-alive"))
    }
}

type Parsed<T> = Result<Option<(T, usize)>, String>;

/// Reads the first final response of `bytes` with the interim ones before it, to the request method `method`; how many bytes it
/// took. `None`: more has to come. `has_ended`: nothing will.
///
/// # Errors
/// Why it is no response.
pub fn parse(bytes: &[u8], method: &str, has_ended: bool) -> Parsed<Response> {
    let mut interim = Vec::new();
    let mut faults = Vec::new();
    let mut start = 0;
    loop {
        let Some((mut response, length)) = head(&bytes[start..])? else { return Ok(None) };
        start += length;
        faults.append(&mut response.faults);
        if response.status / 100 == 1 && response.status != 101 {
            if response.values("content-length").next().is_some()
                || response.values("transfer-encoding").next().is_some()
            {
                faults.push("an interim response with a length (RFC 9110 8.6)".into());
            }
            interim.push(response.status);
            continue;
        }
        response.interim = interim;
        response.faults = faults;
        let Some(length) = content(&mut response, &bytes[start..], method, has_ended)? else {
            return Ok(None);
        };
        properties(&mut response, method);
        return Ok(Some((response, start + length)));
    }
}

fn line(bytes: &[u8]) -> Parsed<&[u8]> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() > 1 << 20 { Err("a line without an end".into()) } else { Ok(None) };
    };
    match bytes[..end].strip_suffix(b"\r") {
        Some(line) if !line.contains(&b'\r') => Ok(Some((line, end + 1))),
        _ => Err(format!("a line that does not end at CRLF: {}", shown(&bytes[..=end]))),
    }
}

fn head(bytes: &[u8]) -> Parsed<Response> {
    // What cannot become a status line is none, however much is to come.
    let prefix = b"HTTP/1.";
    if !bytes.iter().zip(prefix).all(|(byte, wanted)| byte == wanted) {
        return Err(format!("no status line: {}", shown(bytes)));
    }
    let Some((first, mut at)) = line(bytes)? else { return Ok(None) };
    let mut response = status_line(first)?;
    loop {
        let Some((line, length)) = line(&bytes[at..])? else { return Ok(None) };
        at += length;
        if line.is_empty() {
            return Ok(Some((response, at)));
        }
        let field = field(line, &mut response.faults)?;
        response.fields.push(field);
    }
}

fn status_line(line: &[u8]) -> Result<Response, String> {
    let bad = || format!("not a status line (RFC 9112 4): {}", shown(line));
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ (b'0' | b'1'), b' ', status @ ..] = line else {
        return Err(bad());
    };
    let (digits, reason) = status.split_at_checked(3).ok_or_else(bad)?;
    if !digits.iter().all(u8::is_ascii_digit) || !(reason.is_empty() || reason.starts_with(b" ")) {
        return Err(bad());
    }
    let mut response = Response { minor: minor - b'0', ..Response::default() };
    response.status = digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    if !(100..600).contains(&response.status) {
        return Err(bad());
    }
    if reason.is_empty() {
        response.faults.push("no space behind the status (RFC 9112 4)".into());
    }
    Ok(response)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn field(line: &[u8], faults: &mut Vec<String>) -> Result<(String, String), String> {
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or(format!("a field without a colon: {}", shown(line)))?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(format!("a name that is no token (RFC 9110 5.1): {}", shown(line)));
    }
    if value.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
        faults.push(format!("a control character in a value (RFC 9110 5.5): {}", shown(line)));
    }
    Ok((String::from_utf8_lossy(name).to_lowercase(), String::from_utf8_lossy(value).into_owned()))
}

/// Takes the content; how many bytes it was. `None`: more has to come.
fn content(
    response: &mut Response,
    bytes: &[u8],
    method: &str,
    has_ended: bool,
) -> Result<Option<usize>, String> {
    if method == "HEAD" || matches!(response.status, 101 | 204 | 304) {
        return Ok(Some(0));
    }
    let codings: Vec<String> = response.values("transfer-encoding").map(str::to_lowercase).collect();
    let lengths: Vec<String> = response.values("content-length").map(str::to_owned).collect();
    if let [coding] = &codings[..] {
        if !lengths.is_empty() {
            return Err("two framings: content-length and transfer-encoding (RFC 9112 6.1)".into());
        }
        if coding != "chunked" {
            return Err(format!("a transfer coding that was not asked for: {coding}"));
        }
        return chunks(response, bytes);
    }
    match &lengths[..] {
        [] => {
            response.is_framed_by_end = true;
            if has_ended {
                response.content = bytes.to_vec();
            }
            Ok(has_ended.then_some(bytes.len()))
        }
        [length] => {
            let length: usize =
                length.parse().map_err(|_| format!("content-length is no number: {length}"))?;
            if bytes.len() < length {
                return Ok(None);
            }
            response.content = bytes[..length].to_vec();
            Ok(Some(length))
        }
        _ => Err("content-length more than once (RFC 9112 6.3)".into()),
    }
}

fn chunks(response: &mut Response, bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut at = 0;
    loop {
        let Some((size_line, length)) = line(&bytes[at..])? else { return Ok(None) };
        at += length;
        let digits = size_line.split(|byte| *byte == b';').next().unwrap_or_default();
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let size =
            usize::from_str_radix(text, 16).map_err(|_| format!("not a chunk size: {}", shown(size_line)))?;
        if size == 0 {
            break;
        }
        let Some(chunk) = bytes.get(at..at.saturating_add(size).saturating_add(2)) else { return Ok(None) };
        let data = chunk.strip_suffix(b"\r\n").ok_or("a chunk without CRLF at its end")?;
        response.content.extend_from_slice(data);
        at += chunk.len();
    }
    loop {
        let Some((line, length)) = line(&bytes[at..])? else { return Ok(None) };
        at += length;
        if line.is_empty() {
            return Ok(Some(at));
        }
        let trailer = field(line, &mut response.faults)?;
        response.trailers.push(trailer);
    }
}

/// What holds of every response, whatever was asked.
fn properties(response: &mut Response, method: &str) {
    let has = |response: &Response, name: &str| response.values(name).next().is_some();
    let mut remarks = Vec::new();
    if has(response, "transfer-encoding") && matches!(response.status, 204 | 101) {
        remarks.push("transfer-encoding where no content may be (RFC 9112 6.1)");
    }
    if has(response, "content-length") && response.status == 204 {
        remarks.push("content-length with 204 (RFC 9110 8.6)");
    }
    if (200..500).contains(&response.status) && !has(response, "date") {
        remarks.push("no date (RFC 9110 6.6.1)");
    }
    if response.values("date").count() > 1 {
        remarks.push("date more than once (RFC 9110 5.3)");
    }
    if response.status == 401 && !has(response, "www-authenticate") {
        remarks.push("401 without www-authenticate (RFC 9110 15.5.2)");
    }
    if response.status == 426 && !has(response, "upgrade") {
        remarks.push("426 without upgrade (RFC 9110 15.5.22)");
    }
    let is_multipart =
        response.values("content-type").any(|value| value.to_lowercase().starts_with("multipart/byteranges"));
    if response.status == 206 && method != "HEAD" && !has(response, "content-range") && !is_multipart {
        remarks.push("206 without content-range (RFC 9110 15.3.7)");
    }
    if response.connection_says("close") && response.connection_says("keep-alive") {
        remarks.push("connection says both close and keep-alive (RFC 9112 9.3)");
    }
    response.remarks.extend(remarks.into_iter().map(str::to_owned));
}
