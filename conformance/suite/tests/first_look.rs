//! What cannot be tested is told in one line, with the exit code for a command line that makes no sense, and no case is run. Must
//! not know the cases.
#![forbid(unsafe_code)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn refused(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hc-conformance")).args(arguments).output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), &*said), (Some(2), ""), "{arguments:?}: {told}");
    told.into_owned()
}

#[test]
fn a_module_that_is_not_there() {
    assert!(refused(&["module", "./nothing.so"]).contains("./nothing.so: there is no such file"));
    assert!(refused(&["fuzz", "./nothing.so"]).contains("no such file"));
}

#[test]
fn a_configuration_that_is_no_object() {
    for config in ["{bad", "[]", "1"] {
        assert!(
            refused(&["module", env!("CARGO_BIN_EXE_hc-conformance"), "--config", config])
                .contains("no JSON object"),
            "{config}"
        );
    }
}

#[test]
fn an_adapter_that_does_not_answer_or_has_no_probes() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("first-look");
    fs::create_dir_all(&folder).unwrap();
    let adapter = folder.join("adapter");
    let path = adapter.to_str().unwrap();
    let told = |text: &str| {
        fs::write(&adapter, text).unwrap();
        fs::set_permissions(&adapter, fs::Permissions::from_mode(0o755)).unwrap();
        refused(&["server", "--adapter", path, "--probes", folder.to_str().unwrap()])
    };
    assert!(refused(&["server", "--adapter", "./nothing"]).contains("the adapter does not answer"));
    assert!(told("#!/bin/sh\necho so it goes >&2\nexit 1\n").contains("so it goes"));
    assert!(told("#!/bin/sh\necho mine\n").contains("probe.so: there is no such file"));
}

#[test]
fn a_url_that_leads_nowhere() {
    assert!(refused(&["http", "--url", "nohost"]).contains("not an http:// URL"));
    assert!(refused(&["http", "--url", "https://example.org/"]).contains("not an http:// URL"));
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(refused(&["http", "--url", &format!("http://{free}/")]).contains(&free.to_string()));
}
