//! Modules that break a rule: each gets a precise line in the error log, its peer the right answer, and the next request is
//! served as if nothing had been.

use crate::artefacts::{probe, rust_module, variant};
use crate::message::Unread;
use crate::peer::Peer;
use crate::server::{Mount, Server, serve};

/// What the peer of a faulty task gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peers {
    /// A whole response with that status.
    Gets(u16),
    /// A response that is visibly not whole, or none.
    Cut,
}
use Peers::{Cut, Gets};

/// A fault that is a step's answer: its path, what the peer gets, the rule in the log ("" when it is nobody's fault).
const STEPS: &[(&str, Peers, &str)] = &[
    ("fail_before", Gets(500), "task.fail.before"),
    ("fail_own_number", Gets(500), "task.fail.before"),
    ("fail_after_head", Cut, "task.fail.after"),
    ("fail_after_data", Cut, "task.fail.after"),
    ("fail_when_complete", Gets(200), "task.fail.complete"),
    ("done_no_response", Gets(500), "task.done.no-response"),
    ("done_open", Cut, "task.done.open-response"),
    ("done_outstanding", Gets(200), "task.done.outstanding"),
    ("yield_nothing", Gets(500), "task.yield.nothing-outstanding"),
    ("yield_notice_only", Gets(500), "task.yield.nothing-outstanding"),
    ("yield_after_response", Gets(200), "task.yield.nothing-outstanding"),
    ("step_end", Gets(500), "task.step.status"),
    ("step_discarded", Gets(500), "task.done.no-response"),
    ("abort_before", Cut, ""),
    ("park", Gets(200), ""),
];

/// A fault that is a call: its path, the status and rule that the module is told, what the peer gets.
const CALLS: &[(&str, i32, &str, Peers)] = &[
    ("value_crlf", -18, "response.fields.value", Gets(200)),
    ("value_lf", -18, "response.fields.value", Gets(200)),
    ("value_cr", -18, "response.fields.value", Gets(200)),
    ("value_nul", -18, "response.fields.value", Gets(200)),
    ("value_del", -18, "response.fields.value", Gets(200)),
    ("name_empty", -18, "response.fields.name", Gets(200)),
    ("name_space", -18, "response.fields.name", Gets(200)),
    ("name_colon", -18, "response.fields.name", Gets(200)),
    ("name_crlf", -18, "response.fields.name", Gets(200)),
    ("set_transfer_encoding", -18, "response.fields.framing", Gets(200)),
    ("set_connection", -18, "response.fields.framing", Gets(200)),
    ("set_keep_alive", -18, "response.fields.framing", Gets(200)),
    ("set_upgrade", -18, "response.fields.framing", Gets(200)),
    ("set_te", -18, "response.fields.framing", Gets(200)),
    ("set_proxy_connection", -18, "response.fields.framing", Gets(200)),
    ("length_over", -18, "response.content-length", Gets(200)),
    ("length_under", -18, "response.content-length", Gets(200)),
    ("length_no_number", -18, "response.content-length", Gets(200)),
    ("status_0", -4, "response.status", Gets(200)),
    ("status_99", -4, "response.status", Gets(200)),
    ("status_100", -4, "response.status", Gets(200)),
    ("status_101", -4, "response.status", Gets(200)),
    ("status_199", -4, "response.status", Gets(200)),
    ("status_600", -4, "response.status", Gets(200)),
    ("status_huge", -4, "response.status", Gets(200)),
    ("respond_twice", -3, "response.head.once", Gets(200)),
    ("start_twice", -3, "response.head.once", Gets(200)),
    ("write_over", -4, "response.write.length", Gets(200)),
    ("write_under", -3, "response.end.length", Cut),
    ("write_before", -3, "response.write.open", Gets(200)),
    ("write_after_end", -3, "response.write.open", Gets(200)),
    ("end_before", -3, "response.write.open", Gets(200)),
    ("trailer_framing", -18, "response.trailers.forbidden", Gets(200)),
    ("inform_100", -4, "response.inform.status", Gets(200)),
    ("inform_101", -4, "response.inform.status", Gets(200)),
    ("inform_200", -4, "response.inform.status", Gets(200)),
    ("token_zero", -6, "completion.token.zero", Gets(200)),
    ("token_zero_completion", -6, "completion.token.zero", Gets(200)),
    ("token_reuse", -6, "completion.token.unique", Gets(200)),
    ("too_many", -9, "completion.limit", Gets(200)),
    ("complete_twice", -2, "handle.generation", Gets(200)),
    ("complete_never_given", -2, "handle.generation", Gets(200)),
    ("stale_respond", -2, "handle.generation", Gets(200)),
    ("stale_timer", -2, "handle.generation", Gets(200)),
    ("zero_handle", -2, "handle.generation", Gets(200)),
    ("trailers_early", -3, "body.trailers.after-end", Gets(200)),
    ("respond_null", -4, "host.call.null", Gets(200)),
    ("respond_small", -4, "version.size.options-too-small", Gets(200)),
    ("notice_unknown", -10, "notice.mask", Gets(200)),
    ("spawn_nowhere", -4, "task.spawn.worker", Gets(200)),
    ("in_finish", -3, "task.finish.calls", Gets(200)),
];

fn server(name: &str) -> Server {
    let extra = "[limits]\noperations_per_task = 64\n[timeouts]\nlinger_ms = 200";
    serve(name, 1, extra, &[Mount("faults", probe("faults"))])
}

