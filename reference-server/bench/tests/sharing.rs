//! What the rows with shared resources stand on: the threads that share a pool, against a real database.
//!
//! Only answers, errors and connections are asserted. Times are not: timing is not a test.

use std::path::PathBuf;
use std::time::Duration;

use hc_bench::database::Database;
use hc_bench::generator::{Load, Stop};
use hc_bench::launch::{Running, words};
use hc_bench::workshop::{Workshop, free_port};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a missing program comes to.
fn present<T>(what: Result<T, String>) -> Option<T> {
    let required = std::env::var_os("HC_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    match what {
        Ok(value) => Some(value),
        Err(problem) if required => panic!("{problem}"),
        Err(problem) => {
            eprintln!("skipped: {problem}");
            None
        }
    }
}

#[test]
fn threads_that_share_a_pool_answer_every_request() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sharing");
    let workshop = Workshop::open(&folder).expect("the C programs compile");
    // libpq is wanted, not needed: see the README.
    let program = match workshop.threads() {
        Ok(program) => program,
        Err(problem) => return eprintln!("skipped: {problem}"),
    };
    let Some(database) = present(Database::start()) else { return };
    for (name, order) in [("in_order", Some("-f")), ("by_chance", None)] {
        let port = free_port().expect("a free port");
        let url = database.url(name);
        let mut command = words(&[program.as_os_str()]);
        command.extend(words(&["-p", &port.to_string(), "-u", &url, "-m", "2", "-t", "40"]));
        command.extend(order.map(Into::into));
        let mut server = Running::start(&command, &[], &workshop.path("threads.txt")).expect("starts");
        server.wait_for_port(port, PATIENCE).expect("listens");
        let sampler = database.sample(name);
        for path in ["/", "/?ms=1"] {
            let load = Load { path: path.to_owned(), ..Load::keep_alive(32, Stop::Requests(200)) };
            let report = load.run(&workshop.load, port, &[]).expect("runs");
            assert_eq!((report.answered, report.errors, report.connect_errors), (200, 0, 0), "{name} {path}");
        }
        assert!(sampler.most() <= 2, "{name}: {} connections", sampler.most());
    }
}
