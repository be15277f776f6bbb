//! Which crate may name which: the edges of the house's plan, as a table. Reads `Cargo.toml`s; must not build anything.
//!
//! ```text
//! header => abi => host => server        abi => conformance
//! http1, scheduler => server             abi => bindings/rust => examples
//! ```
//! `http1`, `scheduler` and `host` never name each other, only `server` names all three, and nothing in `conformance` names
//! any of them: a bug that is shared would hide itself. `conformance/services` starts the databases that tests talk to: whoever
//! has tests may name it for them, and only for them.

use crate::Finding;
use crate::repository::Text;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// For each folder (`*`: any name), the crates of this repository that the crate in it may name.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("abi", &[]),
    ("bindings/generate", &["http-container-abi"]),
    ("bindings/rust", &["http-container-abi"]),
    ("conformance/*", &["http-container-abi"]),
    ("examples/*", &["http-container"]),
    // One that is there in more than one language.
    ("examples/notes/*", &["http-container"]),
    ("reference-server/bench", &["hc-services"]),
    // Modules that the bench serves: they stand where examples do.
    ("reference-server/bench/modules/*", &["http-container"]),
    ("reference-server/host", &["http-container-abi"]),
    ("reference-server/http1", &[]),
    // How providers reach servers stands below those that do.
    ("reference-server/providers/connect", &["http-container"]),
    ("reference-server/providers/*", &["hc-connect", "http-container"]),
    ("reference-server/scheduler", &[]),
    (
        "reference-server/server",
        &[
            "hc-host",
            "hc-http1",
            "hc-provider-memory",
            "hc-provider-postgres",
            "hc-provider-redis",
            "hc-provider-sqlite",
            "hc-scheduler",
            "http-container-abi",
        ],
    ),
    // Modules that tests serve: they stand where examples do.
    ("reference-server/server/tests/modules/*", &["http-container"]),
    ("", &[]),
];

/// Crates that any other may name among its dev-dependencies.
const FOR_TESTS: [&str; 1] = ["hc-services"];

/// A manifest that was read.
struct Manifest {
    folder: String,
    path: String,
    name: String,
    /// What it names: sort of dependency, package.
    dependencies: Vec<(String, String)>,
}

/// Dependencies between crates of the repository that the plan has no edge for.
#[must_use]
pub fn check(manifests: &[Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for text in manifests {
        match manifest(text) {
            Ok(manifest) => read.push(manifest),
            Err(error) => findings.push(Finding::new(&text.path, error)),
        }
    }
    let own: Vec<String> = read.iter().map(|manifest| manifest.name.clone()).collect();
    for manifest in &read {
        let Some(allowed) = allowed(&manifest.folder) else {
            let what = "no edges are said for a crate in this folder: add it to the table in conformance/tidy/src/edges.rs";
            findings.push(Finding::new(&manifest.path, what));
            continue;
        };
        for (sort, package) in &manifest.dependencies {
            let for_tests = sort == "dev-dependencies" && FOR_TESTS.contains(&package.as_str());
            // A crate may name itself among its dev-dependencies, to test itself with more features.
            let is_allowed = for_tests || allowed.contains(&package.as_str()) || *package == manifest.name;
            if own.contains(package) && !is_allowed {
                let what = format!("{sort} on {package}: the plan of the house has no such edge");
                findings.push(Finding::new(&manifest.path, what));
            }
        }
    }
    findings
}

fn allowed(folder: &str) -> Option<&'static [&'static str]> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(parent) => {
            folder.strip_prefix(parent).is_some_and(|name| !name.is_empty() && !name.contains('/'))
        }
        None => folder == pattern,
    };
    ALLOWED.iter().find(|(pattern, _)| fits(pattern)).map(|(_, allowed)| *allowed)
}

fn manifest(text: &Text) -> Result<Manifest, String> {
    let table: Table = text.text.parse().map_err(|error| format!("no TOML: {error}"))?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let folder = text.path.strip_suffix("Cargo.toml").unwrap_or(&text.path).trim_end_matches('/');
    let mut dependencies = Vec::new();
    collect(&table, &mut dependencies);
    let targets = table.get("target").and_then(Value::as_table);
    targets
        .into_iter()
        .flatten()
        .filter_map(|(_, of)| of.as_table())
        .for_each(|of| collect(of, &mut dependencies));
    Ok(Manifest {
        folder: folder.into(),
        path: text.path.clone(),
        name: name.unwrap_or_default().into(),
        dependencies,
    })
}

fn collect(table: &Table, into: &mut Vec<(String, String)>) {
    for sort in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (key, value) in table.get(sort).and_then(Value::as_table).into_iter().flatten() {
            let renamed = value.get("package").and_then(Value::as_str);
            into.push((sort.into(), renamed.unwrap_or(key).into()));
        }
    }
}

/// The packages of the repository by name, with their folders.
#[must_use]
pub fn packages(manifests: &[Text]) -> BTreeMap<String, String> {
    let named = manifests.iter().filter_map(|text| manifest(text).ok());
    named
        .filter(|manifest| !manifest.name.is_empty())
        .map(|manifest| (manifest.name, manifest.folder))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(folder: &str, name: &str, rest: &str) -> Text {
        Text::new(&format!("{folder}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{rest}"))
    }

    fn house(server: &str, host: &str, suite: &str) -> Vec<Text> {
        vec![
            crate_of("abi", "http-container-abi", ""),
            crate_of("reference-server/http1", "hc-http1", ""),
            crate_of("reference-server/scheduler", "hc-scheduler", ""),
            crate_of("reference-server/host", "hc-host", host),
            crate_of("reference-server/server", "hc-server", server),
            crate_of("conformance/suite", "hc-suite", suite),
        ]
    }

    #[test]
    fn the_plan_is_allowed() {
        let server = "[dependencies]\nhc-host.workspace = true\nhc-http1.workspace = true\nbytes = \"1\"\n";
        let abi = "[dependencies]\nhttp-container-abi.workspace = true\n";
        assert_eq!(check(&house(server, abi, abi)), []);
    }

    #[test]
    fn every_way_to_name_another_crate_is_found() {
        for host in [
            "[dependencies]\nhc-http1.workspace = true\n",
            "[dev-dependencies]\nhc-scheduler = { path = \"../scheduler\" }\n",
            "[build-dependencies]\nhc-server = { path = \"../server\" }\n",
            "[dependencies]\nparser = { package = \"hc-http1\", path = \"../http1\" }\n",
            "[target.'cfg(unix)'.dependencies]\nhc-http1.workspace = true\n",
            "[dependencies.hc-http1]\npath = \"../http1\"\n",
        ] {
            let findings = check(&house("", host, ""));
            assert_eq!(findings.len(), 1, "{host}");
            assert_eq!(findings[0].place, "reference-server/host/Cargo.toml");
        }
        assert_eq!(check(&house("", "", "[dependencies]\nhc-host.workspace = true\n")).len(), 1);
    }

    #[test]
    fn services_are_for_tests_only() {
        let with = |host: &str| {
            let mut house = house("", host, "");
            house.push(crate_of("conformance/services", "hc-services", ""));
            check(&house)
        };
        assert_eq!(with("[dev-dependencies]\nhc-services.workspace = true\n"), []);
        assert_eq!(with("[dependencies]\nhc-services.workspace = true\n").len(), 1);
    }

    #[test]
    fn a_crate_in_a_new_place_is_found() {
        assert_eq!(check(&[crate_of("reference-server/more", "hc-more", "")]).len(), 1);
        assert_eq!(check(&[Text::new("abi/Cargo.toml", "[package")]).len(), 1);
    }
}
