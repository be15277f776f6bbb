//! `resource`: what is found, and where it may be looked for.

use crate::support::{Plan, Rig, same};

#[test]
fn a_name_is_found_when_it_offers_the_interface() {
    let plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    let rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    rig.world.script(
        "create-a",
        "resource db hc.sql/1; resource db hc.kv/1; refusal; resource nothing hc.sql/1; refusal; resource kv hc.kv/1;
         resource db hc.sql/2; resource db hc.pool/1",
    );
    // Nobody is there yet, nor will be.
    rig.world.script("member-db", "explain it is down; status -1");
    rig.container.create_instances().unwrap();
    same(
        &rig.log_of(&["a"]),
        "a create
         a resource db hc.sql/1 = HC_OK
         a resource db hc.kv/1 = HC_E_UNSUPPORTED
         a refusal = resource.find.none
         a resource nothing hc.sql/1 = HC_E_RESOURCE
         a refusal = resource.find.none
         a resource kv hc.kv/1 = HC_OK
         a resource db hc.sql/2 = HC_E_UNSUPPORTED
         a resource db hc.pool/1 = HC_E_UNSUPPORTED",
    );
    assert_eq!(rig.container.totals().tasks_made, 0, "no member was waited for");
}

#[test]
fn the_same_handle_each_time_and_another_for_another_resource() {
    let plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    let rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    rig.container.create_instances().unwrap();
    let first = (rig.world.handle("db"), rig.world.handle("kv"));
    assert!(first.0 != 0 && first.1 != 0 && first.0 != first.1, "{first:?}");
    rig.world.script("create-a", "");
    let plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    let again = Rig::ahead_of_create(&plan);
    plan.lay_out(&again.world);
    again.world.script("create-a", "resource kv hc.kv/1; resource db hc.sql/1; resource kv hc.kv/1");
    again.container.create_instances().unwrap();
    assert_eq!((again.world.handle("db"), again.world.handle("kv")), first);
}

#[test]
fn what_an_instance_was_not_given_is_no_resource_to_it() {
    let mut plan = Plan::database(1);
    plan.modules[1] = ("b", plan.modules[0].1);
    let mut rig = Rig::ahead(&plan);
    rig.world.keep("forged", 2);
    // Module `b` has not looked the resource up.
    rig.world.script("finish-b", "usage db; why");
    let exchange = rig.exchange(
        "GET",
        &[("a", "open 1 0 kid; yield | usage db; usage forged; acquire 1 forged 0 L; done")],
    );
    let script = "acquire 1 db 0 L; why; respond 200; done";
    let exchange = {
        drop(exchange);
        rig.exchange(
            "GET",
            &[
                (
                    "a",
                    "open 1 0 kid; yield | usage db; usage forged; acquire 1 forged 0 L; respond 200; done",
                ),
                ("b", script),
            ],
        )
    };
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    same(
        &rig.log_of(&["a", "b"]),
        "a start
         a open 1 0 kid = HC_PENDING
         b start
         b acquire 1 db 0 L = HC_E_RESOURCE
         b why = handle.life.resource: the instance was given no such resource
         b respond 200 = HC_OK
         b finish HC_OK
         b usage db = HC_E_RESOURCE
         b why = handle.life.resource: the instance was given no such resource
         a resume CHILD_HEAD#1 HC_OK 200
         a usage db = 0 + 0 of 1, 0 wait, true
         a usage forged = HC_E_RESOURCE
         a acquire 1 forged 0 L = HC_E_RESOURCE
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}
