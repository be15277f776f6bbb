//! Operations on a lease: one at a time, withdrawn, interrupted.

use crate::support::{Far, Plan, Rig, same};
use http_container_abi::{HostRef, Status};
use std::sync::Arc;

/// One member, and a task that holds it and does that.
fn holding(script: &str) -> Rig {
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

/// A task that holds the lease, with a statement that its member has taken, and then does that.
fn with_statement_taken(script: &str) -> Rig {
    let mut rig = holding(&format!("query 2 L hold; completion 9 go; yield | {script}"));
    rig.log();
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    rig
}

#[test]
fn an_operation_that_is_withdrawn_is_interrupted_once() {
    let mut rig =
        with_statement_taken("cancel 2; query 3 L ok; timer 3 1; yield | release L clean; respond 200; done");
    same(
        &rig.log_of(&["a", "db1"]),
        "a resume COMPLETION#9 HC_OK 0
         a cancel 2 = HC_OK
         a query 3 L ok = HC_E_STATE
         a timer 3 1 = HC_PENDING
         db1 resume MEMBER#101 HC_OK 0
         db1 < interrupt
         db1 status:-8 = HC_OK",
    );
    rig.pass(1);
    same(
        &rig.log_of(&["a", "db1"]),
        "a resume TIMER#3 HC_OK 0
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
fn an_interrupt_does_not_come_again_with_the_end_of_the_lease() {
    // It takes the member a while to end what it was interrupted in.
    let mut rig = holding(
        "query 2 L hold; completion 9 go; yield | cancel 2; timer 3 1; yield | release L clean; respond 200; done",
    );
    rig.world.script("interrupt", "hold");
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    assert_eq!(rig.log().matches("< interrupt").count(), 1);
    rig.pass(1);
    assert_eq!(rig.log_of(&["db1"]), "", "nothing new to the member");
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["db1"]),
        "db1 resume COMPLETION#103 HC_OK 0
         db1 ok = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         db1 ok = HC_OK",
    );
    rig.end();
}

#[test]
fn the_end_of_a_lease_interrupts_what_is_under_way_on_it() {
    for how in ["clean", "dirty"] {
        let mut rig = with_statement_taken(&format!("release L {how}; timer 3 1; yield | respond 200; done"));
        same(
            &rig.log_of(&["a", "db1"]),
            &format!(
                "a resume COMPLETION#9 HC_OK 0
                 a release L {how} = HC_OK
                 a timer 3 1 = HC_PENDING
                 db1 resume MEMBER#101 HC_OK 0
                 db1 < interrupt
                 db1 status:-8 = HC_OK
                 db1 resume MEMBER#101 HC_OK 0
                 db1 < reset
                 db1 ok = HC_OK"
            ),
        );
        rig.end();
    }
    // Broken: it is interrupted, so that the other end is free soon, and closed when that is over.
    let mut rig = with_statement_taken("release L broken; timer 3 1; yield | respond 200; done");
    same(
        &rig.log_of(&["db1"]),
        "db1 resume MEMBER#101 HC_OK 0
         db1 < interrupt
         db1 status:-8 = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < close
         db1 finish HC_OK",
    );
    rig.end();
}

#[test]
fn the_end_of_the_task_is_the_end_of_its_lease() {
    for (end, outcome, forgotten) in
        [("respond 200; done", "HC_OK", 1), ("status -1", "HC_E_FAILED", 0), ("panic", "HC_E_PANIC", 0)]
    {
        std::panic::set_hook(Box::new(|_| ()));
        let mut rig = with_statement_taken(end);
        let _ = std::panic::take_hook();
        let log = rig.log_of(&["a", "db1"]);
        assert!(log.contains(&format!("a finish {outcome}")), "{log}");
        assert!(log.contains("db1 < interrupt") && log.contains("db1 < reset"), "{end}: {log}");
        assert_eq!(log.matches("< interrupt").count(), 1, "{log}");
        assert_eq!(rig.totals().leases_forgotten, forgotten, "{end}");
        assert_eq!(rig.rules.take().contains(&"lease.forgotten.report"), forgotten == 1);
        rig.end();
    }
    // Cancelled from outside: nothing is reported.
    let mut rig = holding("keep me; query 2 L hold; yield");
    rig.log();
    rig.container.request_cancel(rig.world.handle("me"), Status::CANCELLED_PEER);
    rig.run();
    let log = rig.log_of(&["a", "db1"]);
    assert!(log.contains("a finish HC_CANCELLED_PEER\n") && log.contains("db1 < interrupt"), "{log}");
    assert!(!rig.rules.take().contains(&"lease.forgotten.report"));
    rig.end();
}

#[test]
fn an_interrupt_never_comes_after_the_end_of_what_it_was_for() {
    // A member that looks for requests only when it has answered one.
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script(
        "member-db",
        "ready; next 1; yield | next 0; completion 5 c; yield | result ok; next 0; serve",
    );
    rig.request(
        "acquire 1 db none L; yield | query 2 L ok; completion 9 go; yield | cancel 2; timer 3 1; yield",
    );
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    rig.log();
    rig.world.complete(&rig.world.host("db"), "c", 5, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["db1"]),
        "db1 resume COMPLETION#5 HC_OK 0
         db1 result ok = HC_OK
         db1 next 0 = HC_PENDING",
    );
    rig.end();
}

