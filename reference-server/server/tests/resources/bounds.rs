//! What the operator set is never passed: connections, who waits, for how long, and in which order.

use crate::peer::Peer;
use crate::site::{
    Resource, answered, begin, begin_at, expect_refusal, perform, request, site, usage, usage_on,
    wait_for_parked, wait_for_usage, wait_until_free, wake,
};
use crate::wait_for;
use hc_services::Postgres;

const SHORT: &str = "acquire db | query SELECT 1 FROM pg_sleep(0.005) | release";
const SHORT_ANSWER: &str = "acquire HC_OK\nrow 1\naffected 1 query HC_OK\nrelease HC_OK\n";

/// How many connections those under test have made.
fn connections(postgres: &Postgres) -> usize {
    postgres.log().matches("connection authorized: user=hc ").count()
}

/// Two hundred tasks of two modules at once on four workers share four connections: the database never sees a fifth, and no
/// thread belongs to a connection.
#[test]
fn two_hundred_tasks_share_four_connections() {
    let Some(postgres) = Postgres::start("cap") else { return };
    let server = site("cap", 4, &[Resource::postgres(&postgres.url(), "max = 4")], "");
    let sampler = postgres.sample_backends("true");
    let mut peers: Vec<Peer> = (0..200).map(|_| server.connect()).collect();
    for _ in 0..3 {
        for (index, peer) in peers.iter_mut().enumerate() {
            peer.send(request(if index % 2 == 0 { "/" } else { "/other" }, SHORT));
        }
        for peer in &mut peers {
            assert_eq!(answered(peer), SHORT_ANSWER);
        }
    }
    let threads = server.process("Threads");
    assert!(threads <= 6, "{threads} threads for four workers");
    assert_eq!((sampler.most(), connections(&postgres)), (4, 4), "in {} samples", sampler.samples());
    let usage = wait_until_free(&server, "db");
    assert_eq!((usage.max, usage.idle, usage.available), (4, 4, 1), "{usage:?}");
    server.stop();
    postgres.wait_for_backends("true", 0);
}

/// A thousand requests that wait at once for four connections are all answered, in the order in which they asked. Four at a time
/// hold what they got until all four have it, so that what is seen is the order of the queue, and not that in which the
/// processor came to run them.
#[test]
fn a_thousand_requests_are_served_in_order() {
    const COUNT: usize = 1000;
    let Some(postgres) = Postgres::start("order") else { return };
    let more = "max = 4\nmax_waiting = 2000\nacquire_timeout_ms = 60000";
    let server = site("order", 2, &[Resource::postgres(&postgres.url(), more)], "");
    let sampler = postgres.sample_backends("true");
    let mut holders: Vec<Peer> = (0..4).map(|_| begin(&server, "acquire db | park | release")).collect();
    wait_for_parked(&server, 4);
    let mut asking = server.connect();
    let mut peers = Vec::new();
    for came in 1..=COUNT as u64 {
        peers.push(begin(&server, "acquire db | turn | query SELECT 1 | park | release"));
        wait_for("it waits", || (usage_on(&mut asking, "db").waiting == came).then_some(()));
    }
    for _ in 0..=COUNT / 4 {
        wait_for_parked(&server, 4);
        wake(&server);
    }
    for holder in &mut holders {
        answered(holder);
    }
    let fours: Vec<usize> = peers.iter_mut().map(|peer| turn(&answered(peer)) / 4).collect();
    // How many that came later were served in an earlier four.
    let overtaken =
        |(came, four): (usize, &usize)| fours[came..].iter().filter(|other| *other < four).count();
    let worst = fours.iter().enumerate().map(overtaken).max().unwrap();
    assert!(worst <= 4, "one was overtaken {worst} times");
    let threads = server.process("Threads");
    assert!(threads <= 4, "{threads} threads for two workers");
    assert_eq!((sampler.most(), connections(&postgres)), (4, 4));
    wait_until_free(&server, "db");
    server.stop();
}

/// The turn of a request.
fn turn(told: &str) -> usize {
    let number = told.lines().find_map(|line| line.strip_suffix(" turn HC_OK")?.parse().ok());
    number.unwrap_or_else(|| panic!("no turn: {told}"))
}

/// As many wait as the operator allows; one beyond is told so at once. Both modules wait in one queue.
#[test]
fn the_pool_is_exhausted() {
    let Some(postgres) = Postgres::start("exhausted") else { return };
    let more = "max = 1\nmax_waiting = 2\nacquire_timeout_ms = 60000";
    let server = site("exhausted", 2, &[Resource::postgres(&postgres.url(), more)], "");
    let mut holder = begin(&server, "acquire db | park | release");
    wait_for_parked(&server, 1);
    let mut waiting = [begin(&server, SHORT), begin_at(&server, "/other", SHORT)];
    wait_for_usage(&server, "db", "two wait", |usage| usage.waiting == 2);
    expect_refusal(&mut begin(&server, SHORT));
    expect_refusal(&mut begin_at(&server, "/other", SHORT));
    assert_eq!(perform(&server, "?acquire db"), "acquire HC_E_BUSY\n");
    // A try does not join them.
    assert_eq!(perform(&server, "?acquire db within 0"), "acquire HC_E_TIMEOUT\n");
    wake(&server);
    answered(&mut holder);
    for peer in &mut waiting {
        assert_eq!(answered(peer), SHORT_ANSWER);
    }
    wait_until_free(&server, "db");
    assert_eq!(connections(&postgres), 1);
    server.stop();
}

/// Who waits longer than the operator or the module itself allows gives up, and its place is free.
#[test]
fn the_time_for_waiting_passes() {
    let Some(postgres) = Postgres::start("late") else { return };
    let server =
        site("late", 2, &[Resource::postgres(&postgres.url(), "max = 1\nacquire_timeout_ms = 200")], "");
    let mut holder = begin(&server, "acquire db | park | release");
    wait_for_parked(&server, 1);
    expect_refusal(&mut begin(&server, SHORT));
    assert_eq!(perform(&server, "?acquire db"), "acquire HC_E_TIMEOUT\n");
    assert_eq!(perform(&server, "?acquire db within 10"), "acquire HC_E_TIMEOUT\n");
    assert_eq!(usage(&server, "db").waiting, 0);
    wake(&server);
    answered(&mut holder);
    assert_eq!(perform(&server, SHORT), SHORT_ANSWER);
    server.stop();
}

/// Members that nobody uses are closed, down to those that are kept.
#[test]
fn idle_connections_are_closed() {
    let Some(postgres) = Postgres::start("idle") else { return };
    let more = "min = 1\nmax = 4\nidle_timeout_s = 1";
    let server = site("idle", 2, &[Resource::postgres(&postgres.url(), more)], "");
    postgres.wait_for_backends("true", 1);
    let mut holders: Vec<Peer> = (0..4).map(|_| begin(&server, "acquire db | park | release")).collect();
    wait_for_parked(&server, 4);
    assert_eq!(postgres.backends("true"), 4);
    wake(&server);
    for holder in &mut holders {
        answered(holder);
    }
    postgres.wait_for_backends("true", 1);
    assert_eq!(perform(&server, SHORT), SHORT_ANSWER);
    server.stop();
}
