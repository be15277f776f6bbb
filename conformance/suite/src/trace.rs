//! Which rule is tested by which cases: read out of the cases themselves. Must not know what rules say.

use crate::registry;
use std::collections::BTreeMap;
use std::fmt::Write;

/// For each rule that some case names, the cases: subject and name.
#[must_use]
pub fn by_rule() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut by_rule: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for case in registry::all() {
        for rule in case.rules {
            by_rule.entry(*rule).or_default().push((case.subject.name(), case.name));
        }
    }
    by_rule
}

/// The table: a line for each rule and case, `rule TAB subject TAB case`.
#[must_use]
pub fn table() -> String {
    let mut table = String::new();
    for (rule, cases) in by_rule() {
        for (subject, case) in cases {
            let _ = writeln!(table, "{rule}\t{subject}\t{case}");
        }
    }
    table
}
