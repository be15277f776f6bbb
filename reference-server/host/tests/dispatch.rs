//! `hc.dispatch/1`: parents and children.

mod support;

use http_container_abi::Status;
use support::{Plan, Rig, same};

/// Runs a request through the chain a, b and compares the answers of the calls of `a` and what became of both.
#[track_caller]
fn check(parent: &str, child: &str, expect: &str) {
    let mut rig = Rig::created(&Plan::default());
    let exchange = rig.exchange("GET", &[("a", parent), ("b", child)]);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    same(&rig.log(), expect);
    rig.end();
    drop(rig);
    assert_eq!(std::sync::Arc::strong_count(&exchange), 1, "nobody keeps the exchange");
}

#[test]
fn a_child_answers_and_the_parent_passes_it_on() {
    check(
        "open 1 0 kid; head kid; child-read kid 2; yield
         | head kid; child-read kid 2; child-trailers kid; child-read kid 2; child-trailers kid; close kid; close kid;
         respond 200; done",
        "respond 201 hello; done",
        "a start
         a open 1 0 kid = HC_PENDING
         a head kid = HC_E_STATE
         a child-read kid 2 = HC_E_STATE
         b start
         b respond 201 hello = HC_OK
         b finish HC_OK
         a resume CHILD_HEAD#1 HC_OK 201
         a head kid = 201
         a child-read kid 2 = 5
         a child-trailers kid = HC_E_STATE
         a child-read kid 2 = HC_END
         a child-trailers kid = 0
         a close kid = HC_OK
         a close kid = HC_E_GONE
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn a_child_that_streams_waits_for_its_parent() {
    check(
        "open 1 0 kid; yield | child-read kid 2; yield | child-read kid 2; child-read kid 2; yield
         | child-read kid 2; child-read kid 2; respond 200; done",
        "start 200; timer 9 0; yield | write 3 70000; yield | write 3 1; end x-sum; done",
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b start 200 = HC_OK
         b timer 9 0 = HC_PENDING
         a resume CHILD_HEAD#1 HC_OK 200
         a child-read kid 2 = HC_PENDING
         b resume TIMER#9 HC_OK 0
         b write 3 70000 = HC_PENDING 65536
         a resume CHILD_BODY#2 HC_OK 0
         a child-read kid 2 = 65536
         a child-read kid 2 = HC_PENDING
         b resume WRITE#3 HC_OK 0
         b write 3 1 = HC_OK 1
         b end x-sum = HC_OK
         b finish HC_OK
         a resume CHILD_BODY#2 HC_OK 0
         a child-read kid 2 = 1
         a child-read kid 2 = HC_END
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn a_child_that_fails_is_told_to_its_parent() {
    let failed = |outcome: &str, status: &str, child: &str| {
        format!(
            "a start\na open 1 0 kid = HC_PENDING\nb start\n{child}b finish {outcome}\na resume CHILD_HEAD#1 {status} 0
             a head kid = HC_E_STATE\na child-read kid 2 = HC_E_STATE\n> 200 \"\"\na respond 200 = HC_OK\na finish HC_OK
             > ended HC_OK"
        )
    };
    let parent = "open 1 0 kid; yield | head kid; child-read kid 2; respond 200; done";
    check(parent, "fail", &failed("HC_E_FAILED", "HC_E_FAILED", ""));
    check(parent, "done", &failed("HC_E_STATE", "HC_E_FAILED", ""));
    let cancelled = failed("HC_CANCELLED_MODULE", "HC_CANCELLED_MODULE", "b task-cancel me = HC_OK\n");
    check(parent, "task-cancel me; fail", &cancelled);
    check(
        "open 1 0 kid; yield | child-read kid 2; yield | child-read kid 2; child-read kid 2; abort; done",
        "start 200; write 0 3; timer 1 0; yield | fail",
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b start 200 = HC_OK
         b write 0 3 = HC_OK 3
         b timer 1 0 = HC_PENDING
         a resume CHILD_HEAD#1 HC_OK 200
         a child-read kid 2 = 3
         > refuse 500
         a finish HC_E_LOST
         > ended HC_E_LOST
         b finish HC_CANCELLED_PARENT unseen TIMER#1 HC_OK 0",
    );
    check(
        "open 1 0 kid; yield | child-read kid 2; child-read kid 2; yield | child-read kid 2; child-read kid 2; abort; done",
        "start 200; write 0 3; timer 1 0; yield | fail",
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b start 200 = HC_OK
         b write 0 3 = HC_OK 3
         b timer 1 0 = HC_PENDING
         a resume CHILD_HEAD#1 HC_OK 200
         a child-read kid 2 = 3
         a child-read kid 2 = HC_PENDING
         b resume TIMER#1 HC_OK 0
         b finish HC_E_FAILED
         a resume CHILD_BODY#2 HC_OK 0
         a child-read kid 2 = HC_E_FAILED
         a child-read kid 2 = HC_E_FAILED
         > abort
         a abort = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn children_end_with_their_parent() {
    // Not yet started: dropped. Parked: cancelled. Answered: left to its own end.
    check(
        "open 1 0 kid; respond 200; done",
        "respond 200; done",
        "a start
         a open 1 0 kid = HC_PENDING
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    check(
        "open 1 0 kid; timer 2 0; yield | timer 2 0; yield | respond 200; done",
        "completion 1 c; yield",
        "a start
         a open 1 0 kid = HC_PENDING
         a timer 2 0 = HC_PENDING
         b start
         b completion 1 c = HC_OK
         a resume TIMER#2 HC_OK 0
         a timer 2 0 = HC_PENDING
         a resume TIMER#2 HC_OK 0
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK
         b finish HC_CANCELLED_PARENT",
    );
    check(
        "open 1 0 kid; yield | respond 200; done",
        "respond 200; timer 1 0; yield | read 3; done",
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b respond 200 = HC_OK
         b timer 1 0 = HC_PENDING
         a resume CHILD_HEAD#1 HC_OK 200
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK
         b resume TIMER#1 HC_OK 0
         b read 3 = HC_END
         b finish HC_OK",
    );
    check(
        "open 1 2 kid; yield | respond 200; done",
        "respond 200; timer 1 0; yield | read 3; done",
        "a start
         a open 1 2 kid = HC_PENDING
         b start
         b respond 200 = HC_OK
         b timer 1 0 = HC_PENDING
         a resume CHILD_HEAD#1 HC_OK 200
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK
         b resume TIMER#1 HC_OK 0
         b read 3 = HC_E_PEER
         b finish HC_OK",
    );
}

#[test]
fn closing_takes_back_what_was_not_delivered() {
    check(
        "open 1 0 kid; timer 2 0; yield | close kid; cancel 1; head kid; timer 3 0; yield | respond 200; done",
        "respond 200; done",
        "a start
         a open 1 0 kid = HC_PENDING
         a timer 2 0 = HC_PENDING
         b start
         b respond 200 = HC_OK
         b finish HC_OK
         a resume TIMER#2 HC_OK 0, CHILD_HEAD#1 HC_OK 200
         a close kid = HC_OK
         a cancel 1 = HC_E_GONE
         a head kid = HC_E_GONE
         a timer 3 0 = HC_PENDING
         a resume TIMER#3 HC_OK 0
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    // Withdrawing the operation is closing.
    check(
        "open 1 0 kid; cancel 1; head kid; respond 200; done",
        "respond 200; done",
        "a start
         a open 1 0 kid = HC_PENDING
         a cancel 1 = HC_OK
         a head kid = HC_E_GONE
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn the_body_is_taken_over_once_and_unread() {
    let mut rig = Rig::created(&Plan::default());
    let parent = "open 1 2 kid; read 0; trailers; open 5 2 other; refusal; yield | respond 200; done";
    let exchange = rig.exchange(
        "POST",
        &[("a", parent), ("b", "read 7; yield | read 7; read 7; yield | read 7; respond 200; done")],
    );
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    exchange.feed(&rig.container, b"abc");
    rig.run();
    exchange.end_body(&rig.container, Status::OK);
    rig.run();
    same(
        &rig.log(),
        "a start
         a open 1 2 kid = HC_PENDING
         a read 0 = HC_E_STATE
         a trailers = HC_E_STATE
         a open 5 2 other = HC_E_STATE
         a refusal = dispatch.body.once
         b start
         b read 7 = HC_PENDING
         b resume BODY#7 HC_OK 0
         b read 7 = abc
         b read 7 = HC_PENDING
         b resume BODY#7 HC_OK 0
         b read 7 = HC_END
         b respond 200 = HC_OK
         b finish HC_OK
         a resume CHILD_HEAD#1 HC_OK 200
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    rig.end();
}

#[test]
fn a_child_is_asked_what_its_parent_says() {
    // The head is the parent's invention; the request's id and its deadline stay.
    check(
        "open-as PATCH /other 1 0 kid; yield | respond 200; done",
        "fail",
        "a start
         a open-as PATCH /other 1 0 kid = HC_PENDING
         b sees PATCH /other 1 true
         b start
         b respond 200 = HC_OK
         b finish HC_OK
         a resume CHILD_HEAD#1 HC_OK 200
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    for (open, answer, rule) in [
        ("open-as G@T / 1 0 kid", "HC_E_INVALID", "dispatch.open.request-check"),
        ("open-as GET other 1 0 kid", "HC_E_INVALID", "dispatch.open.request-check"),
        ("open-as GET /a#b 1 0 kid", "HC_E_INVALID", "dispatch.open.request-check"),
        ("open-as GET /a?b 1 0 kid", "HC_E_INVALID", "dispatch.open.request-check"),
        ("open-as GET * 1 0 kid", "HC_E_INVALID", "dispatch.open.request-check"),
        ("open-as GET /none 1 1 kid", "HC_E_RESOURCE", "dispatch.open.none"),
    ] {
        let mut rig = Rig::created(&Plan::default());
        let (_, _) = rig.request(&format!("{open}; refusal; respond 200; done"));
        let log = rig.log();
        let expect = format!("a start\na {open} = {answer}\na refusal = {rule}");
        assert!(log.starts_with(&expect), "{log}");
        rig.end();
    }
}

#[test]
fn a_child_has_no_say_over_its_parents_task() {
    check(
        "keep above; open 1 0 kid; yield | respond 200; done",
        "completion-of above 5 x; refusal; task-cancel above; respond 204; done",
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b completion-of above 5 x = HC_E_GONE
         b refusal = handle.instance
         b task-cancel above = HC_E_GONE
         b respond 204 = HC_OK
         b finish HC_OK
         a resume CHILD_HEAD#1 HC_OK 204
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn what_cannot_be_opened() {
    for (script, answer) in [
        ("open 1 4 kid", "HC_E_UNSUPPORTED"),
        ("open 0 0 kid", "HC_E_TOKEN"),
        ("completion 1 c; open 1 0 kid", "HC_E_TOKEN"),
        ("task-cancel me; open 1 0 kid", "HC_E_CANCELLED"),
        ("read 0; open 1 2 kid", "HC_E_STATE"),
    ] {
        let mut rig = Rig::created(&Plan::default());
        let exchange = rig.exchange("GET", &[("a", &format!("{script}; respond 200; done"))]);
        exchange.feed(&rig.container, b"x");
        let task = rig.open_exchange(&exchange);
        rig.worker.start(task);
        let log = rig.log();
        let line = log.lines().find(|line| line.starts_with("a open")).unwrap();
        assert!(line.ends_with(answer), "{script}: {log}");
        rig.end();
    }
    // The last of the chain has nobody below it.
    check(
        "open 1 0 kid; yield | respond 200; done",
        "open 1 0 below; respond 204; done",
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b open 1 0 below = HC_E_RESOURCE
         b respond 204 = HC_OK
         b finish HC_OK
         a resume CHILD_HEAD#1 HC_OK 204
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn dispatches_are_not_stacked_without_end() {
    let mut plan = Plan::default();
    plan.limits.dispatch_depth = 3;
    let mut rig = Rig::created(&plan);
    let exchange = rig.exchange("GET", &[("a", "open 1 1 kid; yield | respond 200; done")]);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    let log = rig.log();
    assert_eq!(log.matches("a open 1 1 kid = HC_PENDING").count(), 3, "{log}");
    assert_eq!(log.matches("a open 1 1 kid = HC_E_LIMIT").count(), 1, "{log}");
    rig.end();
}

#[test]
fn a_child_reaches_nothing_but_its_parents_extension() {
    let mut rig = Rig::created(&Plan::default());
    let parent = "open 1 0 kid; task-cancel kid; completion-of kid 3 c; yield | respond 200; done";
    let exchange = rig.exchange("GET", &[("a", parent), ("b", "respond 200; done")]);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    let log = rig.log();
    assert!(log.contains("a task-cancel kid = HC_E_GONE\na completion-of kid 3 c = HC_E_GONE"), "{log}");
    rig.end();
}
