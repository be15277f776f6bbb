//! `--validate`: what a module does wrong between its calls is told with the id of the rule, and summed up; what it is
//! answered, and what its peers are, stays as it was.

use crate::artefacts::{PROGRAM, example_in_c, probe, rust_module};
use crate::peer::Peer;
use crate::server::{Mount, STATUS_PATH, Server, configuration, serve};
use std::process::Command;

/// Faults that no call can refuse: the path, and the rules that are told (none when nothing is wrong).
const FAULTS: &[(&str, &[&str])] = &[
    ("none", &[]),
    ("sleeps", &["task.step.short"]),
    ("blocks_signals", &["thread.module.thread-state"]),
    ("rounds", &["thread.module.thread-state"]),
    ("writes_head", &["isolation.module.memory"]),
    ("writes_chunk", &["isolation.module.memory"]),
    ("keeps_head", &[]),
    ("logs_old_head", &["request.life"]),
    ("uses_old_chunk", &["body.read.life"]),
    ("own_status", &["error.number.module", "task.fail.complete"]),
    ("completes_oddly", &["error.number.module"]),
    ("stale_cancel", &[]),
    ("stale_task", &["handle.generation"]),
    ("blocking_descriptor", &["fd.add.non-blocking"]),
    ("closed_descriptor", &["fd.remove.before-close"]),
    ("respond_twice", &["response.head.once"]),
    ("done_no_response", &["task.done.no-response"]),
    ("changes_entry", &["module.entry.constant"]),
];

fn text(workers: usize, mounts: &[Mount<'_>]) -> String {
    format!("validate = true\n{}", configuration(workers, "", mounts))
}

fn validating(name: &str, workers: usize, mounts: &[Mount<'_>]) -> Server {
    Server::start(name, &text(workers, mounts))
}

fn ask(peer: &mut Peer, path: &str) -> u16 {
    let body = "of the peer's own ".repeat(3);
    peer.send(format!("POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    peer.try_response("POST").expect("each is answered").status
}

/// A rule that a busy machine makes a module break now and then.
const BUSY: &str = "task.step.short";

/// Rules in the log but [`BUSY`], in order, each as often as it was told.
fn told(server: &Server) -> Vec<String> {
    let lines = server.log_lines(&["module=covert", "rule="]);
    let rule = |line: &String| Some(line.split_once(" rule=")?.1.split_whitespace().next()?.to_owned());
    lines.iter().filter_map(rule).filter(|rule| rule != BUSY).collect()
}

#[test]
fn each_covert_fault_is_told_with_its_rule() {
    let server = validating("validation", 1, &[Mount("covert", probe("covert"))]);
    let mut expected = vec!["note.agrees".to_owned(), "configuration.schema.form".to_owned()];
    assert_eq!(told(&server), expected, "before the first request");
    let mut peer = server.connect();
    for &(path, rules) in FAULTS {
        let status = if path == "done_no_response" { 500 } else { 200 };
        assert_eq!(ask(&mut peer, path), status, "{path}");
        // On a busy machine a sleep is not always told from a step that was kept from running.
        if rules.contains(&BUSY) {
            crate::wait_for("a sleep is told", || {
                assert_eq!(ask(&mut peer, path), 200, "{path}");
                server.log_lines(&["module=covert", "rule=task.step.short "]).pop()
            });
        }
        for rule in rules {
            server.wait_for_log(&["module=covert", &format!("rule={rule} ")]);
            expected.extend((*rule != BUSY).then(|| (*rule).to_owned()));
        }
        assert_eq!(told(&server), expected, "after {path}");
    }
    assert_eq!(ask(&mut server.connect(), "none"), 200);
    let status = server.connect().get(STATUS_PATH).text();
    let json: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(json["breaches"]["covert"]["thread.module.thread-state"], 2, "{status}");
    let log = server.stop_and_read();
    for rule in ["note.agrees", "task.step.short", "fd.remove.before-close"] {
        let line = format!("rule={rule} ");
        let sum =
            log.lines().find(|text| text.contains("validation: the rule was broken") && text.contains(&line));
        assert!(sum.is_some(), "{rule} is not summed up:\n{log}");
    }
}

#[test]
fn without_it_the_covert_is_not_looked_for() {
    let server = serve("no-validation", 1, "", &[Mount("covert", probe("covert"))]);
    let mut peer = server.connect();
    for path in ["none", "blocks_signals", "rounds", "writes_head", "blocking_descriptor", "changes_entry"] {
        assert_eq!(ask(&mut peer, path), 200, "{path}");
    }
    assert_eq!(told(&server), [""; 0]);
    assert!(!server.connect().get(STATUS_PATH).text().contains("breaches"));
    server.stop();
}

#[test]
fn what_is_broken_at_every_request_is_told_ever_more_seldom() {
    let server = validating("validation-flood", 1, &[Mount("covert", probe("covert"))]);
    let mut peer = server.connect();
    for _ in 0..100 {
        assert_eq!(ask(&mut peer, "respond_twice"), 200);
    }
    server.wait_for_log(&["rule=response.head.once", "so far 64 times"]);
    assert_eq!(server.log_lines(&["rule=response.head.once"]).len(), 13, "the first ten, 16, 32 and 64");
    let log = server.stop_and_read();
    assert!(log.contains("the rule was broken 100 times"), "{log}");
}

#[test]
fn a_handler_of_a_signal_is_told_at_create() {
    let mounts = [Mount("covert", probe("covert"))];
    let text = text(1, &mounts).replace("[[route]]", "config = { handler = 1 }\n[[route]]");
    let server = Server::start("validation-handler", &text);
    let line = server.wait_for_log(&["module=covert", "rule=thread.module.signals "]);
    assert!(line.contains("create") && line.contains("12"), "{line}");
    server.stop();
}

#[test]
fn good_modules_break_no_rule() {
    let mounts = [
        Mount("hello_c", example_in_c("hello_c")),
        Mount("sleep", example_in_c("sleep")),
        Mount("foreign_thread", example_in_c("foreign_thread")),
        Mount("hello_rust", rust_module("hello_rust")),
        Mount("echo_stream", rust_module("echo_stream")),
        Mount("upload_hash", rust_module("upload_hash")),
    ];
    let server = validating("validation-good", 2, &mounts);
    for Mount(name, _) in &mounts {
        let mut peer = server.connect();
        for _ in 0..20 {
            let path = if *name == "hello_c" { String::new() } else { (*name).to_owned() };
            let status = ask(&mut peer, &path);
            assert!((200..500).contains(&status), "{name}: {status}");
        }
    }
    let log = server.stop_and_read();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("rule=") && !line.contains(BUSY)).collect();
    assert_eq!(told, [""; 0]);
}

#[test]
fn the_option_may_stand_before_the_command() {
    for words in
        [&["--validate", "--help"][..], &["--validate", "run", "--help"], &["run", "--validate", "--help"]]
    {
        let output = Command::new(PROGRAM).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("--validate"), "{words:?}");
    }
}
