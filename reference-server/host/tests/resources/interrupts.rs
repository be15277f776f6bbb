//! Operations on a lease that are broken off: withdrawn, or left behind with the lease or the task.

use crate::operations::holding;
use crate::support::{Plan, Rig, same};
use http_container_abi::Status;

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
