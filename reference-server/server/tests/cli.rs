//! The program itself: help, mistakes on the command line, `check` and `inspect` on libraries that the test compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Run the program in that folder.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hc-server")).args(arguments).current_dir(folder).output().unwrap()
}

/// What it said, where, and its exit code; paths are shown without the folder.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let code = output.status.code().expect("it ends by itself");
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_owned()).unwrap().replace(folder.to_str().unwrap(), "FOLDER")
    };
    let mut told = format!("exit {code}\n");
    for (name, bytes) in [("out", &output.stdout), ("err", &output.stderr)] {
        for line in text(bytes).lines() {
            told += &format!("{name}: {line}\n");
        }
    }
    told
}

/// A module in C that does nothing, and what it says about itself.
const MODULE: &str = r#"
#include <http_container.h>
static hc_status start(void *i, void *w, hc_task t, const hc_start *s, void **state) {
  (void)i; (void)w; (void)t; (void)s; (void)state;
  return HC_E_FAILED;
}
#define SCHEMA "{\"type\":\"object\",\"properties\":{\"greeting\":{\"type\":\"string\"}}}"
const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(FLAGS), 0, "org.example.probe", "1.2.3", "Does nothing.", SCHEMA,
                                   NULL, NULL, NULL, NULL, start, NULL, NULL};
#ifdef NOTE
HC_MODULE_NOTE("org.example.probe", "1.2.3", FLAGS, SCHEMA);
#endif
"#;

