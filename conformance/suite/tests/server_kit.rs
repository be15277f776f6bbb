//! The server kit judges the reference server, by its adapter as any other container: it has to pass whole. Must not know how the
//! server is made; it is built beside this test, since the kit does not depend on it.
#![forbid(unsafe_code)]

mod modules;

use hc_conformance::server::scenario::scenarios;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
    let probes = modules::folder("probes");
    modules::run("conformance/probes/build.sh", &[probes.to_str().unwrap()]);
    let server = modules::reference_server();
    let output = run(Command::new(modules::PROGRAM)
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
