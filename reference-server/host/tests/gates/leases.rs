//! The gate for resources: leases that are there when the task starts.

use crate::support::{MS, Plan, Rig, counted, same};
use hc_host::Gates;
use http_container_abi::Status;

fn gated(mut plan: Plan, resources: &[u32], timeout_ms: u64) -> Plan {
    let resources_timeout_ns = timeout_ms.saturating_mul(MS);
    plan.gates = Gates { resources: resources.to_vec(), resources_timeout_ns, ..Gates::default() };
    plan
}

fn database(max: u32) -> Rig {
    Rig::ahead(&gated(Plan::database(max), &[0], 1_000_000))
}

#[test]
fn a_task_starts_with_its_leases_held_in_the_order_of_the_route() {
    let mut plan = gated(Plan::with(&[("db", "sql"), ("kv", "kv")]), &[1, 0, 1], 1_000_000);
    plan.resources.iter_mut().for_each(|one| one.max = 2);
    let mut rig = Rig::ahead(&plan);
    rig.come(
        "/",
        "interface g1; interface g2; interface g3; interface g4; query 2 g2 ok; yield
         | release g1 clean; acquire 3 db 0 L; respond 200; done",
    );
    same(
        &rig.log_of(&["a"]),
        "a start
         a interface g1 = kv
         a interface g2 = sql
         a interface g3 = kv
         a interface g4 = none
         a query 2 g2 ok = HC_PENDING
         a resume SQL#2 HC_OK 0
         a release g1 clean = HC_OK
         a acquire 3 db 0 L = HC_E_TIMEOUT
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn a_wait_that_begins_after_a_sleep_counts_from_then() {
    let mut rig = Rig::ahead(&gated(Plan::database(1), &[0], 1_000));
    rig.spawn(0, "acquire 1 db none L; yield | completion 9 go; yield | release L clean; done");
    rig.run();
    // The worker sleeps, and is woken by a request: its last turn is a minute old.
    rig.now_ns += 60_000 * MS;
    rig.worker.note_time(rig.now_ns);
    let exchange = rig.exchange("GET", &[("a", "respond 200; done")]);
    let task = rig.open_exchange(&exchange);
    assert!(!rig.worker.pass_gates(task, 0), "it waits");
    rig.run();
    rig.pass(900);
    assert_eq!(exchange.status(), None, "it has not waited for a second");
    rig.pass(200);
    assert_eq!(exchange.status(), Some(503));
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    rig.end();
}

#[test]
fn a_module_that_has_not_asked_for_the_resource_can_use_the_lease() {
    let plan = gated(Plan::database(1), &[0], 1_000_000);
    let mut rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    rig.world.script("create-a", "");
    rig.container.create_instances().unwrap();
    rig.come("/", "interface g1; query 2 g1 ok; yield | usage db; respond 200; done");
    let log = rig.log_of(&["a"]);
    assert!(log.contains("a interface g1 = sql") && log.contains("a resume SQL#2 HC_OK 0"), "{log}");
    rig.end();
}

#[test]
fn leases_of_gates_go_back_as_the_outcome_says() {
    for (script, expect) in [
        ("respond 200; done", None),
        ("fail", Some("reset")),
        ("query 2 g1 hold; timer 3 1; yield | respond 200; done", Some("interrupt")),
        ("query 2 g1 ok; respond 200; done", Some("reset")),
        ("query 2 g1 dirty; yield | respond 200; done", Some("reset")),
        ("release g1 broken; respond 200; done", Some("close")),
    ] {
        let mut rig = database(1);
        rig.come("/", script);
        rig.pass(1);
        let log = rig.log_of(&["db1"]);
        let asked: Vec<&str> = log
            .lines()
            .filter_map(|line| line.strip_prefix("db1 < "))
            .filter(|line| !line.starts_with("statement"))
            .collect();
        assert_eq!(asked.first().copied(), expect, "{script}: {log}");
        assert!(!rig.rules.take().contains(&"lease.forgotten.report"));
        rig.end();
    }
}

#[test]
fn requests_wait_in_one_queue_with_tasks_that_acquire() {
    let mut rig = database(1);
    rig.come("/", "name one; completion 2 go; yield | respond 200; done");
    rig.spawn(0, "name spawned; acquire 1 db none L; yield | release L clean; done");
    rig.run();
    rig.come("/", "name two; respond 200; done");
    let usage = rig.container.resource_usage()[0].1;
    assert_eq!((usage.in_use, usage.waiting), (1, 2));
    rig.log();
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    let log = rig.log();
    let order =
        [log.find("one finish").unwrap(), log.find("spawned resume").unwrap(), log.find("two ").unwrap()];
    assert!(order.is_sorted(), "{log}");
    rig.end();
}

#[test]
fn the_bounds_of_the_resource_hold_for_requests() {
    let mut plan = gated(Plan::database(1), &[0], 1_000_000);
    plan.first().max_waiting = 1;
    plan.first().acquire_timeout_ns = 50 * MS;
    let mut rig = Rig::ahead(&plan);
    rig.come("/", "name one; completion 2 go; yield | respond 200; done");
    rig.come("/", "name two; respond 200; done");
    rig.come("/", "name three; respond 200; done");
    let log = rig.log();
    assert!(log.ends_with("3 > refuse 503\n3 > ended HC_E_BUSY"), "{log}");
    rig.pass(49);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    same(&rig.log(), "2 > refuse 503\n2 > ended HC_E_TIMEOUT");
    let usage = rig.container.resource_usage()[0].1;
    assert_eq!((usage.in_use, usage.waiting), (1, 0));
    let told = rig.rules.take_told();
    assert!(told.iter().all(|(rule, text)| *rule == "gate.refused.told" && !text.is_empty()), "{told:?}");
    rig.end();
    // The time of the gate may be the shorter one.
    let mut rig = Rig::ahead(&gated(Plan::database(1), &[0], 20));
    rig.come("/", "name one; completion 2 go; yield | respond 200; done");
    rig.come("/", "name two; respond 200; done");
    rig.log();
    rig.pass(20);
    same(&rig.log(), "2 > refuse 503\n2 > ended HC_E_TIMEOUT");
    rig.end();
}

#[test]
fn when_the_resource_cannot_be_reached_requests_are_refused_with_the_reason() {
    let mut rig = database(1);
    rig.world.script("member-db", "completion 1 open; yield | explain no route; lost");
    rig.come("/", "respond 200; done");
    rig.come("/", "respond 200; done");
    rig.log();
    rig.world.complete(&rig.world.host("db"), "open", 1, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&[">", "2", "a"]),
        "> refuse 503
         > ended HC_E_RESOURCE
         2 > refuse 503
         2 > ended HC_E_RESOURCE",
    );
    rig.come("/", "respond 200; done");
    same(&rig.log(), "3 > refuse 503\n3 > ended HC_E_RESOURCE");
    // Equal lines may be counted together, but none is lost.
    rig.pass(1_002);
    let told = rig.rules.take_told().into_iter().filter(|(rule, _)| *rule == "gate.refused.told");
    let told: Vec<String> = told.map(|(_, text)| text).collect();
    assert!(told[0].contains("no route"), "{told:?}");
    assert_eq!(counted(&told), 3, "{told:?}");
    assert_eq!((rig.totals().gate_refusals, rig.totals().tasks_made - rig.totals().starts), (3, 3));
    rig.end();
}

#[test]
fn leases_of_gates_count_for_the_rank() {
    let mut plan = gated(Plan::with(&[("r0", "sql"), ("r1", "sql")]), &[1], 1_000_000);
    plan.resources.iter_mut().for_each(|one| one.max = 1);
    let mut rig = Rig::ahead(&plan);
    rig.spawn(0, "name holder; acquire 1 r0 none L; yield | completion 2 go; yield | release L clean; done");
    rig.run();
    rig.come(
        "/",
        "acquire 1 r0 none M; refusal; release g1 clean; acquire 1 r0 none M; yield | respond 200; done",
    );
    rig.world.complete(&rig.world.host("a"), "go", 2, Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["a"]);
    assert!(log.contains("a acquire 1 r0 none M = HC_E_BUSY\na refusal = resource.acquire.rank\na release g1 clean = HC_OK\na acquire 1 r0 none M = HC_PENDING"), "{log}");
    rig.end();
}
