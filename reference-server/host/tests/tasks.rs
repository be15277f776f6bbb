//! One task from its start to its finish: what steps return, what calls answer, what the peer sees.

mod support;

use hc_host::Limits;
use http_container_abi::Status;
use support::{Plan, Rig, check_with, counted, same};

#[track_caller]
fn check(script: &str, expect: &str) {
    check_with(&Plan::default(), script, |_, _, _| (), expect);
}

#[test]
fn what_a_first_step_returns() {
    check(
        "respond 200 hi; done",
        "a start\n> 200 \"hi\"\na respond 200 hi = HC_OK\na finish HC_OK\n> ended HC_OK",
    );
    check("fail", "a start\n> refuse 500\na finish HC_E_FAILED\n> ended HC_E_FAILED");
    check("done", "a start\n> refuse 500\na finish HC_E_STATE\n> ended HC_E_STATE");
    check("yield", "a start\n> refuse 500\na finish HC_E_LOST\n> ended HC_E_LOST");
    check("status 2", "a start\n> refuse 500\na finish HC_E_INVALID\n> ended HC_E_INVALID");
    // HC_DISCARDED counts as DONE: a step may hand on what a response call answered.
    check("status 3", "a start\n> refuse 500\na finish HC_E_STATE\n> ended HC_E_STATE");
    check(
        "respond 200 hi; status 3",
        "a start\n> 200 \"hi\"\na respond 200 hi = HC_OK\na finish HC_OK\n> ended HC_OK",
    );
    check("status -103", "a start\n> refuse 500\na finish HC_E_FAILED\n> ended HC_E_FAILED");
    check("status -3000", "a start\n> refuse 500\na finish HC_?\n> ended HC_?");
    check(
        "start 200; write 0 3; done",
        "a start\n> 200 ...\na start 200 = HC_OK\na write 0 3 = HC_OK 3\n> abort\na finish HC_E_STATE\n> ended HC_E_STATE",
    );
    check(
        "respond 200; fail",
        "a start\n> 200 \"\"\na respond 200 = HC_OK\na finish HC_E_FAILED\n> ended HC_E_FAILED",
    );
    check("abort; done", "a start\n> abort\na abort = HC_OK\na finish HC_OK\n> ended HC_OK");
    check(
        "start 200; fail",
        "a start\n> 200 ...\na start 200 = HC_OK\n> abort\na finish HC_E_FAILED\n> ended HC_E_FAILED",
    );
}

#[test]
fn faults_are_reported_by_rule() {
    for (script, rule) in [
        ("fail", "task.fail.before"),
        ("start 200; fail", "task.fail.after"),
        ("respond 200; fail", "task.fail.complete"),
        ("done", "task.done.no-response"),
        ("start 200; done", "task.done.open-response"),
        ("yield", "task.yield.nothing-outstanding"),
        ("status 2", "task.step.status"),
        ("status -150", "task.step.cancelled-status"),
        ("completion 1 c; respond 200; done", "task.done.outstanding"),
    ] {
        let mut rig = Rig::created(&Plan::default());
        rig.request(script);
        assert_eq!(rig.rules.take(), [rule], "{script}");
        rig.end();
    }
    let mut rig = Rig::created(&Plan::default());
    rig.request("timer 1 5; respond 200; done");
    assert_eq!(rig.rules.take(), [""; 0], "a timer that is left over is nobody's fault");
    rig.end();
    let limits = Limits { step_report_ns: 0, ..Plan::default().limits };
    let mut rig = Rig::created(&Plan { limits, ..Plan::default() });
    rig.request("respond 200; done");
    assert_eq!((rig.rules.take(), rig.totals().slow_steps), (vec!["task.step.short"], 1));
    rig.end();
}

#[test]
fn a_body_that_was_refused_decides_the_status() {
    for (fault, status) in [(413, 413), (400, 400)] {
        let mut rig = Rig::created(&Plan::default());
        let (exchange, task) = rig.open("read 1; fail");
        exchange.refuse_body(fault);
        exchange.end_body(&rig.container, if fault == 413 { Status::E_LIMIT } else { Status::E_PEER });
        rig.worker.start(task);
        assert_eq!(exchange.status(), Some(status));
        rig.end();
    }
}

