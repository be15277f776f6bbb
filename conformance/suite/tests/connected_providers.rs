//! The providers that reach a server keep the rules, on real servers, with connections that are held and cut on the way.

mod modules;

use hc_services::{Postgres, Redis};
use std::path::Path;
use std::process::Command;

/// Seeds with which they are run: every connection is a real one.
const SEEDS: &str = "1..2";

/// All cases pass or do not apply, those about the other end among them.
fn holds(module: &Path, url: &str, peer: &str) {
    let config = format!("{{\"url\": \"{url}\"}}");
    let output = Command::new(modules::PROGRAM)
        .arg("module")
        .arg(module)
        .args(["--config", &config, "--peer", peer, "--seeds", SEEDS, "-j", "2", "--timeout", "300"])
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for case in ["checks-ask-the-other-end", "lost-connections-end-members"] {
        assert!(!text.contains(&format!("skip  {case}")), "{case} does not apply\n{text}");
    }
}

#[test]
fn the_provider_of_postgresql_keeps_the_rules() {
    let Some(server) = Postgres::start("kit") else { return };
    let module = modules::providers(&["postgres"]).join("libprovider_postgres.so");
    holds(&module, &server.url(), &server.address().to_string());
}

#[test]
fn the_provider_of_redis_keeps_the_rules() {
    let module = modules::providers(&["redis"]).join("libprovider_redis.so");
    for server in Redis::start_each("kit", &[]) {
        holds(&module, &server.url(), &server.address().to_string());
    }
}
