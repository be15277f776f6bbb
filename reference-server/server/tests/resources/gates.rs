//! Start gates of routes for the body and for resources: a request waits for them before its module sees it, and holds nothing
//! meanwhile.

use crate::peer::Peer;
use crate::server::Server;
use crate::site::{
    Resource, answered, begin, begin_at, expect_refusal, perform, refused, site, usage, wait_for_parked,
    wait_for_usage, wait_until_free, wake,
};
use hc_services::Postgres;

const ROUTES: &str = r#"
[[route]]
path = "/whole"
module = "script"
body = "complete"
body_bytes = "1 MiB"
resource = "db"
[[route]]
path = "/leased"
module = "script"
resource = "db"
[[route]]
path = "/hasty"
module = "script"
resource = "db"
deadline_ms = 300
"#;

fn gated(name: &str, workers: usize, url: &str, more: &str) -> Server {
    site(name, workers, &[Resource::postgres(url, more)], ROUTES)
}

/// Sends the head of an upload and its first half.
fn begin_upload(server: &Server, commands: &str, size: usize) -> Peer {
    let mut peer = server.connect();
    let head =
        format!("POST /whole HTTP/1.1\r\nHost: test\r\nDo: {commands}\r\nContent-Length: {size}\r\n\r\n");
    peer.send(head + &"x".repeat(size / 2));
    peer
}

fn end_upload(peer: &mut Peer, size: usize) {
    peer.send("x".repeat(size - size / 2));
}

/// Fifty slow uploads wait for their bodies and hold no connection; others are served meanwhile, and so are they in the end,
/// with the body whole at once.
#[test]
fn slow_uploads_hold_nothing() {
    let Some(postgres) = Postgres::start("uploads") else { return };
    let server = gated("uploads", 2, &postgres.url(), "max = 1\nacquire_timeout_ms = 60000");
    let commands = "leases | now | query SELECT 1 | release";
    let sizes: Vec<usize> = (0..50).map(|index| 2 + index * 1000).collect();
    let mut uploads: Vec<Peer> = sizes.iter().map(|&size| begin_upload(&server, commands, size)).collect();
    for _ in 0..20 {
        perform(&server, "acquire db | query SELECT 1 | release");
        answered(&mut begin_at(&server, "/leased", "query SELECT 1"));
    }
    let now = wait_until_free(&server, "db");
    assert_eq!((now.in_use, now.waiting), (0, 0));
    for (peer, &size) in uploads.iter_mut().zip(&sizes) {
        end_upload(peer, size);
    }
    for (peer, size) in uploads.iter_mut().zip(sizes) {
        let told = peer.response("POST").text();
        assert!(
            told.starts_with(&format!("leases 1 leases HC_OK\n{size} bytes, whole now HC_OK\nrow 1\n")),
            "{told}"
        );
    }
    wait_until_free(&server, "db");
    server.stop();
}

/// A body that is too long for the gate is refused, whether that is said before or found out.
#[test]
fn a_body_is_too_long_for_the_gate() {
    let Some(postgres) = Postgres::start("long") else { return };
    let server = gated("long", 1, &postgres.url(), "max = 1");
    let mut peer = server.connect();
    peer.send("POST /whole HTTP/1.1\r\nHost: test\r\nDo: now\r\nContent-Length: 1048577\r\n\r\n");
    assert_eq!(peer.response("POST").status, 413);
    let mut peer = server.connect();
    peer.send(
        "POST /whole HTTP/1.1\r\nHost: test\r\nDo: now\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n",
    );
    peer.try_send("x".repeat(0x10_0001));
    assert_eq!(peer.response("POST").status, 413);
    let mut peer = begin_upload(&server, "now | release", 1 << 20);
    end_upload(&mut peer, 1 << 20);
    let response = peer.response("POST");
    assert!(response.text().starts_with("1048576 bytes, whole now HC_OK\n"), "{response:?}");
    assert_eq!(postgres.log().matches("connection authorized: user=hc ").count(), 1);
    server.stop();
}

/// A request starts with its lease. One that the module leaves to the container is given back without a word, and as dirty when
/// the task failed [gate.leases].
#[test]
fn a_request_starts_with_its_lease() {
    let Some(postgres) = Postgres::start("leased") else { return };
    postgres.session().run("CREATE TABLE t (a int)");
    let server = gated("leased", 2, &postgres.url(), "max = 1");
    let at_gate = |commands: &str| begin_at(&server, "/leased", commands);
    for _ in 0..5 {
        let told = answered(&mut at_gate("leases | query SELECT 1"));
        assert_eq!(told, "leases 1 leases HC_OK\nrow 1\naffected 1 query HC_OK\n");
    }
    assert_eq!(server.counters().get("leases_forgotten"), 0);
    let failing = "query SET search_path = pg_catalog | query SELECT * FROM nowhere";
    assert_eq!(at_gate(failing).response("GET").status, 500);
    let told = answered(&mut at_gate("query SHOW search_path"));
    assert!(told.contains("row \"$user\", public\n"), "{told}");
    // It may be given back early, and another may be acquired.
    answered(&mut at_gate("release | acquire db | query SELECT 1 | release"));
    // A transaction is rolled back, as ever.
    answered(&mut at_gate("begin | query INSERT INTO t VALUES (1)"));
    assert!(answered(&mut at_gate("query SELECT count(*) FROM t")).contains("row 0\n"));
    server.stop();
}

/// Requests that wait at the gate are bounded as any others: in number, in time, by their deadline, and by their clients' staying.
#[test]
fn the_gate_is_bounded() {
    let Some(postgres) = Postgres::start("gate") else { return };
    let server = gated("gate", 2, &postgres.url(), "max = 1\nmax_waiting = 2\nacquire_timeout_ms = 60000");
    let mut holder = begin(&server, "acquire db | park | release");
    wait_for_parked(&server, 1);
    let at_gate = || begin_at(&server, "/leased", "query SELECT 1");
    let (leaving, mut staying) = (at_gate(), at_gate());
    wait_for_usage(&server, "db", "two wait", |usage| usage.waiting == 2);
    let response = at_gate().response("GET");
    refused(&response);
    assert!(!response.says_close(), "{response:?}");
    server.wait_for_log(&["warn", "/leased", "db"]);
    assert_eq!(server.counters().get("gate_refusals"), 1);
    leaving.reset();
    wait_for_usage(&server, "db", "one waits", |usage| usage.waiting == 1);
    // The deadline counts what was waited.
    assert_eq!(begin_at(&server, "/hasty", "query SELECT 1").response("GET").status, 503);
    assert_eq!(usage(&server, "db").waiting, 1);
    wake(&server);
    answered(&mut holder);
    answered(&mut staying);
    wait_until_free(&server, "db");
    server.stop();
}

/// The time for waiting passes at the gate, and so does a database that is not there.
#[test]
fn the_gate_refuses_in_time() {
    let Some(mut postgres) = Postgres::start("in-time") else { return };
    let server = gated("in-time", 2, &postgres.url(), "max = 1\nacquire_timeout_ms = 100");
    let mut holder = begin(&server, "acquire db | park | release");
    wait_for_parked(&server, 1);
    expect_refusal(&mut begin_at(&server, "/leased", "query SELECT 1"));
    wake(&server);
    answered(&mut holder);
    postgres.stop(hc_services::End::Killed);
    for _ in 0..3 {
        expect_refusal(&mut begin_at(&server, "/leased", "query SELECT 1"));
    }
    server.stop();
}
