//! Streams: bodies of any size in constant memory, in single bytes, and with back-pressure that reaches the client's socket.

use crate::artefacts::{example_in_c, probe, rust_module};
use crate::message::Response;
use crate::server::{Mount, Server, serve};
use socket2::SockRef;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// Bytes in which a lost, doubled or moved piece shows.
fn pattern(from: usize, size: usize) -> Vec<u8> {
    (from..from + size).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}

fn echo(name: &str) -> Server {
    serve(name, 2, "", &[Mount("echo", rust_module("echo_stream"))])
}

#[test]
fn echo_of_chunks_of_one_byte() {
    let server = echo("echo-bytes");
    let body = pattern(0, 2000);
    let mut peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for byte in &body {
        let mut chunk = b"1\r\n".to_vec();
        chunk.extend_from_slice(&[*byte, b'\r', b'\n']);
        peer.send(chunk);
    }
    peer.send("0\r\n\r\n");
    let response = peer.response("POST");
    assert_eq!((response.status, response.chunked), (200, true));
    assert_eq!(response.body, body);
    server.wait_until_idle(1);
    server.stop();
}

/// The answer to the first byte comes before the second is sent: nothing is collected.
#[test]
fn echo_answers_before_the_body_is_whole() {
    let server = echo("echo-early");
    let mut peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    let mut seen = Vec::new();
    for byte in ["a", "b", "c"] {
        peer.send(byte);
        while !seen.ends_with(byte.as_bytes()) {
            seen.extend(peer.take(1));
        }
    }
    assert!(seen.starts_with(b"HTTP/1.1 200 OK\r\n") && seen.ends_with(b"\r\n\r\nabc"));
    server.stop();
}

/// Writes `size` bytes of the pattern in pieces.
fn upload(mut stream: TcpStream, size: usize) {
    for from in (0..size).step_by(MIB) {
        stream.write_all(&pattern(from, MIB.min(size - from))).unwrap();
    }
}

/// 64 MiB through the echo; reader and writer have small buffers and go by turns with the server. The server's memory stays
/// where it was, whatever the size.
#[test]
fn echo_of_64_mib_in_constant_memory() {
    const SIZE: usize = 64 * MIB;
    let server = echo("echo-large");
    // A first small one, so that everything that is made once has been made.
    let mut first = server.connect();
    first.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(first.response("POST").body, b"hello");
    let before_kib = server.process("VmRSS");
    let mut peer = crate::peer::Peer::connect_narrow(server.address, 16 << 10);
    SockRef::from(&peer.stream).set_send_buffer_size(16 << 10).unwrap();
    peer.send(format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n"));
    let writer = peer.stream.try_clone().unwrap();
    let thread = std::thread::spawn(move || upload(writer, SIZE));
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(peer.take(1));
    }
    let mut most_kib = 0;
    for from in (0..SIZE).step_by(MIB) {
        assert_eq!(peer.take(MIB), pattern(from, MIB), "from byte {from}");
        most_kib = most_kib.max(server.process("VmRSS"));
    }
    thread.join().unwrap();
    assert!(most_kib < before_kib + 4 * 1024, "{before_kib} KiB became {most_kib} KiB");
    server.stop();
}

/// A gibibyte of zeros is hashed while the server stays below 64 MiB.
#[test]
fn upload_of_a_gibibyte() {
    const ZEROS: &str = "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14";
    let server = serve("upload-hash", 2, "", &[Mount("hash", rust_module("upload_hash"))]);
    let mut peer = server.connect();
    peer.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n");
    let piece = vec![0; 4 * MIB];
    let mut most_kib = 0;
    for _ in 0..256 {
        peer.send(&piece);
        most_kib = most_kib.max(server.process("VmHWM"));
    }
    assert_eq!(peer.response("PUT").text(), ZEROS);
    assert!(most_kib.max(server.process("VmHWM")) < 64 * 1024, "{most_kib} KiB");
    server.stop();
}

/// While the module does not read, the client cannot write for ever: its socket fills up, and the server's memory does not.
#[test]
fn back_pressure_reaches_the_client() {
    let server = serve("back-pressure", 1, "", &[Mount("states", probe("states"))]);
    let mut peer = server.connect();
    peer.send("POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    server.wait_for_counters("it is parked", |counters| counters.get("starts") == 1);
    let before_kib = server.process("VmRSS");
    SockRef::from(&peer.stream).set_send_buffer_size(64 << 10).unwrap();
    peer.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &vec![b'x'; MIB], b"\r\n"].concat();
    let mut sent = 0;
    let blocked = loop {
        match peer.stream.write(&chunk) {
            Ok(size) => sent += size,
            Err(error) => break error,
        }
        assert!(sent < 256 * MIB, "the server takes whatever comes");
    };
    assert!(matches!(blocked.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{blocked}");
    let after_kib = server.process("VmRSS");
    assert!(after_kib < before_kib + 2 * 1024, "{before_kib} KiB became {after_kib} KiB");
    // An end in order would be noticed behind the unread bytes only; a reset is noticed at once.
    peer.reset();
    server.wait_until_idle(0);
    server.stop();
}

/// The slow reader answers with the number of bytes, all of which it got.
#[test]
fn a_slow_reader_gets_everything() {
    let server = serve("slow-reader", 1, "", &[Mount("slow", example_in_c("slow_reader"))]);
    let mut peer = server.connect();
    peer.send("POST /?chunk_delay_ms=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
    peer.send(vec![b'x'; 3_000_000]);
    assert_eq!(peer.response("POST").text(), "3000000\n");
    server.stop();
}

/// A thousand requests in one write: as many answers, in their order.
#[test]
fn a_thousand_requests_in_one_segment() {
    let server = serve("pipeline", 2, "", &[Mount("mirror", probe("mirror"))]);
    let mut peer = server.connect();
    let mut stream = peer.stream.try_clone().unwrap();
    let requests: String =
        (0..1000).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    let thread = std::thread::spawn(move || stream.write_all(requests.as_bytes()).unwrap());
    for number in 0..1000 {
        let Response { status, body, .. } = peer.response("GET");
        let line = format!("M GET\nT /{number}\n");
        assert!(status == 200 && body.starts_with(line.as_bytes()), "{number}: {}", body.escape_ascii());
    }
    thread.join().unwrap();
    server.stop();
}

/// A client that asks for much and reads nothing for a while gets all of it, in order, once it reads.
#[test]
fn a_pipeline_that_is_read_late() {
    let server = serve("late", 1, "", &[Mount("mirror", probe("mirror"))]);
    let mut peer = crate::peer::Peer::connect_narrow(server.address, 4096);
    let mut stream = peer.stream.try_clone().unwrap();
    let body = "y".repeat(50_000);
    let request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let thread =
        std::thread::spawn(move || (0..100).for_each(|_| stream.write_all(request.as_bytes()).unwrap()));
    server.wait_for_counters("some are answered", |counters| counters.get("requests") > 3);
    for _ in 0..100 {
        assert!(peer.response("POST").body.ends_with(format!("B {body}\n").as_bytes()));
    }
    thread.join().unwrap();
    let mut one = [0];
    peer.stream.set_nonblocking(true).unwrap();
    assert_eq!(peer.stream.read(&mut one).unwrap_err().kind(), ErrorKind::WouldBlock);
    server.stop();
}
