//! The licences of everything that is linked into what we ship: all must allow what ours allow. Reads what cargo says of the locked
//! dependencies; must not know which of them are good libraries.

use crate::Finding;
use serde_json::Value;

/// Licences that ask for no more than their own text to be passed on.
const ALLOWED: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Build-time tools whose licence says nothing about what they make: never linked into a server or module.
const TOOLS: [(&str, &str); 1] = [("cbindgen", "MPL-2.0")];

/// Packages with a licence that is not on the list. `metadata` is what `cargo metadata` printed.
#[must_use]
pub fn check(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let mut findings: Vec<Finding> = packages.iter().filter_map(refused).collect();
    if packages.is_empty() {
        findings.push(Finding::new("Cargo.lock", "cargo metadata names no package"));
    }
    findings
}

fn refused(package: &Value) -> Option<Finding> {
    let name = package["name"].as_str().unwrap_or("?");
    let license = package["license"].as_str().unwrap_or_default();
    let is_fine = accepts(license) || TOOLS.contains(&(name, license));
    let what =
        format!("its licence is `{license}`, which is not on the list in conformance/tidy/src/licences.rs");
    (!is_fine).then(|| Finding::new(name, what))
}

/// Whether one choice of `OR`, all of whose `AND` parts are allowed, is there.
fn accepts(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    if let Some(inner) = expression.strip_prefix('(')
        && let Some((group, rest)) = inner.split_once(") AND ")
    {
        return accepts(group) && accepts(rest);
    }
    let is_allowed = |name: &str| {
        ALLOWED.contains(&name.trim_matches(|c: char| c == '(' || c == ')' || c.is_whitespace()))
    };
    expression.split(" OR ").any(|choice| choice.split(" AND ").all(is_allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_they_are_meant() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "MIT AND ISC",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MPL-2.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND LGPL-2.1"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn a_strange_licence_is_found() {
        let metadata = serde_json::json!({"packages": [
            {"name": "a", "license": "MIT"}, {"name": "b", "license": "SSPL-1.0"}, {"name": "c", "license": null},
            {"name": "cbindgen", "license": "MPL-2.0"}, {"name": "d", "license": "MPL-2.0"},
        ]});
        let places: Vec<_> = check(&metadata).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["b", "c", "d"]);
        assert_eq!(check(&serde_json::json!({"packages": []})).len(), 1);
    }
}