/// Asks for a fault on a connection of its own; answers the content of a whole response.
fn ask(peer: &mut Peer, path: &str, peers: Peers) -> Option<String> {
    peer.send(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    match (peer.try_response("GET"), peers) {
        (Ok(response), Gets(status)) => {
            assert_eq!(response.status, status, "{path}: {response:?}");
            Some(response.text())
        }
        (Err(Unread::Incomplete(_)), Cut) => None,
        (got, _) => panic!("{path}: expected {peers:?}, got {got:?}"),
    }
}

/// The next request on the connection, or on a new one where it had to be closed, is served.
fn assert_serves(server: &Server, peer: Peer, path: &str, peers: Peers) {
    let mut peer = if peers == Cut { server.connect() } else { peer };
    assert_eq!(peer.get("/hello").text(), "hello", "after {path}");
}

#[test]
fn steps_that_break_a_rule() {
    let server = server("fault-steps");
    for &(path, peers, rule) in STEPS {
        let mut peer = server.connect();
        ask(&mut peer, path, peers);
        assert_serves(&server, peer, path, peers);
        let request = server.counters().get("requests");
        if !rule.is_empty() {
            let line =
                server.wait_for_log(&["module=faults", "task=0x", "request=", &format!("rule={rule} ")]);
            assert!(line.contains(" error ") || line.contains(" warn "), "{path}: {line} ({request})");
        }
    }
    // `step_cancelled` is apart: only the container gives these statuses, so what counts is that it is an error.
    let mut peer = server.connect();
    ask(&mut peer, "step_cancelled", Gets(500));
    server.wait_until_idle(1);
    server.stop();
}

#[test]
fn calls_that_break_a_rule() {
    let server = server("fault-calls");
    for &(path, status, rule, peers) in CALLS {
        let mut peer = server.connect();
        let text = ask(&mut peer, path, peers);
        let answer = format!("{status} {rule}");
        let told = server.wait_for_log(&["info", "module=faults", &format!("probe {path}: ")]);
        assert!(told.ends_with(&format!("probe {path}: {answer}")), "{path}: {told}");
        // Where the response could still be given, it is what the module made of the refusal.
        if let Some(text) = text.filter(|text| text != "hello") {
            assert!(text.starts_with(&answer), "{path}: {text}");
        }
        // Stale handles are no violation; everything else is told to the operator, by rule.
        if !rule.starts_with("handle.") {
            server.wait_for_log(&["warn", "module=faults", &format!("rule={rule} ")]);
        }
        assert_serves(&server, peer, path, peers);
    }
    server.wait_for_log(&["probe made 64"]);
    server.wait_until_idle(0);
    server.stop();
}

/// A second read while one waits: there must be a body that has not come.
#[test]
fn a_second_read_while_one_waits() {
    let server = server("fault-read");
    let mut peer = server.connect();
    peer.send("POST /read_twice HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(peer.response("POST").text(), "-5 body.read.one");
    server.wait_for_log(&["warn", "rule=body.read.one "]);
    peer.send("hello");
    assert_eq!(peer.get("/hello").text(), "hello");
    server.stop();
}

/// A completion that outlives its task is refused when it comes too late, and nobody is called.
#[test]
fn a_completion_after_the_end() {
    let server = server("fault-late");
    let mut peer = server.connect();
    assert_eq!(peer.get("/leave_completion").text(), "hello");
    server.wait_for_log(&["rule=task.done.outstanding "]);
    assert!(peer.get("/complete_after_finish").text().starts_with("-2 "));
    assert_eq!(peer.get("/hello").text(), "hello");
    server.wait_until_idle(1);
    server.stop();
}

#[test]
fn a_module_without_resume() {
    let module = variant("faults", "faults-no-resume", &["-DNO_RESUME"]);
    let server = serve("fault-resume", 1, "", &[Mount("bare", module)]);
    let mut peer = server.connect();
    ask(&mut peer, "park", Gets(500));
    server.wait_for_log(&["error", "module=bare", "rule=module.resume.missing "]);
    assert_eq!(peer.get("/hello").text(), "hello");
    server.stop();
}

/// A panic in Rust becomes a status, its request a 500, or a broken response; the instance is replaced.
#[test]
fn panics_in_rust() {
    let mut server = serve("panics", 2, "", &[Mount("panics", rust_module("panics"))]);
    for (place, peers) in [("start", Gets(500)), ("resume", Gets(500)), ("body", Cut)] {
        let made = server.log_lines(&["instance made"]).len();
        ask(&mut server.connect(), place, peers);
        server.wait_for_log(&["module=panics", &format!("panic in {place}")]);
        server.wait_for_log(&["error", "module=panics", "status=HC_E_PANIC"]);
        // At most one new instance a second is made: until then the old one goes on, and either serves.
        crate::wait_for("the instance is replaced", || {
            assert_eq!(server.connect().get("/hello").text(), "hello", "after a panic in {place}");
            (server.log_lines(&["instance made"]).len() > made).then_some(())
        });
    }
    let mut peer = server.connect();
    peer.send("GET /finish HTTP/1.1\r\nHost: x\r\n\r\n");
    peer.finish();
    server.wait_for_log(&["module=panics", "panic in finish"]);
    assert_eq!(server.connect().get("/hello").text(), "hello");
    drop(peer);
    server.wait_until_idle(0);
    server.signal("TERM");
    assert!(server.wait().success());
}
