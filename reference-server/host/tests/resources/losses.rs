//! Members that end by themselves, tasks that forget their leases.

use crate::support::{Far, Plan, Rig, same};
use http_container_abi::{HostRef, Status};
use std::sync::Arc;

/// A task that holds the one member and does that.
fn holding(script: &str) -> Rig {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    rig.log();
    rig.request(&format!("acquire 1 db 0 L; {script}"));
    rig
}

#[test]
fn the_operation_under_way_ends_with_the_member() {
    let mut rig = holding(
        "query 2 L end; yield | interface L; outcome L; columns L; rows 3 L; query 2 L ok; refusal; transaction 2 L begin;
         release L clean; acquire 4 db none M; yield | release M clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a", "db1", "db2"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L end = HC_PENDING
         db1 resume MEMBER#101 HC_OK 0
         db1 < statement end
         db1 finish HC_E_RESOURCE
         a resume SQL#2 HC_E_RESOURCE 0
         a interface L = sql
         a outcome L = HC_E_RESOURCE 0 [] [the connection was lost]
         a columns L = HC_E_STATE
         a rows 3 L = HC_E_STATE
         a query 2 L ok = HC_E_RESOURCE
         a refusal = lease.member.ended
         a transaction 2 L begin = HC_E_RESOURCE
         a release L clean = HC_OK
         a acquire 4 db none M = HC_PENDING
         db2 start
         db2 ready = HC_OK
         a resume ACQUIRE#4 HC_OK 0
         a release M clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    assert!(rig.rules.take().contains(&"provider.lost"));
    rig.end();
}

#[test]
fn a_loss_is_told_with_what_the_provider_said() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", "ready; next 1; yield | explain the other end has closed; lost");
    rig.request("acquire 1 db none L; yield | query 2 L ok; yield | release L clean; respond 200; done");
    let told = rig.rules.take_told();
    let line = "resource \"db\": a member was lost: the other end has closed".to_owned();
    assert!(told.contains(&("provider.lost", line)), "{told:?}");
    rig.end();
}

#[test]
fn an_operation_that_was_not_taken_ends_with_the_member_too() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", "ready; completion 5 c; yield | lost");
    rig.request("acquire 1 db none L; yield | query 2 L ok; yield | release L clean; respond 200; done");
    rig.log();
    rig.world.complete(&rig.world.host("db"), "c", 5, Status::OK, 0);
    rig.run();
    assert!(rig.log_of(&["a"]).starts_with("a resume SQL#2 HC_E_RESOURCE 0"));
    rig.end();
}

#[test]
fn rows_that_came_before_are_read_and_then_the_loss() {
    let mut rig = holding(
        "query 2 L c:n/r:1/r:2/end; yield | rows 3 L; rows 3 L; rows 3 L; outcome L; columns L; query 2 L ok;
         release L clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L c:n/r:1/r:2/end = HC_PENDING
         a resume SQL#2 HC_OK 0
         a rows 3 L = 2 [1, 2]
         a rows 3 L = HC_E_RESOURCE
         a rows 3 L = HC_E_RESOURCE
         a outcome L = HC_E_RESOURCE 0 [] [the connection was lost]
         a columns L = [n]
         a query 2 L ok = HC_E_RESOURCE
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn who_waits_for_rows_hears_of_the_loss() {
    let mut rig = holding(
        "query 2 L c:n/hold/end; yield | rows 3 L; yield | rows 3 L; release L clean; respond 200; done",
    );
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["a"]);
    assert!(
        log.contains("a resume SQL_ROWS#3 HC_OK 0\na rows 3 L = HC_E_RESOURCE\na release L clean = HC_OK"),
        "{log}"
    );
    rig.end();
}

#[test]
fn a_lease_whose_member_is_lost_is_held_until_it_is_released() {
    let mut rig =
        holding("completion 2 c; yield | interface L; query 3 L ok; release L clean; respond 200; done");
    rig.container.request_cancel(rig.world.handle("db1"), Status::CANCELLED_MODULE);
    rig.run();
    rig.log();
    // Nobody is told, and its place is free: the member does not count any more.
    rig.request("name next; acquire 1 db none M; yield | release M clean; respond 200; done");
    assert!(rig.log_of(&["next"]).contains("next resume ACQUIRE#1 HC_OK 0"));
    rig.world.complete(&rig.world.host("a"), "c", 2, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["a", "db2"]),
        "a resume COMPLETION#2 HC_OK 0
         a interface L = sql
         a query 3 L ok = HC_E_RESOURCE
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn done_with_a_loss_breaks_the_member() {
    let mut rig =
        holding("query 2 L status:-16; yield | query 2 L ok; yield | release L clean; respond 200; done");
    let log = rig.log_of(&["a", "db1"]);
    assert!(log.contains("a resume SQL#2 HC_E_RESOURCE 0\na query 2 L ok = HC_PENDING"), "{log}");
    assert!(log.ends_with("db1 < close\ndb1 finish HC_OK"), "{log}");
    rig.end();
}

#[test]
fn a_member_that_is_lost_between_its_grant_and_the_holders_look_is_a_lost_one() {
    // The member and the user are on different workers: in the step in which the user is given it, it ends.
    let mut rig = Rig::ahead(&Plan { workers: 2, ..Plan::database(1) });
    let far = Far::enter(&rig.container, 1);
    rig.spawn(1, "acquire 1 db none L; yield | release L clean; done");
    rig.run_with(&[&far]);
    let (elsewhere, now_ns, container) = (Arc::clone(&far), rig.now_ns, Arc::clone(&rig.container));
    let member = rig.world.handle("db1");
    let lose = move |_: &HostRef, _| {
        container.request_cancel(member, Status::CANCELLED_MODULE);
        elsewhere.run(now_ns);
    };
    rig.world.probe("lose", Box::new(lose));
    rig.log();
    rig.request(
        "acquire 1 db 0 L; probe lose; interface L; query 2 L ok; release L clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a interface L = sql
         a query 2 L ok = HC_E_RESOURCE
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    far.leave();
    rig.end();
}

#[test]
fn a_forgotten_lease_is_reported_by_the_names_of_module_and_resource() {
    let mut rig = holding("acquire 2 db 0 M; respond 200; done");
    assert!(rig.log_of(&["db1"]).ends_with("db1 < reset\ndb1 ok = HC_OK"), "it is taken back as dirty");
    let told = rig.rules.take_told();
    let line = told.iter().find(|(rule, _)| *rule == "lease.forgotten.report").unwrap();
    assert!(line.1.contains("\"db\""), "{line:?}");
    assert_eq!(rig.totals().leases_forgotten, 1);
    // One that is released in finish was not forgotten.
    rig.world.script("finish-a", "interface L; release L clean");
    rig.request("acquire 1 db 0 L; respond 200; done");
    let log = rig.log_of(&["a"]);
    assert!(log.ends_with("a finish HC_OK\na interface L = none\na release L clean = HC_OK"), "{log}");
    assert_eq!(rig.totals().leases_forgotten, 1);
    rig.end();
}
