//! The lives of members: opened, kept, checked, reset, closed, given up, lost.

use crate::support::{Far, MS, Plan, Rig, same};
use http_container_abi::Status;

const USE: &str = "acquire 1 db none L; yield | release L clean; respond 200; done";
const SECOND_MS: u64 = 1_000;

fn usage(rig: &Rig) -> (u32, u32) {
    let usage = rig.container.resource_usage()[0].1;
    (usage.in_use, usage.idle)
}

/// A request that takes a lease and gives it back so.
fn use_and(rig: &mut Rig, how: &str) {
    rig.request(&USE.replace("clean", how));
}

#[test]
fn the_least_number_is_opened_at_the_start_and_kept() {
    let mut plan = Plan::database(3);
    plan.first().min = 2;
    plan.first().idle_timeout_ns = 10 * SECOND_MS * MS;
    let mut rig = Rig::ahead(&plan);
    rig.run();
    same(&rig.log(), "db1 start\ndb1 ready = HC_OK\ndb2 start\ndb2 ready = HC_OK");
    // Idle for ever, and still not fewer.
    rig.pass(60 * SECOND_MS);
    assert_eq!((rig.log(), usage(&rig)), (String::new(), (0, 2)));
    // One that ends is replaced.
    rig.container.request_cancel(rig.world.handle("db1"), Status::CANCELLED_MODULE);
    rig.run();
    same(&rig.log(), "db1 finish HC_CANCELLED_MODULE\ndb3 start\ndb3 ready = HC_OK");
    assert_eq!(usage(&rig), (0, 2));
    rig.end();
}

#[test]
fn as_many_are_opened_as_are_waited_for() {
    let mut rig = Rig::ahead(&Plan::database(3));
    assert_eq!((rig.log(), usage(&rig)), (String::new(), (0, 0)), "none without need");
    rig.world.script("member-db", "completion 1 open; yield | ready; serve");
    for _ in 0..2 {
        rig.request(USE);
    }
    assert_eq!(usage(&rig), (2, 0));
    for _ in 0..3 {
        rig.request(USE);
    }
    assert_eq!(
        (usage(&rig), rig.container.resource_usage()[0].1.waiting),
        ((3, 0), 5),
        "no more than the cap"
    );
    rig.end();
}

#[test]
fn who_is_idle_for_too_long_is_closed_down_to_the_least_number() {
    let mut plan = Plan::database(3);
    plan.first().min = 1;
    plan.first().idle_timeout_ns = 10 * SECOND_MS * MS;
    let mut rig = Rig::ahead(&plan);
    // Three at once.
    rig.request("acquire 1 db,db,db none L,M,N; yield | release L clean; release M clean; release N clean; respond 200; done");
    assert_eq!(usage(&rig), (0, 3));
    rig.log();
    rig.pass(10 * SECOND_MS);
    let log = rig.log();
    assert_eq!((log.matches("< close").count(), log.matches("finish HC_OK").count()), (2, 2), "{log}");
    assert_eq!(usage(&rig), (0, 1));
    rig.pass(100 * SECOND_MS);
    assert_eq!(rig.log(), "", "the last one is kept");
    rig.end();
}

#[test]
fn one_that_is_closed_for_its_age_is_not_one_of_those_that_are_left() {
    let mut plan = Plan::database(2);
    plan.first().min = 1;
    plan.first().idle_timeout_ns = 10 * SECOND_MS * MS;
    plan.first().max_lifetime_ns = 12 * SECOND_MS * MS;
    plan.first().member_timeout_ns = 100 * SECOND_MS * MS;
    let mut rig = Rig::ahead(&plan);
    rig.run();
    rig.pass(2 * SECOND_MS);
    // The first does not end soon when it is told to; the second is two seconds younger.
    rig.request("acquire 1 db,db none L,M; yield | release L clean; release M clean; respond 200; done");
    rig.log();
    rig.pass(10 * SECOND_MS);
    let log = rig.log();
    assert_eq!(log.matches("< close").count(), 1, "the first is too old, the second the last: {log}");
    rig.end();
}

#[test]
fn who_is_too_old_is_closed_when_it_is_idle_or_its_lease_ends() {
    let mut plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    plan.first().max_lifetime_ns = 10 * SECOND_MS * MS;
    plan.resources[1].idle_timeout_ns = 7_500 * MS;
    let mut rig = Rig::ahead(&plan);
    rig.request("acquire 1 db,kv none L,M; yield | release M clean; release L clean; respond 200; done");
    rig.pass(7 * SECOND_MS);
    rig.request("acquire 1 db none L; yield | timer 2 1000; yield | release L clean; respond 200; done");
    // The registry is looked at while the lease is held, for the other resource.
    rig.pass(SECOND_MS);
    rig.log();
    rig.pass(2 * SECOND_MS - 1);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    same(&rig.log(), "db1 resume MEMBER#101 HC_OK 0\ndb1 < close\ndb1 finish HC_OK");
    // When it becomes too old while it is leased, it is closed at the end of the lease.
    rig.request("acquire 1 db none L; yield | timer 2 11000; yield | release L clean; respond 200; done");
    rig.log();
    rig.pass(11 * SECOND_MS);
    same(&rig.log_of(&["db2"]), "db2 resume MEMBER#101 HC_OK 0\ndb2 < close\ndb2 finish HC_OK");
    rig.end();
}

