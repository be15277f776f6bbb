//! Requests that leave a gate otherwise than by passing it: their peer goes, their time is over, the container stops.

use crate::support::{Far, MS, Plan, Rig, same};
use hc_host::{Gates, PartitionGate, PartitionKey, Signal};
use http_container_abi::Status;

/// All three gates; one member, one of a partition.
fn plan() -> Plan {
    let mut plan = Plan::database(1);
    plan.deadline_ms = 1_000;
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
    plan.first().acquire_timeout_ns = u64::MAX;
    plan
}

const SLOW: &str = "completion 2 go; yield | respond 200; done";

/// A request at each gate, in this order: under way, waiting for its lease, for its partition, for its body.
fn at_each_gate(plan: &Plan) -> (Rig, Vec<(std::sync::Arc<crate::support::Memory>, u64)>) {
    let mut rig = Rig::ahead(plan);
    let requests: Vec<_> = ["/a", "/b", "/b", "/c"]
        .into_iter()
        .enumerate()
        .map(|(index, path)| {
            let come = rig.come(path, SLOW);
            if index < 3 {
                come.0.end_body(&rig.container, Status::OK);
                rig.run();
            }
            come
        })
        .collect();
    rig.log();
    assert_eq!(rig.totals().starts, 2, "a member and one request");
    (rig, requests)
}

fn waiting(rig: &Rig) -> u32 {
    rig.container.resource_usage()[0].1.waiting
}

#[test]
fn a_request_whose_peer_leaves_is_dropped_at_any_gate() {
    let (mut rig, requests) = at_each_gate(&plan());
    for (index, name) in [(3, "4"), (2, "3"), (1, "2")] {
        assert_eq!(waiting(&rig), 1);
        requests[index].0.leave(&rig.container, requests[index].1);
        rig.run();
        same(&rig.log(), &format!("{name} > abort\n{name} > ended HC_CANCELLED_PEER"));
    }
    assert_eq!(waiting(&rig), 0);
    // All places are free again.
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    rig.log();
    let (next, _) = rig.come("/b", SLOW);
    next.end_body(&rig.container, Status::OK);
    rig.run();
    assert!(rig.log().contains("a completion 2 go = HC_OK"));
    rig.end();
}

#[test]
fn when_one_that_waits_for_its_lease_leaves_the_next_of_its_partition_takes_its_turn() {
    let (mut rig, requests) = at_each_gate(&plan());
    requests[1].0.leave(&rig.container, requests[1].1);
    rig.run();
    assert_eq!(waiting(&rig), 1, "the next of the partition waits for the lease now");
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    assert!(rig.log().contains("a completion 2 go = HC_OK"), "and gets it");
    rig.end();
}

#[test]
fn the_deadline_counts_the_time_at_gates() {
    let (mut rig, _requests) = at_each_gate(&plan());
    rig.pass(999);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    let log = rig.log();
    for name in ["2", "3", "4"] {
        let expect = format!("{name} > refuse 503\n{name} > ended HC_CANCELLED_DEADLINE");
        assert!(log.contains(&expect), "{name}: {log}");
    }
    assert!(log.contains("a finish HC_CANCELLED_DEADLINE"), "{log}");
    assert_eq!(waiting(&rig), 0);
    rig.end();
}

#[test]
fn a_task_that_starts_late_has_what_is_left() {
    let (mut rig, _requests) = at_each_gate(&plan());
    rig.pass(600);
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    assert!(rig.log().contains("a completion 2 go = HC_OK"));
    rig.pass(399);
    assert!(!rig.log().contains("finish"));
    rig.pass(1);
    assert!(rig.log().contains("a finish HC_CANCELLED_DEADLINE"));
    rig.end();
}

#[test]
fn what_waits_at_gates_when_the_container_stops_is_answered_503() {
    let (mut rig, requests) = at_each_gate(&plan());
    rig.container.drain();
    rig.run();
    assert!(requests.iter().all(|(exchange, _)| exchange.ended().is_none()), "while it drains they wait on");
    rig.end();
    let log = rig.log();
    for name in ["2", "3", "4"] {
        assert!(
            log.contains(&format!("{name} > refuse 503\n{name} > ended HC_CANCELLED_DRAIN"))
                || log.contains(&format!("{name} > refuse 503\n{name} > ended HC_E_DRAINING")),
            "{name}: {log}"
        );
    }
    assert!(requests.iter().all(|(exchange, _)| exchange.ended().is_some()));
}

#[test]
fn a_worker_that_leaves_takes_no_request_of_another_with_it() {
    let mut plan = plan();
    plan.workers = 2;
    let mut rig = Rig::ahead(&plan);
    let far = Far::enter(&rig.container, 1);
    let (exchange, _) = rig.come("/a", SLOW);
    exchange.end_body(&rig.container, Status::OK);
    rig.run_with(&[&far]);
    let (waits, _) = rig.come("/a", SLOW);
    waits.end_body(&rig.container, Status::OK);
    rig.run();
    far.leave();
    assert!(waits.ended().is_none(), "it waits on for its partition");
    rig.end();
    assert!(waits.ended().is_some());
}

#[test]
fn a_peer_that_leaves_between_the_last_gate_and_the_start_gives_its_leases_back() {
    let mut rig = Rig::ahead(&plan());
    let exchange = rig.exchange_to("POST", "/a", &[("a", "respond 200; done")]);
    exchange.end_body(&rig.container, Status::OK);
    let task = rig.open_exchange(&exchange);
    assert!(!rig.worker.pass_gates(task, 0));
    // The member opens, and the request is handed on to be started.
    rig.worker.run(10);
    rig.container.request_cancel(task, Status::CANCELLED_MODULE);
    rig.run();
    same(&rig.log_of(&["a", ">"]), "> refuse 503\n> ended HC_CANCELLED_MODULE");
    assert_eq!(rig.container.resource_usage()[0].1.idle, 1, "as clean");
    assert!(!rig.log().contains("reset"));
    rig.end();
}

#[test]
fn signals_of_any_thread_move_a_request_on_and_its_time_counts_all_the_same() {
    let mut plan = plan();
    plan.gates.resources_timeout_ns = 100 * MS;
    plan.gates.partition = None;
    let (mut rig, requests) = {
        let mut rig = Rig::ahead(&plan);
        let first = rig.come("/a", SLOW);
        first.0.end_body(&rig.container, Status::OK);
        rig.run();
        let second = rig.come("/b", SLOW);
        (rig, [first, second])
    };
    rig.log();
    let (exchange, task) = &requests[1];
    let container = std::sync::Arc::clone(&rig.container);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            exchange.end_body(&container, Status::OK);
            container.signal(*task, Signal::Gathered);
        });
    });
    assert_eq!(waiting(&rig), 1);
    rig.pass(101);
    same(&rig.log(), "2 > refuse 503\n2 > ended HC_E_TIMEOUT");
    rig.end();
}
