//! In which order those who wait are served, and who may not wait at all.

use crate::support::{Far, Plan, Rig, same};
use http_container_abi::Status;
use std::sync::Arc;

/// Takes the one member and releases it, in an order that the log tells.
const USER: &str = "acquire 1 db none LNAME; yield | release LNAME clean; done";

fn user(name: &str) -> String {
    format!("name {name}; {}", USER.replace("NAME", name))
}

/// Two workers; the one member is on the second, and held there by a task that waits for the completion `go`.
fn held_elsewhere() -> (Rig, Arc<Far>) {
    let mut plan = Plan { workers: 2, ..Plan::database(1) };
    plan.first().max_waiting = 100;
    let mut rig = Rig::ahead(&plan);
    let far = Far::enter(&rig.container, 1);
    rig.spawn(1, "name holder; acquire 1 db none L; yield | completion 9 go; yield | release L clean; done");
    rig.run_with(&[&far]);
    rig.log();
    (rig, far)
}

/// The names of the tasks in the order in which they were given the member.
fn served(rig: &mut Rig, far: &Arc<Far>) -> Vec<String> {
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run_with(&[far]);
    let log = rig.log();
    let granted = log.lines().filter(|line| line.ends_with("resume ACQUIRE#1 HC_OK 0"));
    granted.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn who_came_first_is_served_first_whatever_the_worker() {
    let (mut rig, far) = held_elsewhere();
    for (worker, name) in [(0, "a1"), (1, "b1"), (0, "a2"), (1, "b2"), (1, "b3"), (0, "a3")] {
        rig.spawn(worker, &user(name));
        rig.run_with(&[&far]);
        rig.pass(2);
    }
    rig.run_with(&[&far]);
    assert_eq!(served(&mut rig, &far), ["a1", "b1", "a2", "b2", "b3", "a3"]);
    far.leave();
    rig.end();
}

#[test]
fn those_where_the_member_is_overtake_four_times_and_no_more() {
    let (mut rig, far) = held_elsewhere();
    let names: Vec<String> = (1..=9).map(|number| format!("b{number}")).collect();
    rig.spawn(0, &user("a1"));
    rig.spawn(0, &user("a2"));
    rig.run();
    for name in &names {
        rig.spawn(1, &user(name));
        rig.run_with(&[&far]);
    }
    // All in one moment: the second is overtaken no more often than the first.
    let expect = ["b1", "b2", "b3", "b4", "a1", "a2", "b5", "b6", "b7", "b8", "b9"];
    assert_eq!(served(&mut rig, &far), expect);
    far.leave();
    rig.end();
}

#[test]
fn nobody_is_overtaken_who_has_waited_for_a_millisecond() {
    let (mut rig, far) = held_elsewhere();
    rig.spawn(0, &user("a1"));
    rig.run();
    rig.pass(1);
    for name in ["b1", "b2"] {
        rig.spawn(1, &user(name));
    }
    rig.run_with(&[&far]);
    assert_eq!(served(&mut rig, &far), ["a1", "b1", "b2"]);
    far.leave();
    rig.end();
}

/// Three resources, of one member each.
fn three() -> Plan {
    let mut plan = Plan::with(&[("r0", "sql"), ("r1", "sql"), ("r2", "sql")]);
    plan.resources.iter_mut().for_each(|one| one.max = 1);
    plan
}

/// As [`three`], and module `b` has found them as well: it is the next one of the chain.
fn three_for_both() -> Rig {
    let plan = three();
    let rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    let finds = rig.world.script_named("create-a").unwrap();
    rig.world.script("create-b", &finds);
    rig.container.create_instances().unwrap();
    rig
}

/// A request whose parent and child do that, until all wait or have ended.
fn run_chain(rig: &mut Rig, parent: &str, child: &str) {
    let exchange = rig.exchange("GET", &[("a", parent), ("b", child)]);
    let task = rig.open_exchange(&exchange);
    rig.log();
    rig.worker.start(task);
    rig.run();
}

#[test]
fn one_who_wants_several_holds_none_while_it_waits() {
    let mut rig = Rig::ahead(&three());
    let host = rig.world.host("a");
    rig.request(
        "name holder; acquire 1 r0 none A; yield | completion 2 go; yield
        | acquire 3 r1 none B; release B clean; release A clean; respond 200; done",
    );
    rig.request(
        "name both; acquire 1 r0,r1 none C,D; yield | interface C; interface D; completion 2 on; yield
        | release C clean; release D clean; respond 200; done",
    );
    // A later one that holds nothing waits behind it, though the member that it wants is free.
    rig.request("name later; acquire 1 r1 none E; yield | release E clean; respond 200; done");
    rig.request("name look; usage r0; usage r1; acquire 1 r1 0 F; respond 200; done");
    let log = rig.log_of(&["both", "later", "look"]);
    same(
        &log,
        "both acquire 1 r0,r1 none C,D = HC_PENDING
         later acquire 1 r1 none E = HC_PENDING
         look usage r0 = 1 + 0 of 1, 1 wait, true
         look usage r1 = 0 + 1 of 1, 2 wait, true
         look acquire 1 r1 0 F = HC_E_TIMEOUT
         look respond 200 = HC_OK
         look finish HC_OK",
    );
    // But not one that holds a lease.
    rig.world.complete(&host, "go", 2, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["holder", "both", "later"]),
        "holder resume COMPLETION#2 HC_OK 0
         holder acquire 3 r1 none B = HC_OK
         holder release B clean = HC_OK
         holder release A clean = HC_OK
         holder respond 200 = HC_OK
         holder finish HC_OK
         both resume ACQUIRE#1 HC_OK 0
         both interface C = sql
         both interface D = sql
         both completion 2 on = HC_OK",
    );
    rig.world.complete(&host, "on", 2, Status::OK, 0);
    rig.run();
    assert!(rig.log_of(&["later"]).starts_with("later resume ACQUIRE#1 HC_OK 0"));
    rig.end();
}

