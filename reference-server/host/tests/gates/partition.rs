//! The gate for partitions.

use crate::support::{MS, Plan, Rig, same};
use hc_host::{Gates, PartitionGate, PartitionKey};
use http_container_abi::Status;

fn partitions(concurrent: u32, max_waiting: u32, timeout_ms: u64) -> Rig {
    let timeout_ns = timeout_ms.saturating_mul(MS);
    let partition = PartitionGate { key: PartitionKey::Path(1), concurrent, max_waiting, timeout_ns };
    let gates = Gates { partition: Some(partition), ..Gates::default() };
    let mut plan = Plan { gates, ..Plan::default() };
    plan.limits.step_report_ns = u64::MAX;
    Rig::ahead(&plan)
}

/// A request that waits for the completion `go-NAME`.
fn slow(name: &str) -> String {
    format!("name {name}; completion 2 go-{name}; yield | respond 200; done")
}

fn finish(rig: &mut Rig, name: &str) {
    rig.world.complete(&rig.world.host("a"), &format!("go-{name}"), 2, Status::OK, 0);
    rig.run();
}

fn started(rig: &Rig) -> Vec<String> {
    let log = rig.log();
    let lines = log.lines().filter(|line| line.contains(" completion 2 go-"));
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn few_of_a_key_are_under_way_and_those_of_others_do_not_wait() {
    let mut rig = partitions(2, 10, 1_000_000);
    for name in ["a1", "a2", "a3", "a4"] {
        rig.come("/a/x", &slow(name));
    }
    rig.come("/b", &slow("b1"));
    rig.come("/", &slow("none"));
    rig.come("", &slow("none2"));
    rig.come("/a", &slow("a5"));
    assert_eq!(started(&rig), ["a1", "a2", "b1", "none", "none2"]);
    finish(&mut rig, "a2");
    assert_eq!(started(&rig), ["a3"]);
    finish(&mut rig, "b1");
    assert_eq!(started(&rig), Vec::<String>::new());
    finish(&mut rig, "a3");
    finish(&mut rig, "a1");
    assert_eq!(started(&rig), ["a4", "a5"], "in the order in which they came");
    rig.end();
}

#[test]
fn too_many_of_a_key_and_too_long_a_wait_are_refused() {
    let mut rig = partitions(1, 2, 100);
    for name in ["one", "two", "three", "four"] {
        rig.come("/a", &slow(name));
    }
    let log = rig.log();
    assert!(log.ends_with("4 > refuse 503\n4 > ended HC_E_BUSY"), "{log}");
    let told = rig.rules.take_told();
    assert!(told[0].0 == "gate.refused.told" && told[0].1.contains("route /"), "{told:?}");
    rig.pass(99);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    same(
        &rig.log(),
        "2 > refuse 503
         2 > ended HC_E_TIMEOUT
         3 > refuse 503
         3 > ended HC_E_TIMEOUT",
    );
    assert_eq!((rig.totals().gate_refusals, rig.totals().starts), (3, 1));
    // Their places are free.
    rig.come("/a", &slow("five"));
    rig.come("/a", &slow("six"));
    finish(&mut rig, "one");
    finish(&mut rig, "five");
    assert_eq!(started(&rig), ["five", "six"]);
    rig.end();
}

#[test]
fn one_that_leaves_while_it_waits_gives_its_place_away() {
    let mut rig = partitions(1, 2, 1_000_000);
    rig.come("/a", &slow("one"));
    let (second, task) = rig.come("/a", &slow("two"));
    rig.come("/a", &slow("three"));
    second.leave(&rig.container, task);
    rig.run();
    rig.come("/a", &slow("four"));
    assert_eq!(started(&rig), ["one"]);
    finish(&mut rig, "one");
    finish(&mut rig, "three");
    assert_eq!(started(&rig), ["three", "four"]);
    rig.end();
}

#[test]
fn a_place_is_held_until_the_task_has_finished_however_it_ends() {
    let mut rig = partitions(1, 10, 1_000_000);
    let (first, task) = rig.come("/a", &slow("one"));
    rig.come("/a", &slow("two"));
    first.leave(&rig.container, task);
    rig.run();
    rig.come("/a", "fail");
    rig.come("/a", &slow("four"));
    let log = rig.log();
    assert!(log.find("one finish HC_CANCELLED_PEER").unwrap() < log.find("two completion").unwrap(), "{log}");
    finish(&mut rig, "two");
    assert_eq!(started(&rig), ["four"]);
    rig.end();
}

#[test]
fn keys_are_taken_from_where_the_operator_says() {
    for (key, field) in [
        (PartitionKey::Header("script-a".into()), true),
        (PartitionKey::Header("missing".into()), false),
        (PartitionKey::Path(2), false),
        (PartitionKey::Query("missing".into()), false),
        (PartitionKey::Cookie("missing".into()), false),
    ] {
        let partition = PartitionGate { key, concurrent: 1, max_waiting: 10, timeout_ns: u64::MAX };
        let gates = Gates { partition: Some(partition), ..Gates::default() };
        let mut rig = Rig::ahead(&Plan { gates, ..Plan::default() });
        rig.come("/a", &slow("one"));
        rig.come("/b", &slow("two"));
        // The scripts differ, so does that header; what is missing is the same for all.
        assert_eq!(started(&rig).len(), if field { 2 } else { 1 });
        rig.end();
    }
}
