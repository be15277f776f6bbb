//! Tables of raw requests with the responses that RFC 9110 and 9112 permit, and a generated family of requests whose framing
//! two servers could read in two ways: none of them may be read in any.

use crate::artefacts::probe;
use crate::cases::{Case, read};
use crate::peer::Peer;
use crate::server::{Mount, Server, serve};
use std::collections::VecDeque;

const SENTINEL: &str = "GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n";

fn mirror(name: &str, extra: &str) -> Server {
    serve(name, 1, extra, &[Mount("mirror", probe("mirror"))])
}

/// The methods of the requests in a case: the first word of each line that ends in a version.
fn methods(input: &[u8]) -> VecDeque<String> {
    let text = String::from_utf8_lossy(input);
    let lines = text.split("\r\n").filter(|line| line.contains(" HTTP/1.") && !line.starts_with(' '));
    lines.map(|line| line.split(' ').next().unwrap().trim_start_matches('a').to_owned()).collect()
}

/// Sends a case and the sentinel; reads the responses that are expected, and then sees whether the sentinel is answered.
fn check(server: &Server, case: &Case, byte_by_byte: bool) {
    let mut peer = server.connect();
    let input = [&case.input, SENTINEL.as_bytes()].concat();
    if byte_by_byte {
        let _ = input.iter().all(|&byte| peer.try_send([byte]));
    } else {
        peer.try_send(&input);
    }
    let mut methods = methods(&case.input);
    let mut closes = false;
    for expected in &case.expected {
        if expected == "close" {
            closes = true;
            continue;
        }
        let method = methods.pop_front().unwrap_or_default();
        let response = peer.response(&method);
        let permitted = expected.split('|').any(|status| status == response.status.to_string());
        assert!(permitted, "{}: expected {expected}, got {response:?}", case.name);
        // 100 is optional when content is there already (RFC 9110 section 10.1.1), and never sent to 1.0 or unasked.
        let may_inform = String::from_utf8_lossy(&case.input).contains("Expect: 100-continue");
        assert!(response.interim.is_empty() || may_inform, "{}: {response:?}", case.name);
        assert_eq!(response.body.is_empty(), method == "HEAD", "{}: {response:?}", case.name);
    }
    check_end(&mut peer, closes, &case.name);
}

/// The sentinel is answered exactly when the connection goes on.
fn check_end(peer: &mut Peer, closes: bool, name: &str) {
    if !closes {
        let response = peer.response("GET");
        assert!(response.text().starts_with("M GET\nT /sentinel\n"), "{name}: {response:?}");
        peer.finish();
    }
    peer.expect_end(name);
}

#[test]
fn valid_requests() {
    let server = mirror("valid", "[timeouts]\nlinger_ms = 500");
    let cases = read(include_str!("requests/valid.txt"));
    assert!(cases.len() > 20);
    for case in &cases {
        check(&server, case, false);
        check(&server, case, true);
    }
    server.stop();
}

#[test]
fn limits() {
    let extra = "[limits]\nrequest_line_bytes = 200\nhead_bytes = 500\nfield_count = 10\nbody_bytes = 100\n\
                 [timeouts]\nlinger_ms = 500";
    let server = mirror("limits", extra);
    let cases = read(include_str!("requests/limits.txt"));
    for case in &cases {
        check(&server, case, false);
        check(&server, case, true);
    }
    server.stop();
}

