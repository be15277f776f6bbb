//! Builds the modules that the tests run, once for each test binary. Must not know what they do.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hc-conformance");

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in conformance/suite")
}

/// A folder for the modules of one test binary.
#[allow(dead_code, reason = "not all test binaries need it")]
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a script of the repository.
#[allow(dead_code, reason = "not all test binaries need it")]
pub fn run(script: &str, arguments: &[&str]) {
    let status = Command::new(root().join(script)).args(arguments).status().expect("sh must be there");
    assert!(status.success(), "{script} {arguments:?}");
}

/// The reference server, which is built beside the tests, since the kit does not depend on it.
#[allow(dead_code, reason = "only some of the test binaries need it")]
pub fn reference_server() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "-p", "hc-server", "--target-dir"]);
    cargo.arg(Path::new(PROGRAM).ancestors().nth(2).expect("it is in the target folder")).current_dir(root());
    assert!(cargo.status().expect("cargo must be there").success(), "hc-server");
    Path::new(PROGRAM).with_file_name("hc-server")
}

/// Builds examples that are written in Rust, without optimisation; the folder that they are in.
#[allow(dead_code, reason = "not all test binaries need it")]
pub fn rust_examples(names: &[&str]) -> PathBuf {
    build(&[], names)
}

/// Builds providers as modules; the folder that they are in.
#[allow(dead_code, reason = "not all test binaries need it")]
pub fn providers(names: &[&str]) -> PathBuf {
    let packages: Vec<String> = names.iter().map(|name| format!("hc-provider-{name}")).collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    build(&["--examples"], &packages).join("examples")
}

fn build(arguments: &[&str], names: &[&str]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .arg("build")
        .args(arguments)
        .args(["--locked", "--quiet", "--target-dir"])
        .arg(target)
        .current_dir(root());
    names.iter().for_each(|name| {
        cargo.args(["--package", name]);
    });
    assert!(cargo.status().expect("cargo must be there").success(), "{names:?}");
    target.join("debug")
}
