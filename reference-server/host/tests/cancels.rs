//! Ends from outside: peers that leave, deadlines, cancels, notices, a drain; and the tasks that tasks make.

mod support;

use http_container_abi::{HostRef, Status};
use support::{MS, Plan, Rig, check_with, same};

#[test]
fn the_peer_leaves_a_parked_task() {
    let script = "completion 1 c; read 2; yield";
    let expect = "a start
                  a completion 1 c = HC_OK
                  a read 2 = HC_PENDING
                  > abort
                  a finish HC_CANCELLED_PEER unseen BODY#2 HC_OK 0
                  > ended HC_CANCELLED_PEER";
    let leave = |rig: &mut Rig, exchange: &support::Memory, task| {
        exchange.leave(&rig.container, task);
        rig.run();
    };
    check_with(&Plan::default(), script, leave, expect);
}

#[test]
fn the_peer_leaves_before_the_start() {
    // The whole request was received: it is started, and cancelled when it yields.
    let mut rig = Rig::created(&Plan::default());
    let (_, task) = rig.open("timer 1 5; timer 2 5; yield");
    rig.container.signal(task, hc_host::Signal::PeerGone);
    rig.worker.start(task);
    same(
        &rig.log(),
        "a start
         a timer 1 5 = HC_PENDING
         a timer 2 5 = HC_PENDING
         > abort
         a finish HC_CANCELLED_PEER
         > ended HC_CANCELLED_PEER",
    );
    let (_, task) = rig.open("fail");
    rig.container.signal(task, hc_host::Signal::PeerGone);
    rig.worker.start(task);
    same(&rig.log(), "a start\n2 > refuse 500\na finish HC_E_FAILED\n2 > ended HC_E_FAILED");
    rig.end();
}

