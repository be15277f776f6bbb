//! Stores behind `hc.kv/1`: Redis and memory, shared by all workers and modules.

use crate::load::Load;
use crate::server::Server;
use crate::site::{
    Resource, answered, begin, begin_at, perform, site, wait_for_parked, wait_for_service, wait_for_usage,
    wait_until_free, wake,
};
use hc_services::{End, Redis, Reply};

/// The numbers that a counter said.
fn number(told: &str) -> u64 {
    let rest = told.split("number ").nth(1).and_then(|rest| rest.split(' ').next());
    rest.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no number in {told}"))
}

/// A counter that two modules on four workers count, and values that one writes and the other reads.
fn counts_and_stores(server: &Server) {
    let load = Load::start(server, 16, "acquire cache | kv add visits 1 | release");
    load.wait_for_answers(200);
    let counted = load.finish();
    let told = answered(&mut begin_at(server, "/other", "acquire cache | kv add visits 0 | release"));
    assert_eq!(number(&told), counted);
    perform(server, "acquire cache | kv set name one word and another | release");
    let told = answered(&mut begin_at(server, "/other", "acquire cache | kv get name | release"));
    assert!(told.contains("found 1 number 0 one word and another kv HC_OK\n"), "{told}");
    let told = perform(
        server,
        "acquire cache | kv get nothing | ?kv add name 1 | kv delete name | kv delete name | release",
    );
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[1].starts_with("found 0 "), "{told}");
    assert_eq!(lines[2], "kv HC_E_FAILED");
    assert!(lines[3].starts_with("found 1 ") && lines[4].starts_with("found 0 "), "{told}");
    wait_until_free(server, "cache");
}

/// A message that one request publishes comes to the one that waits for it.
fn messages_come(server: &Server) {
    let mut listener = begin(
        server,
        "acquire cache | kv subscribe news | ?kv get a | park | message | message | kv unsubscribe news | release",
    );
    wait_for_parked(server, 1);
    let publish = |text: &str| perform(server, &format!("acquire cache | kv publish news {text} | release"));
    assert_eq!(number(&publish("first of all")), 1);
    wake(server);
    publish("second");
    let told = answered(&mut listener);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[2], "kv HC_E_STATE", "a subscribed lease is for messages only: {told}");
    assert_eq!(lines[4..6], ["news first of all message HC_OK", "news second message HC_OK"], "{told}");
    // A lease that was forgotten while it was subscribed hears nothing more.
    perform(server, "acquire cache | kv subscribe news");
    wait_until_free(server, "cache");
    let published = number(&publish("to nobody"));
    assert_eq!(published, 0);
}

#[test]
fn redis_is_a_store() {
    for redis in Redis::start_each("store", &[]) {
        let server = site("redis", 4, &[Resource::redis(&redis.url(), "max = 3")], "");
        counts_and_stores(&server);
        messages_come(&server);
        assert!(redis.clients() <= 3, "{} connections", redis.clients());
        assert!(matches!(redis.session().run(&["GET", "visits"]), Reply::Bytes(Some(_))));
        server.stop();
    }
}

#[test]
fn memory_is_a_store() {
    let server = site("memory", 4, &[Resource::memory("max = 16")], "");
    counts_and_stores(&server);
    messages_come(&server);
    server.stop();
}

/// The store is killed and started again under load.
#[test]
fn redis_is_killed_and_started_again() {
    let Some(mut redis) = Redis::start("killed") else { return };
    let server = site("redis-killed", 2, &[Resource::redis(&redis.url(), "max = 4")], "");
    let load = Load::start(&server, 16, "acquire cache | kv add visits 1 | release");
    load.wait_for_answers(200);
    for end in [End::Killed, End::Orderly] {
        redis.stop(end);
        load.wait_for_refusals(50);
        redis.start_again();
        load.wait_for_answers(500);
        assert!(redis.clients() <= 4, "{} connections", redis.clients());
    }
    load.finish();
    wait_until_free(&server, "cache");
    server.stop();
}

/// The store goes away while a lease listens: the listener is told, and the next one can listen again.
#[test]
fn redis_goes_away_under_a_listener() {
    let Some(mut redis) = Redis::start("listener") else { return };
    let server = site("redis-listener", 2, &[Resource::redis(&redis.url(), "max = 2")], "");
    let mut listener = begin(&server, "acquire cache | kv subscribe news | park | ?message | release");
    wait_for_parked(&server, 1);
    wake(&server);
    redis.restart(End::Killed);
    assert!(answered(&mut listener).contains("message HC_E_RESOURCE\n"));
    wait_for_service(&server, "acquire cache | kv set a 1 | release");
    wait_for_usage(&server, "cache", "all are free", |usage| usage.in_use == 0);
    server.stop();
}
