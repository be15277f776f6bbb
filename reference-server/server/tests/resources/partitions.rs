//! Start gates of routes for partitions: those of one key wait for each other, and for nobody else.

use crate::peer::Peer;
use crate::server::Server;
use crate::site::{Resource, answered, begin_at, perform, refused, site, wait_for_parked, wake};
use hc_services::wait_for;
use std::io::ErrorKind;

const SETTINGS: &str = "concurrent = 2, max_waiting = 3, timeout_ms = 60000";

fn partitioned(name: &str, workers: usize) -> Server {
    let route = |path: &str, key: &str, settings: &str| {
        format!(
            "[[route]]\npath = \"/{path}\"\nmodule = \"script\"\npartition = {{ key = \"{key}\", {settings} }}\n"
        )
    };
    let routes = [
        route("path", "path:2", SETTINGS),
        route("header", "header:x-tenant", SETTINGS),
        route("query", "query:user", SETTINGS),
        route("cookie", "cookie:s", SETTINGS),
        route("brief", "path:2", "concurrent = 1, max_waiting = 3, timeout_ms = 50"),
        route("seated", "path:2", SETTINGS) + "resource = \"seats\"\n",
    ];
    site(
        name,
        workers,
        &[Resource::permits("seats", "max = 1\nacquire_timeout_ms = 60000")],
        &routes.concat(),
    )
}

/// A request with a key, for each sort of key.
fn request(sort: &str, key: &str, commands: &str) -> String {
    let (target, field) = match sort {
        "header" => ("/header".to_owned(), format!("X-Tenant: {key}\r\n")),
        "query" => (format!("/query?a=b&user={key}&user=z"), String::new()),
        "cookie" => ("/cookie".to_owned(), format!("Cookie: a=b; s={key}; t=u\r\n")),
        path => (format!("/{path}/{key}/more"), String::new()),
    };
    format!("GET {target} HTTP/1.1\r\nHost: test\r\n{field}Do: {commands}\r\n\r\n")
}

fn begin(server: &Server, sort: &str, key: &str, commands: &str) -> Peer {
    let mut peer = server.connect();
    peer.send(request(sort, key, commands));
    peer
}

/// How many requests have come, without those that ask.
fn requests(server: &Server) -> u64 {
    server.counters().get("requests")
}

/// Two of a key are under way and three wait; one beyond is refused, and other keys are as free as ever. When a client leaves that
/// waits, its place is free.
#[test]
fn a_key_is_bounded() {
    // One worker: what has come has also been led to the gate.
    let server = partitioned("keys", 1);
    for sort in ["path", "header", "query", "cookie"] {
        let mut running: Vec<Peer> = (0..2).map(|_| begin(&server, sort, "hot", "park")).collect();
        wait_for_parked(&server, 2);
        let before = requests(&server);
        let mut waiting: Vec<Peer> = (0..3).map(|_| begin(&server, sort, "hot", "turn")).collect();
        wait_for("three have come", || (requests(&server) >= before + 4).then_some(()));
        let refusal = begin(&server, sort, "hot", "turn").response("GET");
        refused(&refusal);
        assert!(!refusal.says_close(), "{refusal:?}");
        answered(&mut begin(&server, sort, "cold", "turn"));
        answered(&mut begin(&server, sort, "", "turn"));
        waiting.remove(0).reset();
        // Until the server has learned of it, its place is taken.
        let mut peer = server.connect();
        peer.send(request(sort, "hot", "turn"));
        wait_for("the place is free", || {
            if waits(&server, &peer) {
                return Some(());
            }
            refused(&peer.response("GET"));
            peer.send(request(sort, "hot", "turn"));
            None
        });
        wake(&server);
        for peer in running.iter_mut().chain(&mut waiting).chain([&mut peer]) {
            answered(peer);
        }
    }
    server.wait_for_log(&["warn", "/path", "partition"]);
    server.stop();
}

