//! The server kit judges the reference server, by its adapter as any other container: it has to pass whole. Must not know how the
//! server is made; it is built beside this test, since the kit does not depend on it.
#![forbid(unsafe_code)]

use hc_conformance::server::scenario::scenarios;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hc-conformance");

fn conformance() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[test]
fn the_reference_server_passes() {
    let probes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probes");
    run(Command::new(conformance().join("probes/build.sh")).arg(&probes));
    run(Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "hc-server", "--target-dir"])
        .arg(Path::new(PROGRAM).ancestors().nth(2).unwrap())
        .current_dir(conformance()));
    let server = Path::new(PROGRAM).with_file_name("hc-server");
    let output = run(Command::new(PROGRAM)
        .args(["server", "-j", "4", "--adapter"])
        .arg(conformance().join("adapters/reference"))
        .arg("--probes")
        .arg(&probes)
        .env("HC_SERVER", server));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(" 0 skip, 0 fail, 0 crash"), "{text}");
}

#[test]
fn names_of_cases_are_unique() {
    let names: BTreeSet<&str> = scenarios().iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names.len(), scenarios().len());
}
