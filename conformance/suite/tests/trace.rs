//! The table of rules and cases that lies in the repository is that of the program; `HC_BLESS=1` writes it anew.

use hc_conformance::{case, registry, trace};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_table_in_the_repository_is_that_of_the_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("trace.tsv");
    if std::env::var_os("HC_BLESS").is_some() {
        fs::write(&path, trace::table()).expect("the table can be written");
    }
    let kept = fs::read_to_string(&path).expect("the table is there");
    assert!(
        kept == trace::table(),
        "conformance/suite/trace.tsv is old: HC_BLESS=1 cargo test -p hc-conformance"
    );
}

#[test]
fn cases_are_well_named() {
    let mut names = BTreeSet::new();
    for case in registry::all() {
        let is_kebab = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(case.name.split('-').all(is_kebab), "{}", case.name);
        assert!(names.insert((case.subject, case.name)), "{} is there twice", case.name);
        assert!(case::SECTIONS.contains(&case.section), "{}: no section {}", case.name, case.section);
        assert!(!case.rules.is_empty() || case.section == "http", "{} verifies no rule", case.name);
    }
}
