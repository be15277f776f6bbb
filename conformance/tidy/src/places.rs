//! What may stand at the top of the house. Must not know what is inside the rooms.

use crate::Finding;

/// Folders and files at the top; beside them, names that begin with a dot.
pub const TOP: [&str; 14] = [
    "abi",
    "bindings",
    "conformance",
    "examples",
    "reference-server",
    "spec",
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
];

/// Folder and file names that say nothing of what is in them.
const VAGUE: [&str; 6] = ["utils", "util", "common", "misc", "manager", "helpers"];

/// Paths with another name at the top, or with a name that says nothing.
#[must_use]
pub fn check(paths: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in paths {
        let top = path.split('/').next().unwrap_or(path);
        if !top.starts_with('.') && !TOP.contains(&top) {
            findings.push(Finding::new(path, "no such name may stand at the top: put it where it belongs"));
        }
        let names = path.split('/').map(|name| name.split('.').next().unwrap_or(name));
        if let Some(vague) = names.into_iter().find(|name| VAGUE.contains(name)) {
            findings.push(Finding::new(path, format!("`{vague}` says nothing: name the idea")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_and_vague_names_are_found() {
        let bad = ["docs/a.md", "notes.txt", "abi/src/utils.rs", "spec/common/x.md"].map(str::to_owned);
        assert_eq!(check(&bad).len(), 4);
        let good = ["spec/text/01-overview.md", ".ci/run", "Makefile", "abi/src/lib.rs"].map(str::to_owned);
        assert_eq!(check(&good), []);
    }
}