/// Whether what was sent last waits, instead of having been refused at once.
fn waits(server: &Server, peer: &Peer) -> bool {
    // On one worker an answer that needs no waiting is there before that to a request that came later.
    perform(server, "parked");
    peer.stream.set_nonblocking(true).unwrap();
    let there = peer.stream.peek(&mut [0]);
    peer.stream.set_nonblocking(false).unwrap();
    there.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Those of one key are served in the order in which they came.
#[test]
fn a_key_is_in_order() {
    let server = partitioned("key-order", 1);
    let mut running: Vec<Peer> = (0..2).map(|_| begin(&server, "path", "a", "park")).collect();
    wait_for_parked(&server, 2);
    let mut waiting: Vec<Peer> = (0..3).map(|_| begin(&server, "path", "a", "turn")).collect();
    perform(&server, "parked");
    wake(&server);
    for (index, peer) in waiting.iter_mut().enumerate() {
        assert_eq!(answered(peer), format!("{index} turn HC_OK\n"));
    }
    for peer in &mut running {
        answered(peer);
    }
    server.stop();
}

/// Who waits too long is refused.
#[test]
fn a_wait_for_a_key_is_bounded() {
    let server = partitioned("brief", 2);
    let mut running = begin(&server, "brief", "a", "park");
    wait_for_parked(&server, 1);
    refused(&begin(&server, "brief", "a", "turn").response("GET"));
    answered(&mut begin(&server, "brief", "b", "turn"));
    wake(&server);
    answered(&mut running);
    answered(&mut begin(&server, "brief", "a", "turn"));
    server.stop();
}

/// One key floods with slow requests; every request of the others is served all the same.
#[test]
fn a_flood_of_one_key_stops_nobody_else() {
    let server = partitioned("flood", 2);
    let mut flood: Vec<Peer> = (0..60).map(|_| begin(&server, "path", "flood", "sleep 20")).collect();
    for _ in 0..10 {
        let mut others: Vec<Peer> =
            (0..10).map(|key| begin(&server, "path", &format!("key-{key}"), "turn")).collect();
        for peer in &mut others {
            answered(peer);
        }
    }
    for peer in &mut flood {
        let response = peer.response("GET");
        if response.status != 200 {
            refused(&response);
        }
    }
    server.stop();
}

/// Behind the gate for partitions is that for resources: who waits there counts for its partition, and who waits for its
/// partition holds no lease.
#[test]
fn a_key_and_a_resource() {
    let server = partitioned("seated", 1);
    let mut holder = begin_at(&server, "/", "acquire seats | park | release");
    wait_for_parked(&server, 1);
    let before = requests(&server);
    // Two of the key wait for the resource, one for the key.
    let mut hot: Vec<Peer> = (0..3).map(|_| begin(&server, "seated", "hot", "leases")).collect();
    wait_for("they have come", || (requests(&server) >= before + 4).then_some(()));
    assert_eq!(crate::site::usage(&server, "seats").waiting, 2);
    let mut cold = begin(&server, "seated", "cold", "leases");
    crate::site::wait_for_usage(&server, "seats", "the other key waits, too", |usage| usage.waiting == 3);
    wake(&server);
    answered(&mut holder);
    for peer in hot.iter_mut().chain([&mut cold]) {
        assert_eq!(answered(peer), "leases 1 leases HC_OK\n");
    }
    crate::site::wait_until_free(&server, "seats");
    server.stop();
}

/// However many keys come and go, none that is gone counts for the bound on keys, or costs memory.
#[test]
fn keys_come_and_go() {
    let server = partitioned("come-and-go", 2);
    let mut peer = server.connect();
    let mut serve = |keys: std::ops::Range<usize>| {
        for key in keys.clone().step_by(100) {
            peer.send(
                (key..key + 100)
                    .map(|key| request("path", &format!("key-{key}"), "turn"))
                    .collect::<String>(),
            );
            for _ in 0..100 {
                answered(&mut peer);
            }
        }
    };
    serve(0..10_000);
    let before_kib = server.process("VmRSS");
    serve(10_000..80_000);
    let after_kib = server.process("VmRSS");
    assert!(after_kib < before_kib + 1024, "from {before_kib} to {after_kib} KiB");
    server.stop();
}
