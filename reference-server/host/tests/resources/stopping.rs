//! The container stops: who may still use what it has, who hears of it, and in which order members end.

use crate::support::{Far, Plan, Rig, same};
use http_container_abi::Status;
use std::sync::Arc;

/// Two workers; the one member is on this one.
fn two_workers() -> (Rig, Arc<Far>) {
    let mut rig = Rig::ahead(&Plan { workers: 2, ..Plan::database(1) });
    let far = Far::enter(&rig.container, 1);
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    rig.log();
    (rig, far)
}

#[test]
fn who_waits_when_resources_are_closed_hears_that() {
    let (mut rig, far) = two_workers();
    rig.spawn(1, "name holder; acquire 1 db 0 L; completion 9 go; yield | query 2 L ok; yield | release L clean; acquire 3 db 0 M; completion 9 end; yield");
    rig.spawn(
        1,
        "name waits; acquire 1 db none M; completion 8 c; yield | acquire 2 db none M; refusal; yield",
    );
    rig.run_with(&[&far]);
    rig.log();
    rig.worker.end_users(Status::CANCELLED_DRAIN);
    rig.run_with(&[&far]);
    same(
        &rig.log(),
        "waits resume ACQUIRE#1 HC_E_DRAINING 0
         waits acquire 2 db none M = HC_E_DRAINING
         waits refusal = resource.acquire.draining",
    );
    // Who holds a lease goes on, and the member ends with it.
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run_with(&[&far]);
    same(
        &rig.log(),
        "holder resume COMPLETION#9 HC_OK 0
         holder query 2 L ok = HC_PENDING
         db1 resume MEMBER#101 HC_OK 0
         db1 < statement ok
         db1 ok = HC_OK
         holder resume SQL#2 HC_OK 0
         holder release L clean = HC_OK
         holder acquire 3 db 0 M = HC_E_DRAINING
         holder completion 9 end = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < close
         db1 finish HC_OK",
    );
    assert!(!rig.worker.has_members());
    far.leave();
    rig.end();
}

#[test]
fn what_users_leave_under_way_is_broken_off_before_members_end() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("interrupt", "hold");
    rig.request("acquire 1 db none L; yield | query 2 L hold; yield");
    rig.log();
    rig.worker.end_users(Status::CANCELLED_DRAIN);
    assert!(rig.worker.has_members());
    same(
        &rig.log(),
        "> refuse 503
         a finish HC_CANCELLED_DRAIN
         > ended HC_CANCELLED_DRAIN
         db1 resume MEMBER#101 HC_OK 0
         db1 < interrupt",
    );
    // The other end takes its time; the member has that.
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log(),
        "db1 resume COMPLETION#103 HC_OK 0
         db1 ok = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         db1 ok = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < close
         db1 finish HC_OK",
    );
    assert!(!rig.worker.has_members());
    rig.end();
}

#[test]
fn a_worker_that_leaves_first_lets_the_holders_of_its_members_end() {
    let (mut rig, far) = two_workers();
    rig.spawn(1, "name holder; acquire 1 db 0 L; query 2 L ok; yield | completion 9 c; yield");
    rig.run_with(&[&far]);
    rig.log();
    // It leaves while the other one goes on, and is told by nobody but the end of the lease.
    let elsewhere = Arc::clone(&far);
    let there = std::thread::spawn(move || elsewhere.leave());
    rig.end_with(|| there.join().unwrap());
    let log = rig.log();
    let (holder, member) =
        (log.find("holder finish HC_CANCELLED_DRAIN").unwrap(), log.find("db1 finish").unwrap());
    assert!(holder < member, "{log}");
}

#[test]
fn members_that_are_being_opened_end_with_the_reason_of_the_stop() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", "completion 1 open; yield | ready; serve");
    rig.request("acquire 1 db none L; yield | respond 200; done");
    rig.log();
    rig.end();
    same(
        &rig.log(),
        "> refuse 503
         a finish HC_CANCELLED_DRAIN
         > ended HC_CANCELLED_DRAIN
         db1 finish HC_CANCELLED_DRAIN",
    );
}

#[test]
fn members_that_are_being_opened_are_not_waited_for_when_resources_are_closed() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", "completion 1 open; yield | ready; serve");
    rig.request("acquire 1 db none L; yield | respond 200; done");
    rig.log();
    rig.worker.end_users(Status::CANCELLED_DRAIN);
    rig.run();
    let log = rig.log();
    assert!(log.contains("db1 finish HC_CANCELLED_DRAIN"), "{log}");
    assert!(!rig.worker.has_members());
    rig.end();
}

#[test]
fn nothing_is_opened_any_more() {
    let mut plan = Plan::database(2);
    plan.first().min = 2;
    let mut rig = Rig::ahead(&plan);
    rig.run();
    rig.log();
    rig.worker.end_users(Status::CANCELLED_DRAIN);
    rig.run();
    rig.pass(100_000);
    let log = rig.log();
    assert_eq!((log.matches("< close").count(), log.matches(" start").count()), (2, 0), "{log}");
    assert_eq!(rig.rules.take(), Vec::<&str>::new(), "nothing was lost, nothing is unreachable");
    rig.end();
}
