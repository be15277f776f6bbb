//! Parked requests and busy workers: what waits costs a small record, and what is ready finds a free worker.

use crate::artefacts::{example_in_c, probe};
use crate::peer::Peer;
use crate::server::{Mount, serve};

/// Ten thousand requests sleep at once on two workers: no thread more, at most 2 KiB of memory each, and all are answered.
#[test]
fn ten_thousand_sleep() {
    const COUNT: usize = 10_000;
    let server = serve("parked", 2, "", &[Mount("sleep", example_in_c("sleep"))]);
    server.connect().get("/?ms=1");
    let mut peers: Vec<Peer> = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        peers.push(server.connect());
    }
    server.wait_for_counters("all are connected", |counters| counters.get("connections_open") > COUNT as u64);
    let idle_kib = server.process("VmRSS");
    for peer in &mut peers {
        peer.send("GET /?ms=10000 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    let counters =
        server.wait_for_counters("all are parked", |counters| counters.get("starts") > COUNT as u64);
    assert_eq!(counters.get("operations_live"), COUNT as u64, "none has ended: {counters:?}");
    let parked_kib = server.process("VmRSS");
    let threads = server.process("Threads");
    assert!((3..=4).contains(&threads), "{threads} threads for two workers");
    let each = (parked_kib.saturating_sub(idle_kib)) * 1024 / COUNT as u64;
    println!("{idle_kib} KiB with idle connections, {parked_kib} KiB parked: {each} bytes a request");
    assert!(each <= 2048, "{each} bytes for each parked request");
    for peer in &mut peers {
        assert_eq!(peer.response("GET").text(), "slept 10000 ms\n");
    }
    drop(peers);
    server.wait_until_idle(0);
    server.stop();
}

/// While one worker computes, requests that came to it and were not started are started by the other.
#[test]
fn a_busy_workers_requests_are_stolen() {
    let server = serve("stealing", 2, "", &[Mount("states", probe("states"))]);
    // Tells the workers what a step of this route costs.
    server.connect().get("/busy?ms=20");
    for round in 0..10 {
        let mut peers: Vec<Peer> = (0..8).map(|_| server.connect()).collect();
        for peer in &mut peers {
            peer.send("GET /busy?ms=20 HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        let workers: Vec<String> = peers.iter_mut().map(|peer| peer.response("GET").text()).collect();
        let of_first = workers.iter().filter(|worker| *worker == "0").count();
        assert!(workers.iter().all(|worker| worker == "0" || worker == "1"), "{workers:?}");
        assert!((1..8).contains(&of_first), "round {round}: one worker did everything: {workers:?}");
    }
    server.stop();
}

/// Completions by a foreign thread: every one arrives.
#[test]
fn a_foreign_thread_answers_everybody() {
    let server = serve("foreign", 2, "", &[Mount("foreign", example_in_c("foreign_thread"))]);
    let mut peers: Vec<Peer> = (0..64).map(|_| server.connect()).collect();
    for _ in 0..20 {
        for peer in &mut peers {
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3));
        }
        for peer in &mut peers {
            for _ in 0..3 {
                assert!(peer.response("GET").text().starts_with("job "));
            }
        }
    }
    drop(peers);
    server.wait_until_idle(0);
    server.stop();
}
