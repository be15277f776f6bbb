//! A resource that cannot be reached: who hears it, who goes on waiting, and when it is tried again.

use crate::support::{MS, Plan, Rig, same};

const USE: &str = "acquire 1 db none L; yield | release L clean; respond 200; done";
/// Between the first failure and the next try: 100 ms and up to a quarter more.
const RETRY_MS: u64 = 125;

/// Members fail to open from now on.
fn take_down(rig: &Rig) {
    rig.world.script("member-db", "explain no route to host; lost");
}

fn bring_up(rig: &Rig) {
    rig.world.script("member-db", "ready; serve");
}

fn opened(log: &str) -> usize {
    log.lines().filter(|line| line.starts_with("db") && line.ends_with(" start")).count()
}

#[test]
fn who_waits_and_who_asks_hears_at_once_that_it_is_not_there() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", "completion 1 open; yield | explain no route to host; lost");
    rig.request("name one; acquire 1 db none L; yield | interface L; status -16");
    rig.request("name two; acquire 1 db none M; yield | status -16");
    rig.log();
    rig.world.complete(&rig.world.host("db"), "open", 1, http_container_abi::Status::OK, 0);
    rig.run();
    same(
        &rig.log(),
        "db1 resume COMPLETION#1 HC_OK 0
         db1 explain no route to host = HC_OK
         db1 finish HC_E_RESOURCE
         one resume ACQUIRE#1 HC_E_RESOURCE 0
         one interface L = none
         > refuse 503
         one finish HC_E_RESOURCE
         > ended HC_E_RESOURCE
         two resume ACQUIRE#1 HC_E_RESOURCE 0
         2 > refuse 503
         two finish HC_E_RESOURCE
         2 > ended HC_E_RESOURCE",
    );
    rig.request("acquire 1 db none L; why; acquire 1 db 0 L; usage db; respond 200; done");
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db none L = HC_E_RESOURCE
         a why = resource.unreachable: resource \"db\" cannot be reached: no route to host
         a acquire 1 db 0 L = HC_E_RESOURCE
         a usage db = 0 + 0 of 1, 0 wait, false
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    let told = rig.rules.take_told();
    let line = "resource \"db\" cannot be reached: no route to host".to_owned();
    assert_eq!(
        told.iter().filter(|told| **told == ("resource.unreachable.told", line.clone())).count(),
        1,
        "{told:?}"
    );
    rig.end();
}

#[test]
fn it_is_told_once_that_it_went_and_once_that_it_came_back() {
    let mut rig = Rig::ahead(&Plan::database(1));
    take_down(&rig);
    for _ in 0..5 {
        rig.request(USE);
        rig.pass(6_000);
    }
    bring_up(&rig);
    rig.pass(6_000);
    rig.request(USE);
    let told = rig.rules.take_told();
    let texts: Vec<&str> = told
        .iter()
        .filter(|(rule, _)| *rule == "resource.unreachable.told")
        .map(|(_, text)| text.as_str())
        .collect();
    assert_eq!(
        texts,
        ["resource \"db\" cannot be reached: no route to host", "resource \"db\" can be reached again"]
    );
    rig.end();
}

#[test]
fn those_who_wait_go_on_waiting_while_others_are_open() {
    let mut rig = Rig::ahead(&Plan::database(2));
    rig.request(
        "name one; acquire 1 db none L; yield | completion 2 go; yield | release L clean; respond 200; done",
    );
    take_down(&rig);
    rig.rules.take();
    rig.request(&format!("name two; {USE}"));
    rig.request("name three; acquire 1 db 0 M; usage db; respond 200; done");
    let log = rig.log_of(&["two", "three"]);
    same(
        &log,
        "two acquire 1 db none L = HC_PENDING
         three acquire 1 db 0 M = HC_E_TIMEOUT
         three usage db = 1 + 0 of 2, 1 wait, true
         three respond 200 = HC_OK
         three finish HC_OK",
    );
    assert!(!rig.rules.take().contains(&"resource.unreachable.told"), "it is reached in part");
    // It is tried again for who waits.
    rig.pass(RETRY_MS);
    assert_eq!(opened(&rig.log()), 1);
    rig.world.complete(&rig.world.host("a"), "go", 2, http_container_abi::Status::OK, 0);
    rig.run();
    assert!(rig.log_of(&["two"]).starts_with("two resume ACQUIRE#1 HC_OK 0"));
    rig.end();
}

#[test]
fn when_the_last_open_member_is_lost_after_a_failure_it_is_unreachable() {
    let mut rig = Rig::ahead(&Plan::database(2));
    rig.request("name one; acquire 1 db none L; yield | completion 2 go; yield");
    take_down(&rig);
    rig.request(&format!("name two; {USE}"));
    rig.rules.take();
    rig.log();
    rig.container.request_cancel(rig.world.handle("db1"), http_container_abi::Status::CANCELLED_MODULE);
    rig.run();
    assert!(rig.log_of(&["two"]).starts_with("two resume ACQUIRE#1 HC_E_RESOURCE 0"));
    let told = rig.rules.take();
    assert!(told.contains(&"provider.lost") && told.contains(&"resource.unreachable.told"), "{told:?}");
    rig.end();
}