#[test]
fn who_waits_for_room_and_for_requests_hears_both() {
    for end in ["release L clean", "cancel 2; release L clean", "release L broken"] {
        let mut rig = holding("query 2 L c:n/n:40000,100/ok; completion 9 go; yield | completion 9 go; yield | END; timer 3 1; yield".replace("END", end).as_str());
        // What it goes on to give is taken and thrown away, by whole rows.
        rig.world.script("interrupt", "n:7,10");
        let log = rig.log_of(&["db1"]);
        assert!(log.contains("db1 n:40000,100 = HC_PENDING"), "{log}");
        rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
        rig.run();
        rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
        rig.run();
        let log = rig.log_of(&["db1"]);
        assert!(log.contains("db1 resume MEMBER_ROOM#102 HC_OK 0, MEMBER#101 HC_OK 0"), "{end}: {log}");
        let then = "db1 < interrupt\ndb1 n:7,10 = HC_DISCARDED 7\ndb1 ok = HC_OK";
        assert!(log.contains(then), "{end}: {log}");
        assert_eq!(log.contains("db1 < close"), end.ends_with("broken"), "{end}: {log}");
        rig.end();
    }
}

#[test]
fn what_is_thrown_away_is_counted_in_rows_and_still_checked() {
    // As a member would that hears nothing of interrupts.
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script(
        "member-db",
        "ready; next 1; yield | next 0; completion 5 c; yield
         | r 0 1; c 0 a b; c 0 a; r 0 1 2 3 4; r 0 1; r 0; result ok; serve",
    );
    rig.request("acquire 1 db none L; yield | query 2 L ok; completion 9 go; yield | release L clean; timer 3 1; yield");
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    rig.log();
    rig.world.complete(&rig.world.host("db"), "c", 5, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["db1"]),
        "db1 resume COMPLETION#5 HC_OK 0
         db1 r 0 1 = HC_E_STATE 0
         db1 c 0 a b = HC_OK
         db1 c 0 a = HC_E_STATE
         db1 r 0 1 2 3 4 = HC_DISCARDED 2
         db1 r 0 1 = HC_E_INVALID 0
         db1 r 0 = HC_DISCARDED 0
         db1 result ok = HC_OK
         db1 < reset
         db1 ok = HC_OK",
    );
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
fn withdrawing_a_wait_for_rows_poisons_nothing() {
    let mut rig = holding(
        "query 2 L c:n/hold/r:1/ok; yield | rows 3 L; cancel 3; rows 3 L; rows 4 L; refusal; yield
         | rows 4 L; rows 4 L; release L clean; respond 200; done",
    );
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L c:n/hold/r:1/ok = HC_PENDING
         a resume SQL#2 HC_OK 0
         a rows 3 L = HC_PENDING
         a cancel 3 = HC_OK
         a rows 3 L = HC_PENDING
         a rows 4 L = HC_E_BUSY
         a refusal = sql.rows
         a resume SQL_ROWS#3 HC_OK 0
         a rows 4 L = 1 [1]
         a rows 4 L = HC_END
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
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
