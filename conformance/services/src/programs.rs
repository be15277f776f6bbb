//! Where the servers' programs are, and under whose account they may run. Must not know what the programs do.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders that have all of these programs: those of `PATH` first, then the places that distributions keep out of it, the
/// newest version first.
pub fn folder_with(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.extend(versions("/usr/lib/postgresql", "bin"));
    folders.extend(versions("/usr", "bin").into_iter().filter(|folder| folder.starts_with("/usr/pgsql")));
    folders.into_iter().find(|folder| names.iter().all(|name| is_program(&folder.join(name))))
}

/// The folders `PARENT/*/NAME`, the greatest number in `*` first.
fn versions(parent: &str, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let number = |path: &PathBuf| {
        let digits: String = path
            .to_string_lossy()
            .chars()
            .filter(|letter| letter.is_ascii_digit() || *letter == '.')
            .collect();
        (digits.parse::<f64>().unwrap_or(0.0) * 100.0) as u64
    };
    found.sort_by_key(|path| std::cmp::Reverse(number(path)));
    found.into_iter().map(|path| path.join(name)).collect()
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// What a test does without a program: it fails where `HC_REQUIRE_TOOLS=1`, else it says why and is skipped.
#[track_caller]
pub fn missing(what: &str, package: &str) {
    let required = env::var("HC_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(!required, "{what} is not installed (Debian package {package})");
    println!("skipped: {what} is not installed (Debian package {package})");
}

/// An account of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Number of the user.
    pub user: u32,
    /// Number of its group.
    pub group: u32,
}

/// Whose account a server takes that refuses to run as root: `None` when the test is not root, and its own will do.
pub fn account() -> Option<Account> {
    let own = fs::metadata("/proc/self").expect("there is /proc").uid();
    if own != 0 {
        return None;
    }
    let known = fs::read_to_string("/etc/passwd").expect("there is /etc/passwd");
    let found = ["postgres", "nobody"].iter().find_map(|name| entry(&known, name));
    Some(found.expect("there is an account `postgres` or `nobody`, since PostgreSQL does not run as root"))
}

fn entry(accounts: &str, name: &str) -> Option<Account> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Some(Account { user, group }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read() {
        let text = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65533:nobody:/none:/bin/false\n";
        assert_eq!(entry(text, "nobody"), Some(Account { user: 65534, group: 65533 }));
        assert_eq!(entry(text, "nobod"), None);
    }

    #[test]
    fn programs_are_found() {
        let shell = folder_with(&["sh", "kill"]).unwrap();
        assert!(is_program(&shell.join("sh")));
        assert_eq!(folder_with(&["sh", "no-such-program"]), None);
    }
}