#[test]
fn one_that_holds_a_lease_waits_only_for_what_comes_later() {
    let mut rig = Rig::ahead(&three());
    for name in ["r0", "r1", "r2"] {
        rig.request(&format!(
            "name h{name}; acquire 1 {name} none H{name}; yield
            | completion 2 c{name}; yield | release H{name} clean; respond 200; done"
        ));
    }
    let host = rig.world.host("a");
    rig.request("name one; acquire 1 r1 none L; yield
        | acquire 2 r0 none M; why; acquire 2 r1 none M; acquire 2 r0 0 M; acquire 2 r0,r2 none M,N; timer 3 1; yield
        | acquire 2 r0 none M; acquire 4 r2 none N; yield | respond 200; done");
    rig.log();
    rig.world.complete(&host, "cr1", 2, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["one"]),
        "one resume ACQUIRE#1 HC_OK 0
         one acquire 2 r0 none M = HC_E_BUSY
         one why = resource.acquire.rank: the task holds a lease on a resource that does not come before this one, and would have to wait
         one acquire 2 r1 none M = HC_E_BUSY
         one acquire 2 r0 0 M = HC_E_TIMEOUT
         one acquire 2 r0,r2 none M,N = HC_E_BUSY
         one timer 3 1 = HC_PENDING",
    );
    // A member of an earlier one that is free is had.
    rig.world.complete(&host, "cr0", 2, Status::OK, 0);
    rig.pass(2);
    same(
        &rig.log_of(&["one"]),
        "one resume TIMER#3 HC_OK 0
         one acquire 2 r0 none M = HC_OK
         one acquire 4 r2 none N = HC_PENDING",
    );
    rig.world.complete(&host, "cr2", 2, Status::OK, 0);
    rig.run();
    assert!(rig.log_of(&["one"]).starts_with("one resume ACQUIRE#4 HC_OK 0"));
    assert_eq!(rig.totals().refused_calls, 0, "to be short is no fault");
    rig.end();
}

#[test]
fn one_that_waits_begins_no_second_wait_and_takes_nothing_meanwhile() {
    let mut rig = Rig::ahead(&three());
    rig.request(
        "name h1; acquire 1 r1 none H; yield | completion 2 c; yield | release H clean; respond 200; done",
    );
    // Either could be had first: a free one that comes later, and one that comes before.
    rig.request(
        "name one; acquire 1 r1 none L; acquire 2 r2 none M; refusal; acquire 2 r0 0 M; cancel 1; acquire 2 r2 none M; yield
        | release M clean; acquire 1 r1,r2 none L,M; acquire 2 r0 none N; yield
        | acquire 2 r0 none N; respond 200; done",
    );
    same(
        &rig.log_of(&["one"]),
        "one acquire 1 r1 none L = HC_PENDING
         one acquire 2 r2 none M = HC_E_BUSY
         one refusal = resource.acquire.one
         one acquire 2 r0 0 M = HC_E_BUSY
         one cancel 1 = HC_OK
         one acquire 2 r2 none M = HC_PENDING
         one resume ACQUIRE#2 HC_OK 0
         one release M clean = HC_OK
         one acquire 1 r1,r2 none L,M = HC_PENDING
         one acquire 2 r0 none N = HC_E_BUSY",
    );
    rig.world.complete(&rig.world.host("a"), "c", 2, Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["one"]);
    assert!(log.starts_with("one resume ACQUIRE#1 HC_OK 0\none acquire 2 r0 none N = HC_E_BUSY"), "{log}");
    rig.end();
}

