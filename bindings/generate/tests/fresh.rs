//! What is committed is what the header makes. `HC_BLESS=1` rewrites it; a difference is a failure otherwise.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

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

/// One test for both files, since the second is made from the first.
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
}
