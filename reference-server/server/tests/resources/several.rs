//! Tasks that want several members at once, in every order: all are served in the end.

use crate::load::Load;
use crate::peer::Peer;
use crate::site::{
    Resource, answered, begin, begin_at, perform, site, wait_for_parked, wait_for_usage, wait_until_free,
    wake,
};
use hc_services::{Postgres, Redis};

/// Eight tasks want two of eight members each, over and over, beside others that want one: nobody waits for ever.
#[test]
fn eight_tasks_want_two_of_eight() {
    let seats = Resource::permits("seats", "max = 8\nacquire_timeout_ms = 60000");
    let server = site("pairs", 4, &[seats], "");
    let pairs = Load::start(&server, 8, "acquire seats seats | sleep 1 | release | release");
    let singles = Load::start(&server, 8, "acquire seats | sleep 1 | release");
    let all = Load::start(
        &server,
        1,
        "acquire seats seats seats seats seats seats seats seats | release | release | release | release | \
         release | release | release | release",
    );
    pairs.wait_for_answers(200);
    singles.wait_for_answers(200);
    all.wait_for_answers(5);
    for load in [pairs, singles, all] {
        load.finish();
    }
    wait_until_free(&server, "seats");
    server.stop();
}

/// Who waits for two does not hold one meanwhile: a single one is left for nobody but those behind him, and he is next.
#[test]
fn who_waits_for_two_holds_none() {
    let server = site("two", 2, &[Resource::permits("seats", "max = 2\nacquire_timeout_ms = 60000")], "");
    let mut first = begin(&server, "acquire seats | park | release");
    wait_for_parked(&server, 1);
    let mut pair = begin(&server, "acquire seats seats | turn | release | release");
    wait_for_usage(&server, "seats", "the pair waits", |usage| usage.waiting == 1);
    let mut single = begin(&server, "acquire seats | turn | release");
    let usage = wait_for_usage(&server, "seats", "the single one waits", |usage| usage.waiting == 2);
    assert_eq!(usage.in_use, 1, "one is free, and is given to nobody");
    wake(&server);
    answered(&mut first);
    assert!(answered(&mut pair).contains("0 turn HC_OK\n"));
    assert!(answered(&mut single).contains("1 turn HC_OK\n"));
    server.stop();
}

/// More than there can ever be, and more than the ABI allows, are refused at once.
#[test]
fn too_many_are_wanted() {
    let server = site("many", 1, &[Resource::permits("seats", "max = 2")], "");
    assert_eq!(perform(&server, "?acquire seats seats seats"), "acquire HC_E_LIMIT\n");
    assert_eq!(perform(&server, "?acquire"), "acquire HC_E_INVALID\n");
    server.stop();
}

const GATES: &str = r#"
[[route]]
path = "/there"
module = "script"
resources = ["db", "cache"]
[[route]]
path = "/back"
module = "other"
resources = ["cache", "db"]
"#;

/// Two routes and two sorts of tasks take a database and a store in opposite orders, with one member of each: no ring.
#[test]
fn routes_take_resources_in_opposite_orders() {
    let (Some(postgres), Some(redis)) = (Postgres::start("orders"), Redis::start("orders")) else { return };
    let patient = "max = 1\nacquire_timeout_ms = 60000";
    let resources = [Resource::postgres(&postgres.url(), patient), Resource::redis(&redis.url(), patient)];
    let server = site("orders", 4, &resources, GATES);
    let at_gates = |first: &str, second: &str| format!("{first} | {second} | release | release");
    let (query, get) = ("query SELECT 1", "kv get a");
    let there = at_gates(&format!("use 0 | {query}"), &format!("use 1 | {get}"));
    let back = at_gates(&format!("use 0 | {get}"), &format!("use 1 | {query}"));
    let acquired = |names: &str| format!("acquire {names} | release | release");
    let mut peers: Vec<Peer> = (0..200)
        .map(|index| match index % 4 {
            0 => begin_at(&server, "/there", &there),
            1 => begin_at(&server, "/back", &back),
            2 => begin(&server, &acquired("db cache")),
            _ => begin(&server, &acquired("cache db")),
        })
        .collect();
    for peer in &mut peers {
        answered(peer);
    }
    wait_until_free(&server, "db");
    wait_until_free(&server, "cache");
    server.stop();
}

/// One after the other is allowed in the operator's order only; against it, a task gets what is free, and never waits.
#[test]
fn one_after_the_other_is_in_the_operators_order() {
    let resources = [Resource::permits("first", "max = 1"), Resource::permits("second", "max = 1")];
    let server = site("rank", 1, &resources, "");
    perform(&server, "acquire first | acquire second | release | release");
    perform(&server, "acquire second | acquire first | release | release");
    let mut holder = begin(&server, "acquire first | park | release");
    wait_for_parked(&server, 1);
    assert_eq!(
        perform(&server, "acquire second | ?acquire first | release"),
        "acquire HC_OK\nacquire HC_E_BUSY\nrelease HC_OK\n"
    );
    let mut other = begin(&server, "acquire second | park | release");
    wait_for_parked(&server, 2);
    wake(&server);
    answered(&mut holder);
    answered(&mut other);
    server.stop();
}

/// What would be a ring of two, if both could wait.
#[test]
fn tasks_in_opposite_orders_do_not_wait_for_each_other() {
    let resources = [Resource::permits("first", "max = 1"), Resource::permits("second", "max = 1")];
    let server = site("ring", 4, &resources, "");
    let forth = Load::start(&server, 4, "acquire first | acquire second | release | release");
    let back = Load::start(&server, 4, "acquire second | ?acquire first | ?release | ?release");
    forth.wait_for_answers(100);
    back.wait_for_answers(100);
    forth.finish();
    back.finish();
    wait_until_free(&server, "first");
    wait_until_free(&server, "second");
    server.stop();
}
