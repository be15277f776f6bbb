//! Every host call in every callback, on a foreign thread, and in every state of the response, against the table in the
//! specification's chapter on calls and states.

mod support;

use http_container_abi::{ChildOptions, HostRef, Response, Status};
use std::sync::{Arc, Mutex};
use support::{Plan, Rig, World};

const CHAPTER: &str = include_str!("../../../spec/text/20-calls-and-states.md");
const CALLBACKS: [&str; 7] =
    ["create", "destroy", "worker_start", "worker_stop", "step", "finish", "foreign thread"];
const RESPONSES: [(&str, &str); 4] =
    [("none", ""), ("open", "start 200"), ("complete", "respond 200"), ("aborted", "abort")];

/// A row of the table: the call, and its cells.
struct Row {
    call: &'static str,
    cells: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let lines = CHAPTER.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| {
        let mut cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let call = cells.remove(0).trim_matches('`');
        Row { call, cells: cells.split_off(2) }
    });
    rows.collect()
}

/// Makes that call; its answer, or `OK` for a call that answers no status.
fn call(host: &HostRef, world: &World, name: &str, task: u64) -> Status {
    let err = |answer: Result<(), Status>| answer.err().unwrap_or(Status::OK);
    let (child, fd) = (world.handle("kid"), world.handle("registered"));
    match name {
        "extension" | "log" | "now" | "worker_index" | "worker_count" | "limit" | "refusal" => {
            host.log(task, 5, "a line");
            let _ = (host.now(), host.worker_index(), host.worker_count(), host.limit(1), host.refusal());
            if host.fd().is_some() { Status::OK } else { Status::E_UNSUPPORTED }
        }
        "body_read" => err(host.body_read(task, 0, |_| ())),
        "body_trailers" => err(host.body_trailers(task, |_| ())),
        "respond" => host.respond(task, &Response { status: 200, ..Response::default() }),
        "inform" => host.inform(task, 103, &[]),
        "response_start" => host.response_start(task, &Response { status: 200, ..Response::default() }),
        "response_write" => host.response_write(task, 0, b"").0,
        "response_end" => host.response_end(task, &[]),
        "abort" => host.abort(task),
        "completion" => err(host.completion(task, 90).map(|_| ())),
        "complete" => host.complete(0, Status::OK, 0),
        "timer" => host.timer(task, 91, 5),
        "cancel" => host.cancel(task, 92).0,
        "notices" => host.notices(task, 1),
        "spawn" => {
            let done = Box::new("done".to_owned());
            err(host.spawn(u32::MAX, done).map(|_| ()).map_err(|(status, _)| status))
        }
        "task_cancel" => host.task_cancel(task),
        "resource" => err(host.resource(c"none", c"hc.sql/1").map(|_| ())),
        "acquire" => host.acquire(task, 93, &[1], 0, &mut [0]),
        // The Rust side offers it with the interfaces; it answers NULL wherever there are no resources.
        "lease_interface" => Status::E_GONE,
        "release" => host.release(task, 1, 0),
        "add" => err(host.fd().unwrap().add(78).map(|_| ())),
        "wait" => host.fd().unwrap().wait(task, 94, fd, 1),
        "remove" => host.fd().unwrap().remove(fd),
        "open" => host.dispatch().unwrap().open(task, 95, &ChildOptions::default()).0,
        "head" => err(host.dispatch().unwrap().head(task, child, |_| ())),
        "read" => err(host.dispatch().unwrap().read(task, child, 0, |_| ())),
        "trailers" => err(host.dispatch().unwrap().trailers(task, child, |_| ())),
        "close" => host.dispatch().unwrap().close(task, child),
        _ => panic!("the table has a call that this test does not know: {name}"),
    }
}

#[track_caller]
fn compare(found: Status, cell: &str, what: &str) {
    let name = found.name().trim_start_matches("HC_E_");
    match cell {
        "ok" => assert!(name != "STATE" && name != "THREAD", "{what}: {name}, and the table says ok"),
        cell => assert_eq!(name, cell, "{what}"),
    }
}

/// Makes the call where the script says `probe p`, and in the life of the module, and answers what it said.
fn observe(name: &'static str, place: &str, state: &str) -> Status {
    let mut rig = Rig::new(&Plan::default());
    let found: Arc<Mutex<Option<Status>>> = Arc::default();
    let (keep, world) = (Arc::clone(&found), Arc::clone(&rig.world));
    let is_foreign = place == "foreign thread";
    rig.world.probe(
        "p",
        Box::new(move |host, task| {
            // Once: a task that is spawned in finish has a finish of its own.
            if keep.lock().unwrap().is_some() {
                return;
            }
            let answer = if is_foreign {
                std::thread::scope(|scope| scope.spawn(|| call(host, &world, name, task)).join().unwrap())
            } else {
                call(host, &world, name, task)
            };
            keep.lock().unwrap().get_or_insert(answer);
        }),
    );
    if !matches!(place, "step" | "foreign thread") {
        rig.world.script(&format!("{place}-a"), "probe p");
    }
    rig.world.keep("raw", 77);
    rig.container.create_instances().unwrap();
    let probe = if matches!(place, "step" | "foreign thread") { "probe p" } else { "" };
    let script = format!(
        "fd-add raw registered; fd-wait registered 0 1; read 0; open 1 0 kid; yield
         | head kid; child-read kid 0; {state}; {probe}; abort; done"
    );
    let exchange = rig.exchange("GET", &[("a", &script), ("b", "respond 200; done")]);
    exchange.end_body(&rig.container, Status::OK);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    rig.run();
    let log = rig.log();
    assert!(log.contains("a head kid = 200\na child-read kid 0 = HC_END"), "{log}");
    rig.end();
    let answer = *found.lock().unwrap();
    answer.unwrap_or_else(|| panic!("{name} was not called in {place}"))
}

#[test]
fn calls_are_allowed_where_the_table_says() {
    let rows = rows();
    assert!(rows.len() >= 34, "the table is read");
    for row in rows.iter().filter(|row| row.call != "lease_interface") {
        for (place, cell) in CALLBACKS.iter().zip(&row.cells) {
            // A call that needs an open response is looked at with one.
            let needs_open = row.cells[CALLBACKS.len()] == "STATE";
            let state = if needs_open { "start 200" } else { "" };
            compare(observe(row.call, place, state), cell, &format!("{} in {place}", row.call));
        }
    }
}

#[test]
fn calls_are_allowed_in_the_states_of_the_response_that_the_table_says() {
    let is_of_steps = |row: &&Row| row.call != "lease_interface" && row.cells[4] == "ok";
    for row in rows().iter().filter(is_of_steps) {
        for ((state, script), cell) in RESPONSES.iter().zip(&row.cells[CALLBACKS.len()..]) {
            let found = observe(row.call, "step", script);
            compare(found, cell, &format!("{} with the response {state}", row.call));
        }
    }
}
