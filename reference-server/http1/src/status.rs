//! Status lines, made once. Reason phrases follow the IANA registry; an unknown status has none.

macro_rules! status_lines {
    ($($code:literal $reason:literal)*) => {
        const KNOWN: &[(u16, &[u8])] = &[
            $(($code, concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n").as_bytes()),)*
        ];
    };
}

status_lines! {
    100 "Continue" 102 "Processing" 103 "Early Hints"
    200 "OK" 201 "Created" 202 "Accepted" 203 "Non-Authoritative Information" 204 "No Content"
    205 "Reset Content" 206 "Partial Content" 207 "Multi-Status" 208 "Already Reported" 226 "IM Used"
    300 "Multiple Choices" 301 "Moved Permanently" 302 "Found" 303 "See Other" 304 "Not Modified" 305 "Use Proxy"
    307 "Temporary Redirect" 308 "Permanent Redirect"
    400 "Bad Request" 401 "Unauthorized" 402 "Payment Required" 403 "Forbidden" 404 "Not Found"
    405 "Method Not Allowed" 406 "Not Acceptable" 407 "Proxy Authentication Required" 408 "Request Timeout"
    409 "Conflict" 410 "Gone" 411 "Length Required" 412 "Precondition Failed" 413 "Content Too Large"
    414 "URI Too Long" 415 "Unsupported Media Type" 416 "Range Not Satisfiable" 417 "Expectation Failed"
    421 "Misdirected Request" 422 "Unprocessable Content" 423 "Locked" 424 "Failed Dependency" 425 "Too Early"
    426 "Upgrade Required" 428 "Precondition Required" 429 "Too Many Requests"
    431 "Request Header Fields Too Large" 451 "Unavailable For Legal Reasons"
    500 "Internal Server Error" 501 "Not Implemented" 502 "Bad Gateway" 503 "Service Unavailable"
    504 "Gateway Timeout" 505 "HTTP Version Not Supported" 506 "Variant Also Negotiates"
    507 "Insufficient Storage" 508 "Loop Detected" 511 "Network Authentication Required"
}

const FIRST: usize = 100;
const COUNT: usize = 500;

static LINES: [&[u8]; COUNT] = lines();

const fn lines() -> [&'static [u8]; COUNT] {
    let mut table: [&'static [u8]; COUNT] = [&[]; COUNT];
    let mut index = 0;
    while index < KNOWN.len() {
        table[KNOWN[index].0 as usize - FIRST] = KNOWN[index].1;
        index += 1;
    }
    table
}

/// Appends the status line of `status`, which is within 100 to 599.
#[inline]
pub(crate) fn write_line(out: &mut Vec<u8>, status: u16) {
    let line = LINES[status as usize - FIRST];
    if line.is_empty() {
        write_unknown(out, status);
    } else {
        out.extend_from_slice(line);
    }
}

#[cold]
fn write_unknown(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend([status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8));
    out.extend_from_slice(b" \r\n");
}

/// The registered reason phrase of `status`; empty when there is none.
#[must_use]
pub fn reason(status: u16) -> &'static str {
    let line =
        (status as usize).checked_sub(FIRST).and_then(|index| LINES.get(index)).copied().unwrap_or_default();
    let phrase =
        line.strip_suffix(b"\r\n").and_then(|line| line.get("HTTP/1.1 200 ".len()..)).unwrap_or_default();
    std::str::from_utf8(phrase).unwrap_or_default()
}
