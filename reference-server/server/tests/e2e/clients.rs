//! Real clients: curl, ab, wrk, Python's http.client. One that is not installed is skipped with a word, but not where
//! `CI=true`: there it has to be.

use crate::artefacts::{example_in_c, folder, probe, rust_module};
use crate::server::{Mount, Server, serve};
use std::fs;
use std::process::Command;

/// Whether that program is there.
fn has(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success();
    if !found {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{program} is not installed");
        println!("skipped: {program} is not installed");
    }
    found
}

/// Runs a program that must succeed; what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    told
}

fn all(name: &str) -> Server {
    let mounts = [
        Mount("mirror", probe("mirror")),
        Mount("hello", example_in_c("hello_c")),
        Mount("early", probe("states")),
        Mount("echo", rust_module("echo_stream")),
    ];
    serve(name, 2, "[timeouts]\nlinger_ms = 300", &mounts)
}

fn curl(arguments: &[&str]) -> String {
    let bounded =
        [&["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "60"], arguments].concat();
    run("curl", &bounded)
}

#[test]
fn curl_in_every_way() {
    if !has("curl") {
        return;
    }
    let server = all("curl");
    let url = |path: &str| format!("http://{}{path}", server.address);
    for version in ["--http1.0", "--http1.1", "--http2"] {
        // With --http2 curl asks for an upgrade to h2c, which is ignored.
        assert_eq!(curl(&[version, &url("/hello")]), "Hello, World!", "{version}");
    }
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let told = curl(&["--request", method, &url("/")]);
        assert!(told.starts_with(&format!("M {method}\n")), "{told}");
    }
    let told = curl(&["--request", "OPTIONS", "--request-target", "*", &url("/")]);
    assert!(told.starts_with("M OPTIONS\nT *\n"), "{told}");
    let head = curl(&["--head", &url("/hello")]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 13\r\n"), "{head}");
    let told = curl(&["--proxy", &url(""), "--noproxy", "", "http://example.test/a?b"]);
    assert!(told.contains("T http://example.test/a?b\nA example.test\nP /a\nQ b\n"), "{told}");
    // Two requests on one connection.
    let told = curl(&["--write-out", "%{num_connects} ", &url("/hello"), &url("/hello")]);
    assert_eq!(told, "Hello, World!1 Hello, World!0 ");
    server.stop();
}

#[test]
fn curl_uploads() {
    if !has("curl") {
        return;
    }
    let server = all("curl-uploads");
    let url = format!("http://{}/echo", server.address);
    let file = folder("curl").join("body");
    let body: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
    fs::write(&file, &body).unwrap();
    let answer = folder("curl").join("answer");
    let (file, answer) = (file.to_str().unwrap(), answer.to_str().unwrap());
    let chunked = "Transfer-Encoding: chunked";
    for arguments in [
        &["--upload-file", file][..],
        &["--upload-file", file, "--header", chunked],
        &["--upload-file", file, "--header", "Expect: 100-continue"],
        &["--upload-file", file, "--header", chunked, "--header", "Expect: 100-continue"],
        &["--upload-file", file, "--http1.0"],
        &["--data-binary", &format!("@{file}")],
    ] {
        curl(&[arguments, &["--output", answer, &url]].concat());
        assert!(fs::read(answer).unwrap() == body, "{arguments:?}: another body came back");
    }
    // From a pipe, whose length nobody knows.
    let command =
        format!("cat '{file}' | curl -sS --fail --noproxy '*' --max-time 60 -T - -o '{answer}' {url}");
    run("sh", &["-c", &command]);
    assert!(fs::read(answer).unwrap() == body, "-T -: another body came back");
    // Answered before 100: then the body is not sent at all.
    let early = format!("http://{}/early", server.address);
    let expect = ["--upload-file", file, "--header", "Expect: 100-continue", "--expect100-timeout", "30"];
    let told = curl(&[&expect[..], &["--write-out", " %{size_upload}", &early]].concat());
    assert_eq!(told, "early 0");
    server.stop();
}

/// A number behind a label in a tool's report.
fn number(report: &str, label: &str) -> Option<u64> {
    let rest = report.lines().find_map(|line| line.trim_start().strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[test]
fn ab_with_and_without_keep_alive() {
    if !has("ab") {
        return;
    }
    let server = all("ab");
    let url = format!("http://{}/hello", server.address);
    for (keep, kept) in [(&["-k"][..], true), (&[], false)] {
        let report = run("ab", &[keep, &["-q", "-n", "5000", "-c", "50", &url]].concat());
        assert_eq!(number(&report, "Complete requests:"), Some(5000), "{report}");
        assert_eq!(number(&report, "Failed requests:"), Some(0), "{report}");
        assert_eq!(number(&report, "Non-2xx responses:").unwrap_or(0), 0, "{report}");
        assert_eq!(number(&report, "Keep-Alive requests:").unwrap_or(0) == 5000, kept, "{report}");
        assert_eq!(number(&report, "HTML transferred:"), Some(5000 * 13), "{report}");
    }
    server.wait_until_idle(0);
    server.stop();
}

#[test]
fn wrk_with_many_connections() {
    if !has("wrk") {
        return;
    }
    let server = all("wrk");
    let url = format!("http://{}/hello", server.address);
    let report = run("wrk", &["-t", "2", "-c", "100", "-d", "2s", &url]);
    assert!(!report.contains("Socket errors") && !report.contains("Non-2xx"), "{report}");
    let counters = server.wait_until_idle(0);
    assert!(counters.get("requests_refused") == 0 && counters.get("responses") > 100, "{counters:?}");
    server.stop();
}

#[test]
fn pythons_http_client() {
    if !has("python3") {
        return;
    }
    let server = all("python");
    let script = r#"
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
sock = None
for round in range(3):
    for method, path, body in [("GET", "/a", None), ("POST", "/b", b"body"), ("HEAD", "/c", None), ("PUT", "/d", iter([b"x", b"yz"]))]:
        c.request(method, path, body=body, headers={"X-Round": str(round)}, encode_chunked=not isinstance(body, (bytes, type(None))))
        r = c.getresponse()
        text = r.read()
        assert r.status == 200, r.status
        assert sock in (None, c.sock), "the connection was not kept"
        sock = c.sock
        if method == "HEAD":
            assert text == b"" and int(r.headers["content-length"]) > 0
        else:
            assert text.startswith(f"M {method}\nT {path}\n".encode()), text
            assert f"F x-round: {round}\n".encode() in text
        if method == "POST": assert text.endswith(b"B body\n"), text
        if method == "PUT": assert text.endswith(b"B xyz\n"), text
c.request("POST", "/echo", body=iter([b"a" * 100000] * 20), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
assert c.getresponse().read() == b"a" * 2000000
print("good")
"#;
    assert_eq!(run("python3", &["-c", script, &server.address.port().to_string()]), "good\n");
    server.stop();
}