#[test]
fn who_is_too_old_is_not_lent_though_nobody_has_looked_yet() {
    let mut plan = Plan { workers: 2, ..Plan::database(1) };
    plan.first().max_lifetime_ns = 10 * SECOND_MS * MS;
    plan.first().test_on_acquire = false;
    let mut rig = Rig::ahead(&plan);
    let far = Far::enter(&rig.container, 1);
    rig.spawn(1, "acquire 1 db none L; yield | release L clean; done");
    rig.run_with(&[&far]);
    // The timer is the other worker's, which is behind.
    rig.pass(10 * SECOND_MS);
    rig.request("acquire 1 db none M; yield | release M clean; respond 200; done");
    assert!(rig.log_of(&["a"]).ends_with("a acquire 1 db none M = HC_PENDING"));
    rig.run_with(&[&far]);
    let log = rig.log_of(&["a", "db1", "db2"]);
    assert!(log.contains("db1 < close") && log.contains("a resume ACQUIRE#1 HC_OK 0"), "{log}");
    far.leave();
    rig.end();
}

#[test]
fn after_a_second_of_idleness_a_member_is_checked_before_it_is_lent() {
    let mut rig = Rig::ahead(&Plan::database(1));
    use_and(&mut rig, "clean");
    rig.pass(SECOND_MS - 1);
    use_and(&mut rig, "clean");
    assert!(!rig.log().contains("check"));
    rig.pass(SECOND_MS);
    use_and(&mut rig, "clean");
    same(
        &rig.log_of(&["a", "db1"]),
        "a start
         a acquire 1 db none L = HC_PENDING
         db1 resume MEMBER#101 HC_OK 0
         db1 < check
         db1 ok = HC_OK
         a resume ACQUIRE#1 HC_OK 0
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    // A try finds none that may be lent, and has it checked for the next.
    rig.pass(SECOND_MS);
    rig.request("acquire 1 db 0 L; timer 2 1; yield | acquire 1 db 0 L; release L clean; respond 200; done");
    rig.pass(1);
    let log = rig.log_of(&["a"]);
    assert!(log.contains("0 L = HC_E_TIMEOUT") && log.contains("0 L = HC_OK"), "{log}");
    rig.end();
}

#[test]
fn without_checks_a_member_is_lent_as_it_is() {
    let mut plan = Plan::database(1);
    plan.first().test_on_acquire = false;
    let mut rig = Rig::ahead(&plan);
    use_and(&mut rig, "clean");
    rig.pass(50 * SECOND_MS);
    use_and(&mut rig, "clean");
    assert!(!rig.log().contains("check"));
    rig.end();
}

#[test]
fn who_fails_its_check_is_closed_and_the_task_gets_another() {
    for failure in ["fail:,no", "dirty", "broken", "status:-16", "end"] {
        let mut rig = Rig::ahead(&Plan::database(1));
        use_and(&mut rig, "clean");
        rig.pass(SECOND_MS);
        rig.world.script("check", failure);
        rig.log();
        use_and(&mut rig, "clean");
        let log = rig.log_of(&["a", "db1", "db2"]);
        let expect_close = if failure == "end" { 0 } else { 1 };
        assert_eq!(log.matches("db1 < close").count(), expect_close, "{failure}: {log}");
        let (end, start) = (log.find("db1 finish").unwrap(), log.find("db2 start").unwrap());
        assert!(end < start && log[start..].contains("a resume ACQUIRE#1 HC_OK 0"), "{failure}: {log}");
        rig.end();
    }
}

#[test]
fn who_comes_back_dirty_is_reset_before_anybody_else_has_it() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("reset", "hold/ok");
    use_and(&mut rig, "dirty");
    rig.request("name next; acquire 1 db none M; yield | release M clean; respond 200; done");
    rig.request("name try; acquire 1 db 0 M; usage db; respond 200; done");
    let log = rig.log_of(&["next", "try", "db1"]);
    same(
        &log,
        "db1 start
         db1 ready = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         next acquire 1 db none M = HC_PENDING
         try acquire 1 db 0 M = HC_E_TIMEOUT
         try usage db = 1 + 0 of 1, 1 wait, true
         try respond 200 = HC_OK
         try finish HC_OK",
    );
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["next", "db1"]),
        "db1 resume COMPLETION#103 HC_OK 0
         db1 ok = HC_OK
         next resume ACQUIRE#1 HC_OK 0
         next release M clean = HC_OK
         next respond 200 = HC_OK
         next finish HC_OK",
    );
    rig.end();
}

