//! Operating the server: addresses, start-up failures, signals, logs, and what happens when the system runs out of something.

use crate::artefacts::{example_in_c, probe, variant};
use crate::peer::Peer;
use crate::server::{Mount, Server, configuration, fresh_folder, serve, spawn};
use crate::wait_for;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

fn hello(listen: &str) -> String {
    let text = configuration(2, "", &[Mount("hello", example_in_c("hello_c"))]);
    text.replace("listen = [\"127.0.0.1:0\"]", &format!("listen = {listen}"))
}

/// Asks over a Unix socket.
fn ask_unix(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn listens_on_every_address() {
    let folder = fresh_folder("addresses");
    let listen = r#"["127.0.0.1:0", "[::1]:0", "127.0.0.2:0", "unix:hc.sock"]"#;
    let server = Server::start_in(&folder, &hello(listen), &[]);
    let tcp: Vec<&String> = server.addresses.iter().filter(|address| !address.starts_with("unix:")).collect();
    assert_eq!(tcp.len(), 3);
    for address in tcp {
        assert_eq!(Peer::connect(address.parse().unwrap()).get("/").text(), "Hello, World!", "{address}");
    }
    assert!(ask_unix(&folder.join("hc.sock")).ends_with("\r\n\r\nHello, World!"));
    server.stop();
    assert!(!folder.join("hc.sock").exists(), "the socket's file is removed at the end");
}

#[test]
fn a_stale_socket_file_is_replaced_and_a_living_one_is_not() {
    let folder = fresh_folder("stale");
    let path = folder.join("hc.sock");
    drop(UnixListener::bind(&path).unwrap());
    let server = Server::start_in(&folder, &hello("[\"unix:hc.sock\"]"), &[]);
    assert!(ask_unix(&path).starts_with("HTTP/1.1 200 "));
    let other = fresh_folder("living");
    let listen = format!("[\"unix:{}\"]", path.display());
    assert_fails(&other, &hello(&listen), &["cannot listen on", "hc.sock", "another program listens there"]);
    assert!(ask_unix(&path).starts_with("HTTP/1.1 200 "), "the living one is untouched");
    server.stop();
}

/// The program ends with code 1 and says why.
fn assert_fails(folder: &Path, configuration: &str, words: &[&str]) {
    let mut child = spawn(folder, configuration, &[]);
    let log = || fs::read_to_string(folder.join("error.log")).unwrap_or_default();
    let status = wait_for("it gives up", || {
        assert!(!log().contains("listening on"), "it came up: {}", log());
        child.try_wait().unwrap()
    });
    let log = log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(words.iter().all(|word| log.contains(word)), "{words:?} in {log}");
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("[\"{}\"]", taken.local_addr().unwrap());
    let words = ["cannot listen on 127.0.0.1:", "another program listens there"];
    assert_fails(&fresh_folder("port"), &hello(&listen), &words);
    // Another of our own servers shares no port either.
    let server = Server::start("port-first", &hello("[\"127.0.0.1:0\"]"));
    let listen = format!("[\"{}\"]", server.address);
    assert_fails(&fresh_folder("port-second"), &hello(&listen), &words);
    server.stop();
}

#[test]
fn modules_that_do_not_come_up() {
    let missing = configuration(1, "", &[Mount("app", "no/such.so".into())]);
    assert_fails(&fresh_folder("missing"), &missing, &["module \"app\"", "no/such.so"]);
    let refusing = variant("refusing", "refusing", &[]);
    let configuration = configuration(1, "", &[Mount("app", refusing)]);
    let words = ["module=app", "it is not the right day", "app", "HC_E_CONFIG"];
    assert_fails(&fresh_folder("refusing"), &configuration, &words);
}

/// SIGTERM while many clients ask as fast as they can: each request that was sent on an accepted connection is answered.
#[test]
fn a_stop_under_load_loses_nothing() {
    let mut server = serve("drain", 2, "", &[Mount("sleep", example_in_c("sleep"))]);
    let address = server.address;
    let mut peers: Vec<Peer> = (0..100).map(|_| server.connect()).collect();
    for peer in &mut peers {
        peer.send("GET /?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    server.wait_for_counters("all have started", |counters| counters.get("starts") == 100);
    let busy: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let (mut asked, mut answered) = (0, 0);
                let mut peer = Peer::connect(address);
                loop {
                    if !peer.try_send("GET /?ms=0 HTTP/1.1\r\nHost: x\r\n\r\n") {
                        return (asked, answered);
                    }
                    asked += 1;
                    let Ok(response) = peer.try_response("GET") else { return (asked, answered) };
                    answered += 1;
                    if response.says_close() {
                        return (asked, answered);
                    }
                }
            })
        })
        .collect();
    server.wait_for_counters("there is load", |counters| counters.get("responses") > 500);
    server.signal("TERM");
    for peer in &mut peers {
        let response = peer.response("GET");
        assert_eq!(response.text(), "slept 300 ms\n");
    }
    for thread in busy {
        let (asked, answered) = thread.join().unwrap();
        // The last request may have crossed with the close of an idle connection: then nobody has read it.
        assert!(asked - answered <= 1 && answered > 0, "{answered} answers to {asked} requests");
    }
    assert!(server.wait().success());
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    let log = server.log();
    assert!(log.contains("stopping") && log.contains("stopped"), "{log}");
}

