//! Every case about containers proves that it can fail: each fault of the bad container makes the expected cases fail, and no others, as
//! far as a sample tells; `hc-conformance self-test --all` runs all of them. Must not know how cases find a fault.

mod modules;

use hc_conformance::self_test::containers::{self, Bench, Extent};
use hc_conformance::self_test::{self, Kill};
use hc_conformance::{case, registry};
use std::collections::BTreeSet;
use std::path::Path;

/// Most of a run is waiting for what a fault keeps from coming.
const AT_ONCE: usize = 8;

#[test]
fn each_fault_of_a_container_is_found_by_its_cases_and_by_no_others() {
    let (faulty, probes) = (modules::folder("bad-containers"), modules::folder("bad-containers-probes"));
    modules::run("conformance/bad/build.sh", &[faulty.to_str().unwrap()]);
    modules::run("conformance/probes/build.sh", &[probes.to_str().unwrap()]);
    let bench = Bench::of(modules::root(), &faulty, &probes, &modules::reference_server());
    let kills = containers::run(&bench, Path::new(modules::PROGRAM), AT_ONCE, Extent::Sample, &[], |_| {})
        .expect("the adapter answers");
    assert!(kills.len() > 100, "the faults were not run");
    let is_wrong = |kill: &&Kill| !kill.is_as_expected();
    let wrong: String =
        kills.iter().filter(is_wrong).map(|kill| format!("\n{}", self_test::line(kill))).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_case_about_containers_is_unproven() {
    assert_eq!(containers::unproven(), [""; 0]);
}

#[test]
fn faults_of_containers_name_cases_that_there_are() {
    let cases: BTreeSet<&str> = registry::all().iter().map(|case: &case::Case| case.name).collect();
    let mut names = BTreeSet::new();
    for fault in containers::faults() {
        assert!(names.insert(fault.name), "{} is there twice", fault.name);
        assert!(!fault.expected.is_empty(), "{} makes no case fail", fault.name);
        let named = fault.expected.iter().chain(fault.sometimes).filter(|case| !case.ends_with('*'));
        let unknown: Vec<_> = named.filter(|case| !cases.contains(*case)).collect();
        assert!(unknown.is_empty(), "{}: there are no cases {unknown:?}", fault.name);
    }
}