#[test]
fn the_peer_leaves_after_the_response() {
    check_with(
        &Plan::default(),
        "respond 200; timer 1 5; read 2; yield | read 2; done",
        |rig, exchange, task| {
            exchange.leave(&rig.container, task);
            rig.run();
        },
        "a start
         > 200 \"\"
         a respond 200 = HC_OK
         a timer 1 5 = HC_PENDING
         a read 2 = HC_PENDING
         a resume BODY#2 HC_OK 0
         a read 2 = HC_E_PEER
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn who_asked_is_told_that_the_peer_left_and_has_a_grace() {
    let plan = || Plan { grace_ms: 50, ..Plan::default() };
    check_with(
        &plan(),
        "notices 1; completion 1 c; read 2; yield | respond 200; read 2; notices 0; again; yield",
        |rig, exchange, task| {
            exchange.leave(&rig.container, task);
            rig.run();
            rig.pass(25);
            assert_eq!(exchange.ended(), None);
            rig.pass(26);
        },
        "a start
         a notices 1 = HC_OK
         a completion 1 c = HC_OK
         a read 2 = HC_PENDING
         > abort
         a resume BODY#2 HC_OK 0, NOTICE#0 HC_OK 1
         a respond 200 = HC_E_PEER
         a read 2 = HC_E_PEER
         a notices 0 = HC_OK
         a finish HC_CANCELLED_PEER
         > ended HC_CANCELLED_PEER",
    );
    check_with(
        &plan(),
        "notices 1; completion 1 c; yield | done",
        |rig, exchange, task| {
            exchange.leave(&rig.container, task);
            rig.run();
        },
        "a start
         a notices 1 = HC_OK
         a completion 1 c = HC_OK
         > abort
         a resume NOTICE#0 HC_OK 1
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn deadlines_hold_for_parked_and_for_queued_tasks() {
    let plan = || Plan { deadline_ms: 10_000, ..Plan::default() };
    check_with(
        &plan(),
        "notices 8; completion 1 c; yield | yield",
        |rig, _, _| {
            rig.pass(9_100);
            rig.pass(1_000);
        },
        "a start
         a notices 8 = HC_OK
         a completion 1 c = HC_OK
         a resume NOTICE#0 HC_OK 8
         > refuse 503
         a finish HC_CANCELLED_DEADLINE
         > ended HC_CANCELLED_DEADLINE",
    );
    check_with(
        &plan(),
        "start 200; respond 200; completion 1 c; yield",
        |rig, _, _| rig.pass(10_001),
        "a start
         > 200 ...
         a start 200 = HC_OK
         a respond 200 = HC_E_STATE
         a completion 1 c = HC_OK
         > abort
         a finish HC_CANCELLED_DEADLINE
         > ended HC_CANCELLED_DEADLINE",
    );
    let mut rig = Rig::created(&plan());
    let (exchange, task) = rig.open("respond 200; done");
    rig.worker.turn(rig.now_ns + 10_001 * MS);
    rig.worker.start(task);
    assert_eq!((exchange.status(), exchange.ended()), (Some(503), Some(Status::CANCELLED_DEADLINE)));
    same(&rig.log(), "> refuse 503\n> ended HC_CANCELLED_DEADLINE");
    rig.end();
}

#[test]
fn a_deadline_that_passes_during_a_step_counts_when_it_yields() {
    let mut rig = Rig::created(&Plan { deadline_ms: 1, ..Plan::default() });
    let container = std::sync::Arc::clone(&rig.container);
    let until_ns = rig.now_ns + MS;
    let linger = move |_: &HostRef, _| while container.now_ns() <= until_ns {};
    rig.world.probe("linger", Box::new(linger));
    rig.request("timer 1 0; probe linger; yield | respond 200; done");
    same(
        &rig.log(),
        "a start
         a timer 1 0 = HC_PENDING
         > refuse 503
         a finish HC_CANCELLED_DEADLINE unseen TIMER#1 HC_OK 0
         > ended HC_CANCELLED_DEADLINE",
    );
    rig.world.probe("linger", Box::new(|_, _| ()));
    rig.end();
}

#[test]
fn a_cancel_during_a_step_waits_for_its_end() {
    for (script, outcome, peer) in [
        ("task-cancel me; completion 1 c; timer 2 0; read 3; yield", "HC_CANCELLED_MODULE", "> refuse 503"),
        ("task-cancel me; respond 200; done", "HC_OK", "> 200 \"\""),
        ("task-cancel me; respond 200; yield", "HC_CANCELLED_MODULE", "> 200 \"\""),
        ("task-cancel me; done", "HC_CANCELLED_MODULE", "> refuse 503"),
        ("task-cancel me; fail", "HC_CANCELLED_MODULE", "> refuse 503"),
        ("task-cancel me; start 200; write 1 99; yield", "HC_CANCELLED_MODULE", "> abort"),
        ("task-cancel me; panic", "HC_E_PANIC", "> refuse 500"),
    ] {
        let mut rig = Rig::created(&Plan::default());
        rig.request(script);
        let log = rig.log();
        assert!(log.contains(&format!("finish {outcome}\n")), "{script}: {log}");
        assert!(log.contains(peer), "{script}: {log}");
        for waits in ["completion", "timer", "read", "write"] {
            let line = log.lines().find(|line| line.starts_with(&format!("a {waits}")));
            assert!(line.is_none_or(|line| line.contains("HC_E_CANCELLED")), "{script}: {log}");
        }
        rig.end();
    }
}

#[test]
fn finish_allows_little() {
    let mut rig = Rig::created(&Plan::default());
    rig.world.script(
        "finish-a",
        "cancel 1; task-cancel me; respond 200; completion 1 d; timer 1 0; read 0; notices 1; complete 1 c 9; index",
    );
    rig.request("completion 1 c; respond 200; done");
    let log = rig.log();
    same(
        &log[log.find("a finish").unwrap()..],
        "a finish HC_OK
         a cancel 1 = HC_E_GONE
         a task-cancel me = HC_OK
         a respond 200 = HC_E_STATE
         a completion 1 d = HC_E_STATE
         a timer 1 0 = HC_E_STATE
         a read 0 = HC_E_STATE
         a notices 1 = HC_E_STATE
         a complete 1 c 9 = HC_E_GONE
         a index = 0
         > ended HC_OK",
    );
    rig.end();
}

#[test]
fn background_tasks_are_told_and_have_no_peer() {
    let mut rig = Rig::created(&Plan::default());
    rig.world.script(
        "work",
        "respond 200; read 1; trailers; abort; inform 103; notices 15; timer 1 5; yield | done",
    );
    rig.request("spawn self work t; timer 1 0; respond 200; done");
    rig.container.drain();
    rig.run();
    same(
        &rig.log(),
        "a start
         a spawn self work t = HC_OK
         a timer 1 0 = HC_PENDING
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK unseen TIMER#1 HC_OK 0
         > ended HC_OK
         a start
         a respond 200 = HC_E_STATE
         a read 1 = HC_E_STATE
         a trailers = HC_E_STATE
         a abort = HC_E_STATE
         a inform 103 = HC_E_STATE
         a notices 15 = HC_OK
         a timer 1 5 = HC_PENDING
         a resume NOTICE#0 HC_OK 2
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn spawning_has_rules() {
    let mut rig = Rig::created(&Plan::default());
    rig.world.script("work", "index; done");
    rig.request(
        "spawn 7 work t; refusal; spawn any work t; timer-of; respond 200; done"
            .replace("timer-of; ", "")
            .as_str(),
    );
    let log = rig.log();
    assert!(log.contains("a spawn 7 work t = HC_E_INVALID\na refusal = task.spawn.worker"), "{log}");
    assert!(log.contains("a spawn any work t = HC_OK"), "{log}");
    assert!(log.ends_with("a start\na index = 0\na finish HC_OK"), "{log}");
    // From a thread that is no worker: any worker, or a number, but not the caller's own.
    let host = rig.world.host("a");
    let spawned = std::thread::spawn(move || {
        let spawn = |worker| host.spawn(worker, Box::new("done".to_owned())).map_err(|(status, _)| status);
        (
            spawn(u32::MAX).is_ok(),
            spawn(0).is_ok(),
            spawn(u32::MAX - 1),
            host.worker_index(),
            host.refusal().unwrap().0,
        )
    });
    let expect = (true, true, Err(Status::E_THREAD), u32::MAX - 2, "task.spawn.self".to_owned());
    assert_eq!(spawned.join().unwrap(), expect);
    rig.run();
    same(&rig.log(), "a start\na finish HC_OK\na start\na finish HC_OK");
    rig.end();
    assert_eq!(
        rig.world.host("a").spawn(0, Box::new(())).map_err(|(status, _)| status),
        Err(Status::E_DRAINING)
    );
}

#[test]
fn a_background_task_that_is_cancelled_first_is_started_all_the_same() {
    let mut rig = Rig::created(&Plan::default());
    rig.world.script("work", "timer 1 5; yield");
    rig.world.script("short", "done");
    rig.request("spawn self work t; task-cancel t; spawn self short u; task-cancel u; respond 200; done");
    let log = rig.log();
    let tail = &log[log.find("> ended").unwrap()..];
    same(
        tail,
        "> ended HC_OK
         a start
         a timer 1 5 = HC_E_CANCELLED
         a finish HC_CANCELLED_MODULE
         a start
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn notices_replace_each_other() {
    let mut rig = Rig::created(&Plan::default());
    rig.container.drain();
    rig.run();
    rig.request(
        "notices 16; notices 2; notices 0; completion 1 c; complete 1 c 1; yield | notices 3; yield | done",
    );
    same(
        &rig.log(),
        "a start
         a notices 16 = HC_E_UNSUPPORTED
         a notices 2 = HC_OK
         a notices 0 = HC_OK
         a completion 1 c = HC_OK
         a complete 1 c 1 = HC_OK
         a resume COMPLETION#1 HC_OK 1
         a notices 3 = HC_OK
         a resume NOTICE#0 HC_OK 2
         > refuse 500
         a finish HC_E_STATE
         > ended HC_E_STATE",
    );
    rig.end();
}
