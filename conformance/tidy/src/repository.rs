//! The tracked files of this repository, and their texts. Must not know what is checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A checkout.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    files: Vec<String>,
}

/// A file with its text.
#[derive(Clone, Debug)]
pub struct Text {
    /// The path from the root, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Text {
    /// A text that is not in a file, for the tests of checks.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Text {
        Text { path: path.into(), text: text.into() }
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

impl Repository {
    /// The checkout that this crate lies in.
    ///
    /// # Panics
    /// When git does not say what is tracked: the rules are about tracked files.
    #[must_use]
    pub fn open() -> Repository {
        let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = crate_root.ancestors().nth(2).expect("the crate lies in conformance/tidy").to_path_buf();
        let listed = Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(&root)
            .output()
            .expect("git must be there: it knows which files are tracked");
        assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let names = String::from_utf8(listed.stdout).expect("paths are UTF-8");
        let is_there = |path: &&str| !path.is_empty() && root.join(path).is_file();
        let files = names.split('\0').filter(is_there).map(str::to_owned).collect();
        Repository { root, files }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every tracked path, from the root.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The text of a file.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(&self, path: &str) -> Text {
        let text = fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Text { path: path.into(), text }
    }

    /// All tracked files that are text, below one of the folders (`""`: everywhere), with one of the endings (`""`: all).
    #[must_use]
    pub fn texts(&self, folders: &[&str], endings: &[&str]) -> Vec<Text> {
        let chosen = |path: &&String| {
            folders.iter().any(|folder| path.starts_with(folder))
                && endings.iter().any(|ending| path.ends_with(ending))
        };
        let text = |path: &String| {
            let bytes = fs::read(self.root.join(path)).ok()?;
            Some(Text { path: path.clone(), text: String::from_utf8(bytes).ok()? })
        };
        self.files.iter().filter(chosen).filter_map(text).collect()
    }
}
