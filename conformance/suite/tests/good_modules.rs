//! The examples keep the rules: every case passes, or does not apply; and what the program prints and answers.

mod modules;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

/// Seeds with which the examples are run.
const SEEDS: &str = "1..8";

fn conformance(arguments: &[&str]) -> Output {
    Command::new(modules::PROGRAM).args(arguments).output().expect("the program runs")
}

/// All cases pass, warn or do not apply, and at least so many pass.
fn holds_with(module: &Path, more: &[&str], least: usize) {
    let plain = ["module", module.to_str().unwrap(), "--seeds", SEEDS, "-j", "2"];
    let output = conformance(&[&plain[..], more].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains(" 0 fail, 0 crash"), "{text}");
    let sum = text.lines().last().unwrap_or_default();
    let passed =
        sum.split_whitespace().zip(sum.split_whitespace().skip(1)).find(|(_, word)| *word == "pass,");
    let passed: usize = passed.and_then(|(count, _)| count.parse().ok()).unwrap_or(0);
    assert!(passed >= least, "{passed} cases passed of {least}: the others do not apply\n{text}");
}

fn holds(module: &Path) {
    holds_with(module, &[], 20);
}

/// Paths of the site of notes.
const NOTES: [&str; 8] =
    ["--path", "/", "--path", "/api/notes", "--path", "/api/notes?q=a", "--path", "/api/notes/7"];

#[test]
fn examples_in_c_keep_the_rules() {
    let folder = modules::folder("good-modules");
    let names = ["hello-c", "sleep", "foreign-thread", "slow-reader", "gallery"];
    modules::run("examples/build.sh", &[&[folder.to_str().unwrap()], &names[..], &["notes-c"]].concat());
    names.iter().for_each(|name| holds(&folder.join(format!("{}.so", name.replace('-', "_")))));
    holds_with(&folder.join("notes_c.so"), &NOTES, 30);
}

#[test]
fn examples_in_rust_keep_the_rules() {
    let names = ["hello_rust", "echo_stream", "upload_hash"];
    let folder = modules::rust_examples(&[&names[..], &["notes_rust", "middleware", "fetch"]].concat());
    names.iter().for_each(|name| holds(&folder.join(format!("lib{name}.so"))));
    holds_with(&folder.join("libnotes_rust.so"), &NOTES, 30);
    let guard = ["--config", "{\"token\": \"secret\"}", "--field", "authorization: Bearer secret"];
    holds_with(&folder.join("libmiddleware.so"), &guard, 28);
    let config = format!("{{\"upstream\": \"http://{}/\"}}", upstream());
    let sections =
        ["--section", "waiting", "--section", "threads", "--section", "resources", "--seeds", "1..2"];
    holds_with(&folder.join("libfetch.so"), &[&["--config", &config][..], &sections[..]].concat(), 6);
}

/// A server of HTTP that answers each connection once, as long as the process lives; its address.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut bytes = [0; 1024];
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    match stream.read(&mut bytes) {
                        Ok(count @ 1..) => head.extend_from_slice(&bytes[..count]),
                        _ => return,
                    }
                }
                // A client that has gone does not read it.
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n");
            });
        }
    });
    address
}

#[test]
fn providers_keep_the_rules() {
    let names = ["memory", "sqlite", "limit"];
    let folder = modules::providers(&names);
    let module = |name: &str| folder.join(format!("libprovider_{name}.so"));
    holds_with(&module("limit"), &[], 30);
    holds_with(&module("memory"), &["--config", "{\"when_full\": \"refuse\"}"], 38);
    holds_with(&module("sqlite"), &["--config", "{\"url\": \"sqlite::memory:\"}"], 42);
}

#[test]
fn a_fault_is_reported_with_the_seed_that_repeats_it() {
    let folder = modules::folder("reports");
    modules::run("conformance/bad/build.sh", &[folder.to_str().unwrap()]);
    let bad = folder.join("bad.so");
    let [json, html, junit] = ["report.json", "report.html", "report.xml"].map(|name| folder.join(name));
    let config = "{\"fault\":\"respond-twice\"}";
    let filter = "responses-are-given-in-order";
    let run = |more: &[&str]| {
        let plain = ["module", bad.to_str().unwrap(), "--config", config, "--filter", filter];
        conformance(&[&plain[..], more].concat())
    };
    let reports = [
        "--json",
        json.to_str().unwrap(),
        "--html",
        html.to_str().unwrap(),
        "--junit",
        junit.to_str().unwrap(),
    ];
    let output = run(&reports);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("[response.head.once]") && text.contains("--reproduce 1"), "{text}");
    for report in [&json, &html, &junit] {
        let text = std::fs::read_to_string(report).unwrap();
        assert!(text.contains("--reproduce 1"), "{}", report.display());
    }
    let again = run(&["--reproduce", "1"]);
    let whole = String::from_utf8_lossy(&again.stdout);
    assert!(whole.contains("create -> HC_OK(0)") && whole.contains("!! respond: "), "{whole}");
    let only = run(&["--only-failed", "--json", json.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&only.stdout).contains(" 1 fail"), "it failed before");
}

#[test]
fn a_command_line_that_is_not_understood_is_refused() {
    assert_eq!(conformance(&["module"]).status.code(), Some(2));
    assert_eq!(conformance(&["--help"]).status.code(), Some(0));
    assert_eq!(conformance(&["list", "module"]).status.code(), Some(0));
}
