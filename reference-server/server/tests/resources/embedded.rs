//! SQLite, the embedded default: the same bounds and the same order as a database elsewhere, and no service to install.

use crate::peer::Peer;
use crate::server::Server;
use crate::site::{Resource, answered, begin, perform, request, site, wait_for_usage, wait_until_free};

const ONE: &str = "acquire db | query SELECT 1 | release";
/// Counts for hours.
const SLOW: &str = "acquire db | query WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT count(*) FROM n";

fn embedded(name: &str, workers: usize, more: &str) -> Server {
    site(name, workers, &[Resource::sqlite("sqlite:site.db", more)], "")
}

/// Two hundred tasks on four workers write and read through four connections to one file; every write is there.
#[test]
fn two_hundred_tasks_write() {
    let server = embedded("sqlite-writes", 4, "max = 4\nacquire_timeout_ms = 60000");
    perform(&server, "acquire db | query CREATE TABLE t (a INTEGER) | release clean");
    let mut peers: Vec<Peer> = (0..200).map(|_| server.connect()).collect();
    for (index, peer) in peers.iter_mut().enumerate() {
        let commands =
            format!("acquire db | values i{index} | query INSERT INTO t VALUES ($1) | release clean");
        peer.send(request(if index % 2 == 0 { "/" } else { "/other" }, &commands));
    }
    for peer in &mut peers {
        answered(peer);
    }
    let told = perform(&server, "acquire db | query SELECT count(*), sum(a) FROM t | release");
    assert!(told.contains("row 200,19900\n"), "{told}");
    let usage = wait_until_free(&server, "db");
    assert!(usage.idle <= 4, "{usage:?}");
    server.stop();
}

/// A client leaves in the middle of a query that would take hours: it ends, and the connection is free again.
#[test]
fn a_client_leaves() {
    let server = embedded("sqlite-leaves", 2, "max = 1");
    perform(&server, ONE);
    for _ in 0..5 {
        let peer = begin(&server, SLOW);
        wait_for_usage(&server, "db", "it is in use", |usage| usage.in_use == 1);
        peer.reset();
        wait_until_free(&server, "db");
        perform(&server, ONE);
    }
    server.stop();
}

/// A transaction that is left open, or forgotten, is rolled back and locks nobody out.
#[test]
fn a_transaction_is_left_open() {
    let server = embedded("sqlite-open", 2, "max = 2");
    perform(&server, "acquire db | query CREATE TABLE t (a INTEGER) | release clean");
    for begun in ["begin", "query BEGIN IMMEDIATE"] {
        for end in ["release clean", "release dirty", "worker"] {
            perform(&server, &format!("acquire db | {begun} | query INSERT INTO t VALUES (1) | {end}"));
            let told = perform(&server, "acquire db | query SELECT count(*) FROM t | release clean");
            assert!(told.contains("row 0\n"), "{begun}, {end}: {told}");
            perform(
                &server,
                "acquire db | query INSERT INTO t VALUES (2) | query DELETE FROM t | release clean",
            );
        }
    }
    server.wait_for_log(&["warn", "script", "db", "lease"]);
    server.stop();
}

/// A query that computes for long leaves the workers free for others.
#[test]
fn workers_do_not_compute() {
    let server = embedded("sqlite-free", 1, "max = 2");
    let slow = begin(&server, SLOW);
    wait_for_usage(&server, "db", "it is in use", |usage| usage.in_use == 1);
    for _ in 0..10 {
        perform(&server, ONE);
    }
    slow.reset();
    wait_until_free(&server, "db");
    server.stop();
}
