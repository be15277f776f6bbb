//! `acquire`: its answers, its bounds, and how a wait ends.

use crate::support::{Far, MS, Plan, Rig, same};
use http_container_abi::{HostRef, Status};
use std::sync::Arc;

#[test]
fn a_free_member_is_had_at_once_and_no_event_comes() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    rig.log();
    rig.request(
        "acquire 1 db none L; interface L; release L clean; release L clean; refusal; release L what; timer 2 1; yield
         | respond 200; done",
    );
    rig.pass(2);
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db none L = HC_OK
         a interface L = sql
         a release L clean = HC_OK
         a release L clean = HC_E_GONE
         a refusal = lease.release.gone
         a release L what = HC_E_GONE
         a timer 2 1 = HC_PENDING
         a resume TIMER#2 HC_OK 0
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    assert_eq!(rig.totals().refused_calls, 0, "a lease that is gone is no fault [lease.release.gone]");
    rig.end();
}

/// A rig whose second worker has a task that holds the one member, and releases it wherever a script says `probe release`.
fn with_holder_elsewhere() -> (Rig, Arc<Far>) {
    let mut rig = Rig::ahead(&Plan { workers: 2, ..Plan::database(1) });
    let far = Far::enter(&rig.container, 1);
    rig.spawn(1, "name far; acquire 1 db none L; yield | completion 9 go; yield | release L clean; done");
    rig.run_with(&[&far]);
    let (world, elsewhere, now_ns) = (Arc::clone(&rig.world), Arc::clone(&far), rig.now_ns);
    let release = move |host: &HostRef, _| {
        world.complete(host, "go", 9, Status::OK, 0);
        elsewhere.run(now_ns);
    };
    rig.world.probe("release", Box::new(release));
    rig.log();
    (rig, far)
}

#[test]
fn a_handle_is_held_from_the_delivery_of_its_event_on() {
    let (mut rig, far) = with_holder_elsewhere();
    rig.request(
        "acquire 1 db none M; interface M; release M clean;
         probe release; interface M; release M clean; query 3 M ok; acquire 4 db 0 N; yield
         | interface M; release M what; refusal; interface M; release M clean; respond 200; done",
    );
    same(
        &rig.log(),
        "a start
         a acquire 1 db none M = HC_PENDING
         a interface M = none
         a release M clean = HC_E_GONE
         far resume COMPLETION#9 HC_OK 0
         far release L clean = HC_OK
         far finish HC_OK
         a interface M = none
         a release M clean = HC_E_GONE
         a query 3 M ok = HC_E_GONE
         a acquire 4 db 0 N = HC_E_TIMEOUT
         a resume ACQUIRE#1 HC_OK 0
         a interface M = sql
         a release M what = HC_E_INVALID
         a refusal = lease.release.how
         a interface M = sql
         a release M clean = HC_OK
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    far.leave();
    rig.end();
}

#[test]
fn a_grant_that_is_latched_can_be_taken_by_cancel() {
    let (mut rig, far) = with_holder_elsewhere();
    rig.request(
        "acquire 1 db none M; probe release; interface M; cancel 1; interface M; release M clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db none M = HC_PENDING
         a interface M = none
         a cancel 1 = HC_E_TOO_LATE
         a interface M = sql
         a release M clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    far.leave();
    rig.end();
}

#[test]
fn a_try_never_waits_and_has_a_member_opened() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request(
        "acquire 1 db 0 L; why; timer 2 1; yield | acquire 1 db 0 L; acquire 3 db 0 M; respond 200; done",
    );
    rig.pass(2);
    same(
        &rig.log(),
        "a start
         a acquire 1 db 0 L = HC_E_TIMEOUT
         a why = resource.acquire.try: no member of resource \"db\" was free in time
         a timer 2 1 = HC_PENDING
         db1 start
         db1 ready = HC_OK
         a resume TIMER#2 HC_OK 0
         a acquire 1 db 0 L = HC_OK
         a acquire 3 db 0 M = HC_E_TIMEOUT
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         db1 ok = HC_OK",
    );
    assert_eq!(rig.totals().leases_forgotten, 1);
    rig.end();
}

#[test]
fn the_shorter_of_two_times_ends_a_wait_and_the_handle() {
    let mut plan = Plan::database(1);
    plan.first().acquire_timeout_ns = 50 * MS;
    plan.first().member_timeout_ns = 10_000 * MS;
    let mut rig = Rig::ahead(&plan);
    rig.world.script("member-db", "completion 1 open; yield | ready; serve");
    let script = "acquire 1 db MS L; yield | interface L; release L clean; respond 200; done";
    rig.request(&script.replace("MS", "20"));
    rig.request(&script.replace("MS", "none"));
    rig.request(&script.replace("MS", "90"));
    rig.log();
    rig.pass(19);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    same(
        &rig.log_of(&["a"]),
        "a resume ACQUIRE#1 HC_E_TIMEOUT 0
         a interface L = none
         a release L clean = HC_E_GONE
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.pass(29);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    assert_eq!(rig.log_of(&["a"]).matches("ACQUIRE#1 HC_E_TIMEOUT").count(), 2, "the operator's time holds");
    rig.end();
}

#[test]
fn how_many_may_be_asked_for() {
    let mut plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    plan.first().max = 3;
    let mut rig = Rig::ahead(&plan);
    let many = ["db"; 17].join(",");
    rig.request(&format!(
        "acquire 1 {many} 0 L; acquire 1 db,db,db,db none L; refusal; acquire 1 kv,kv,kv 0 L; acquire 0 db 0 L; acquire 1 db 0 L;
         respond 200; done"
    ));
    same(
        &rig.log_of(&["a"]),
        &format!(
            "a start
             a acquire 1 {many} 0 L = HC_E_LIMIT
             a acquire 1 db,db,db,db none L = HC_E_LIMIT
             a refusal = resource.acquire.count
             a acquire 1 kv,kv,kv 0 L = HC_E_LIMIT
             a acquire 0 db 0 L = HC_E_TOKEN
             a acquire 1 db 0 L = HC_E_TIMEOUT
             a respond 200 = HC_OK
             a finish HC_OK"
        ),
    );
    let host = rig.world.host("a");
    assert_eq!(host.acquire(1, 1, &[], 0, &mut []), Status::E_THREAD, "not in a step");
    rig.end();
}

#[test]
fn no_more_wait_than_the_operator_allows() {
    let mut plan = Plan::database(1);
    plan.first().max_waiting = 2;
    let mut rig = Rig::ahead(&plan);
    rig.request("acquire 1 db none L; yield | completion 2 go; yield | release L clean; respond 200; done");
    let waits = "acquire 1 db none M; yield | release M clean; respond 200; done";
    rig.request(waits);
    rig.request(waits);
    rig.log();
    rig.request("acquire 1 db none N; why; acquire 1 db 0 N; status -5");
    same(
        &rig.log(),
        "a start
         a acquire 1 db none N = HC_E_BUSY
         a why = resource.acquire.backlog: as many tasks wait for resource \"db\" as may (max_waiting)
         a acquire 1 db 0 N = HC_E_TIMEOUT
         4 > refuse 503
         a finish HC_E_BUSY
         4 > ended HC_E_BUSY",
    );
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    assert_eq!(rig.log().matches("ACQUIRE#1 HC_OK").count(), 2, "the places in the queue were free again");
    rig.request("acquire 1 db none N; release N clean; respond 200; done");
    assert!(rig.log().contains("N = HC_OK"));
    rig.end();
}

#[test]
fn a_wait_that_is_withdrawn_gives_its_place_to_the_next() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request(
        "name one; acquire 1 db none L; yield | completion 2 go; yield | release L clean; respond 200; done",
    );
    rig.request(
        "name two; acquire 1 db none M; completion 2 c; yield | cancel 1; interface M; completion 3 d; yield",
    );
    let (_, third) = rig.request("name three; acquire 1 db none N; yield");
    rig.request("name four; acquire 1 db none O; yield | release O clean; respond 200; done");
    let host = rig.world.host("a");
    rig.world.complete(&host, "c", 2, Status::OK, 0);
    rig.run();
    rig.container.request_cancel(third, Status::CANCELLED_MODULE);
    rig.run();
    rig.log();
    rig.world.complete(&host, "go", 2, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["one", "two", "three", "four", "db1"]),
        "one resume COMPLETION#2 HC_OK 0
         one release L clean = HC_OK
         one respond 200 = HC_OK
         one finish HC_OK
         four resume ACQUIRE#1 HC_OK 0
         four release O clean = HC_OK
         four respond 200 = HC_OK
         four finish HC_OK",
    );
    rig.end();
}

