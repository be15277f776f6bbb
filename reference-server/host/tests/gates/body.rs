//! The gate for the body, and the order of the gates.

use crate::support::{Plan, Rig, same};
use hc_host::{Gates, PartitionGate, PartitionKey};
use http_container_abi::Status;

const READ: &str = "read 1; read 1; respond 200; done";

fn whole_body() -> Rig {
    let gates = Gates { whole_body_bytes: Some(10), ..Gates::default() };
    Rig::created(&Plan { gates, ..Plan::default() })
}

#[test]
fn a_request_starts_when_its_body_is_whole() {
    let mut rig = whole_body();
    let (exchange, _) = rig.come("/", "read 0; read 0; respond 200; done");
    exchange.feed(&rig.container, b"12345");
    rig.run();
    exchange.feed(&rig.container, b"67890");
    rig.run();
    assert_eq!((rig.log(), rig.totals().starts), (String::new(), 0));
    exchange.end_body(&rig.container, Status::OK);
    rig.run();
    same(
        &rig.log(),
        "a start
         a read 0 = 12345
         a read 0 = 67890
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    rig.end();
}

#[test]
fn a_body_that_is_there_is_not_waited_for() {
    let mut rig = whole_body();
    let exchange = rig.exchange("POST", &[("a", READ)]);
    exchange.end_body(&rig.container, Status::OK);
    let task = rig.open_exchange(&exchange);
    if rig.worker.pass_gates(task, 0) {
        rig.worker.start(task);
    }
    rig.run();
    assert!(rig.log().starts_with("a start\na read 1 = HC_END"));
    rig.end();
}

#[test]
fn a_body_that_is_too_long_or_broken_is_answered_without_a_task() {
    let mut rig = whole_body();
    let (long, _) = rig.come("/", READ);
    long.feed(&rig.container, b"12345678901");
    rig.run();
    same(&rig.log(), "> refuse 413\n> ended HC_E_PEER");
    let (broken, _) = rig.come("/", READ);
    broken.refuse_body(408);
    broken.end_body(&rig.container, Status::E_PEER);
    rig.run();
    same(&rig.log(), "2 > refuse 408\n2 > ended HC_E_PEER");
    assert_eq!(rig.totals().starts, 0);
    assert_eq!(rig.totals().gate_refusals, 0, "these are faults of peers");
    rig.end();
}

#[test]
fn gates_are_passed_one_after_the_other() {
    let mut plan = Plan::database(1);
    plan.gates = Gates {
        whole_body_bytes: Some(10),
        partition: Some(PartitionGate {
            key: PartitionKey::Path(1),
            concurrent: 1,
            max_waiting: 10,
            timeout_ns: u64::MAX,
        }),
        resources: vec![0],
        resources_timeout_ns: u64::MAX,
    };
    let mut rig = Rig::ahead(&plan);
    let state = |rig: &Rig| {
        let usage = rig.container.resource_usage()[0].1;
        (usage.in_use + usage.idle, usage.waiting)
    };
    let script = "completion 2 go; yield | release g1 clean; respond 200; done";
    let (first, _) = rig.come("/x", &format!("name one; {script}"));
    let (second, _) = rig.come("/x", &format!("name two; {script}"));
    let (third, _) = rig.come("/y", &format!("name three; {script}"));
    assert_eq!(state(&rig), (0, 0), "no lease is asked for before the body is there");
    // The second comes to the gate for partitions first, and waits at the last gate for nobody.
    second.end_body(&rig.container, Status::OK);
    rig.run();
    first.end_body(&rig.container, Status::OK);
    rig.run();
    assert_eq!(state(&rig), (1, 0), "one of the partition waits for its turn, and not for a lease");
    third.end_body(&rig.container, Status::OK);
    rig.run();
    assert_eq!(state(&rig), (1, 1), "one of another partition waits for a lease");
    let mut order = Vec::new();
    for _ in 0..3 {
        let log = rig.log();
        order.extend(
            log.lines().filter_map(|line| line.strip_suffix(" completion 2 go = HC_OK").map(str::to_owned)),
        );
        rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
        rig.run();
    }
    assert_eq!(order, ["two", "three", "one"], "its turn in the partition came before that of its lease");
    rig.end();
}

#[test]
fn gates_are_for_requests_of_peers() {
    let gates = Gates { whole_body_bytes: Some(10), ..Gates::default() };
    let mut rig = Rig::created(&Plan { gates, ..Plan::default() });
    rig.world.script("work", "done");
    let exchange =
        rig.exchange("POST", &[("a", "spawn any work t; open 1 0 kid; yield | respond 200; done")]);
    exchange.end_body(&rig.container, Status::OK);
    let task = rig.open_exchange(&exchange);
    if rig.worker.pass_gates(task, 0) {
        rig.worker.start(task);
    }
    rig.run();
    let log = rig.log();
    assert!(log.contains("b start") && log.contains("a resume CHILD_HEAD#1 HC_OK 200"), "{log}");
    rig.end();
}
