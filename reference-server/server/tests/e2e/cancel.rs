//! The cancel matrix: a client leaves in every way, at every byte, in every state of a task. Afterwards nothing is left: no
//! task, no operation, no connection; and the module saw exactly one end for each start, with the reason.

use crate::artefacts::probe;
use crate::peer::{End, Peer};
use crate::server::{Mount, Server, serve};
use std::collections::BTreeMap;

/// How the client leaves.
#[derive(Clone, Copy, Debug)]
enum Leave {
    /// Its half ends in order, and it waits for the server's end.
    Half,
    /// It closes: what comes later is answered with a reset.
    Close,
    /// It resets.
    Reset,
}

const WAYS: [Leave; 3] = [Leave::Half, Leave::Close, Leave::Reset];

fn leave(mut peer: Peer, how: Leave) {
    match how {
        Leave::Half => {
            peer.finish();
            let _ = peer.rest();
        }
        Leave::Close => drop(peer),
        Leave::Reset => peer.reset(),
    }
}

const PEER: i32 = -101;
const E_PEER: i32 = -13;

/// A state: its request, the byte from which it has started, and the outcomes that its end may have.
struct State {
    request: &'static str,
    outcomes: &'static [i32],
    /// It does not end by itself, so a client that waits for the end would wait for it.
    released: bool,
}

const STATES: &[State] = &[
    State {
        request: "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        outcomes: &[PEER],
        released: false,
    },
    State {
        request: "POST /reading HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        outcomes: &[PEER, E_PEER, 0],
        released: false,
    },
    State {
        request: "POST /reading HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx: y\r\n\r\n",
        outcomes: &[PEER, E_PEER, 0],
        released: false,
    },
    State { request: "GET /timer HTTP/1.1\r\nHost: x\r\n\r\n", outcomes: &[PEER], released: false },
    State { request: "GET /foreign HTTP/1.1\r\nHost: x\r\n\r\n", outcomes: &[PEER], released: false },
    State { request: "GET /writing HTTP/1.1\r\nHost: x\r\n\r\n", outcomes: &[PEER, E_PEER], released: false },
    State {
        request: "GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n",
        outcomes: &[PEER, E_PEER, 0],
        released: false,
    },
    State { request: "GET /patient HTTP/1.1\r\nHost: x\r\n\r\n", outcomes: &[PEER], released: false },
    State { request: "GET /after HTTP/1.1\r\nHost: x\r\n\r\n", outcomes: &[0], released: true },
    State {
        request: "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        outcomes: &[0, PEER],
        released: false,
    },
];

fn states(name: &str, workers: usize, extra: &str) -> Server {
    serve(name, workers, extra, &[Mount("states", probe("states"))])
}

/// The record of ends since the last time: how often each outcome came.
fn record(server: &Server) -> BTreeMap<i32, u64> {
    let text = server.connect().get("/-record").text();
    let mut ends = BTreeMap::new();
    for line in text.lines() {
        let outcome = line.split(' ').nth(1).unwrap().parse().unwrap();
        *ends.entry(outcome).or_default() += 1;
    }
    ends
}

/// Sees that everything ended, once each, with an outcome of these; `started` tasks of the state were started.
fn check_ends(server: &Server, what: &str, before: u64, outcomes: &[i32], released: bool) {
    if released {
        let live = server.counters().get("tasks_live");
        let told = server.connect().get("/-release").text();
        assert!(told.starts_with(&format!("completed {live} gone ")), "{what}: {told} of {live}");
    }
    let counters = server.wait_until_idle(0);
    let started = counters.get("starts") - before - u64::from(released);
    let ends = record(server);
    assert_eq!(ends.values().sum::<u64>(), started, "{what}: ends for starts: {ends:?}");
    assert!(ends.keys().all(|outcome| outcomes.contains(outcome)), "{what}: outcomes {ends:?}");
}

/// Every byte of the request is the last one that is sent, in every way to leave.
fn leave_in_request(server: &Server, state: &State) {
    let head = state.request.find("\r\n\r\n").unwrap() + 4;
    for how in WAYS {
        let before = server.wait_until_idle(0).get("starts");
        let (mut started, mut peers) = (before, Vec::new());
        for sent in 0..=state.request.len() {
            let mut peer = server.connect();
            peer.send(&state.request[..sent]);
            if sent >= head {
                started += 1;
                // Not before the task is under way: else there would be nothing to cancel.
                server.wait_for_counters("it is under way", |counters| counters.get("starts") == started);
            }
            match how {
                Leave::Half if state.released => peers.push(peer),
                how => leave(peer, how),
            }
        }
        peers.iter_mut().for_each(Peer::finish);
        drop(peers);
        let what = format!("{how:?} in {}", state.request.escape_default());
        check_ends(server, &what, before, state.outcomes, state.released);
    }
}

