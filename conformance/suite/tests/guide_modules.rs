//! The modules that the guide to the first module shows pass the kit: who begins with one of them begins with nothing to mend. Must
//! not know what they do.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::Command;

const GUIDE: &str = include_str!("../../../spec/text/00-first-module.md");

/// The texts in C that are whole modules.
fn shown() -> impl Iterator<Item = &'static str> {
    let blocks = GUIDE.split("```c\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.contains("HC_MODULE_ENTRY ="))
}

#[test]
fn the_modules_of_the_guide_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide-modules");
    fs::create_dir_all(&folder).unwrap();
    for (number, text) in shown().enumerate() {
        let [source, library] = ["c", "so"].map(|end| folder.join(format!("{number}.{end}")));
        fs::write(&source, text).unwrap();
        let compiler = Command::new("cc")
            .args(["-std=c99", "-shared", "-fPIC", "-pthread", "-I"])
            .arg(root.join("spec/include"))
            .arg(&source)
            .arg("-o")
            .arg(&library)
            .status();
        assert!(compiler.unwrap().success(), "{text}");
        let mut kit = Command::new(env!("CARGO_BIN_EXE_hc-conformance"));
        let told = kit.arg("module").arg(&library).args(["--seeds", "1..3", "-j", "2"]).output().unwrap();
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains(" 0 fail, 0 crash"), "{text}\n{told}");
    }
    assert!(shown().count() >= 6, "the guide shows a module for each of its ideas");
}
