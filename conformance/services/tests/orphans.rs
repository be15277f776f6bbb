//! What a test leaves behind that is killed: nothing. The test runs itself again as the one that is killed.

use hc_services::{Postgres, Redis, wait_for};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

const ROLE: &str = "HC_SERVICES_KILLED_TEST";

/// The one that is killed: says where its servers and folders are, and waits for its end.
fn be_killed() -> ! {
    let (postgres, redis) = (Postgres::start("orphan").unwrap(), Redis::start("orphan").unwrap());
    println!("\nports {} {}", postgres.address().port(), redis.address().port());
    loop {
        std::thread::park();
    }
}

#[test]
fn a_test_that_is_killed_leaves_nothing() {
    if std::env::var_os(ROLE).is_some() {
        be_killed();
    }
    if Postgres::start("installed").is_none() || Redis::start("installed").is_none() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--nocapture", "--exact", "a_test_that_is_killed_leaves_nothing"]).env(ROLE, "1");
    let mut killed = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(killed.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.filter_map(|line| line.strip_prefix("ports ").map(str::to_owned)).next().unwrap();
    let ports: Vec<u16> = told.split(' ').map(|word| word.parse().unwrap()).collect();
    assert!(ports.iter().all(|&port| TcpStream::connect(("127.0.0.1", port)).is_ok()));
    let mine = format!("hc-services-{}-", killed.id());
    assert!(left(&mine) >= 2);
    killed.kill().unwrap();
    killed.wait().unwrap();
    wait_for("nobody listens any more", || {
        ports.iter().all(|&port| TcpStream::connect(("127.0.0.1", port)).is_err()).then_some(())
    });
    wait_for("their folders are gone", || (left(&mine) == 0).then_some(()));
}

/// How many folders there are whose name begins so.
fn left(name: &str) -> usize {
    let names = std::fs::read_dir(hc_services::place()).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|known| known.to_string_lossy().starts_with(name)).count()
}