#[test]
fn clients_leave_at_every_byte_of_the_request() {
    let server = states("cancel-request", 2, "[timeouts]\nlinger_ms = 100");
    for state in STATES {
        leave_in_request(&server, state);
        if state.request.contains("/foreign") {
            // The thread still holds a completion of each of them: it is told that they are gone.
            assert_eq!(server.connect().get("/-release").text(), format!("completed 0 gone {}", WAYS.len()));
        }
    }
    server.wait_until_idle(0);
    server.stop();
}

/// The client takes so many bytes of the response, and leaves.
#[test]
fn clients_leave_at_every_byte_of_the_response() {
    let server = states("cancel-response", 2, "[timeouts]\nlinger_ms = 100");
    let whole = {
        let mut peer = server.connect();
        peer.send("GET /chunked HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        peer.rest().0.len()
    };
    assert!(whole > 100, "{whole} bytes are no response");
    record(&server);
    for (path, sizes, outcomes) in [
        ("/chunked", (1..whole).collect::<Vec<_>>(), &[0, PEER, E_PEER][..]),
        ("/writing", (1..300).chain([16_384, 100_000, 1_000_000]).collect(), &[PEER, E_PEER]),
    ] {
        for how in WAYS {
            let before = server.wait_until_idle(0).get("starts");
            for &size in &sizes {
                let mut peer = server.connect();
                peer.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
                peer.take(size);
                leave(peer, how);
            }
            check_ends(&server, &format!("{how:?} in the response of {path}"), before, outcomes, false);
        }
    }
    server.stop();
}

/// After its response a task goes on, whatever the peer does, and its connection serves others meanwhile.
#[test]
fn a_task_outlives_its_response() {
    let server = states("cancel-after", 1, "");
    let mut peer = server.connect();
    for _ in 0..3 {
        assert_eq!(peer.get("/after").text(), "answered");
    }
    server.wait_for_counters("three are parked", |counters| counters.get("tasks_live") == 3);
    peer.reset();
    server.wait_for_counters("the connection is gone", |counters| counters.get("connections_open") == 1);
    assert_eq!(server.counters().get("tasks_live"), 3);
    assert_eq!(server.connect().get("/-release").text(), "completed 3 gone 0");
    server.wait_until_idle(0);
    assert_eq!(record(&server), BTreeMap::from([(0, 3)]));
    server.stop();
}

/// Requests that were received before the end of the peer's half are answered as far as they do not park.
#[test]
fn pipelined_before_the_end_of_the_half() {
    let server = states("cancel-pipelined", 1, "");
    let mut peer = server.connect();
    peer.send("GET /early HTTP/1.1\r\nHost: x\r\n\r\n".repeat(5) + "GET /timer HTTP/1.1\r\nHost: x\r\n\r\n");
    peer.finish();
    for _ in 0..5 {
        assert_eq!(peer.response("GET").text(), "early");
    }
    let _ = peer.rest();
    server.wait_until_idle(0);
    assert_eq!(record(&server), BTreeMap::from([(0, 5), (PEER, 1)]));
    server.stop();
}

/// A task that asked to be told gets a notice first, and time to end by itself; that its peer is gone is no other news.
#[test]
fn a_notice_comes_before_the_cancel() {
    let configuration = crate::server::configuration(1, "", &[Mount("states", probe("states"))]);
    // More than the test would wait.
    let server = Server::start("cancel-notice", &(configuration + "cancel_grace_ms = 600000\n"));
    let mut peer = server.connect();
    peer.send("GET /patient HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_for_counters("it is parked", |counters| counters.get("operations_live") == 1);
    peer.finish();
    server.wait_for_log(&["module=states", "states: kind 6 value 1"]);
    let _ = peer.rest();
    drop(peer);
    server.wait_until_idle(0);
    let ends = record(&server);
    assert!(ends == BTreeMap::from([(PEER, 1)]) || ends == BTreeMap::from([(E_PEER, 1)]), "{ends:?}");
    server.stop();
}

/// The route's deadline: 503 before the response, a broken connection in the middle of one.
#[test]
fn the_deadline_passes() {
    const DEADLINE: i32 = -102;
    let configuration = crate::server::configuration(1, "", &[Mount("states", probe("states"))]);
    let server = Server::start("cancel-deadline", &(configuration + "deadline_ms = 100\n"));
    for path in ["/timer", "/foreign", "/patient"] {
        let response = server.connect().get(path);
        assert_eq!((response.status, response.field("retry-after")), (503, Some("1")), "{path}");
    }
    let mut peer = server.connect();
    peer.send("GET /writing HTTP/1.1\r\nHost: x\r\n\r\n");
    peer.take(100);
    let (_, end) = peer.rest();
    assert_eq!(end, End::Reset, "the response is broken off");
    let mut peer = server.connect();
    peer.send("POST /reading HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    assert_eq!(peer.response("POST").status, 503);
    drop(peer);
    server.wait_until_idle(0);
    assert_eq!(record(&server), BTreeMap::from([(DEADLINE, 5)]));
    server.wait_for_log(&["warn", "module=states", "rule=cancel.deadline", "status=HC_CANCELLED_DEADLINE"]);
    server.stop();
}
