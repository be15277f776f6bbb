//! What cargo says of the workspace and its locked dependencies. Must not know what is asked of them.

use crate::Repository;
use serde_json::Value;
use std::process::Command;

/// What `cargo metadata` prints.
///
/// # Panics
/// When cargo cannot say it, for one since `Cargo.lock` is not up to date.
#[must_use]
pub fn metadata(repository: &Repository) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(repository.root())
        .output()
        .expect("cargo must be there");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}
