//! What the tests need built: probe modules in C, the examples in C and in Rust. Each is built once a run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The server's program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hc-server");

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of this run's own below the one that cargo gives tests; made if it is not there.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A probe module: `tests/modules/NAME.c`, compiled with every warning an error.
pub fn probe(name: &str) -> PathBuf {
    variant(name, name, &[])
}

/// A probe module with definitions of its own, under the name `built`.
pub fn variant(name: &str, built: &str, definitions: &[&str]) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut known = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(path) = known.get(built) {
        return path.clone();
    }
    let path = folder("modules").join(format!("{built}.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/modules/{name}.c"));
    let mut compiler = Command::new("cc");
    compiler.args([
        "-std=c99",
        "-D_POSIX_C_SOURCE=200809L",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-O1",
        "-g",
    ]);
    compiler.args(["-fvisibility=hidden", "-shared", "-fPIC", "-pthread"]).args(definitions);
    compiler.arg("-I").arg(repository().join("spec/include"));
    compiler.arg("-I").arg(repository().join("bindings/c/include"));
    succeed(compiler.arg("-o").arg(&path).arg(source));
    known.insert(built.to_owned(), path.clone());
    path
}

/// An example in C, compiled by the examples' own script: `hello_c`, `sleep`, `foreign_thread`, `slow_reader`, `gallery`,
/// `notes_c`.
pub fn example_in_c(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let out = folder("examples");
        succeed(Command::new("sh").arg(repository().join("examples/build.sh")).arg(&out));
        out
    });
    folder.join(format!("{name}.so"))
}

/// A module in Rust, by the name of its package and library. Hashes are optimised, so that a gibibyte takes seconds.
pub fn rust_module(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let profile = Path::new(PROGRAM).parent().expect("the program is in the folder of its profile");
        let target = profile.parent().expect("that is in the target folder");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--target-dir"]).arg(target).current_dir(repository());
        build.args(["--config", "profile.dev.package.sha2.opt-level=3"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        succeed(build.args([
            "-p",
            "echo_stream",
            "-p",
            "upload_hash",
            "-p",
            "hello_rust",
            "-p",
            "panics",
            "-p",
            "middleware",
            "-p",
            "fetch",
            "-p",
            "notes_rust",
        ]));
        profile.to_owned()
    });
    folder.join(format!("lib{name}.so"))
}
