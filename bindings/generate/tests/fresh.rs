//! What is committed is what the header makes. `HC_BLESS=1` rewrites it; a difference is a failure otherwise.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use hc_generate::python::{constants_text, declarations_text};
use hc_generate::raw::{RawError, raw_text};
use hc_generate::roundtrip::header_text;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a committed file with what it has to be, or rewrites it when that is asked for.
fn check(path: &str, wanted: &str) {
    let file = root().join(path);
    if std::env::var_os("HC_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, wanted).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = committed.lines().zip(wanted.lines()).position(|(committed, wanted)| committed != wanted);
    let at = differs.unwrap_or_else(|| committed.lines().count().min(wanted.lines().count())) + 1;
    assert!(
        committed == wanted,
        "{path} is stale at line {at}: run HC_BLESS=1 cargo test -p hc-generate, and read the diff"
    );
}

/// The texts of the specification's headers, in the order in which they are read.
fn headers() -> Vec<String> {
    let include = root().join("spec/include/http_container");
    let core = ["base", "status", "types", "event", "request", "response", "host", "module"];
    let mut extensions: Vec<PathBuf> =
        std::fs::read_dir(include.join("ext")).unwrap().map(|entry| entry.unwrap().path()).collect();
    extensions.sort();
    let core = core.iter().map(|name| include.join(format!("{name}.h")));
    core.chain(extensions).map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// One test for all files, since each is made from the one before.
#[test]
fn generated_files_are_fresh() {
    match raw_text(&root().join("spec/include")) {
        Ok(text) => check("abi/src/raw.rs", &text),
        Err(why @ RawError::NoLibclang(_)) => {
            let strict = ["CI", "HC_BLESS"].iter().any(|name| std::env::var_os(name).is_some());
            assert!(!strict, "abi/src/raw.rs cannot be compared with the header: {why}");
            eprintln!("not compared: abi/src/raw.rs with the header: {why}");
        }
        Err(why) => panic!("{why}"),
    }
    let header = header_text(&root().join("abi/src/raw.rs")).expect("cbindgen reads raw.rs");
    check("bindings/generate/roundtrip/http_container_roundtrip.h", &header);
    let raw = std::fs::read_to_string(root().join("abi/src/raw.rs")).unwrap();
    check("bindings/python/http_container/declarations.py", &declarations_text(&header, &headers()));
    check("bindings/python/http_container/constants.py", &constants_text(&raw, &headers()));
}