/// Compile it; fails the test with the compiler's words.
fn compile(folder: &Path, name: &str, source: &str, defines: &[&str]) {
    let source_file = folder.join(format!("{name}.c"));
    fs::write(&source_file, source).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/include");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-shared", "-fPIC", "-I"]).arg(include).args(defines);
    let output = compiler.arg(source_file).arg("-o").arg(folder.join(name)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn help_and_version() {
    let folder = folder("help");
    for (arguments, snapshot) in [
        (&["--help"][..], "help"),
        (&["run", "--help"], "help-run"),
        (&["help", "check"], "help-check"),
        (&["inspect", "-h"], "help-inspect"),
    ] {
        insta::assert_snapshot!(snapshot, told(&folder, arguments));
    }
    let version = format!("exit 0\nout: hc-server {} (HTTP Container ABI 1.0)\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(told(&folder, &["--version"]), version);
    assert_eq!(told(&folder, &["version"]), version);
    assert_eq!(told(&folder, &["help"]), told(&folder, &["-h"]));
}

#[test]
fn mistakes_on_the_command_line() {
    let folder = folder("mistakes");
    let cases: &[&[&str]] = &[
        &[],
        &["--vresion"],
        &["-x"],
        &["runn", "a.toml"],
        &["a.toml"],
        &["./libhello.so"],
        &["something-else"],
        &["help", "inspct"],
        &["run"],
        &["run", "a.toml", "b.toml"],
        &["run", "a.toml", "--module", "x.so"],
        &["run", "a.toml", "--config", "{}"],
        &["run", "--module"],
        &["run", "--modul", "x.so"],
        &["run", "-z"],
        &["run", "--module", "x.so", "--workers", "0"],
        &["run", "--module", "x.so", "--workers", "many"],
        &["run", "--module", "x.so", "--workers", "1", "-w2"],
        &["run", "--module", "x.so", "--log-level", "inf"],
        &["run", "--module", "x.so", "--access-log=apache"],
        &["run", "--module", "x.so", "--listen", "8080"],
        &["run", "--module", "x.so", "--listen", "[::]:1", "--listen", "[::]:1"],
        &["run", "--module", "x.so", "--config", "{\"a\": }"],
        &["run", "--module", "x.so", "--status-path", "status"],
        &["check"],
        &["check", "--json", "a.toml"],
        &["check", "no-such.toml"],
        &["inspect"],
        &["inspect", "--jsno"],
        &["inspect", "--json=1", "x.so"],
        &["inspect", "a.so", "b.so"],
    ];
    let told: Vec<String> =
        cases.iter().map(|case| format!("$ hc-server {}\n{}", case.join(" "), told(&folder, case))).collect();
    assert_eq!(told.iter().find(|told| !told.contains("\nexit 2\n")), None);
    insta::assert_snapshot!("mistakes", told.join("\n"));
}

#[test]
fn inspect_reads_the_note_and_runs_nothing() {
    let folder = folder("inspect_note");
    // Loading this one would end the process.
    let deadly = format!(
        "#include <stdlib.h>\n__attribute__((constructor)) static void die(void) {{ abort(); }}\n{MODULE}"
    );
    compile(&folder, "probe.so", &deadly, &["-DNOTE", "-DFLAGS=HC_MODULE_THREAD_BOUND|HC_MODULE_MIGRATES"]);
    insta::assert_snapshot!("inspect-note", told(&folder, &["inspect", "./probe.so"]));
    insta::assert_snapshot!("inspect-note-json", told(&folder, &["inspect", "--json", "probe.so"]));
}

#[test]
fn inspect_asks_the_entry_when_there_is_no_note() {
    let folder = folder("inspect_entry");
    compile(&folder, "probe.so", MODULE, &["-DFLAGS=0"]);
    insta::assert_snapshot!("inspect-entry", told(&folder, &["inspect", "probe.so"]));
    let json = run(&folder, &["inspect", "--json", "probe.so"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (json["source"].as_str(), json["description"].as_str()),
        (Some("entry"), Some("Does nothing."))
    );
    assert_eq!(json["config_schema"]["properties"]["greeting"]["type"], "string");
    assert_eq!((&json["flags"], &json["abi"]["major"]), (&serde_json::json!([]), &serde_json::json!(1)));
}

#[test]
fn inspect_shows_the_numbers_of_another_major_version() {
    let folder = folder("inspect_foreign");
    let foreign = "#include <http_container.h>\n#undef HC_ABI_MAJOR\n#define HC_ABI_MAJOR 9\n\
                   HC_MODULE_NOTE(\"org.example.future\", \"1\", 0x80000004u, \"\");\n";
    compile(&folder, "foreign.so", foreign, &[]);
    insta::assert_snapshot!("inspect-foreign", told(&folder, &["inspect", "foreign.so"]));
    let json = run(&folder, &["inspect", "--json", "foreign.so"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["id"], &json["abi"]["major"]), (&serde_json::Value::Null, &serde_json::json!(9)));
}

/// What a file says that nobody trusts yet is shown, and steers no terminal.
#[test]
fn inspect_shows_a_strange_note() {
    let folder = folder("inspect_strange");
    let note = |id: &str, schema: &str| {
        format!("#include <http_container.h>\nHC_MODULE_NOTE(\"{id}\", \"1\", 0, \"{schema}\");\n")
    };
    compile(&folder, "schema.so", &note("org.example.strange", "{not\\x1b[2J\\njson"), &[]);
    insta::assert_snapshot!("inspect-strange-schema", told(&folder, &["inspect", "schema.so"]));
    let json = told(&folder, &["inspect", "--json", "schema.so"]);
    assert!(json.contains(r#""config_schema": "{not\u001b[2J\njson""#), "{json}");
    compile(&folder, "id.so", &note("\\x1b[2J", ""), &[]);
    insta::assert_snapshot!("inspect-strange-id", told(&folder, &["inspect", "id.so"]));
}

#[test]
fn inspect_of_what_is_no_module() {
    let folder = folder("inspect_no_module");
    compile(&folder, "library.so", "int nothing;", &[]);
    fs::write(folder.join("text.so"), "not a library").unwrap();
    let files = ["missing.so", "text.so", "library.so", "."];
    let told: Vec<String> = files.iter().map(|file| told(&folder, &["inspect", file])).collect();
    assert_eq!(told.iter().find(|told| !told.starts_with("exit 1\nerr: hc-server: ")), None);
    insta::assert_snapshot!("inspect-no-module", told.join("\n"));
}

/// A library in the place of a configuration is an easy slip; none of its bytes may reach a terminal.
#[test]
fn a_module_in_the_place_of_a_configuration() {
    let folder = folder("module-as-configuration");
    compile(&folder, "probe.so", MODULE, &["-DFLAGS=0"]);
    for command in ["run", "check"] {
        let told = told(&folder, &[command, "probe.so"]);
        assert!(told.starts_with("exit 2\n") && told.contains("probe.so: is no text"), "{told}");
        assert!(told.contains("say `hc-server run --module probe.so`") && told.len() < 300, "{told}");
    }
}

#[test]
fn check_shows_what_would_be_served() {
    let folder = folder("check_good");
    fs::create_dir(folder.join("modules")).unwrap();
    compile(&folder, "modules/probe.so", MODULE, &["-DNOTE", "-DFLAGS=0"]);
    let config = r#"
listen = ["127.0.0.1:8080", "unix:hc.sock"]
workers = 2
[status]
listen = "127.0.0.1:9901"
[[module]]
name = "auth"
path = "modules/probe.so"
[[module]]
name = "app"
path = "modules/probe.so"
[[module]]
name = "idle"
path = "modules/probe.so"
[resource."store"]
path = "modules/probe.so"
url = "store://user:hunter2@host/"
max = 1
[resource."queue"]
path = "modules/probe.so"
[[route]]
path = "/"
module = "app"
[[route]]
host = "*.example.org"
path = "/api"
modules = ["auth", "app"]
body = "complete"
body_bytes = 100
partition = { key = "cookie:session" }
resources = ["queue", "store"]
"#;
    fs::write(folder.join("good.toml"), config).unwrap();
    insta::assert_snapshot!("check-good", told(&folder, &["check", "good.toml"]));
    // Paths are those of the file's folder, wherever the program runs.
    let elsewhere = run(Path::new("/"), &["check", folder.join("good.toml").to_str().unwrap()]);
    assert!(elsewhere.status.success());
}

#[test]
fn check_notes_what_a_module_says_of_itself_and_should_not() {
    let folder = folder("check_notes");
    let source = MODULE.replace(
        "HC_MODULE_NOTE(\"org.example.probe\", \"1.2.3\"",
        "HC_MODULE_NOTE(\"org.example.probe\", \"1.2.4\"",
    );
    let source = source.replace("\\\"object\\\",\\\"properties\\\"", "\\\"array\\\",\\\"properties\\\"");
    compile(&folder, "odd.so", &source, &["-DNOTE", "-DFLAGS=0"]);
    let config = "[[module]]\nname = \"odd\"\npath = \"odd.so\"\n[[route]]\npath = \"/\"\nmodule = \"odd\"\n";
    fs::write(folder.join("odd.toml"), config).unwrap();
    let told = told(&folder, &["check", "odd.toml"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    for words in ["different versions [note.agrees]", "describes \"array\"", "[configuration.schema.form]"] {
        assert!(told.contains(words), "{words} is missing:\n{told}");
    }
}

#[test]
fn check_tells_of_every_module_that_does_not_load() {
    let folder = folder("check_bad");
    compile(&folder, "probe.so", MODULE, &["-DFLAGS=0"]);
    compile(&folder, "old.so", MODULE, &["-DFLAGS=0x40000000"]);
    let config = "[[module]]\nname = \"good\"\npath = \"probe.so\"\n[[module]]\nname = \"gone\"\npath = \"gone.so\"\n\
                  [[module]]\nname = \"old\"\npath = \"old.so\"\n[resource.lost]\npath = \"lost.so\"\n[[route]]\npath = \"/\"\nmodule = \"good\"\n";
    fs::write(folder.join("bad.toml"), config).unwrap();
    insta::assert_snapshot!("check-bad-modules", told(&folder, &["check", "bad.toml"]));
    fs::write(folder.join("wrong.toml"), config.replace("path = \"gone.so\"", "pth = \"gone.so\"")).unwrap();
    insta::assert_snapshot!("check-wrong-file", told(&folder, &["check", "wrong.toml"]));
}

#[test]
fn a_log_that_cannot_be_opened() {
    let folder = folder("log");
    let config = "[log]\nerror_path = \"no/such/folder/error.log\"\n[[module]]\nname = \"a\"\npath = \"a.so\"\n\
                  [[route]]\npath = \"/\"\nmodule = \"a\"\n";
    fs::write(folder.join("log.toml"), config).unwrap();
    insta::assert_snapshot!(told(&folder, &["run", "log.toml"]), @r"
    exit 1
    err: hc-server: cannot open the log `./no/such/folder/error.log`: No such file or directory (os error 2); make its folder first
    ");
}
