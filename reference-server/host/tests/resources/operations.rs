//! Operations on a lease: one at a time, and what becomes of their events.

use crate::support::{Far, Plan, Rig, same};
use http_container_abi::{HostRef, Status};
use std::sync::Arc;

/// One member, and a task that holds it and does that.
pub fn holding(script: &str) -> Rig {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    rig.log();
    rig.request(&format!("acquire 1 db 0 L; {script}"));
    rig
}

#[test]
fn a_lease_has_one_operation_under_way_at_most() {
    let mut rig = holding(
        "query 2 L hold/c:n/r:1; query 3 L ok; refusal; transaction 3 L begin; rows 3 L; outcome L; columns L; yield
         | columns L; query 3 L ok; rows 3 L; rows 3 L; rows 4 L; yield
         | query 4 L ok; rows 3 L; query 4 L ok; yield
         | rows 3 L; outcome L; transaction 3 L begin; yield | rows 3 L; outcome L; release L clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L hold/c:n/r:1 = HC_PENDING
         a query 3 L ok = HC_E_BUSY
         a refusal = lease.operation.one
         a transaction 3 L begin = HC_E_BUSY
         a rows 3 L = HC_E_STATE
         a outcome L = HC_E_STATE
         a columns L = HC_E_STATE",
    );
    rig.world.script("transaction", "dirty");
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["a", "db1"]),
        "db1 resume COMPLETION#103 HC_OK 0
         db1 c:n = HC_OK
         db1 r:1 = HC_OK 1
         db1 ok = HC_OK
         a resume SQL#2 HC_OK 0
         a columns L = [n]
         a query 3 L ok = HC_E_BUSY
         a rows 3 L = 1 [1]
         a rows 3 L = HC_END
         a rows 4 L = HC_END
         a finish HC_E_LOST
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         db1 ok = HC_OK",
    );
    rig.end();
}

#[test]
fn a_statement_is_over_when_its_event_came_and_its_rows_are_read() {
    let mut rig = holding(
        "query 2 L c:n/r:1; yield | rows 3 L; query 4 L ok; rows 3 L; query 4 L ok; yield
         | rows 3 L; outcome L; transaction 3 L begin; yield | rows 3 L; outcome L; release L clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L c:n/r:1 = HC_PENDING
         a resume SQL#2 HC_OK 0
         a rows 3 L = 1 [1]
         a query 4 L ok = HC_E_BUSY
         a rows 3 L = HC_END
         a query 4 L ok = HC_PENDING
         a resume SQL#4 HC_OK 0
         a rows 3 L = HC_END
         a outcome L = HC_OK 0 [] []
         a transaction 3 L begin = HC_PENDING
         a resume SQL#3 HC_OK 0
         a rows 3 L = HC_END
         a outcome L = HC_OK 0 [] []
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn an_operation_that_nobody_has_taken_is_dropped_and_poisons_all_the_same() {
    let mut rig = holding(
        "query 2 L ok; cancel 2; query 3 L ok; refusal; transaction 3 L begin; rows 3 L; columns L; outcome L;
         interface L; cancel 2; release L clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a", "db1"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L ok = HC_PENDING
         a cancel 2 = HC_OK
         a query 3 L ok = HC_E_STATE
         a refusal = lease.poison
         a transaction 3 L begin = HC_E_STATE
         a rows 3 L = HC_E_STATE
         a columns L = HC_E_STATE
         a outcome L = HC_E_STATE
         a interface L = sql
         a cancel 2 = HC_E_GONE
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         db1 ok = HC_OK",
    );
    rig.end();
}

#[test]
fn an_operation_that_nobody_has_taken_makes_a_released_lease_dirty() {
    let mut rig = holding("query 2 L ok; release L clean; respond 200; done");
    assert!(rig.log_of(&["db1"]).ends_with("db1 resume MEMBER#101 HC_OK 0\ndb1 < reset\ndb1 ok = HC_OK"));
    rig.end();
}

/// A member on another worker, where it runs whenever a script says `probe elsewhere`; a task here does that.
fn member_elsewhere(script: &str) -> (Rig, Arc<Far>) {
    let mut rig = Rig::ahead(&Plan { workers: 2, ..Plan::database(1) });
    let far = Far::enter(&rig.container, 1);
    rig.spawn(1, "acquire 1 db none L; yield | release L clean; done");
    rig.run_with(&[&far]);
    rig.log();
    let (elsewhere, now_ns) = (Arc::clone(&far), rig.now_ns);
    let run = move |_: &HostRef, _| {
        elsewhere.run(now_ns);
    };
    rig.world.probe("elsewhere", Box::new(run));
    rig.request(script);
    (rig, far)
}

#[test]
fn events_of_a_lease_end_with_it_latched_ones_as_well() {
    let (mut rig, far) = member_elsewhere(
        "acquire 1 db 0 L; query 2 L c:n; probe elsewhere; timer 3 1; release L clean; cancel 2; timer 2 1; yield
         | respond 200; done",
    );
    rig.pass(1);
    same(
        &rig.log_of(&["a", "db1"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L c:n = HC_PENDING
         db1 resume MEMBER#101 HC_OK 0
         db1 < statement c:n
         db1 c:n = HC_OK
         db1 ok = HC_OK
         a timer 3 1 = HC_PENDING
         a release L clean = HC_OK
         a cancel 2 = HC_E_GONE
         a timer 2 1 = HC_PENDING
         a resume TIMER#2 HC_OK 0, TIMER#3 HC_OK 0
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    far.leave();
    rig.end();
}

#[test]
fn another_statement_waits_for_the_event_of_the_last() {
    let (mut rig, far) = member_elsewhere(
        "acquire 1 db 0 L; query 2 L fail:23505,twice; probe elsewhere; query 3 L ok; transaction 3 L begin; yield
         | query 3 L ok; probe elsewhere; cancel 3; query 4 L ok; yield | release L clean; respond 200; done",
    );
    rig.run_with(&[&far]);
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L fail:23505,twice = HC_PENDING
         a query 3 L ok = HC_E_BUSY
         a transaction 3 L begin = HC_E_BUSY
         a resume SQL#2 HC_E_FAILED 0
         a query 3 L ok = HC_PENDING
         a cancel 3 = HC_E_TOO_LATE
         a query 4 L ok = HC_PENDING
         a resume SQL#4 HC_OK 0
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    far.leave();
    rig.end();
}

#[test]
fn statements_before_their_lease_or_with_bad_tokens_have_no_effect() {
    let mut rig = holding(
        "query 0 L ok; query 5 nothing ok; timer 2 1; query 2 L ok; query 3 L ok; yield | yield | release L clean; respond 200; done",
    );
    rig.pass(1);
    let log = rig.log_of(&["a", "db1"]);
    assert!(log.contains("query 0 L ok = HC_E_TOKEN\na query 5 nothing ok = HC_E_GONE\na timer 2 1 = HC_PENDING\na query 2 L ok = HC_E_TOKEN"), "{log}");
    assert_eq!(log.matches("< statement").count(), 1, "{log}");
    rig.end();
}