#[test]
fn who_fails_its_reset_or_is_broken_is_thrown_away() {
    for failure in ["fail:,no", "dirty", "broken"] {
        let mut rig = Rig::ahead(&Plan::database(1));
        rig.world.script("reset", failure);
        use_and(&mut rig, "dirty");
        let log = rig.log_of(&["db1"]);
        assert!(log.ends_with("db1 < close\ndb1 finish HC_OK"), "{failure}: {log}");
        assert_eq!(usage(&rig), (0, 0));
        rig.end();
    }
    let mut rig = Rig::ahead(&Plan::database(1));
    use_and(&mut rig, "broken");
    same(
        &rig.log_of(&["db1"]),
        "db1 start
         db1 ready = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < close
         db1 finish HC_OK",
    );
    rig.end();
}

#[test]
fn flags_of_the_provider_count_until_it_says_otherwise() {
    // Dirty by its last word, though released as clean; a later word without the flag takes it back.
    let statements = |second: &str| {
        format!(
            "acquire 1 db none L; yield | query 2 L dirty; yield | query 2 L {second}; yield
            | release L clean; respond 200; done"
        )
    };
    for (second, expect) in [("dirty", "< reset"), ("ok", "")] {
        let mut rig = Rig::ahead(&Plan::database(1));
        rig.request(&statements(second));
        let log = rig.log_of(&["db1"]);
        assert_eq!(log.contains("< reset"), !expect.is_empty(), "{second}: {log}");
        rig.end();
    }
    // Broken once is broken for good, and shown at the end of the lease only.
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request(
        "acquire 1 db none L; yield | query 2 L broken; yield | query 2 L ok; yield | timer 3 1; yield
         | release L clean; respond 200; done",
    );
    assert!(!rig.log().contains("< close"));
    rig.pass(1);
    assert!(rig.log_of(&["db1"]).ends_with("db1 < close\ndb1 finish HC_OK"));
    rig.end();
}

#[test]
fn what_takes_a_member_too_long_counts_as_failed() {
    let hold = |what: &'static str, script: &'static str| {
        let rig = Rig::ahead(&Plan::database(1));
        rig.world.script(what, script);
        rig
    };
    // Opening.
    let mut rig = hold("member-db", "completion 1 open; yield | ready; serve");
    rig.request(USE);
    rig.log();
    rig.pass(SECOND_MS - 1);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    same(
        &rig.log_of(&["a", "db1"]),
        "db1 finish HC_CANCELLED_DEADLINE
         a resume ACQUIRE#1 HC_E_RESOURCE 0
         a release L clean = HC_E_GONE
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    assert!(rig.rules.take().contains(&"resource.member.time"));
    rig.end();
    // A check: the task waits on, for another.
    let mut rig = hold("check", "hold");
    use_and(&mut rig, "clean");
    rig.pass(SECOND_MS);
    use_and(&mut rig, "clean");
    rig.log();
    rig.pass(SECOND_MS);
    let log = rig.log();
    assert!(
        log.starts_with("db1 finish HC_CANCELLED_DEADLINE\ndb2 start") && log.contains("ACQUIRE#1 HC_OK"),
        "{log}"
    );
    rig.end();
    // A reset, an interrupt.
    for (what, user) in [
        ("reset", "timer 3 1; yield | release L dirty; respond 200; done"),
        ("interrupt", "query 2 L hold; timer 3 1; yield | release L clean; respond 200; done"),
    ] {
        let mut rig = hold(what, "hold");
        rig.request(&format!("acquire 1 db none L; yield | {user}"));
        rig.pass(1);
        rig.log();
        rig.pass(SECOND_MS - 1);
        assert_eq!(rig.log(), "", "{what}");
        rig.pass(1);
        same(&rig.log(), "db1 finish HC_CANCELLED_DEADLINE");
        assert_eq!(usage(&rig), (0, 0), "{what}");
        rig.end();
    }
    // A goodbye.
    let mut rig = hold("member-db", "ready; next 1; completion 5 c; yield | yield");
    use_and(&mut rig, "broken");
    rig.log();
    rig.pass(SECOND_MS);
    same(&rig.log(), "db1 finish HC_CANCELLED_DEADLINE");
    rig.end();
}

#[test]
fn an_idle_member_that_is_lost_is_taken_out_in_silence() {
    let mut rig = Rig::ahead(&Plan::database(1));
    use_and(&mut rig, "clean");
    rig.rules.take();
    rig.container.request_cancel(rig.world.handle("db1"), Status::CANCELLED_MODULE);
    rig.run();
    assert_eq!(usage(&rig), (0, 0));
    assert_eq!(rig.rules.take(), ["provider.lost"]);
    rig.log();
    use_and(&mut rig, "clean");
    let log = rig.log_of(&["a"]);
    assert!(log.contains("a resume ACQUIRE#1 HC_OK 0"), "{log}");
    rig.end();
}
