//! A database that goes away and comes back: quick and clear refusals meanwhile, and service by itself afterwards.

use crate::load::Load;
use crate::peer::Peer;
use crate::site::{
    Resource, answered, begin, expect_refusal, perform, site, usage, wait_for_service, wait_for_usage,
    wait_until_free,
};
use hc_services::{End, Postgres, PostgresSettings, Proxy};

const ONE: &str = "acquire db | query SELECT 1 | release";
const ONE_ANSWER: &str = "acquire HC_OK\nrow 1\naffected 1 query HC_OK\nrelease HC_OK\n";
const SLOW: &str = "acquire db | query SELECT 1 FROM pg_sleep(1000) | release";
const IS_SLOW: &str = "state = 'active' AND query LIKE '%pg_sleep%'";

/// The server is killed and started again while sixteen clients ask without a pause, and no client waits long for anything.
#[test]
fn the_database_is_killed_and_started_again_under_load() {
    let Some(mut postgres) = Postgres::start("killed") else { return };
    let server = site("killed", 2, &[Resource::postgres(&postgres.url(), "max = 4")], "");
    let load = Load::start(&server, 16, ONE);
    load.wait_for_answers(200);
    for end in [End::Killed, End::Orderly] {
        postgres.stop(end);
        load.wait_for_refusals(50);
        assert_eq!(perform(&server, "?acquire db"), "acquire HC_E_RESOURCE\n");
        assert_eq!(usage(&server, "db").available, 0);
        postgres.start_again();
        let sampler = postgres.sample_backends("true");
        load.wait_for_answers(500);
        assert!(sampler.most() <= 4, "{} connections", sampler.most());
    }
    load.finish();
    let usage = wait_until_free(&server, "db");
    assert_eq!(usage.available, 1);
    for _ in 0..50 {
        assert_eq!(perform(&server, ONE), ONE_ANSWER);
    }
    let told = server.wait_for_log(&["warn", "db", "cannot be reached"]);
    assert!(!told.contains("secret"), "the password is in the log: {told}");
    server.stop();
}

/// A server that starts before its database refuses until that is there. With a least number of members it asks by itself.
#[test]
fn the_database_comes_later() {
    for (name, more) in [("later", "max = 2"), ("later-min", "min = 1\nmax = 2")] {
        let Some(mut postgres) = Postgres::start(name) else { return };
        postgres.stop(End::Orderly);
        let server = site(name, 2, &[Resource::postgres(&postgres.url(), more)], "");
        for _ in 0..3 {
            expect_refusal(&mut begin(&server, ONE));
        }
        postgres.start_again();
        if more.starts_with("min") {
            postgres.wait_for_backends("true", 1);
        }
        assert_eq!(wait_for_service(&server, ONE), ONE_ANSWER);
        server.stop();
    }
}

/// Connections that are cut in the middle of a query end it, and are replaced.
#[test]
fn connections_are_cut_in_the_middle_of_a_query() {
    // So that the database, too, notices soon.
    let options = ["client_connection_check_interval=100ms"];
    let settings = PostgresSettings { options: &options, ..PostgresSettings::default() };
    let Some(postgres) = Postgres::start_with("cut", &settings) else { return };
    let proxy = Proxy::before(postgres.address());
    let server = site("cut", 2, &[Resource::postgres(&postgres.url_at(proxy.address()), "max = 4")], "");
    let mut peers: Vec<Peer> = (0..3).map(|_| begin(&server, SLOW)).collect();
    let tolerant = "acquire db | ?query SELECT 1 FROM pg_sleep(1000) | ?query SELECT 1 | release clean";
    let mut one = begin(&server, tolerant);
    postgres.wait_for_backends(IS_SLOW, 4);
    assert_eq!(proxy.cut(), 4);
    for peer in &mut peers {
        expect_refusal(peer);
    }
    // The lease is held still, and good for nothing but to be given back [lease.member.ended].
    let told = answered(&mut one);
    let statuses: Vec<&str> = told.lines().filter_map(|line| line.split("query ").nth(1)).collect();
    assert_eq!(statuses, ["HC_E_RESOURCE", "HC_E_RESOURCE"], "{told}");
    assert!(told.ends_with("release HC_OK\n"), "{told}");
    assert_eq!(wait_for_service(&server, ONE), ONE_ANSWER);
    postgres.wait_for_backends(IS_SLOW, 0);
    wait_until_free(&server, "db");
    server.stop();
}

/// The operator ends connections at the database: idle ones are replaced without anybody hearing of it, and a query that was
/// under way fails.
#[test]
fn the_database_ends_connections() {
    let Some(postgres) = Postgres::start("ended") else { return };
    let server = site("ended", 2, &[Resource::postgres(&postgres.url(), "max = 2")], "");
    assert_eq!(perform(&server, ONE), ONE_ANSWER);
    postgres.wait_for_backends("state = 'idle'", 1);
    assert_eq!(postgres.terminate_backends("true"), 1);
    wait_for_usage(&server, "db", "the lost one is taken out", |usage| usage.idle == 0);
    assert_eq!(perform(&server, ONE), ONE_ANSWER);
    let mut peer = begin(&server, SLOW);
    postgres.wait_for_backends(IS_SLOW, 1);
    assert_eq!(postgres.terminate_backends(IS_SLOW), 1);
    expect_refusal(&mut peer);
    assert_eq!(wait_for_service(&server, ONE), ONE_ANSWER);
    server.stop();
}

/// No new connection can be had, but one is open: those who wait get that, one after the other [resource.unreachable.partly].
#[test]
fn one_connection_is_left() {
    let Some(postgres) = Postgres::start("left") else { return };
    let mut proxy = Proxy::before(postgres.address());
    let server = site("left", 2, &[Resource::postgres(&postgres.url_at(proxy.address()), "max = 4")], "");
    assert_eq!(perform(&server, ONE), ONE_ANSWER);
    proxy.refuse();
    let mut peers: Vec<Peer> = (0..20).map(|_| begin(&server, ONE)).collect();
    for peer in &mut peers {
        assert_eq!(answered(peer), ONE_ANSWER);
    }
    assert_eq!(postgres.backends("true"), 1);
    proxy.admit();
    server.stop();
}

/// What the database says when it lets nobody in reaches the operator, and the password does not.
#[test]
fn the_database_lets_nobody_in() {
    let Some(postgres) = Postgres::start("password") else { return };
    let url = postgres.url().replace("secret", "wr0ng-pass");
    let server = site("password", 1, &[Resource::postgres(&url, "max = 2")], "");
    expect_refusal(&mut begin(&server, ONE));
    let told = server.wait_for_log(&["warn", "db", "password authentication failed"]);
    assert!(!server.log().contains("wr0ng-pass"), "the password is in the log: {told}");
    server.stop();
}
