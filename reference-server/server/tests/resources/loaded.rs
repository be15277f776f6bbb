//! Each provider as a library that the operator names by its path, instead of the one that is linked into the program.

use crate::artefacts::{PROGRAM, repository};
use crate::site::{Resource, perform, site, wait_until_free};
use hc_services::{Postgres, Redis};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library of a provider, by its name; all are built once a run.
fn library(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let profile = Path::new(PROGRAM).parent().expect("the program is in the folder of its profile");
        let target = profile.parent().expect("that is in the target folder");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--target-dir"]).arg(target).current_dir(repository());
        // What cargo tells this test of its package makes build scripts that look at it (of `ring`) run anew, each time.
        let told = std::env::vars_os().map(|(name, _)| name);
        let of_package = |name: &OsString| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.to_string_lossy().starts_with(start))
        };
        told.filter(of_package).for_each(|name| {
            build.env_remove(name);
        });
        if profile.ends_with("release") {
            build.arg("--release");
        }
        for name in ["limit", "memory", "sqlite", "postgres", "redis"] {
            build.args(["-p", &format!("hc-provider-{name}"), "--example", &format!("provider_{name}")]);
        }
        let output = build.output().expect("cargo runs");
        assert!(output.status.success(), "{build:?}:\n{}", String::from_utf8_lossy(&output.stderr));
        profile.join("examples")
    });
    folder.join(format!("libprovider_{name}.so"))
}

/// All at once in one server: each serves, and each ends with it.
#[test]
fn providers_are_loaded() {
    let (Some(postgres), Some(redis)) = (Postgres::start("loaded"), Redis::start("loaded")) else { return };
    let of = |name, interface, provider: &str, url: Option<&str>| {
        Resource::of_library(name, interface, &library(provider), url, "max = 2")
    };
    let resources = [
        of("db", "sql", "postgres", Some(&postgres.url())),
        of("file", "sql", "sqlite", Some("sqlite:loaded.db")),
        of("cache", "kv", "redis", Some(&redis.url())),
        of("heap", "kv", "memory", None),
        of("seats", "limit", "limit", None),
    ];
    let server = site("loaded", 2, &resources, "");
    for (name, operation) in [("db", "query SELECT 1"), ("file", "query SELECT 1"), ("seats", "worker")] {
        let told = perform(&server, &format!("acquire {name} | {operation} | release"));
        assert!(told.ends_with("release HC_OK\n"), "{told}");
        wait_until_free(&server, name);
    }
    for name in ["cache", "heap"] {
        let told = perform(&server, &format!("acquire {name} | kv set a 1 | kv get a | release"));
        assert!(told.contains("found 1 number 0 1 kv HC_OK\n"), "{told}");
        wait_until_free(&server, name);
    }
    perform(&server, "acquire db file cache heap seats | release | release | release | release | release");
    server.stop();
    postgres.wait_for_backends("true", 0);
}