/// While the server stops, connections are refused, and a response that is under way says that the connection ends.
#[test]
fn a_stop_takes_no_new_connections() {
    let mut server = serve("refuse", 1, "", &[Mount("states", probe("states"))]);
    let mut reading = server.connect();
    reading.send("POST /reading HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
    server.wait_for_counters("it is under way", |counters| counters.get("operations_live") == 1);
    server.signal("TERM");
    wait_for("connections are refused", || TcpStream::connect(server.address).is_err().then_some(()));
    assert!(server.runs(), "it waits for what is under way");
    reading.send("b");
    assert_eq!(reading.response("POST").text(), "read");
    reading.expect_end("after the answer");
    assert!(server.wait().success());
    assert!(server.log().contains("states: destroyed"), "modules are destroyed: {}", server.log());
}

/// Connections that wait for their next request are ended at once, though others are still under way.
#[test]
fn a_stop_ends_idle_connections() {
    let mut server = serve("idle-stop", 2, "", &[Mount("states", probe("states"))]);
    let mut idle: Vec<Peer> = (0..10).map(|_| server.connect()).collect();
    idle.iter_mut().for_each(|peer| assert_eq!(peer.get("/early").text(), "early"));
    let mut reading = server.connect();
    reading.send("POST /reading HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
    server.wait_for_counters("it is under way", |counters| counters.get("operations_live") == 1);
    server.signal("TERM");
    idle.iter_mut().for_each(|peer| peer.expect_end("an idle connection"));
    assert!(server.runs());
    reading.send("b");
    assert_eq!(reading.response("POST").text(), "read");
    assert!(server.wait().success());
}

/// The signal may come at any moment of a turn: no worker sleeps through it. Connections are left open on purpose.
#[test]
fn stops_at_any_moment() {
    for round in 0..30 {
        let mut server = serve(
            "moment",
            1 + round % 3,
            "[timeouts]\nlinger_ms = 100",
            &[Mount("states", probe("states"))],
        );
        let mut peer = server.connect();
        (0..round % 4).for_each(|_| assert_eq!(peer.get("/early").status, 200));
        server.signal("TERM");
        peer.expect_end("an idle connection");
        assert!(server.wait().success(), "round {round}: {}", server.log());
        server.assert_healthy();
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = serve("second", 2, "", &[Mount("states", probe("states"))]);
    let mut peer = server.connect();
    peer.send("GET /timer HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_for_counters("it is parked", |counters| counters.get("operations_live") == 1);
    server.signal("TERM");
    server.wait_for_log(&["stopping: what is under way is answered"]);
    assert!(server.runs());
    server.signal("INT");
    assert!(server.wait().success(), "{}", server.log());
    assert_eq!(peer.try_response("GET").map_or(503, |response| response.status), 503);
    assert!(server.log().contains("states: destroyed"), "{}", server.log());
}

/// What is under way when the drain's time is over is cancelled.
#[test]
fn the_drain_has_an_end() {
    let mut server = serve("drain-cap", 2, "[timeouts]\ndrain_ms = 200", &[Mount("states", probe("states"))]);
    let mut peers: Vec<Peer> = (0..10).map(|_| server.connect()).collect();
    for peer in &mut peers {
        peer.send("GET /foreign HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    server.wait_for_counters("all are parked", |counters| counters.get("operations_live") == 10);
    server.signal("TERM");
    assert!(server.wait().success());
    for peer in &mut peers {
        assert_eq!(peer.try_response("GET").map_or(503, |response| response.status), 503);
    }
    assert!(server.log().contains("states: destroyed"));
}

/// After SIGUSR1 the logs are new files under the old names; no line is lost.
#[test]
fn logs_are_opened_anew() {
    let extra = "[log]\naccess = \"common\"\naccess_path = \"access.log\"\nerror_path = \"server.log\"";
    let folder = fresh_folder("reopen");
    // The harness looks for the addresses in `error.log`.
    let text = configuration(
        1,
        &extra.replace("server.log", "error.log"),
        &[Mount("hello", example_in_c("hello_c"))],
    );
    let server = Server::start_in(&folder, &text, &[]);
    let mut peer = server.connect();
    for number in 0..50 {
        peer.get(&format!("/before-{number}"));
    }
    fs::rename(folder.join("access.log"), folder.join("access.old")).unwrap();
    fs::rename(folder.join("error.log"), folder.join("error.old")).unwrap();
    server.signal("USR1");
    server.wait_for_log(&["the logs were opened anew"]);
    for number in 0..50 {
        peer.get(&format!("/after-{number}"));
    }
    drop(peer);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    wait_for("all lines are written", || {
        (read("access.old").lines().count() + read("access.log").lines().count() >= 100).then_some(())
    });
    assert_eq!(read("access.old").matches("/before-").count(), 50);
    assert_eq!(read("access.log").matches("/after-").count(), 50);
    server.stop();
}

/// Out of descriptors: connections wait, those that there are go on, and when some leave the others get their turn.
#[test]
fn survives_without_descriptors() {
    let folder = fresh_folder("emfile");
    let text = configuration(1, "", &[Mount("hello", example_in_c("hello_c"))]);
    let server = Server::start_in(&folder, &text, &["sh", "-c", "ulimit -n 40; exec \"$0\" \"$@\""]);
    let mut peers: Vec<Peer> = (0..60).map(|_| server.connect()).collect();
    server.wait_for_log(&["warn", "accepting failed", "connections wait"]);
    assert_eq!(peers[0].get("/").text(), "Hello, World!", "a connection that there is goes on");
    for peer in &mut peers {
        peer.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    for peer in &mut peers {
        assert_eq!(peer.response("GET").text(), "Hello, World!");
        peer.finish();
        peer.expect_end("it said close");
    }
    drop(peers);
    server.wait_until_idle(0);
    server.stop();
}

#[test]
fn connections_beyond_the_limit_wait() {
    let server = serve("limit", 1, "[limits]\nconnections = 5", &[Mount("hello", example_in_c("hello_c"))]);
    let mut first: Vec<Peer> = (0..5).map(|_| server.connect()).collect();
    first.iter_mut().for_each(|peer| assert_eq!(peer.get("/").status, 200));
    let mut waiting = server.connect();
    waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_for_log(&["warn", "limit of connections"]);
    first.pop();
    assert_eq!(waiting.response("GET").text(), "Hello, World!");
    drop((first, waiting));
    server.wait_until_idle(0);
    server.stop();
}
