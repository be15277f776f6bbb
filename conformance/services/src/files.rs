//! Files that a server under another account can read. Must not know what is in them.

use crate::programs::Account;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Writes a file that nobody but that account can read.
pub fn write_private(path: &Path, content: &[u8], account: Option<Account>) {
    fs::write(path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    give(path, account);
}

/// Makes a folder that nobody but that account can look into.
pub fn make_private_folder(path: &Path, account: Option<Account>) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    give(path, account);
}

fn give(path: &Path, account: Option<Account>) {
    if let Some(account) = account {
        chown(path, Some(account.user), Some(account.group)).unwrap();
    }
}

/// Copies a folder with owners and permissions; `to` must not be there.
pub fn copy_folder(from: &Path, to: &Path) {
    let output = Command::new("cp").args(["-a", "--reflink=auto"]).args([from, to]).output().unwrap();
    assert!(output.status.success(), "cp: {}", String::from_utf8_lossy(&output.stderr));
}
