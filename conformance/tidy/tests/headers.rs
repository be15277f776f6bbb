//! Each header of the specification compiles alone, as C99 and as C++11, with every warning an error, under every compiler here. The C
//! compiler must be there; others too where `HC_REQUIRE_TOOLS=1`.

use hc_tidy::Repository;
use std::env;
use std::path::Path;
use std::process::Command;

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];

/// What the compiler says against a text: nothing when it is well. `None` when there is no such compiler.
fn complaints(compiler: &str, standard: &[&str], include: &Path, text: &Path) -> Option<String> {
    let output = Command::new(compiler).args(standard).args(STRICT).arg("-I").arg(include).arg(text).output();
    match output {
        Ok(output) if output.status.success() => Some(String::new()),
        Ok(output) => Some(format!("{compiler}: {}", String::from_utf8_lossy(&output.stderr))),
        Err(_) if compiler != "cc" && env::var("HC_REQUIRE_TOOLS").is_ok_and(|value| value == "1") => {
            panic!("{compiler} is not installed")
        }
        Err(_) => None,
    }
}

fn compile_each(extension: &str, compilers: &[&str], standard: &[&str]) -> usize {
    let repository = Repository::open();
    let include = repository.root().join("spec/include");
    let folder = env::temp_dir().join(format!("hc-tidy-{}-{extension}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut count = 0;
    for header in repository.files().iter().filter_map(|path| path.strip_prefix("spec/include/")) {
        let text = folder.join(format!("alone.{extension}"));
        // Twice, so that a missing guard shows.
        std::fs::write(&text, format!("#include <{header}>\n#include <{header}>\ntypedef int not_empty;\n"))
            .unwrap();
        for compiler in compilers {
            if let Some(complaint) = complaints(compiler, standard, &include, &text) {
                assert_eq!(complaint, "", "{header}");
                count += 1;
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    count
}

#[test]
fn every_header_is_c99_alone() {
    assert!(compile_each("c", &["cc", "gcc", "clang"], &["-std=c99", "-Wc++-compat"]) > 0);
}

#[test]
fn every_header_is_cxx11_alone() {
    compile_each("cpp", &["g++", "clang++"], &["-std=c++11"]);
}

#[test]
fn a_bad_header_is_refused() {
    let folder = env::temp_dir().join(format!("hc-tidy-{}-bad", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = folder.join("bad.c");
    for bad in [
        "uint32_t size;\n",
        "int a(void) { return 1; };\n",
        "struct new { int class; } x;\nvoid *f(void);\nint *g(void) { return f(); }\n",
    ] {
        std::fs::write(&text, bad).unwrap();
        assert_ne!(complaints("cc", &["-std=c99", "-Wc++-compat"], &folder, &text).unwrap(), "", "{bad}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
