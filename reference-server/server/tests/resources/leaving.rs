//! Clients that leave, and deadlines that pass: what they waited for is withdrawn, and what ran for them at the database ends
//! there, too.

use crate::peer::Peer;
use crate::site::{
    Resource, answered, begin, begin_at, expect_refusal, perform, site, wait_for_parked, wait_for_usage,
    wait_until_free, wake,
};
use hc_services::Postgres;
use std::time::Instant;

const ONE: &str = "acquire db | query SELECT 1 | release";
const SLOW: &str = "acquire db | query SELECT 1 FROM pg_sleep(1000) | release";
const IS_SLOW: &str = "state = 'active' AND query LIKE '%pg_sleep%'";

/// The ways to leave.
const WAYS: [fn(Peer); 3] = [drop, Peer::reset, |mut peer| {
    peer.finish();
    let _ = peer.rest();
}];

/// Whatever way a client leaves in the middle of a query, the query is cancelled at the database, and the connection is kept.
#[test]
fn a_client_leaves_in_the_middle_of_a_query() {
    let Some(postgres) = Postgres::start("leaves") else { return };
    let server = site("leaves", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    for leave in WAYS {
        for _ in 0..3 {
            let peer = begin(&server, SLOW);
            postgres.wait_for_backends(IS_SLOW, 1);
            let left = Instant::now();
            leave(peer);
            postgres.wait_for_backends(IS_SLOW, 0);
            println!("free after {:?}, with the time it took to find out", left.elapsed());
            wait_until_free(&server, "db");
            perform(&server, ONE);
        }
    }
    let log = postgres.log();
    assert_eq!(log.matches("canceling statement due to user request").count(), 9, "{log}");
    assert_eq!(log.matches("connection authorized: user=hc ").count(), 1, "the connection is kept: {log}");
    server.stop();
}

/// Many leave at once, in the middle of queries and while they wait, and the rest is served.
#[test]
fn half_of_them_leave() {
    let Some(postgres) = Postgres::start("half") else { return };
    let more = "max = 4\nacquire_timeout_ms = 60000";
    let server = site("half", 4, &[Resource::postgres(&postgres.url(), more)], "");
    let sampler = postgres.sample_backends("true");
    let slow: Vec<Peer> = (0..4).map(|_| begin(&server, SLOW)).collect();
    postgres.wait_for_backends(IS_SLOW, 4);
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for index in 0..100 {
        let peer = begin(&server, ONE);
        if index % 2 == 0 { staying.push(peer) } else { leaving.push(peer) }
    }
    wait_for_usage(&server, "db", "all wait", |usage| usage.waiting == 100);
    for (index, peer) in leaving.into_iter().enumerate() {
        WAYS[index % 2](peer);
    }
    wait_for_usage(&server, "db", "half of them wait", |usage| usage.waiting == 50);
    for peer in slow {
        peer.reset();
    }
    for peer in &mut staying {
        answered(peer);
    }
    wait_until_free(&server, "db");
    assert_eq!(sampler.most(), 4);
    server.stop();
}

/// What a query of one who left had changed and locked is as if it had never been.
#[test]
fn a_transaction_ends_with_its_client() {
    let Some(postgres) = Postgres::start("locks") else { return };
    postgres.session().run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let server = site("locks", 2, &[Resource::postgres(&postgres.url(), "max = 2")], "");
    let peer =
        begin(&server, "acquire db | begin | query UPDATE t SET a = 2 | query SELECT 1 FROM pg_sleep(1000)");
    postgres.wait_for_backends(IS_SLOW, 1);
    // It waits for the lock that the first one holds.
    let mut other = begin(&server, "acquire db | query UPDATE t SET a = a + 10 | release");
    postgres.wait_for_backends("wait_event_type = 'Lock'", 1);
    peer.reset();
    answered(&mut other);
    assert_eq!(postgres.session().number("SELECT a FROM t"), 11);
    wait_until_free(&server, "db");
    server.stop();
}

/// A client leaves while a hundred million rows are on their way: they stop at the database, and memory stays what it was.
#[test]
fn a_client_leaves_in_the_middle_of_the_rows() {
    let Some(postgres) = Postgres::start("rows") else { return };
    let server = site("rows", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    perform(&server, ONE);
    let before_kib = server.process("VmRSS");
    let rows = "SELECT generate_series(1, 100000000), repeat('x', 100)";
    let unread = begin(&server, &format!("acquire db | open {rows} | park"));
    wait_for_parked(&server, 1);
    postgres.wait_for_backends("wait_event = 'ClientWrite'", 1);
    let after_kib = server.process("VmRSS");
    assert!(after_kib < before_kib + (32 << 10), "from {before_kib} to {after_kib} KiB");
    unread.reset();
    postgres.wait_for_backends("state = 'active'", 0);
    let reading = begin(&server, &format!("acquire db | count {rows} | release"));
    postgres.wait_for_backends("state = 'active' AND query LIKE '%generate_series%'", 1);
    reading.reset();
    postgres.wait_for_backends("state = 'active'", 0);
    wait_until_free(&server, "db");
    perform(&server, ONE);
    assert_eq!(
        perform(&server, "acquire db | count SELECT generate_series(1, 100000) | release").lines().count(),
        3
    );
    server.stop();
}

/// The deadline of a request counts for what it waits for and for what runs for it.
#[test]
fn a_deadline_passes() {
    let Some(postgres) = Postgres::start("deadline") else { return };
    let route = "[[route]]\npath = \"/hasty\"\nmodule = \"script\"\ndeadline_ms = 300\n";
    let server = site("deadline", 2, &[Resource::postgres(&postgres.url(), "max = 1")], route);
    perform(&server, ONE);
    let mut running = begin_at(&server, "/hasty", SLOW);
    postgres.wait_for_backends(IS_SLOW, 1);
    assert_eq!(running.response("GET").status, 503);
    postgres.wait_for_backends(IS_SLOW, 0);
    let mut holder = begin(&server, "acquire db | park | release");
    wait_for_parked(&server, 1);
    let mut waiting = begin_at(&server, "/hasty", ONE);
    assert_eq!(waiting.response("GET").status, 503);
    wait_for_usage(&server, "db", "nobody waits", |usage| usage.waiting == 0);
    wake(&server);
    answered(&mut holder);
    perform(&server, ONE);
    server.stop();
}

/// A module that withdraws its query has a lease that is good for nothing more, and the query ends at the database
/// [lease.poison].
#[test]
fn a_module_withdraws_its_query() {
    let Some(postgres) = Postgres::start("withdraws") else { return };
    let server = site("withdraws", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let start = "acquire db | start SELECT 1 FROM pg_sleep(1000) | ?query SELECT 1 | park";
    let mut peer =
        begin(&server, &format!("{start} | withdraw | ?query SELECT 1 | ?begin | park | release clean"));
    postgres.wait_for_backends(IS_SLOW, 1);
    wait_for_parked(&server, 1);
    wake(&server);
    // The lease is still held: it is the withdrawing that ends the query.
    postgres.wait_for_backends(IS_SLOW, 0);
    wait_for_parked(&server, 1);
    wake(&server);
    let told = answered(&mut peer);
    let lines: Vec<&str> = told.lines().collect();
    let expected = [
        "acquire HC_OK",
        "start HC_OK",
        "query HC_E_BUSY",
        "park HC_OK",
        "withdraw HC_OK",
        "query HC_E_STATE",
        "begin HC_E_STATE",
        "park HC_OK",
        "release HC_OK",
    ];
    assert_eq!(lines, expected);
    perform(&server, ONE);
    expect_no_second_connection(&postgres);
    server.stop();
}

/// A lease that is given back with a query under way: the query ends, and the next one has a connection that is in order.
#[test]
fn a_lease_is_released_with_a_query_under_way() {
    let Some(postgres) = Postgres::start("under-way") else { return };
    let server = site("under-way", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    for how in ["clean", "dirty"] {
        perform(&server, &format!("acquire db | start SELECT 1 FROM pg_sleep(1000) | release {how}"));
        perform(&server, ONE);
        postgres.wait_for_backends("state = 'active'", 0);
    }
    expect_no_second_connection(&postgres);
    let mut broken = begin(&server, "acquire db | start SELECT 1 FROM pg_sleep(1000) | release broken");
    answered(&mut broken);
    perform(&server, ONE);
    postgres.wait_for_backends("true", 1);
    server.stop();
}

#[track_caller]
fn expect_no_second_connection(postgres: &Postgres) {
    let log = postgres.log();
    assert_eq!(log.matches("connection authorized: user=hc ").count(), 1, "{log}");
}

/// A server that is told to end while clients wait and queries run ends, and so does what it had at the database.
#[test]
fn the_server_ends() {
    let Some(postgres) = Postgres::start("drain") else { return };
    let more = "[timeouts]\ndrain_ms = 300\n";
    let server = site("drain", 2, &[Resource::postgres(&postgres.url(), "max = 2")], more);
    let mut running: Vec<Peer> = (0..2).map(|_| begin(&server, SLOW)).collect();
    postgres.wait_for_backends(IS_SLOW, 2);
    let mut waiting = begin(&server, SLOW);
    wait_for_usage(&server, "db", "one waits", |usage| usage.waiting == 1);
    server.stop();
    postgres.wait_for_backends("true", 0);
    for peer in running.iter_mut().chain([&mut waiting]) {
        if let Ok(response) = peer.try_response("GET") {
            assert_eq!(response.status, 503, "{response:?}");
        }
    }
}

/// The process is killed: nothing of it stays at the database.
#[test]
fn the_server_is_killed() {
    let Some(postgres) = Postgres::start("gone") else { return };
    let mut server = site("gone", 2, &[Resource::postgres(&postgres.url(), "min = 2\nmax = 2")], "");
    postgres.wait_for_backends("true", 2);
    server.signal("KILL");
    server.wait();
    postgres.wait_for_backends("true", 0);
}

/// A request that fails for want of a member leaves nothing behind, too.
#[test]
fn a_refused_request_leaves_nothing() {
    let Some(postgres) = Postgres::start("refused") else { return };
    let server =
        site("refused", 1, &[Resource::postgres(&postgres.url(), "min = 1\nmax = 1\nmax_waiting = 0")], "");
    wait_for_usage(&server, "db", "it is open", |usage| usage.idle == 1);
    let mut holder = begin(&server, "acquire db | park | release");
    wait_for_parked(&server, 1);
    for _ in 0..100 {
        expect_refusal(&mut begin(&server, ONE));
    }
    wake(&server);
    answered(&mut holder);
    wait_until_free(&server, "db");
    perform(&server, ONE);
    server.stop();
}
