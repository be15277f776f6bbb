//! The fetch against upstreams of the test's own: whole, truncated, silent, absent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use http_container::testing::Container;

use crate::Fetch;

/// An upstream that answers one request with these bytes and closes; its port.
fn upstream(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        answer(&mut stream);
        String::from_utf8(head).unwrap()
    });
    (port, server)
}

fn container(port: u16, timeout_ms: u64) -> Container {
    let config = format!(r#"{{ "upstream": "http://127.0.0.1:{port}/a?b", "timeout_ms": {timeout_ms} }}"#);
    Container::app::<Fetch>(&config).unwrap()
}

#[test]
fn the_answer_streams_through_without_the_connection_s_fields() {
    let (port, server) = upstream(|stream| {
        let head = "HTTP/1.1 201 Created\r\nx-up: 1\r\nconnection: x-hop\r\nx-hop: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        for part in [head, "5\r\nhello\r\n", "6\r\n world\r\n", "0\r\n\r\n"] {
            stream.write_all(part.as_bytes()).unwrap();
        }
    });
    let answer = container(port, 10_000).get("/");
    assert!(server.join().unwrap().starts_with("GET /a?b HTTP/1.1\r\n"));
    assert_eq!(
        (answer.status().as_u16(), answer.header("x-up"), answer.header("x-hop")),
        (201, Some("1"), None)
    );
    assert_eq!(answer.text(), "hello world");
}

#[test]
fn a_truncated_answer_never_looks_whole() {
    let (port, server) =
        upstream(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").unwrap());
    let answer = container(port, 10_000).get("/");
    server.join().unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body[..]), (200, &b"half"[..]));
    assert_eq!((answer.is_whole, answer.is_aborted), (false, true));
}

#[test]
fn failures_are_gateway_errors() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(container(closed, 10_000).get("/").status().as_u16(), 502);

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut container = container(silent.local_addr().unwrap().port(), 10);
    assert_eq!(container.get("/").status().as_u16(), 504);
    assert_eq!(container.counts().descriptors, 0, "the connection went with the request");
}

#[test]
fn a_name_is_refused_with_a_reason() {
    let refused = Container::app::<Fetch>(r#"{ "upstream": "http://example.org/" }"#).err().unwrap();
    assert!(refused.log[0].text.contains("IP address"), "{refused:?}");
    let refused = Container::app::<Fetch>(r#"{ "upstream": 7 }"#).err().unwrap();
    assert!(refused.log[0].text.contains("at `upstream`"), "{refused:?}");
}