#[test]
fn after_a_refusal_it_is_tried_by_itself_less_and_less_often() {
    let mut rig = Rig::ahead(&Plan::database(3));
    take_down(&rig);
    rig.request(USE);
    let mut waits = Vec::new();
    for _ in 0..9 {
        // Somebody is refused since the last try.
        rig.request("acquire 1 db none L; status -16");
        assert!(rig.log_of(&["a"]).contains("L = HC_E_RESOURCE"));
        let mut ms = 0;
        while opened(&rig.log()) == 0 {
            rig.pass(1);
            ms += 1;
            assert!(ms <= 5_000);
        }
        waits.push(ms);
    }
    for (index, ms) in waits.iter().enumerate() {
        let base = (100 << index).min(4_000);
        assert!((base..=base * 5 / 4 + 1).contains(ms), "try {index} after {ms} ms: {waits:?}");
    }
    // The first success ends it, and the next failure begins anew.
    rig.request("acquire 1 db none L; status -16");
    bring_up(&rig);
    rig.pass(5_000);
    rig.request(USE);
    assert!(rig.log_of(&["a"]).contains("a acquire 1 db none L = HC_OK"));
    rig.end();
}

#[test]
fn a_try_that_nobody_wants_is_not_made_and_who_asks_next_waits_for_one() {
    let mut rig = Rig::ahead(&Plan::database(2));
    take_down(&rig);
    rig.request(USE);
    rig.log();
    rig.pass(RETRY_MS);
    assert_eq!(rig.log(), "", "nobody was refused since");
    rig.request("usage db; respond 200; done");
    assert!(rig.log().contains("usage db = 0 + 0 of 2, 0 wait, true"), "it no longer counts as unreachable");
    rig.world.script("member-db", "completion 1 open; yield | explain still none; lost");
    rig.request(&format!("name one; {USE}"));
    // Others wait for the same try.
    rig.request(&format!("name two; {USE}"));
    assert_eq!(rig.log_of(&["one", "two"]).matches("HC_PENDING").count(), 2);
    rig.world.complete(&rig.world.host("db"), "open", 1, http_container_abi::Status::OK, 0);
    rig.run();
    assert_eq!(rig.log_of(&["one", "two"]).matches("HC_E_RESOURCE 0").count(), 2);
    rig.request("acquire 1 db none L; status -16");
    assert!(rig.log().contains("L = HC_E_RESOURCE"), "it failed again");
    rig.end();
}

#[test]
fn while_a_try_is_under_way_it_still_counts_as_unreachable_and_nobody_is_kept_awake() {
    let mut rig = Rig::ahead(&Plan::database(2));
    take_down(&rig);
    rig.request(USE);
    rig.request("acquire 1 db none L; status -16");
    rig.world.script("member-db", "completion 1 open; yield | ready; serve");
    rig.log();
    rig.pass(RETRY_MS);
    assert_eq!(opened(&rig.log()), 1);
    rig.request("acquire 1 db none L; usage db; status -16");
    let log = rig.log_of(&["a"]);
    assert!(log.contains("L = HC_E_RESOURCE") && log.contains("1 + 0 of 2, 0 wait, false"), "{log}");
    assert!(
        rig.worker.next_timer_ns().unwrap() > rig.now_ns + 100 * MS,
        "nothing is due before the try ends"
    );
    rig.world.complete(&rig.world.host("db"), "open", 1, http_container_abi::Status::OK, 0);
    rig.run();
    rig.request("acquire 1 db none L; release L clean; usage db; respond 200; done");
    assert!(rig.log_of(&["a"]).contains("L = HC_OK"));
    rig.end();
}

#[test]
fn for_the_least_number_it_is_tried_for_ever() {
    let mut plan = Plan::database(2);
    plan.first().min = 1;
    let rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    take_down(&rig);
    rig.container.create_instances().unwrap();
    let mut rig = rig;
    rig.run();
    rig.log();
    for _ in 0..20 {
        rig.pass(5_000);
        assert!(opened(&rig.log()) >= 1);
    }
    bring_up(&rig);
    rig.pass(5_000);
    assert_eq!(rig.container.resource_usage()[0].1.idle, 1);
    rig.end();
}

#[test]
fn what_a_provider_says_is_cut_and_the_latest_counts() {
    let mut rig = Rig::ahead(&Plan::database(1));
    let long = "x".repeat(3_000);
    rig.world.script("member-db", &format!("explain first; explain {long}; lost"));
    rig.request(USE);
    rig.request("acquire 1 db none L; why; status -16");
    let log = rig.log_of(&["a"]);
    let why = log.lines().find(|line| line.contains("why")).unwrap();
    assert!(why.contains(&long[..1_000]) && why.len() < 1_200, "{}", why.len());
    // A member that says nothing.
    rig.pass(RETRY_MS);
    rig.pass(10_000);
    rig.log();
    rig.world.script("member-db", "lost");
    rig.request(USE);
    rig.request("acquire 1 db none L; why; status -16");
    let log = rig.log();
    assert!(log.contains("the provider did not say why"), "{log}");
    rig.end();
}

#[test]
fn all_who_are_refused_give_their_places_in_other_queues_to_those_behind() {
    let mut plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    plan.resources.iter_mut().for_each(|one| one.max = 1);
    let mut rig = Rig::ahead(&plan);
    rig.request("acquire 1 kv none L; yield | release L clean; respond 200; done");
    rig.world.script("member-db", "completion 1 open; yield | lost");
    rig.request("name both; acquire 1 db,kv none L,M; yield | respond 200; done");
    rig.request("name later; acquire 1 kv none N; yield | release N clean; respond 200; done");
    rig.log();
    rig.world.complete(&rig.world.host("db"), "open", 1, http_container_abi::Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["both", "later"]);
    assert!(
        log.contains("both resume ACQUIRE#1 HC_E_RESOURCE 0")
            && log.contains("later resume ACQUIRE#1 HC_OK 0"),
        "{log}"
    );
    rig.end();
}
