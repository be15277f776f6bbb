//! What the guides and the chapters show in code, taken out of them word for word: it must build without a warning, and whole
//! modules must load.

use hc_tidy::{Repository, code_blocks};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A folder for one test, emptied first and removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = env::temp_dir().join(format!("hc-tidy-guides-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The blocks of a text that are whole modules.
fn modules(repository: &Repository, path: &str, language: &str, mark: &str) -> Vec<String> {
    let blocks = code_blocks::of(&repository.read(path), language).into_iter();
    let whole: Vec<String> = blocks.filter(|block| block.contains(mark)).collect();
    assert!(!whole.is_empty(), "{path} shows no whole module in {language}");
    whole
}

fn run(command: &mut Command, text: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} refuses:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn compile_c(repository: &Repository, source: &str, folder: &Path) -> PathBuf {
    let (text, library) = (folder.join("module.c"), folder.join("module.so"));
    fs::write(&text, source).unwrap();
    let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC", "-pthread"];
    let mut compiler = Command::new("cc");
    compiler.args(strict).arg("-I").arg(repository.root().join("spec/include"));
    run(compiler.arg(&text).arg("-o").arg(&library), source);
    library
}

/// The id of the module in a library, from its entry and from its note, which must agree.
fn id(library: &Path) -> String {
    let loaded = http_container_abi::load(library).unwrap();
    let note = http_container_abi::read_note(library).unwrap();
    let id = loaded.table.info().id.to_string();
    assert_eq!(note.id, id, "the note and the entry name the module in two ways");
    id
}

#[test]
fn the_c_module_of_the_front_page() {
    let repository = Repository::open();
    let folder = Folder::new("c");
    let shown = modules(&repository, "README.md", "c", "HC_MODULE_ENTRY");
    assert_eq!(shown.len(), 1);
    assert_eq!(id(&compile_c(&repository, &shown[0], &folder.0)), "org.example.hello");
}

#[test]
fn the_c_modules_of_the_chapters() {
    let repository = Repository::open();
    let mut count = 0;
    for chapter in repository.texts(&["spec/text/"], &[".md"]) {
        for shown in code_blocks::of(&chapter, "c") {
            let folder = Folder::new(&format!("chapter-{count}"));
            if shown.contains("HC_MODULE_ENTRY =") && shown.contains("#include") {
                assert!(id(&compile_c(&repository, &shown, &folder.0)).starts_with("org.example."));
                count += 1;
            } else if shown.contains("#include <http_container.h>") {
                compile_c(&repository, &shown, &folder.0);
                count += 1;
            }
        }
    }
    assert!(count > 10, "the chapters show {count} texts in C that can be compiled");
}

#[test]
fn the_rust_module_of_the_front_page() {
    let repository = Repository::open();
    let shown = modules(&repository, "README.md", "rust", "module!");
    assert_eq!(shown.len(), 1);
    assert!(shown[0].lines().count() <= 15, "a hello has at most 15 lines");

    let folder = Folder::new("rust");
    let binding = repository.root().join("bindings/rust");
    let manifest = format!(
        "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nhttp-container = {{ path = {binding:?} }}\n\n[workspace]\n"
    );
    fs::create_dir_all(folder.0.join("src")).unwrap();
    fs::write(folder.0.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.0.join("src/lib.rs"), &shown[0]).unwrap();
    // The versions that the repository is locked to, which are here already.
    fs::copy(repository.root().join("Cargo.lock"), folder.0.join("Cargo.lock")).unwrap();

    // Beside the other builds, so that dependencies are compiled once for all runs of this test.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guides");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--offline"]).current_dir(&folder.0).env("CARGO_TARGET_DIR", &target);
    run(build.env("RUSTFLAGS", "-D warnings"), &shown[0]);
    assert_eq!(id(&target.join("debug/libhello.so")), "org.example.hello");
}
