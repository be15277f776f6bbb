//! Many requests at a gate.

use crate::support::{Plan, Rig};
use hc_host::{Gates, PartitionGate, PartitionKey};
use http_container_abi::Status;

#[test]
fn however_many_are_turned_away_in_a_row_the_stack_does_not_grow() {
    const COUNT: usize = 8_000;
    let mut plan = Plan::database(1);
    plan.deadline_ms = 1_000_000;
    plan.gates = Gates {
        whole_body_bytes: None,
        partition: Some(PartitionGate {
            key: PartitionKey::Path(1),
            concurrent: 1,
            max_waiting: COUNT as u32,
            timeout_ns: u64::MAX,
        }),
        resources: vec![0],
        resources_timeout_ns: u64::MAX,
    };
    plan.first().acquire_timeout_ns = u64::MAX;
    let mut rig = Rig::ahead(&plan);
    // The first waits for a member that will not open; all others wait behind it, in its partition.
    rig.world.script("member-db", "completion 1 open; yield | lost");
    let requests: Vec<_> = (0..COUNT).map(|_| rig.come("/a", "respond 200; done")).collect();
    rig.world.complete(&rig.world.host("db"), "open", 1, Status::OK, 0);
    rig.run();
    assert!(requests.iter().all(|(exchange, _)| exchange.ended() == Some(Status::E_RESOURCE)));
    assert_eq!(rig.totals().gate_refusals, COUNT as u64);
    rig.end();
}
