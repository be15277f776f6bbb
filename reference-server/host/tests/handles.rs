//! Handles: they end with what they name, and reach nothing else and nobody else's.

mod support;

use hc_host::Signal;
use http_container_abi::Status;
use support::{Plan, Rig};

#[test]
fn handles_end_for_ever_and_belong_to_their_instance() {
    let mut rig = Rig::created(&Plan::default());
    rig.request("keep old; completion 1 stale; respond 200; done");
    let (old, stale) = (rig.world.handle("old"), rig.world.handle("stale"));
    let (_, other) = rig.request("completion 1 c; yield | respond 200; done");
    assert_ne!(old, other, "the slot has another number");
    rig.world.keep("completion-as-task", rig.world.handle("c"));
    rig.world.keep("task-as-completion", other);
    rig.world.keep("forged", 0x00ff_ffff_ff00_0000);
    rig.log();
    rig.request(
        "completion-of old 5 x; completion-of nothing 5 x; completion-of forged 5 x; completion-of completion-as-task 5 x;
         complete 0 stale 1; complete 0 task-as-completion 1; task-cancel old; completion-of task-as-completion 5 x;
         respond 200; done",
    );
    let log = rig.log();
    let answers: Vec<_> = log.lines().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
    let gone = "HC_E_GONE";
    assert_eq!(answers, [gone, gone, gone, gone, gone, gone, gone, "HC_OK", "HC_OK"], "{log}");
    assert_ne!(stale, 0);
    // Another instance's host knows neither the task nor its completion.
    let b = rig.world.host("b");
    assert_eq!(b.complete(rig.world.handle("c"), Status::OK, 0), Status::E_GONE);
    assert_eq!(b.task_cancel(other), Status::E_GONE);
    rig.end();
}

#[test]
fn a_signal_for_a_task_that_has_ended_is_not_for_the_next_one() {
    let mut rig = Rig::created(&Plan::default());
    rig.request("keep old; respond 200; done");
    rig.request("read 1; yield | done");
    rig.log();
    for signal in [Signal::Body, Signal::Write, Signal::PeerGone] {
        rig.container.signal(rig.world.handle("old"), signal);
    }
    rig.run();
    assert_eq!(rig.log(), "");
    rig.end();
}

#[test]
fn only_completions_are_completed() {
    let mut rig = Rig::created(&Plan::default());
    rig.request("completion 1 c; timer 2 5; yield | respond 200; done");
    rig.log();
    // The timer has the next number of the task's slot.
    let timer = rig.world.handle("c") + (1 << 24);
    assert_eq!(rig.world.host("a").complete(timer, Status::OK, 0), Status::E_GONE);
    rig.run();
    assert_eq!(rig.log(), "");
    rig.pass(6);
    assert!(rig.log().starts_with("a resume TIMER#2 HC_OK 0"));
    rig.end();
}

#[test]
fn a_sibling_may_answer_for_another() {
    let mut rig = Rig::created(&Plan::default());
    let (first, _) = rig.request("keep first; completion 1 wake; yield | respond 200 one; done");
    rig.request("completion-of first 2 more; complete 1 wake 3; respond 200 two; done");
    assert_eq!((first.body(), first.ended()), (b"one".to_vec(), Some(Status::OK)));
    let log = rig.log();
    assert!(log.contains("a completion-of first 2 more = HC_OK"), "{log}");
    rig.end();
}