/// 100 comes when the module begins to read, once, and never when it answers without reading; not in HTTP/1.0.
#[test]
fn continue_is_sent_when_the_module_reads() {
    let mounts = [Mount("mirror", probe("mirror")), Mount("early", probe("states"))];
    let server = serve("continue", 1, "[timeouts]\nlinger_ms = 500", &mounts);
    let head = |path: &str, version: &str| {
        format!("POST {path} HTTP/{version}\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
    };
    let mut peer = server.connect();
    for _ in 0..3 {
        peer.send(head("/", "1.1"));
        assert_eq!(peer.take(25), b"HTTP/1.1 100 Continue\r\n\r\n");
        peer.send("hello");
        let response = peer.response("POST");
        assert!(response.interim.is_empty() && response.text().ends_with("B hello\n"), "{response:?}");
    }
    // Answered early: whether the content comes nobody knows, so the connection ends.
    peer.send(head("/early", "1.1"));
    let response = peer.response("POST");
    assert!(response.interim.is_empty() && response.says_close(), "{response:?}");
    peer.try_send("GET / H");
    peer.expect_end("after the early answer");
    let mut peer = server.connect();
    peer.send(head("/", "1.0") + "hello");
    let response = peer.response("POST");
    assert!(response.status == 200 && response.interim.is_empty(), "{response:?}");
    server.stop();
}

/// Field lines about the framing that are wrong, or that other servers have been seen to read in their own ways.
const FRAMING: &[&str] = &[
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5\r\nContent-Length: 5",
    "Content-Length: 5, 5",
    "Content-Length: 5,6",
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 0x5",
    "Content-Length: 5 5",
    "Content-Length: 5a",
    "Content-Length: ",
    "Content-Length: \"5\"",
    "Content-Length: 99999999999999999999999",
    "Content-Length : 5",
    "Content-Length\t: 5",
    " Content-Length: 5",
    "A: b\r\n Content-Length: 5",
    "A: b\r\n\tContent-Length: 5",
    "Content-Length: 5\rX: y",
    "Content-Length: 5\nX: y",
    "A: b\nContent-Length: 5",
    "Content\0-Length: 5",
    "Content-Length: 5\0",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: ",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: chunk\r\n ed",
    "Host: y",
    "Host: x\r\nHost: x",
    "NoColon",
    ": no name",
    "Sp ace: b",
    "A: b\rc",
    "A: b\0c",
    "A: b\x7fc",
    "A: b\x01c",
    "A\r: b",
    "(A): b",
    "A: b\r\n\r: c",
];

/// Request lines that are none.
const REQUEST_LINES: &[&str] = &[
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "GET\t/ HTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET / HTTP/1.1\r",
    " GET / HTTP/1.1",
    "GET / HTTP/1.1\nX: y",
    "GET /a b HTTP/1.1",
    "GET / HTTP/1",
    "GET / HTTP/11",
    "GET / HTTP/1.10",
    "GET / http/1.1",
    "GET / HTTP 1.1",
    "GET / HTTPS/1.1",
    "GET",
    "G@T / HTTP/1.1",
    "G\0T / HTTP/1.1",
    "GET /\0 HTTP/1.1",
    "GET /\x7f HTTP/1.1",
    "GET /# HTTP/1.1",
    "GET a HTTP/1.1",
    "GET * HTTP/1.1",
    "GET ftp://x/ HTTP/1.1",
    "GET http:// HTTP/1.1",
    "GET http://user@x/ HTTP/1.1",
    "CONNECT / HTTP/1.1",
    "OPTIONS ** HTTP/1.1",
];

/// Chunked bodies that break a rule.
const CHUNKS: &[&str] = &[
    "x\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloo\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    "5;\r\nhello\r\n0\r\n\r\n",
    "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "5;a=\"b\r\nhello\r\n0\r\n\r\n",
    "10000000000000000\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n0\r\nHost: x\r\n\r\n",
    "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
    "5\r\nhello\r\n0\r\n A: b\r\n\r\n",
    "5\r\nhello\r\n0\r\nA: b\n\r\n",
    "5\r\nhello\r\n0\n\r\n",
];

/// A refused request gets exactly one response, which says that the connection ends; nothing behind it is answered.
fn check_refused(server: &Server, request: &str) {
    for behind in [SENTINEL.to_owned(), format!("0\r\n\r\n{SENTINEL}"), format!("hello{SENTINEL}")] {
        let name = (request.to_owned() + &behind).escape_default().to_string();
        let mut peer = server.connect();
        peer.try_send(request.to_owned() + &behind);
        let response = peer.response("GET");
        assert!(matches!(response.status, 400 | 413 | 501 | 505), "{name}: {response:?}");
        assert!(response.says_close(), "{name}: {response:?}");
        peer.expect_end(&name);
    }
}

#[test]
fn nothing_is_read_in_two_ways() {
    let server = mirror("smuggling", "[timeouts]\nlinger_ms = 500");
    for method in ["GET", "POST"] {
        for version in ["1.0", "1.1"] {
            for framing in FRAMING {
                check_refused(&server, &format!("{method} / HTTP/{version}\r\nHost: x\r\n{framing}\r\n\r\n"));
            }
        }
    }
    for line in REQUEST_LINES {
        check_refused(&server, &format!("{line}\r\nHost: x\r\n\r\n"));
    }
    check_refused(&server, "GET / HTTP/1.1\r\n\r\n");
    for chunks in CHUNKS {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        check_refused(&server, &format!("{head}{chunks}"));
    }
    server.wait_until_idle(0);
    server.stop();
}