#[test]
fn events_come_together_in_order() {
    check_with(
        &Plan::default(),
        "completion 7 c; completion 8 d; timer 9 5; yield | respond 200; done",
        |rig, _, _| {
            let host = rig.world.host("a");
            rig.world.complete(&host, "d", 8, Status::E_IO, 3);
            rig.world.complete(&host, "c", 7, Status::OK, 4);
            assert_eq!(rig.world.complete(&host, "c", 7, Status::OK, 4), Status::E_GONE);
            rig.run();
        },
        "a start
         a completion 7 c = HC_OK
         a completion 8 d = HC_OK
         a timer 9 5 = HC_PENDING
         a resume COMPLETION#8 HC_E_IO 3, COMPLETION#7 HC_OK 4
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn what_is_not_seen_comes_with_finish() {
    check(
        "completion 7 c; complete 7 c 5; respond 200; done",
        "a start
         a completion 7 c = HC_OK
         a complete 7 c 5 = HC_OK
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK unseen COMPLETION#7 HC_OK 5
         > ended HC_OK",
    );
}

#[test]
fn operations_are_withdrawn_or_too_late() {
    check(
        "completion 7 c; cancel 7; complete 7 c 1; completion 7 c; complete 7 c 2; cancel 7; cancel 7; cancel 0; refusal;
         respond 200; done",
        "a start
         a completion 7 c = HC_OK
         a cancel 7 = HC_OK
         a complete 7 c 1 = HC_E_GONE
         a completion 7 c = HC_OK
         a complete 7 c 2 = HC_OK
         a cancel 7 = HC_E_TOO_LATE
         a cancel 7 = HC_E_GONE
         a cancel 0 = HC_E_GONE
         a refusal = cancel.operation.gone
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn tokens_are_unique_until_delivered() {
    check(
        "timer 7 0; timer 7 1; completion 7 c; timer 0 1; completion 0 c; read 7; read 0; refusal; yield
         | timer 7 0; yield | respond 200; done",
        "a start
         a timer 7 0 = HC_PENDING
         a timer 7 1 = HC_E_TOKEN
         a completion 7 c = HC_E_TOKEN
         a timer 0 1 = HC_E_TOKEN
         a completion 0 c = HC_E_TOKEN
         a read 7 = HC_E_TOKEN
         a read 0 = HC_PENDING
         a refusal = completion.token.unique
         a resume TIMER#7 HC_OK 0
         a timer 7 0 = HC_PENDING
         a resume TIMER#7 HC_OK 0
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn timers_fire_in_time_and_not_before() {
    check_with(
        &Plan::default(),
        "timer 1 20000; yield | respond 200; done",
        |rig, exchange, _| {
            rig.pass(15_000);
            assert_eq!(exchange.ended(), None);
            rig.pass(5001);
        },
        "a start
         a timer 1 20000 = HC_PENDING
         a resume TIMER#1 HC_OK 0
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn bodies_are_pulled_and_pushed_back() {
    check_with(
        &Plan::default(),
        "trailers; read 1; read 2; yield | read 1; read 3; yield | read 3; trailers; read 4; start 200; write 5 20; end;
         write 6 1; yield | write 5 4; end x-sum; done",
        |rig, exchange, _| {
            exchange.set_trailers("x", "y");
            exchange.feed(&rig.container, b"abc");
            rig.run();
            exchange.end_body(&rig.container, Status::OK);
            rig.run();
            exchange.give_room(&rig.container, 4);
            rig.run();
        },
        "a start
         a trailers = HC_E_STATE
         a read 1 = HC_PENDING
         a read 2 = HC_E_BUSY
         a resume BODY#1 HC_OK 0
         a read 1 = abc
         a read 3 = HC_PENDING
         a resume BODY#3 HC_OK 0
         a read 3 = HC_END
         a trailers = 1
         a read 4 = HC_END
         > 200 ...
         a start 200 = HC_OK
         a write 5 20 = HC_PENDING 16
         a end = HC_E_BUSY
         a write 6 1 = HC_E_BUSY 0
         a resume WRITE#5 HC_OK 0
         a write 5 4 = HC_OK 4
         > end 1 trailers
         a end x-sum = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn the_length_is_kept() {
    check(
        "start 200 5; write 0 6; write 0 5; write 0 0; end; respond 200; start 200; inform 103; abort; refusal; done",
        "a start
         > 200 ...
         a start 200 5 = HC_OK
         a write 0 6 = HC_E_INVALID 0
         a write 0 5 = HC_OK 5
         a write 0 0 = HC_OK 0
         > end 0 trailers
         a end = HC_OK
         a respond 200 = HC_E_STATE
         a start 200 = HC_E_STATE
         a inform 103 = HC_E_STATE
         a abort = HC_E_STATE
         a refusal = response.abort.ended
         a finish HC_OK
         > ended HC_OK",
    );
    check(
        "start 200 5; write 0 4; end; refusal; end; done",
        "a start
         > 200 ...
         a start 200 5 = HC_OK
         a write 0 4 = HC_OK 4
         > abort
         a end = HC_E_STATE
         a refusal = response.end.length
         a end = HC_E_STATE
         a finish HC_OK
         > ended HC_OK",
    );
}

#[test]
fn a_head_is_refused_by_rule_and_can_be_mended() {
    for (call, status, rule) in [
        ("respond 199", "HC_E_INVALID", "response.status"),
        ("respond 600", "HC_E_INVALID", "response.status"),
        ("inform 100", "HC_E_INVALID", "response.inform.status"),
        ("inform 101", "HC_E_INVALID", "response.inform.status"),
        ("inform 200", "HC_E_INVALID", "response.inform.status"),
        ("respond-field 200 connection close", "HC_E_FIELD", "response.fields.framing"),
        ("respond-field 200 b@d x", "HC_E_FIELD", "response.fields.name"),
        ("respond-field 200 content-length 4", "HC_E_FIELD", "response.content-length"),
        ("respond-field 204 content-length 4", "HC_E_FIELD", "response.content-length"),
        ("write 0 1", "HC_E_STATE 0", "response.write.open"),
        ("end", "HC_E_STATE", "response.write.open"),
    ] {
        let script = format!("{call}; refusal; respond 200; done");
        let expect = format!(
            "a start\na {call} = {status}\na refusal = {rule}\n> 200 \"\"\na respond 200 = HC_OK\na finish HC_OK\n> ended HC_OK"
        );
        check(&script, &expect);
    }
}

#[test]
fn interim_responses_come_before_the_head() {
    check(
        "inform 103; inform 199; respond 200; inform 103; refusal; done",
        "a start
         > interim 103
         a inform 103 = HC_OK
         > interim 199
         a inform 199 = HC_OK
         > 200 \"\"
         a respond 200 = HC_OK
         a inform 103 = HC_E_STATE
         a refusal = response.head.once
         a finish HC_OK
         > ended HC_OK",
    );
    // The exchange finds the peer gone before the host hears of it: there is nobody left to answer.
    let mut rig = Rig::created(&Plan::default());
    let exchange = rig.exchange("GET", &[("a", "inform 103; respond 200; done")]);
    exchange.leave(&rig.container, 0);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    same(
        &rig.log(),
        "a start
         a inform 103 = HC_E_PEER
         a respond 200 = HC_E_PEER
         a finish HC_CANCELLED_PEER
         > ended HC_CANCELLED_PEER",
    );
    rig.end();
}

#[test]
fn responses_without_a_body_throw_it_away() {
    for (method, script, answers) in [
        ("GET", "respond 204 x; done", "HC_DISCARDED"),
        ("GET", "respond 304 x; done", "HC_DISCARDED"),
        ("GET", "respond 205; done", "HC_OK"),
        ("HEAD", "respond 200 x; done", "HC_OK"),
        ("HEAD", "respond 204 x; done", "HC_OK"),
        ("HEAD", "start 200 9; write 0 99; end; done", "HC_OK HC_DISCARDED 99 HC_OK"),
        ("GET", "start 304 9; write 0 3; write 0 0; end; done", "HC_OK HC_DISCARDED 3 HC_OK 0 HC_OK"),
        ("HEAD", "respond-field 200 content-length 77; done", "HC_OK"),
    ] {
        let mut rig = Rig::created(&Plan::default());
        let exchange = rig.exchange(method, &[("a", script)]);
        let task = rig.open_exchange(&exchange);
        rig.worker.start(task);
        let log = rig.log();
        let found: Vec<_> = log.lines().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
        assert_eq!(found.join(" "), answers, "{method}: {script}");
        rig.end();
    }
}

#[test]
fn limits_bind() {
    let mut plan = Plan::default();
    plan.limits.operations_per_task = 2;
    plan.limits.tasks_per_module = 1;
    plan.limits.respond_bytes = 3;
    let mut rig = Rig::created(&plan);
    rig.world.script("work", "timer 1 1; yield | done");
    rig.request(
        "completion 1 c; timer 2 0; completion 3 d; read 3; refusal; spawn self work t; spawn self work t; refusal;
         respond 200 four; refusal; respond 200 thr; done",
    );
    let log = rig.log();
    for line in [
        "a completion 3 d = HC_E_LIMIT\na read 3 = HC_E_LIMIT\na refusal = completion.limit",
        "a spawn self work t = HC_OK\na spawn self work t = HC_E_LIMIT\na refusal = task.spawn.limit",
        "a respond 200 four = HC_E_LIMIT\na refusal = response.respond.limit",
    ] {
        assert!(log.contains(line), "{log}");
    }
    rig.end();
}

#[test]
fn a_task_is_queued_once() {
    let mut rig = Rig::created(&Plan::default());
    rig.request("completion 1 c; completion 2 d; yield | respond 200; done");
    let host = rig.world.host("a");
    for (name, token) in [("c", 1), ("d", 2)] {
        assert_eq!(rig.world.complete(&host, name, token, Status::OK, 0), Status::OK);
    }
    assert_eq!(rig.worker.run(9), 1, "both events come with one step");
    rig.end();
}

#[test]
fn requests_that_fail_for_want_of_a_resource_are_told_once_a_second() {
    let mut rig = Rig::created(&Plan::default());
    (0..100).for_each(|_| drop(rig.request("lost")));
    rig.pass(1_002);
    let told = rig.rules.take_told().into_iter().filter(|(rule, _)| *rule == "task.fail.unavailable");
    let told: Vec<String> = told.map(|(_, text)| text).collect();
    assert!(told.len() < 100, "{}", told.len());
    assert_eq!(counted(&told), 100, "{told:?}");
    // Others are lines of another sort, and each failure is counted.
    rig.request("fail");
    assert!(rig.rules.take().contains(&"task.fail.before"), "{:?}", rig.rules.take());
    assert_eq!(rig.totals().failed, 101);
    rig.end();
}