#[test]
fn a_member_that_was_given_to_one_who_ends_goes_to_the_next_as_clean() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request(
        "name one; acquire 1 db none L; yield | completion 2 go; yield | release L clean; respond 200; done",
    );
    let (_, second) = rig.request("name two; acquire 1 db none M; yield");
    rig.request("name three; acquire 1 db none N; yield | release N clean; respond 200; done");
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    // The member is given to the second task, which is cancelled before it has heard.
    rig.worker.turn(rig.now_ns);
    rig.worker.run(1);
    rig.container.request_cancel(second, Status::CANCELLED_MODULE);
    rig.log();
    rig.run();
    same(
        &rig.log_of(&["two", "three", "db1"]),
        "two finish HC_CANCELLED_MODULE unseen ACQUIRE#1 HC_OK 0
         three resume ACQUIRE#1 HC_OK 0
         three release N clean = HC_OK
         three respond 200 = HC_OK
         three finish HC_OK",
    );
    assert_eq!(rig.totals().leases_forgotten, 0);
    rig.end();
}

#[test]
fn a_lease_is_its_tasks_own() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request("keep holder; acquire 1 db none L; yield | completion 2 c; yield");
    rig.request("interface L; release L clean; release-of holder L; query 3 L ok; respond 200; done");
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db none L = HC_PENDING
         a resume ACQUIRE#1 HC_OK 0
         a completion 2 c = HC_OK
         a start
         a interface L = none
         a release L clean = HC_E_GONE
         a release-of holder L = HC_OK
         a query 3 L ok = HC_E_GONE
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn while_the_container_drains_leases_are_had_as_ever() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.container.drain();
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    assert!(rig.log_of(&["a"]).ends_with(
        "a resume ACQUIRE#1 HC_OK 0\na release L clean = HC_OK\na respond 200 = HC_OK\na finish HC_OK"
    ));
    rig.end();
}

#[test]
fn a_handle_of_a_lease_is_none_of_another_kind() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request(
        "acquire 1 db none L; yield | keep me; completion 2 c; release c clean; release me clean; interface c; cancel 2;
         release L clean; respond 200; done",
    );
    assert!(rig.log_of(&["a"]).contains(
        "a release c clean = HC_E_GONE\na release me clean = HC_E_GONE\na interface c = none\na cancel 2 = HC_OK\na release L clean = HC_OK"
    ));
    rig.end();
}