#[test]
fn a_child_counts_as_a_holder_of_what_its_parent_waits_for() {
    let mut rig = three_for_both();
    rig.request("name h; acquire 1 r0,r1 none H,I; yield | completion 2 c; yield");
    let parent =
        "name parent; acquire 1 r1 none L; open 3 0 kid; yield | yield | release L clean; respond 200; done";
    let child = "acquire 1 r0 none M; refusal; respond 200; done";
    run_chain(&mut rig, parent, child);
    same(
        &rig.log_of(&["b"]),
        "b start
         b acquire 1 r0 none M = HC_E_BUSY
         b refusal = resource.acquire.rank
         b respond 200 = HC_OK
         b finish HC_OK",
    );
    rig.container.request_cancel(rig.world.handle("parent"), Status::CANCELLED_PEER);
    rig.run();
    rig.end();
}

#[test]
fn a_child_counts_as_a_holder_of_what_those_above_it_hold() {
    let mut rig = three_for_both();
    rig.request("name h0; acquire 1 r0 none H; yield | completion 2 c; yield");
    let child =
        "acquire 1 r0 none M; refusal; acquire 1 r1 none M; acquire 1 r2 none M; yield | respond 200; done";
    let parent =
        "name parent; acquire 1 r1 none L; yield | open 1 0 kid; yield | release L clean; respond 200; done";
    run_chain(&mut rig, parent, child);
    same(
        &rig.log_of(&["b"]),
        "b start
         b acquire 1 r0 none M = HC_E_BUSY
         b refusal = resource.acquire.rank
         b acquire 1 r1 none M = HC_E_BUSY
         b acquire 1 r2 none M = HC_PENDING
         b resume ACQUIRE#1 HC_OK 0
         b respond 200 = HC_OK
         b finish HC_OK",
    );
    rig.end();
}

#[test]
fn a_member_counts_as_a_holder_of_its_own_resource() {
    let mut plan = three();
    plan.resources.iter_mut().for_each(|one| one.max = 2);
    let mut rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    // The provider of the second uses the first and the third; only what comes after its own may be waited for.
    rig.world.script("create-r0", "offer hc.sql/1");
    rig.world.script("create-r1", "resource r0 hc.sql/1; offer hc.sql/1");
    rig.world.script("member-r1", "acquire 1 r0 none X; refusal; ready; serve");
    rig.container.create_instances().unwrap();
    rig.request("name one; acquire 1 r1 none L; yield | release L clean; respond 200; done");
    let log = rig.log_of(&["r11", "one"]);
    assert!(
        log.contains("r11 acquire 1 r0 none X = HC_E_BUSY\nr11 refusal = resource.acquire.rank"),
        "{log}"
    );
    assert!(log.contains("one resume ACQUIRE#1 HC_OK 0"), "{log}");
    rig.end();
}

#[test]
fn there_are_never_more_members_than_the_cap() {
    let mut plan = Plan { workers: 2, ..Plan::database(3) };
    plan.first().max_waiting = 100;
    let mut rig = Rig::ahead(&plan);
    let far = Far::enter(&rig.container, 1);
    for number in 0..20 {
        rig.spawn(
            number % 2,
            &format!("acquire 1 db none L{number}; yield | timer 2 5; yield | release L{number} dirty; done"),
        );
    }
    rig.run_with(&[&far]);
    let mut starts = rig.log().matches("start\n").count();
    for _ in 0..40 {
        rig.pass(5);
        rig.run_with(&[&far]);
        let usage = rig.container.resource_usage()[0].1;
        assert!(usage.in_use + usage.idle <= 3, "{usage:?}");
        starts += rig.log().lines().filter(|line| line.starts_with("db") && line.ends_with("start")).count();
    }
    assert_eq!(starts, 20 + 3, "twenty users, three members");
    assert_eq!(rig.container.resource_usage()[0].1.waiting, 0);
    far.leave();
    rig.end();
}
