//! Modules that need more than themselves: middleware that asks the next module of its route, and a client of another server
//! on the container's own event loop. Leaving cancels down the chain, and nothing is left.

use crate::artefacts::{probe, rust_module};
use crate::peer::Peer;
use crate::server::{Mount, STATUS_PATH, Server, serve};
use std::io::Write;
use std::os::unix::net::UnixStream;

/// A route whose modules are the guard of the `middleware` example and the states probe.
fn guarded(name: &str) -> Server {
    let text = format!(
        "listen = [\"127.0.0.1:0\", \"unix:hc.sock\"]\nworkers = 2\n[status]\npath = \"{STATUS_PATH}\"\n\
         [timeouts]\nlinger_ms = 200\n\
         [[module]]\nname = \"guard\"\npath = \"{}\"\nconfig = {{ token = \"t\" }}\n\
         [[module]]\nname = \"states\"\npath = \"{}\"\n\
         [[route]]\npath = \"/\"\nmodules = [\"guard\", \"states\"]\n\
         [[route]]\npath = \"/-record\"\nmodule = \"states\"\n",
        rust_module("middleware").display(),
        probe("states").display()
    );
    Server::start(name, &text)
}

const TOKEN: &str = "Host: x\r\nAuthorization: Bearer t\r\n";

#[test]
fn middleware_answers_or_asks_the_next() {
    let server = guarded("chain");
    let mut peer = server.connect();
    for _ in 0..3 {
        let response = peer.get("/early");
        assert_eq!((response.status, response.field("www-authenticate")), (401, Some("Bearer")));
        let response = peer.ask(&format!("GET /early HTTP/1.1\r\n{TOKEN}\r\n"));
        assert_eq!(response.text(), "early");
        assert!(response.field("server-timing").is_some(), "{response:?}");
        // The child reads the request's body.
        peer.send(format!("POST /reading HTTP/1.1\r\n{TOKEN}Content-Length: 4\r\n\r\nbo"));
        peer.send("dy");
        assert_eq!(peer.response("POST").text(), "read");
        let response = peer.ask(&format!("GET /chunked HTTP/1.1\r\n{TOKEN}\r\n"));
        assert!(response.chunked && response.text() == "012345678901234567890123456789", "{response:?}");
        let response = peer.ask(&format!("HEAD /early HTTP/1.1\r\n{TOKEN}\r\n"));
        assert_eq!(response.field("content-length"), Some("5"));
    }
    server.wait_until_idle(1);
    server.stop();
}

/// The client leaves while the child waits: parent and child end, once each, the child for its parent's sake.
#[test]
fn leaving_cancels_down_the_chain() {
    const PARENT: &str = "-105";
    let server = guarded("chain-cancel");
    for (path, method, extra) in [
        ("/timer", "GET", ""),
        ("/foreign", "GET", ""),
        ("/reading", "POST", "Content-Length: 4\r\n"),
        ("/writing", "GET", ""),
    ] {
        let before = server.wait_until_idle(0).get("starts");
        for leave in [Peer::reset, drop::<Peer>] {
            let mut peer = server.connect();
            let started = server.counters().get("starts");
            peer.send(format!("{method} {path} HTTP/1.1\r\n{TOKEN}{extra}\r\n"));
            let under_way = |counters: &crate::counters::Counters| counters.get("starts") == started + 2;
            server.wait_for_counters("parent and child are under way", under_way);
            leave(peer);
            server.wait_until_idle(0);
        }
        assert_eq!(server.counters().get("starts"), before + 4, "{path}: a parent and a child each time");
        let record = server.connect().get("/-record").text();
        let outcomes: Vec<&str> = record.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert!(
            outcomes.len() == 2 && outcomes.iter().all(|&outcome| [PARENT, "-101", "-13"].contains(&outcome)),
            "{record}"
        );
    }
    server.stop();
}

/// Peers of a Unix socket leave like others.
#[test]
fn peers_of_a_unix_socket_leave() {
    let server = guarded("unix-cancel");
    for path in ["/timer", "/foreign", "/writing"] {
        let before = server.wait_until_idle(0).get("starts");
        let mut stream = UnixStream::connect(server.folder.join("hc.sock")).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{TOKEN}\r\n").as_bytes()).unwrap();
        server.wait_for_counters("it is under way", |counters| counters.get("starts") == before + 2);
        drop(stream);
        server.wait_until_idle(0);
    }
    server.stop();
}

/// hyper's client over `hc.fd/1` asks another server; its failures and a client that leaves end well.
#[test]
fn a_module_fetches_from_another_server() {
    let upstream =
        serve("upstream", 1, "", &[Mount("mirror", probe("mirror")), Mount("timer", probe("states"))]);
    let fetch = |name: &str, path: &str| {
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\nworkers = 2\n[status]\npath = \"{STATUS_PATH}\"\n[[module]]\nname = \"fetch\"\n\
             path = \"{}\"\nconfig = {{ upstream = \"http://{}{path}\" }}\n[[route]]\npath = \"/\"\nmodule = \"fetch\"\n",
            rust_module("fetch").display(),
            upstream.address
        );
        Server::start(name, &text)
    };
    let server = fetch("fetch", "/told");
    let mut peer = server.connect();
    for _ in 0..20 {
        let response = peer.get("/");
        assert!(response.status == 200 && response.text().starts_with("M GET\nT /told\n"), "{response:?}");
    }
    server.wait_until_idle(1);
    let slow = fetch("fetch-slow", "/timer");
    let mut gone = slow.connect();
    let parked = upstream.counters().get("starts");
    gone.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    upstream.wait_for_counters("the upstream has it", |counters| counters.get("starts") == parked + 1);
    drop(gone);
    slow.wait_until_idle(0);
    upstream.stop();
    assert_eq!(peer.get("/").status, 502);
    server.stop();
    slow.stop();
}
