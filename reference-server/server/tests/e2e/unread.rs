//! Content that no module reads: it is judged all the same when it is there in time, and it never stands in the way of the
//! next request.

use crate::artefacts::{example_in_c, rust_module};
use crate::peer::Peer;
use crate::server::{Mount, Server, serve};

fn server(name: &str) -> Server {
    let modules = [Mount("hello", example_in_c("hello_c")), Mount("echo", rust_module("echo_stream"))];
    serve(name, 1, "[timeouts]\nlinger_ms = 500", &modules)
}

fn post(path: &str, framing: &str, content: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{content}")
}

/// Whether the module looks at the content or not: what came with the head and is no message gets no success.
#[test]
fn broken_content_is_refused_in_the_modules_stead() {
    let server = server("unread-broken");
    for content in [
        "+3\r\nabc\r\n0\r\n\r\n",
        "3;\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcde\r\n0\r\n\r\n",
        "0\r\nHost: y\r\n\r\n",
    ] {
        for path in ["/", "/echo"] {
            let mut peer = server.connect();
            peer.send(
                post(path, "Transfer-Encoding: chunked", content) + "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            );
            let response = peer.response("POST");
            assert_eq!(response.status, 400, "{path} {content:?}: {response:?}");
            assert!(response.says_close(), "{path} {content:?}: {response:?}");
            peer.expect_end(content);
        }
    }
    server.wait_until_idle(0);
    server.stop();
}

fn assert_next_is_answered(peer: &mut Peer, what: &str) {
    let response = peer.get("/");
    assert_eq!(response.status, 200, "{what}: {response:?}");
}

/// More content than waits for a module at once, less than is dropped to keep a connection.
#[test]
fn unread_content_is_dropped_and_the_next_request_answered() {
    let server = server("unread-dropped");
    for bytes in [1000, 65_536, 65_537, 100_000, 262_144] {
        let content = "c".repeat(bytes);
        let chunked = format!("{bytes:x}\r\n{content}\r\n0\r\n\r\n");
        for (framing, content) in
            [(format!("Content-Length: {bytes}"), &content), ("Transfer-Encoding: chunked".into(), &chunked)]
        {
            let mut peer = server.connect();
            peer.send(post("/", &framing, content));
            let response = peer.response("POST");
            assert_eq!(response.status, 200, "{framing}: {response:?}");
            assert_next_is_answered(&mut peer, &framing);
        }
    }
    server.wait_until_idle(0);
    server.stop();
}
