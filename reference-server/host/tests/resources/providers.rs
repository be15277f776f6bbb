//! Providers: what they offer, in which order they are made and ended, and what happens when one cannot be had.

use crate::support::{Plan, Rig, same};

/// All callbacks of all instances are told.
fn told(rig: &Rig, names: &[&str]) {
    for name in names {
        for callback in ["create", "worker_start", "worker_stop", "destroy"] {
            let key = format!("{callback}-{name}");
            let text = rig.world.script_named(&key).unwrap_or_default();
            rig.world.script(&key, &text);
        }
    }
}

#[test]
fn providers_are_made_first_and_end_last() {
    let plan = Plan::with(&[("db", "sql"), ("kv", "kv")]);
    let mut rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    told(&rig, &["a", "db", "kv"]);
    rig.container.create_instances().unwrap();
    rig.request("acquire 1 db none L; yield | respond 200; done");
    rig.log();
    rig.end();
    same(
        &rig.log(),
        "db1 resume MEMBER#101 HC_OK 0
         db1 < close
         db1 finish HC_OK
         a worker_stop
         db worker_stop
         a destroy
         db destroy
         kv destroy",
    );
}

#[test]
fn an_interface_is_offered_once_in_create_by_who_serves_a_resource() {
    let plan = Plan::with(&[("db", "sql")]);
    let mut rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    rig.world.script(
        "create-db",
        "offer hc.fd/1; refusal; offer hc.sql/1; refusal; offer hc.sql/1; refusal; offer hc.kv/1",
    );
    rig.world.script("create-b", "offer hc.sql/1; refusal");
    rig.world.script("member-db", "offer hc.sql/1; ready; serve");
    rig.container.create_instances().unwrap();
    rig.request("acquire 1 db none L; yield | interface L; respond 200; done");
    same(
        &rig.log_of(&["db", "b", "db1"]),
        "db create
         db offer hc.fd/1 = HC_E_UNSUPPORTED
         db refusal = provider.offer
         db offer hc.sql/1 = HC_OK
         db refusal = provider.offer
         db offer hc.sql/1 = HC_E_STATE
         db refusal = provider.offer.once
         db offer hc.kv/1 = HC_E_STATE
         b create
         b offer hc.sql/1 = HC_E_STATE
         b refusal = provider.offer.once
         db1 start
         db1 offer hc.sql/1 = HC_E_THREAD
         db1 ready = HC_OK
         db1 resume MEMBER#101 HC_OK 0
         db1 < reset
         db1 ok = HC_OK",
    );
    rig.end();
}

#[test]
fn a_provider_that_cannot_be_had_refuses_the_start_by_the_name_of_the_resource() {
    for script in ["", "status -21"] {
        let mut plan = Plan::with(&[("db", "sql")]);
        plan.first().name = "orders".to_owned();
        let rig = Rig::ahead_of_create(&plan);
        rig.world.script("create-db", script);
        let refused = rig.container.create_instances().unwrap_err();
        assert_eq!(refused.module, "db");
        let told = rig.rules.take_told();
        let line = told.iter().find(|(rule, _)| *rule == "resource.provider.refused").unwrap();
        assert!(line.1.contains("\"orders\""), "{line:?}");
        rig.container.destroy_instances();
    }
}
