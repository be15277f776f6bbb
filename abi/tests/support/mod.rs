//! What the tests share: a scratch directory of their own, and the C compiler.
#![allow(dead_code)]

pub mod fake_host;
pub mod fake_resources;
pub mod recorder;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory of this test's own, emptied; under cargo's directory for tests.
pub fn scratch(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).expect("the scratch directory can be made");
    place
}

/// The directory of the header.
pub fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/include")
}

/// Runs the C compiler as strictly as the standard asks; panics with its words.
pub fn cc(source: &str, output: &Path, arguments: &[&str]) {
    let file = output.with_extension("c");
    std::fs::write(&file, source).expect("the source can be written");
    let run = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(include())
        .args(arguments)
        .arg("-o")
        .arg(output)
        .arg(&file)
        .output()
        .expect("a C compiler is installed (cc, or the variable CC)");
    assert!(run.status.success(), "{}\n{source}", String::from_utf8_lossy(&run.stderr));
}

/// Makes a shared library of C source.
pub fn shared_library(place: &Path, name: &str, source: &str) -> PathBuf {
    let output = place.join(format!("{name}.so"));
    cc(source, &output, &["-shared", "-fPIC"]);
    output
}
