//! The site of notes, in C and in Rust on one database: the configurations that the example shows, on real services. What is asked
//! stands in the example's own `check.sh`, which compares the two answer by answer.

use crate::artefacts::{example_in_c, repository, rust_module};
use crate::server::{STATUS_PATH, Server};
use crate::wait_for;
use hc_services::{End, Postgres, Redis};
use std::process::Command;

/// A configuration of the example, its modules those that the tests built.
fn shown(name: &str) -> String {
    let path = repository().join("examples/notes").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let modules = [("notes_c", example_in_c("notes_c")), ("notes_rust", rust_module("notes_rust"))];
    let text = modules.iter().fold(text, |text, (name, built)| {
        replace(&text, &format!("../../target/modules/{name}.so"), built.to_str().expect("a path in UTF-8"))
    });
    format!("listen = [\"127.0.0.1:0\"]\nworkers = 2\n[status]\npath = \"{STATUS_PATH}\"\n{text}")
}

#[track_caller]
fn replace(text: &str, shown: &str, actual: &str) -> String {
    assert!(text.contains(shown), "the configuration no longer says {shown}");
    text.replace(shown, actual)
}

/// Both sites answer every request rightly, and alike.
#[track_caller]
fn check(server: &Server) {
    let script = repository().join("examples/notes/check.sh");
    let output = Command::new(script).args([&server.address.to_string(), "/c", "/rust"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), server.log());
    assert_eq!(server.log_lines(&["Z error "]), [""; 0]);
}

fn get(server: &Server, target: &str) -> crate::message::Response {
    server.connect().ask(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
}

/// Every lease was given back by the module that had it.
fn no_lease_was_forgotten(server: &Server) {
    assert_eq!(server.counters().get("leases_forgotten"), 0);
}

#[test]
fn notes_on_sqlite_and_memory() {
    let text = replace(&shown("notes.toml"), "sqlite:../../target/notes.db", "sqlite:notes.db");
    let server = Server::start("notes-sqlite", &text);
    check(&server);
    check(&server);
    no_lease_was_forgotten(&server);
    assert!(server.folder.join("notes.db").is_file());
}

#[test]
fn notes_on_postgresql_and_redis_whose_database_goes_and_comes_back() {
    let Some(mut postgres) = Postgres::start("notes") else { return };
    let Some(redis) = Redis::start("notes") else { return };
    let text = replace(
        &shown("notes-postgres.toml"),
        "postgres://notes:notes@127.0.0.1:5432/notes",
        &postgres.url(),
    );
    let server = Server::start("notes-postgres", &replace(&text, "redis://127.0.0.1:6379/0", &redis.url()));
    let sampler = postgres.sample_backends("true");
    check(&server);
    assert!(sampler.most() <= 4, "max = 4, and there were {}", sampler.most());
    drop(sampler);

    postgres.stop(End::Killed);
    for site in ["/c", "/rust"] {
        let answer = get(&server, &format!("{site}/api/notes"));
        assert_eq!(answer.status, 503);
        assert!(answer.field("retry-after").is_some());
        assert_eq!(get(&server, &format!("{site}/")).status, 200, "the page needs no database");
    }
    postgres.start_again();
    wait_for("the database is found again", || (get(&server, "/c/api/notes").status == 200).then_some(()));
    check(&server);
    no_lease_was_forgotten(&server);
}
