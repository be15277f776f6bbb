//! Time limits against slow peers, and the access log: what is written for answers, breaks and refusals.

use crate::artefacts::{example_in_c, probe};
use crate::peer::{End, Peer};
use crate::server::{Mount, Server, configuration, fresh_folder, serve};
use crate::wait_for;
use std::fs;

fn server(name: &str, times: &str) -> Server {
    let mounts = [
        Mount("mirror", probe("mirror")),
        Mount("writing", probe("states")),
        Mount("unread", probe("states")),
    ];
    serve(name, 1, &format!("[timeouts]\nlinger_ms = 300\n{times}"), &mounts)
}

/// A head that does not end gets 408, however slowly and steadily its bytes come.
#[test]
fn a_head_that_trickles_in() {
    let server = server("slow-head", "header_ms = 300");
    let mut peer = server.connect();
    let mut sent = 0;
    let endless = "GET / HTTP/1.1\r\nHost: x\r\nA: b".bytes().chain(std::iter::repeat(b'b'));
    for byte in endless {
        if !peer.try_send([byte]) || server.counters().get("timeouts") > 0 {
            break;
        }
        sent += 1;
        assert!(sent < 30_000, "it is read for ever");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let response = peer.response("GET");
    assert!(response.status == 408 && response.says_close(), "{response:?}");
    peer.expect_end("after 408");
    // In front of the head, nothing was asked: the connection just ends.
    server.connect().expect_end("a connection that brings nothing");
    server.wait_until_idle(0);
    server.stop();
}

#[test]
fn a_kept_connection_that_idles() {
    let server = server("idle", "idle_ms = 200");
    let mut peer = server.connect();
    assert_eq!(peer.get("/").status, 200);
    peer.expect_end("an idle connection");
    server.stop();
}

#[test]
fn a_body_that_stalls() {
    let server = server("slow-body", "body_ms = 200");
    let mut peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
    let response = peer.response("POST");
    assert!(response.status == 408 && response.says_close(), "{response:?}");
    peer.expect_end("after 408");
    server.wait_until_idle(0);
    server.stop();
}

/// A peer that never reads is reset, and its task is cancelled.
#[test]
fn a_peer_that_never_reads() {
    let server = server("slow-writer", "write_ms = 200");
    let mut peer = Peer::connect_narrow(server.address, 4096);
    peer.send("GET /writing HTTP/1.1\r\nHost: x\r\n\r\n");
    let counters = server.wait_until_idle(0);
    assert_eq!((counters.get("finishes"), counters.get("cancelled"), counters.get("timeouts")), (1, 1, 1));
    assert_eq!(peer.rest().1, End::Reset);
    server.stop();
}

/// A body that nobody wants: a short one is dropped and the connection kept, a long one ends it.
#[test]
fn a_body_that_nobody_reads() {
    // The limit for bodies is far above the test's patience: no end below may come from it.
    let mounts = [Mount("mirror", probe("mirror")), Mount("early", probe("states"))];
    let server = serve(
        "unread",
        1,
        "[limits]\nunread_body_bytes = 1000\n[timeouts]\nlinger_ms = 300\nbody_ms = 600000",
        &mounts,
    );
    let mut peer = server.connect();
    for size in [0, 1, 1000] {
        peer.send(format!(
            "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{}",
            "x".repeat(size)
        ));
        let response = peer.response("POST");
        assert!(response.text() == "early" && !response.says_close(), "{response:?}");
    }
    let chunked = "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    peer.send(format!("{chunked}5\r\nhello\r\n0\r\nA: b\r\n\r\n"));
    assert_eq!(peer.response("POST").text(), "early");
    assert_eq!(peer.get("/").status, 200);
    peer.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    let response = peer.response("POST");
    assert!(response.text() == "early" && response.says_close(), "{response:?}");
    peer.expect_end("after the long one");
    let mut peer = server.connect();
    peer.send(format!("{chunked}5dc\r\n{}", "x".repeat(1500)));
    assert_eq!(peer.response("POST").text(), "early");
    peer.expect_end("after the long chunk");
    server.stop();
}

/// The same when the body has filled the queue before the module answers, long after.
#[test]
fn a_body_that_nobody_reads_and_that_came_before_the_answer() {
    let server = serve("unread-queue", 1, "", &[Mount("sleep", example_in_c("sleep"))]);
    let mut peer = server.connect();
    for size in [60_000, 70_000, 200_000] {
        peer.send(format!("POST /?ms=20 HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"));
        peer.send("x".repeat(size));
        assert_eq!(peer.response("POST").text(), "slept 20 ms\n", "{size} bytes");
    }
    assert_eq!(peer.get("/?ms=1").text(), "slept 1 ms\n");
    server.stop();
}

/// One line a request: what was done, what was broken off and by whom, what was no request.
#[test]
fn the_access_log_tells_what_became_of_each() {
    let folder = fresh_folder("access");
    let extra = "[log]\naccess = \"json\"\naccess_path = \"access.log\"\n[timeouts]\nlinger_ms = 300";
    let mounts = [Mount("states", probe("states")), Mount("faults", probe("faults"))];
    let server = Server::start_in(&folder, &configuration(1, extra, &mounts), &[]);
    let mut peer = server.connect();
    peer.ask("GET /early?a=b HTTP/1.1\r\nHost: h.example\r\nReferer: r\r\nUser-Agent: u\"\r\n\r\n");
    peer.get("/no-such");
    let mut gone = server.connect();
    gone.send("GET /timer HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_for_counters("it is parked", |counters| counters.get("operations_live") == 1);
    gone.reset();
    let mut wrong = server.connect();
    wrong.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(wrong.response("GET").status, 400);
    let mut cut = server.connect();
    cut.send("GET /writing HTTP/1.1\r\nHost: x\r\n\r\n");
    cut.take(1000);
    cut.reset();
    let read = || fs::read_to_string(folder.join("access.log")).unwrap_or_default();
    let lines = wait_for("five lines that are not about the counters", || {
        let lines: Vec<serde_json::Value> = read()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &serde_json::Value| line["target"] != crate::server::STATUS_PATH)
            .collect();
        (lines.len() == 5).then_some(lines)
    });
    let find = |target: &str| {
        let mut found = lines.iter().filter(|line| line["target"] == target);
        let line = found.next().unwrap_or_else(|| panic!("no line for {target:?} in {lines:?}"));
        assert!(found.next().is_none(), "two lines for {target}");
        line
    };
    let done = find("/early?a=b");
    let shown = ["method", "host", "referer", "user_agent", "module", "outcome", "remote"]
        .map(|key| done[key].as_str().unwrap());
    assert_eq!(shown, ["GET", "h.example", "r", "u\"", "states", "done", "127.0.0.1"]);
    assert_eq!((done["status"].as_u64(), done["body_bytes"].as_u64()), (Some(200), Some(5)));
    assert_eq!((&find("/no-such")["status"], &find("/no-such")["outcome"]), (&404.into(), &"done".into()));
    assert_eq!((&find("/timer")["outcome"], &find("/timer")["status"]), (&"peer".into(), &0.into()));
    assert_eq!((&find("/writing")["outcome"], &find("/writing")["status"]), (&"peer".into(), &200.into()));
    let refused = lines.iter().find(|line| line["status"] == 400).expect("the refusal is logged");
    assert_eq!((&refused["outcome"], &refused["module"]), (&"host-missing".into(), &serde_json::Value::Null));
    server.stop();
}
