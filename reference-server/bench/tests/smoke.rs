//! The floor and the load generator compile and work together in every mode.
//!
//! Only answers and errors are asserted. Times are not: timing is not a test.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hc_bench::generator::{Load, LoadReport, Phase, Stop};
use hc_bench::launch::{Running, words};
use hc_bench::process_tree::run_ns_between;
use hc_bench::workshop::{Workshop, free_port};

const PATIENCE: Duration = Duration::from_secs(60);

fn workshop(name: &str) -> Workshop {
    Workshop::open(&PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)).expect("the C programs compile")
}

fn start_floor(workshop: &Workshop, options: &[&str]) -> (Running, u16) {
    let port = free_port().expect("a free port");
    let mut command: Vec<OsString> = words(&[workshop.floor.as_os_str()]);
    command.extend(words(&["-p", &port.to_string()]));
    command.extend(words(options));
    let mut floor =
        Running::start(&command, &[], &workshop.path(&format!("floor-{port}.txt"))).expect("starts");
    floor.wait_for_port(port, PATIENCE).expect("listens");
    (floor, port)
}

#[track_caller]
fn check(report: &LoadReport, at_least: u64) {
    assert!(report.answered >= at_least, "{report:?}");
    assert_eq!((report.errors, report.connect_errors, report.early), (0, 0, 0), "{report:?}");
    assert!(report.p50_us <= report.p99_us && report.p99_us <= report.max_us * 1.01, "{report:?}");
}

#[test]
fn every_request_is_answered_in_every_mode() {
    let workshop = workshop("modes");
    let keep_alive = Load::keep_alive(8, Stop::Seconds(0.2));
    let fields = vec!["accept: text/html".to_owned(), "cookie: a=b; c=d".to_owned()];
    let cases: [(&[&str], Load); 5] = [
        (&[], keep_alive.clone()),
        (&[], Load { fields, ..keep_alive.clone() }),
        (&[], Load { pipeline: 16, ..keep_alive.clone() }),
        (&["-c"], Load { per_connection: true, ..keep_alive.clone() }),
        (&["-c", "-d"], Load { per_connection: true, ..keep_alive }),
    ];
    for (options, load) in cases {
        let (floor, port) = start_floor(&workshop, options);
        let before = floor.tree().settled_times().expect("readable");
        check(&load.run(&workshop.load, port, &[]).expect("runs"), 1);
        let after = floor.tree().settled_times().expect("readable");
        assert!(run_ns_between(&before, &after) > 0, "answers cost CPU time");
    }
}

#[test]
fn a_count_of_requests_is_kept_exactly() {
    let workshop = workshop("count");
    let (_floor, port) = start_floor(&workshop, &[]);
    // 1001 is no multiple of the batch or of the connections.
    for pipeline in [1, 16] {
        let load = Load { pipeline, ..Load::keep_alive(8, Stop::Requests(1001)) };
        let report = load.run(&workshop.load, port, &[]).expect("runs");
        check(&report, 1001);
        assert_eq!(report.answered, 1001);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, World!";
        assert_eq!(report.bytes, 1001 * answer.len() as u64);
    }
    let (_floor, port) = start_floor(&workshop, &["-c"]);
    let load = Load { per_connection: true, ..Load::keep_alive(3, Stop::Requests(1001)) };
    let report = load.run(&workshop.load, port, &[]).expect("runs");
    check(&report, 1001);
    assert_eq!(report.answered, 1001);
}

#[test]
fn parked_requests_are_all_answered_and_none_too_early() {
    let workshop = workshop("parked");
    let (floor, port) = start_floor(&workshop, &["-s", "100"]);
    let load = Load { base_ms: 100, first_rate: 1_000_000, ..Load::keep_alive(200, Stop::Requests(200)) };
    let mut phases = Vec::new();
    let observe = |phase| {
        phases.push(phase);
        floor.tree().memory().map(|_| ())
    };
    let report = load.run_observed(&workshop.load, port, &[], observe).expect("runs");
    check(&report, 200);
    assert_eq!(report.answered, 200);
    assert_eq!(phases[..2], [Phase::Connected, Phase::Parked]);
}

#[test]
fn an_observer_that_fails_ends_the_run() {
    let workshop = workshop("observer");
    let (floor, port) = start_floor(&workshop, &["-s", "100"]);
    let load = Load { base_ms: 100, first_rate: 1000, ..Load::keep_alive(20, Stop::Seconds(600.0)) };
    let fail = |phase| match phase {
        Phase::Connected => Ok(()),
        Phase::Parked => Err(std::io::Error::other("cannot see")),
    };
    let error = load.run_observed(&workshop.load, port, &[], fail).expect_err("must end");
    assert!(error.to_string().contains("cannot see"), "{error}");
    drop(floor);
    let error = load.run_observed(&workshop.load, port, &[], |_| Ok(())).expect_err("no server");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn an_answer_before_its_time_is_counted() {
    let workshop = workshop("early");
    let (_floor, port) = start_floor(&workshop, &[]);
    let load = Load { base_ms: 60_000, ..Load::keep_alive(4, Stop::Requests(20)) };
    let report = load.run(&workshop.load, port, &[]).expect("runs");
    assert_eq!((report.answered, report.early, report.errors), (20, 20, 0));
}

/// A server that answers each connection's first read with the next of `answers` over and over.
fn start_odd_server(workshop: &Workshop, answers: &[&str]) -> (std::thread::JoinHandle<()>, u16) {
    use std::io::{Read, Write};
    let _ = workshop;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("bind");
    let port = listener.local_addr().expect("address").port();
    let answers: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
    let server = std::thread::spawn(move || {
        // The load generator learns on a first connection and runs on a second one.
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("accept");
            let mut buffer = [0; 4096];
            let mut next = answers.iter().cycle();
            while stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
                let answer = next.next().expect("cycle");
                if stream.write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    (server, port)
}

#[test]
fn an_answer_that_is_not_like_the_first_is_an_error() {
    let workshop = workshop("odd");
    let good = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let cases = [
        "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok!",
        "garbage garbage garbage garbage",
    ];
    for bad in cases {
        let (server, port) = start_odd_server(&workshop, &[good, bad]);
        let load = Load::keep_alive(1, Stop::Requests(2));
        let report = load.run(&workshop.load, port, &[]).expect("runs");
        assert_eq!((report.answered, report.errors), (1, 1), "{bad:?}");
        server.join().expect("server");
    }
}

#[test]
fn a_first_answer_other_than_200_ends_the_run() {
    let workshop = workshop("refused");
    let (server, port) =
        start_odd_server(&workshop, &["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"]);
    let error = Load::keep_alive(1, Stop::Requests(2)).run(&workshop.load, port, &[]).expect_err("404");
    assert!(error.to_string().contains("status 200"), "{error}");
    std::net::TcpStream::connect(("127.0.0.1", port)).expect("lets the server end");
    server.join().expect("server");
}

#[test]
fn the_scratch_folder_goes_with_the_workshop() {
    let opened = workshop("scratch");
    let folder: PathBuf = opened.floor.parent().map(Path::to_owned).expect("a folder");
    assert!(opened.floor.is_file() && opened.load.is_file());
    drop(opened);
    assert!(!folder.exists());
}
