//! `hc.limit/1`: permits, with a provider and without, and how much of a resource is in use.

use crate::support::{Plan, Rig, same};

fn permits(max: u32, has_provider: bool) -> Rig {
    let mut plan = Plan::with(&[("seats", "limit")]);
    plan.first().max = max;
    if !has_provider {
        plan.first().provider = None;
        plan.modules.pop();
    }
    let mut rig = Rig::ahead(&plan);
    rig.run();
    rig.log();
    rig
}

#[test]
fn a_permit_that_nobody_holds_is_had_at_once() {
    for has_provider in [false, true] {
        let mut rig = permits(3, has_provider);
        rig.request(
            "acquire 1 seats 0 A; acquire 1 seats 0 B; acquire 1 seats 0 C; acquire 1 seats 0 D; usage seats; interface A; query 2 A ok;
             release B clean; acquire 1 seats 0 D; usage seats; release A clean; release C clean; release D clean; usage seats;
             respond 200; done",
        );
        same(
            &rig.log_of(&["a"]),
            "a start
             a acquire 1 seats 0 A = HC_OK
             a acquire 1 seats 0 B = HC_OK
             a acquire 1 seats 0 C = HC_OK
             a acquire 1 seats 0 D = HC_E_TIMEOUT
             a usage seats = 3 + 0 of 3, 0 wait, true
             a interface A = limit
             a query 2 A ok = HC_E_GONE
             a release B clean = HC_OK
             a acquire 1 seats 0 D = HC_OK
             a usage seats = 3 + 0 of 3, 0 wait, true
             a release A clean = HC_OK
             a release C clean = HC_OK
             a release D clean = HC_OK
             a usage seats = 0 + 3 of 3, 0 wait, true
             a respond 200 = HC_OK
             a finish HC_OK",
        );
        rig.end();
    }
}

#[test]
fn permits_come_back_however_they_are_released_and_never_age() {
    for has_provider in [false, true] {
        let mut rig = permits(1, has_provider);
        for how in ["clean", "dirty", "broken"] {
            rig.request(&format!(
                "acquire 1 seats none A; timer 2 1; yield | release A {how}; respond 200; done"
            ));
            rig.pass(2);
            rig.run();
            assert_eq!(rig.container.resource_usage()[0].1.idle, 1, "{how}");
            rig.request("acquire 1 seats 0 A; release A clean; respond 200; done");
            assert!(rig.log_of(&["a"]).contains("a acquire 1 seats 0 A = HC_OK"), "{how}");
        }
        rig.pass(10_000_000);
        rig.request("acquire 1 seats 0 A; release A clean; respond 200; done");
        let log = rig.log();
        assert!(log.contains("a acquire 1 seats 0 A = HC_OK") && !log.contains("check"), "{log}");
        rig.end();
    }
}

#[test]
fn those_beyond_wait_in_turn() {
    let mut rig = permits(1, false);
    rig.request(
        "name one; acquire 1 seats none A; completion 2 go; yield | release A clean; respond 200; done",
    );
    rig.request("name two; acquire 1 seats none B; yield | usage seats; release B dirty; respond 200; done");
    rig.request("name three; acquire 1 seats none C; yield | release C clean; respond 200; done");
    rig.world.complete(&rig.world.host("a"), "go", 2, http_container_abi::Status::OK, 0);
    rig.run();
    let log = rig.log();
    assert!(log.contains("two usage seats = 1 + 0 of 1, 1 wait, true"), "{log}");
    assert!(log.find("two resume").unwrap() < log.find("three resume").unwrap(), "{log}");
    rig.end();
}

#[test]
fn usage_tells_of_every_resource_what_is_in_use() {
    let mut plan = Plan::with(&[("db", "sql")]);
    plan.first().max = 4;
    let mut rig = Rig::ahead(&plan);
    rig.request("usage db; acquire 1 db,db none L,M; usage db; yield | usage db; release L clean; usage db; release M dirty; usage db; respond 200; done");
    rig.world.script("finish-a", "usage db");
    same(
        &rig.log_of(&["a"]),
        "a start
         a usage db = 0 + 0 of 4, 0 wait, true
         a acquire 1 db,db none L,M = HC_PENDING
         a usage db = 2 + 0 of 4, 1 wait, true
         a resume ACQUIRE#1 HC_OK 0
         a usage db = 2 + 0 of 4, 0 wait, true
         a release L clean = HC_OK
         a usage db = 1 + 1 of 4, 0 wait, true
         a release M dirty = HC_OK
         a usage db = 1 + 1 of 4, 0 wait, true
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}
