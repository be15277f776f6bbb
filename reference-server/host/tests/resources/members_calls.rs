//! `hc.provider/1` in the task of a member: what may be called when, and who is refused.

use crate::support::{Plan, Rig, same};
use http_container_abi::Status;
use std::sync::Arc;

fn with_member(script: &str) -> Rig {
    let rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", script);
    rig
}

#[test]
fn before_it_is_ready_a_member_can_do_nothing_else() {
    let mut rig = with_member(
        "next 1; refusal; c 0 n; r 0 1; m 0 c v; result ok; explain slow; be thing 8; ready; ready; refusal; serve",
    );
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    same(
        &rig.log_of(&["db1"]),
        "db1 start
         db1 next 1 = HC_E_STATE
         db1 refusal = provider.ready
         db1 c 0 n = HC_E_STATE
         db1 r 0 1 = HC_E_STATE 0
         db1 m 0 c v = HC_E_STATE
         db1 result ok = HC_E_STATE
         db1 explain slow = HC_OK
         db1 be thing 8 = HC_E_STATE
         db1 ready = HC_OK
         db1 ready = HC_E_STATE
         db1 refusal = provider.ready",
    );
    rig.end();
}

#[test]
fn without_a_request_there_is_nothing_to_answer() {
    let mut rig = with_member(
        "ready; c 0 n; r 0 1; refusal; result ok; refusal; m 0 c v; next 1; next 2; refusal; next 0; yield
         | next 0; next 0; c 0 n m; c 0 n; r 0 1; r 0 1 2 3 4; r 0; result ok; result ok; serve",
    );
    rig.request(
        "acquire 1 db none L; yield | query 2 L ok; yield | rows 3 L; release L clean; respond 200; done",
    );
    same(
        &rig.log_of(&["a", "db1"]),
        "a start
         a acquire 1 db none L = HC_PENDING
         db1 start
         db1 ready = HC_OK
         db1 c 0 n = HC_E_STATE
         db1 r 0 1 = HC_E_STATE 0
         db1 refusal = provider.done.once
         db1 result ok = HC_E_STATE
         db1 refusal = provider.done.once
         db1 m 0 c v = HC_E_STATE
         db1 next 1 = HC_PENDING
         db1 next 2 = HC_E_BUSY
         db1 refusal = provider.next
         db1 next 0 = HC_E_BUSY
         a resume ACQUIRE#1 HC_OK 0
         a query 2 L ok = HC_PENDING
         db1 resume MEMBER#1 HC_OK 0
         db1 next 0 = Statement(StatementView { flags: 0, text: \"ok\", values: [] })
         db1 next 0 = HC_PENDING
         db1 c 0 n m = HC_OK
         db1 c 0 n = HC_E_STATE
         db1 r 0 1 = HC_E_INVALID 0
         db1 r 0 1 2 3 4 = HC_OK 2
         db1 r 0 = HC_OK 0
         db1 result ok = HC_OK
         db1 result ok = HC_E_STATE
         a resume SQL#2 HC_OK 0
         a rows 3 L = 4 [1, 2, 3, 4]
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn a_task_that_is_no_member_is_refused() {
    let mut rig = with_member("ready; serve");
    rig.request("ready; refusal; explain why; be thing 8; next 1; c 0 n; r 0 1; m 0 c v; result ok; respond 200; done");
    same(
        &rig.log_of(&["a"]),
        "a start
         a ready = HC_E_STATE
         a refusal = provider.member.only
         a explain why = HC_E_STATE
         a be thing 8 = HC_E_STATE
         a next 1 = HC_E_STATE
         a c 0 n = HC_E_STATE
         a r 0 1 = HC_E_STATE 0
         a m 0 c v = HC_E_STATE
         a result ok = HC_E_STATE
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn results_are_checked_and_a_bad_one_ends_nothing() {
    let mut rig = with_member("ready; next 1; yield | next 0; probe bad; result ok; serve");
    let bad = |host: &http_container_abi::HostRef, task| {
        let provider = host.provider().unwrap();
        let result = |status, flags| http_container_abi::ResultView {
            status: Status(status),
            flags,
            affected: 0,
            code: b"",
            message: b"",
            reply: None,
        };
        assert_eq!(provider.done(task, &result(1, 0)), Status::E_INVALID);
        assert_eq!(provider.done(task, &result(0, 1 << 7)), Status::E_UNSUPPORTED);
        assert_eq!(provider.columns::<&str>(task, &[]), Status::OK);
        assert_eq!(provider.rows(task, 0, &[]).0, Status::E_STATE, "it has no columns");
    };
    rig.world.probe("bad", Box::new(bad));
    rig.request("acquire 1 db none L; yield | query 2 L ok; yield | release L clean; respond 200; done");
    assert!(rig.log_of(&["a"]).contains("a resume SQL#2 HC_OK 0"));
    rig.end();
}

#[test]
fn tokens_of_a_member_are_its_own_and_waits_are_withdrawn_as_any() {
    let mut rig = with_member(
        "ready; timer 5 1000000; next 5; refusal; next 1; cancel 1; next 0; next 2; yield | next 0; result ok; serve",
    );
    rig.request("acquire 1 db none L; yield | query 2 L ok; yield | release L clean; respond 200; done");
    same(
        &rig.log_of(&["db1"]),
        "db1 start
         db1 ready = HC_OK
         db1 timer 5 1000000 = HC_PENDING
         db1 next 5 = HC_E_TOKEN
         db1 refusal = completion.token.unique
         db1 next 1 = HC_PENDING
         db1 cancel 1 = HC_OK
         db1 next 0 = HC_PENDING
         db1 next 2 = HC_PENDING
         db1 resume MEMBER#2 HC_OK 0
         db1 next 0 = Statement(StatementView { flags: 0, text: \"ok\", values: [] })
         db1 result ok = HC_OK",
    );
    rig.end();
}

#[test]
fn rows_that_are_refused_for_their_wait_are_not_kept() {
    // The member waits with all the operations that it may have: `rows` could not wait, and takes nothing.
    let mut plan = Plan::database(1);
    plan.limits.operations_per_task = 3;
    let mut rig = Rig::ahead(&plan);
    rig.world.script(
        "member-db",
        "ready; next 1; yield | next 0; c 0 n; timer 5 1000000; timer 6 1000000; timer 7 1000000; r 8 1; refusal; r 0 2;
         cancel 5; r 8 3; result ok; cancel 6; cancel 7; serve",
    );
    rig.request(
        "acquire 1 db none L; yield | query 2 L ok; yield | rows 3 L; release L clean; respond 200; done",
    );
    let log = rig.log_of(&["a", "db1"]);
    assert!(
        log.contains("db1 r 8 1 = HC_E_LIMIT 0\ndb1 refusal = completion.limit\ndb1 r 0 2 = HC_OK 1"),
        "{log}"
    );
    assert!(log.contains("a rows 3 L = 2 [2, 3]"), "{log}");
    rig.end();
}

#[test]
fn close_comes_again_each_time() {
    let mut rig =
        with_member("ready; next 1; yield | next 0; next 0; next 3; result ok; completion 5 c; yield | done");
    rig.request("acquire 1 db none L; yield | release L broken; respond 200; done");
    same(
        &rig.log_of(&["db1"]),
        "db1 start
         db1 ready = HC_OK
         db1 next 1 = HC_PENDING
         db1 resume MEMBER#1 HC_OK 0
         db1 next 0 = Close
         db1 next 0 = Close
         db1 next 3 = Close
         db1 result ok = HC_E_STATE
         db1 completion 5 c = HC_OK",
    );
    rig.rules.take();
    rig.world.complete(&rig.world.host("db"), "c", 5, Status::OK, 0);
    rig.run();
    assert_eq!(rig.log_of(&["db1"]), "db1 resume COMPLETION#5 HC_OK 0\ndb1 finish HC_OK");
    assert_eq!(rig.rules.take(), Vec::<&str>::new(), "it ended as it was told");
    rig.end();
}

#[test]
fn a_member_may_end_as_it_likes_when_it_was_told_to() {
    let mut rig = with_member("ready; next 1; yield | next 0; status -1");
    rig.request("acquire 1 db none L; yield | release L broken; respond 200; done");
    assert!(rig.log().contains("db1 finish HC_E_FAILED"));
    assert_eq!(rig.rules.take(), Vec::<&str>::new());
    rig.end();
}

#[test]
fn requests_are_copies_that_live_until_done() {
    let mut rig =
        with_member("ready; next 1; yield | next 0; completion 5 c; yield | probe look; result ok; serve");
    let text = "x".repeat(5_000);
    rig.request(&format!(
        "acquire 1 db none L; yield | query 2 L {text} 7; completion 9 go; yield | cancel 2; release L clean; respond 200; done"
    ));
    // The holder is gone, and its statement still what it was.
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    rig.world.complete(&rig.world.host("db"), "c", 5, Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["db1"]);
    assert!(log.contains("db1 < reset\ndb1 ok = HC_OK"), "{log}");
    rig.end();
}

#[test]
fn a_member_is_a_task_like_a_background_task() {
    let mut plan = Plan::database(2);
    plan.limits.tasks_per_module = 1;
    let mut rig = Rig::ahead(&plan);
    rig.world.script(
        "member-db",
        "respond 200; read 1; spawn any work t; spawn any work t; refusal; ready; serve",
    );
    rig.world.script("work", "done");
    rig.request("acquire 1 db,db none L,M; yield | release L clean; release M clean; respond 200; done");
    let log = rig.log_of(&["db1", "db2", "a"]);
    assert!(
        log.contains("db1 respond 200 = HC_E_STATE\ndb1 read 1 = HC_E_STATE\ndb1 spawn any work t = HC_OK"),
        "{log}"
    );
    assert!(log.contains("db2 ready = HC_OK") && log.contains("a resume ACQUIRE#1 HC_OK 0"), "{log}");
    rig.end();
}

#[test]
fn a_provider_whose_instance_failed_is_replaced_and_its_members_with_it() {
    let mut plan = Plan::database(2);
    plan.limits.replace_interval_ns = 0;
    plan.first().min = 1;
    let mut rig = Rig::ahead(&plan);
    rig.run();
    rig.request("name one; acquire 1 db,db none L,M; yield | completion 2 go; yield | query 3 L ok; yield | release L clean; respond 200; done");
    rig.request("name two; acquire 1 db none N; yield | release N clean; respond 200; done");
    rig.log();
    // A step of the provider's instance panics.
    std::panic::set_hook(Box::new(|_| ()));
    assert!(rig.world.host("db").spawn(u32::MAX, Box::new("panic".to_owned())).is_ok());
    rig.run();
    let _ = std::panic::take_hook();
    rig.world.script("member-db", "name fresh; ready; serve");
    rig.container.maintain();
    rig.run();
    rig.log();
    // What is leased goes on, and is closed when its lease ends; new members are of the fresh instance.
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    let log = rig.log();
    assert!(log.contains("one resume SQL#3 HC_OK 0"), "{log}");
    assert_eq!(log.matches("< close").count(), 2, "one was released, the other forgotten: {log}");
    assert!(log.contains("fresh ready = HC_OK") && log.contains("two resume ACQUIRE#1 HC_OK 0"), "{log}");
    assert_eq!(rig.container.resource_usage()[0].1.in_use, 0);
    rig.world.script("destroy-db", "");
    rig.container.maintain();
    rig.run();
    rig.container.maintain();
    assert!(rig.log().contains("db destroy"), "the old one ends when its last member has");
    rig.end();
}

#[test]
fn a_member_that_is_being_opened_when_its_instance_is_replaced_is_given_up() {
    let mut plan = Plan::database(1);
    plan.limits.replace_interval_ns = 0;
    let mut rig = Rig::ahead(&plan);
    rig.world.script("member-db", "completion 5 open; yield | ready; serve");
    rig.request("name one; acquire 1 db none L; yield | release L clean; respond 200; done");
    std::panic::set_hook(Box::new(|_| ()));
    assert!(rig.world.host("db").spawn(u32::MAX, Box::new("panic".to_owned())).is_ok());
    rig.run();
    let _ = std::panic::take_hook();
    rig.world.script("member-db", "name fresh; ready; serve");
    rig.log();
    rig.container.maintain();
    rig.run();
    let log = rig.log();
    assert!(log.contains("db1 finish HC_CANCELLED_FAULT"), "{log}");
    // That is no failure to open one: who waits is served by the fresh instance.
    assert!(log.contains("fresh ready = HC_OK") && log.contains("one resume ACQUIRE#1 HC_OK 0"), "{log}");
    assert!(rig.container.resource_usage()[0].1.is_available);
    rig.end();
}

#[test]
fn a_member_that_is_held_outlives_the_time_of_its_instance() {
    let mut plan = Plan::database(1);
    (plan.limits.replace_interval_ns, plan.limits.retired_instance_ns) = (0, 0);
    let mut rig = Rig::ahead(&plan);
    rig.request("acquire 1 db none L; yield | completion 2 go; yield | query 3 L ok; yield | release L clean; respond 200; done");
    std::panic::set_hook(Box::new(|_| ()));
    let world = Arc::clone(&rig.world);
    assert!(world.host("db").spawn(u32::MAX, Box::new("completion 5 c; yield".to_owned())).is_ok());
    assert!(world.host("db").spawn(u32::MAX, Box::new("panic".to_owned())).is_ok());
    rig.run();
    let _ = std::panic::take_hook();
    rig.container.maintain();
    rig.container.maintain();
    rig.log();
    rig.run();
    // Background tasks end with their time, the member goes on until its lease has ended.
    assert_eq!(rig.log().matches("finish HC_CANCELLED_FAULT").count(), 1);
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["a", "db1"]);
    assert!(
        log.contains("a resume SQL#3 HC_OK 0") && log.ends_with("db1 < close\ndb1 finish HC_OK"),
        "{log}"
    );
    rig.end();
}
