//! Writes the rendered specification, and puts the pages of rustdoc beside it: `hc-docs OUT RUSTDOC`. It makes no decision about what
//! pages say.
#![forbid(unsafe_code)]

use hc_tidy::traces::{self, Traces};
use hc_tidy::{Repository, book};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(out), Some(rustdoc), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: hc-docs OUT RUSTDOC");
        return ExitCode::from(2);
    };
    match write(&out, &rustdoc) {
        Ok(()) => {
            println!("{}", out.join("index.html").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("hc-docs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(out: &Path, rustdoc: &Path) -> io::Result<()> {
    let repository = Repository::open();
    let chapters = repository.texts(&["spec/text/"], &[".md"]);
    let headers = repository.texts(&["spec/include/"], &[".h"]);
    let traces = Traces::parse(&repository.read(traces::TABLE).text);
    let pages = book::render(&repository.read("spec/README.md"), &chapters, &headers, &traces);
    let copied = out.join("rust");
    if copied.exists() {
        fs::remove_dir_all(&copied)?;
    }
    copy(rustdoc, &copied)?;
    for page in &pages {
        fs::write(out.join(&page.name), &page.html)?;
    }
    let beside: Vec<String> = repository_pages(&copied)?;
    let beside: Vec<&str> = beside.iter().map(String::as_str).collect();
    match &book::broken_links(&pages, &beside)[..] {
        [] => Ok(()),
        broken => Err(io::Error::other(format!("links that lead nowhere:\n  {}", broken.join("\n  ")))),
    }
}

/// The front pages of the crates, as the book would point at them.
fn repository_pages(rust: &Path) -> io::Result<Vec<String>> {
    let folders =
        fs::read_dir(rust)?.filter_map(Result::ok).filter(|entry| entry.path().join("index.html").is_file());
    Ok(folders.map(|entry| format!("rust/{}/index.html", entry.file_name().to_string_lossy())).collect())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
