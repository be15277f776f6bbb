//! Every host call in every callback, on a foreign thread, and in every state of the response, against the table in the
//! specification's chapter on calls and states.

#[path = "../support/mod.rs"]
mod support;

mod make;
mod table;

use http_container_abi::Status;
use std::sync::{Arc, Mutex};
use support::{Plan, Rig};
use table::{Row, rows};

const RESPONSES: [&str; 4] = ["", "start 200", "respond 200", "abort"];

/// Resources of each interface; permits without a provider are called `seats`.
fn plan() -> Plan {
    let mut plan = Plan::with(&[("db", "sql"), ("kv", "kv"), ("ob", "pool"), ("seats", "limit")]);
    plan.resources[3].provider = None;
    plan.modules.pop();
    plan
}

/// What a task has done on its leases before the call, so that the call has an answer.
fn before(name: &str) -> &'static str {
    match name {
        "hc.sql/1 columns" | "hc.sql/1 rows" => "query 5 L c:n/r:1/ok; yield |",
        "hc.sql/1 outcome" => "query 5 L ok; yield |",
        "hc.kv/1 reply" => "kv 5 K get key; yield |",
        "hc.kv/1 message" => "kv 5 K subscribe channel; yield |",
        _ => "",
    }
}

/// Whose callbacks are looked at, and the script of a member of that module, with the call where it says `probe p`.
fn member(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name.strip_prefix("hc.provider/1 ")? {
        "ready" => ("db", "probe p; ready; serve"),
        "object" => ("ob", "probe p; be thing 8; ready; serve"),
        "message" => ("kv", "ready; probe p; serve"),
        "columns" | "done" => ("db", "ready; next 1; yield | next 0; probe p; result ok; serve"),
        "rows" => ("db", "ready; next 1; yield | next 0; c 0 n; probe p; result ok; serve"),
        "next" => ("db", "ready; probe p; cancel 99; serve"),
        _ => ("db", "probe p; ready; serve"),
    })
}

/// Makes the call where a script says `probe p`, or in the life of the module, and answers what it said.
fn observe(name: &str, place: &str, state: &str) -> Status {
    let plan = plan();
    let mut rig = Rig::ahead_of_create(&plan);
    plan.lay_out(&rig.world);
    rig.world.script("member-ob", "be thing 8; ready; serve");
    rig.world.script("kv", "found:1");
    let found = set_probe(&rig, name, place == "foreign thread");
    let (module, script) = member(name).unwrap_or(("a", ""));
    let is_of_steps = matches!(place, "step" | "foreign thread");
    if module != "a" && is_of_steps {
        rig.world.script(&format!("member-{module}"), script);
    }
    if !is_of_steps {
        let key = format!("{place}-{module}");
        // What a provider's instance needs is done after the call, which may do it itself.
        let laid_out = rig.world.script_named(&key).unwrap_or_default();
        rig.world.script(&key, &format!("probe p; {laid_out}"));
    }
    rig.world.keep("raw", 77);
    rig.container.create_instances().unwrap();
    let probe = if is_of_steps && module == "a" { "probe p" } else { "" };
    let script = format!(
        "fd-add raw registered; fd-wait registered 0 1; read 0; open 1 0 kid; yield
         | head kid; child-read kid 0; acquire 2 db,kv,ob none L,K,O; yield
         | {} {state}; {probe}; {} abort; done",
        before(name),
        if module == "db" && is_of_steps { "query 5 L ok; yield |" } else { "" },
    );
    let exchange = rig.exchange("GET", &[("a", &script), ("b", "respond 200; done")]);
    exchange.end_body(&rig.container, Status::OK);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    let log = rig.log();
    assert!(log.contains("a head kid = 200\na child-read kid 0 = HC_END"), "{log}");
    assert!(log.contains("a resume ACQUIRE#2 HC_OK"), "{log}");
    rig.end();
    let answer = *found.lock().unwrap();
    answer.unwrap_or_else(|| panic!("{name} was not called in {place}:\n{log}"))
}

fn set_probe(rig: &Rig, name: &str, is_foreign: bool) -> Arc<Mutex<Option<Status>>> {
    let found: Arc<Mutex<Option<Status>>> = Arc::default();
    let (keep, world, name) = (Arc::clone(&found), Arc::clone(&rig.world), name.to_owned());
    let probe = move |host: &http_container_abi::HostRef, task: u64| {
        // Once: a task that is spawned in finish has a finish of its own.
        if keep.lock().unwrap().is_some() {
            return;
        }
        let call = || make::call(host, &world, &name, task);
        let answer = match is_foreign {
            true => std::thread::scope(|scope| scope.spawn(call).join().unwrap()),
            false => call(),
        };
        keep.lock().unwrap().get_or_insert(answer);
    };
    rig.world.probe("p", Box::new(probe));
    found
}

#[track_caller]
fn compare(row: &Row, found: Status, cell: &str, what: &str) {
    let name = found.name().trim_start_matches("HC_E_");
    let is_null = row.call == "lease_interface" && name == "GONE";
    match cell {
        "ok" => assert!(name != "STATE" && name != "THREAD", "{what}: {name}, and the table says ok"),
        _ if is_null => {}
        cell => assert_eq!(name, cell, "{what}"),
    }
    // In a step, all is there that the calls of the interfaces need.
    if what.ends_with("in step") && row.vtable != "Core" && !row.vtable.starts_with("hc.fd") {
        assert!(!found.is_error() || row.call == "offer", "{what}: {}", found.name());
    }
}

#[test]
fn calls_are_allowed_where_the_table_says() {
    let rows = rows();
    assert!(rows.len() >= 54, "the table is read");
    for row in &rows {
        for (place, cell) in row.in_callbacks() {
            // A call that needs an open response is looked at with one.
            let state = if row.in_states()[0] == "STATE" { "start 200" } else { "" };
            let name = row.name();
            compare(row, observe(&name, place, state), cell, &format!("{name} in {place}"));
        }
    }
}

#[test]
fn calls_are_allowed_in_the_states_of_the_response_that_the_table_says() {
    let is_of_steps = |row: &&Row| row.cells[4] == "ok" && !row.is_of_members();
    for row in rows().iter().filter(is_of_steps) {
        for (state, cell) in RESPONSES.iter().zip(row.in_states()) {
            let name = row.name();
            compare(row, observe(&name, "step", state), cell, &format!("{name} after `{state}`"));
        }
    }
}
