//! What `conformance/README.md` tells the author of a container: the adapter that it shows is whole, and its table lists each
//! capability that a case asks for. Must not know what the cases are about.
#![forbid(unsafe_code)]

use hc_conformance::server::scenario::scenarios;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = include_str!("../../README.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The section of the page that is for authors of containers.
fn section() -> &'static str {
    let (_, rest) = PAGE.split_once("\n## Run it on your container").expect("the page has that section");
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_adapter_on_the_page_is_all_that_a_container_needs() {
    let (_, shown) = section().split_once("```python\n").expect("it shows an adapter");
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(shown.lines().count() <= 35, "the page promises about thirty lines");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapter-page");
    fs::create_dir_all(&folder).unwrap();
    let (adapter, container, probes) = (folder.join("mine"), folder.join("poll-host"), folder.join("probes"));
    fs::write(&adapter, shown).unwrap();
    fs::set_permissions(&adapter, fs::Permissions::from_mode(0o755)).unwrap();
    run(Command::new(root().join("examples/hosts/poll/build.sh")).arg(&container));
    run(Command::new(root().join("conformance/probes/build.sh")).arg(&probes));
    // One that needs nothing, one that looks into the log, and two with a setting.
    let cases = ["=step-after-step", "=create-refuses", "=deadline-while-open", "=deadline-while-reading"];
    let filters = cases.iter().flat_map(|name| ["--filter", name]);
    let mut kit = Command::new(env!("CARGO_BIN_EXE_hc-conformance"));
    kit.args(["server", "-j", "2", "--adapter"]).arg(&adapter).arg("--probes").arg(&probes);
    let told = run(kit.args(filters).env("MINE", &container));
    assert!(told.contains(" 4 pass, 0 warn, 0 skip, 0 fail, 0 crash"), "{told}");
}

#[test]
fn every_capability_that_a_case_needs_is_in_the_table() {
    let rows = section().split_once("| capability |").expect("it has a table of capabilities").1.lines();
    let cells = rows.take_while(|line| line.starts_with('|') || line.starts_with(' '));
    let names = cells.filter_map(|line| line.split('|').nth(1)).flat_map(|cell| cell.split(','));
    let told: BTreeSet<&str> =
        names.map(|name| name.trim().trim_matches('`')).filter(|name| !name.contains(['-', ' '])).collect();
    let needed: BTreeSet<String> = scenarios().iter().flat_map(|scenario| scenario.needs.clone()).collect();
    let missing: Vec<&String> = needed.iter().filter(|need| !told.contains(need.as_str())).collect();
    assert!(
        needed.len() > 10 && missing.is_empty(),
        "the page does not tell of {missing:?}, but of {told:?}"
    );
    let idle: Vec<&&str> = told.iter().filter(|name| !name.is_empty() && !needed.contains(**name)).collect();
    assert!(idle.is_empty(), "no case needs {idle:?}");
}
