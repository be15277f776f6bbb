//! Every case proves that it can fail: each fault of the bad module makes precisely the expected cases fail, and the good one none.

mod modules;

use hc_conformance::self_test;
use std::path::Path;

#[test]
fn each_fault_is_found_by_its_cases_and_by_no_others() {
    let folder = modules::folder("kill-matrix");
    modules::run("conformance/bad/build.sh", &[folder.to_str().unwrap()]);
    let kills = self_test::modules::run(&folder.join("bad.so"), Path::new(modules::PROGRAM), 2, |_| {})
        .expect("it runs");
    assert!(kills.len() > 50, "the faults were not run");
    let wrong: String = kills
        .iter()
        .filter(|kill| !kill.is_as_expected())
        .map(|kill| format!("\n{}", self_test::line(kill)))
        .collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_case_about_modules_is_unproven() {
    assert_eq!(self_test::modules::unproven(), [""; 0]);
}
