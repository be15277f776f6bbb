//! Running the load generator (`load/load.c`) and reading its report. It must not know the servers.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::launch::wrapped_command;

/// What the load generator counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Complete responses with status 200 and the length of the first one.
    pub answered: u64,
    /// Requests that got anything else, or nothing.
    pub errors: u64,
    /// Connections that could not be opened.
    pub connect_errors: u64,
    /// Responses that came before the sleep asked for had passed.
    pub early: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Length of the run, in seconds.
    pub seconds: f64,
    /// Median latency (less the sleep, when one was given), in microseconds.
    pub p50_us: f64,
    /// 99th percentile of the same.
    pub p99_us: f64,
    /// Largest of the same.
    pub max_us: f64,
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// After this time, in seconds.
    Seconds(f64),
    /// After so many requests.
    Requests(u64),
}

/// One run of the load generator.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Connections at once.
    pub connections: usize,
    /// Requests per write.
    pub pipeline: usize,
    /// A connection per request.
    pub per_connection: bool,
    /// The request target.
    pub path: String,
    /// Further request fields, `name: value`.
    pub fields: Vec<String>,
    /// When to stop.
    pub stop: Stop,
    /// Time that every response is meant to take, in milliseconds; latencies are counted from there.
    pub base_ms: u64,
    /// First requests per second; 0: no pacing, no announcements.
    pub first_rate: u64,
}

impl Load {
    /// Keep-alive connections that ask for `/`.
    pub fn keep_alive(connections: usize, stop: Stop) -> Self {
        Self {
            connections,
            pipeline: 1,
            per_connection: false,
            path: "/".to_owned(),
            fields: Vec::new(),
            stop,
            base_ms: 0,
            first_rate: 0,
        }
    }

    /// The same load with another end.
    pub fn until(&self, stop: Stop) -> Self {
        Self { stop, ..self.clone() }
    }

    fn command(&self, program: &Path, port: u16) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![program.into()];
        let mut option = |name: &str, value: String| words.extend([name.into(), value.into()]);
        option("-p", port.to_string());
        option("-c", self.connections.to_string());
        option("-u", self.path.clone());
        option("-P", self.pipeline.to_string());
        option("-b", self.base_ms.to_string());
        option("-R", self.first_rate.to_string());
        match self.stop {
            Stop::Seconds(seconds) => option("-t", seconds.to_string()),
            Stop::Requests(count) => option("-n", count.to_string()),
        }
        for field in &self.fields {
            option("-H", field.clone());
        }
        if self.per_connection {
            words.push("-C".into());
        }
        words
    }

    /// Runs the load to its end against `port`.
    pub fn run(&self, program: &Path, port: u16, cores: &[usize]) -> io::Result<LoadReport> {
        let output = wrapped_command(&self.command(program, port), cores)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?
            .wait_with_output()?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("load generator: {}", text.trim())));
        }
        parse_report(&String::from_utf8_lossy(&output.stdout))
    }

    /// Runs a paced load, calling `observe` when all connections are open, and again and again from the time
    /// all first requests are sent until the run ends.
    pub fn run_observed(
        &self,
        program: &Path,
        port: u16,
        cores: &[usize],
        mut observe: impl FnMut(Phase) -> io::Result<()>,
    ) -> io::Result<LoadReport> {
        let mut child = wrapped_command(&self.command(program, port), cores)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("load generator: no pipes"));
        };
        let report = observe_lines(&read_lines(output), input, &mut observe);
        if report.is_err() {
            child.kill()?;
        }
        let text = child.wait_with_output()?.stderr;
        report.map_err(|error| {
            io::Error::other(format!("{error} {}", String::from_utf8_lossy(&text).trim()).trim().to_owned())
        })
    }
}

/// Follows what a paced run announces, to its report.
fn observe_lines(
    lines: &mpsc::Receiver<String>,
    mut input: impl Write,
    observe: &mut impl FnMut(Phase) -> io::Result<()>,
) -> io::Result<LoadReport> {
    const OBSERVE_EVERY: Duration = Duration::from_millis(50);
    let mut sent = false;
    loop {
        match lines.recv_timeout(OBSERVE_EVERY) {
            Ok(line) if line == "connected" => {
                observe(Phase::Connected)?;
                input.write_all(b"\n")?;
            }
            Ok(line) if line == "sent" => {
                sent = true;
                observe(Phase::Parked)?;
            }
            Ok(line) => return parse_report(&line),
            Err(mpsc::RecvTimeoutError::Timeout) if sent => observe(Phase::Parked)?,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("load generator: ended without a report"));
            }
        }
    }
}

/// Where a paced run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// All connections are open; nothing was asked for.
    Connected,
    /// Every connection has a request under way.
    Parked,
}

/// Parses the line of JSON that the load generator prints.
pub fn parse_report(text: &str) -> io::Result<LoadReport> {
    serde_json::from_str(text.trim())
        .map_err(|error| io::Error::other(format!("load generator: report `{}`: {error}", text.trim())))
}

fn read_lines(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "{\"answered\":29978,\"errors\":1,\"connect_errors\":2,\"early\":3,\"bytes\":2338284,\
                          \"seconds\":3.000349,\"p50_us\":780.288,\"p99_us\":2076.672,\"max_us\":5897.411}\n";

    #[test]
    fn a_report_is_read_field_by_field() {
        let report = parse_report(REPORT).expect("valid");
        assert_eq!((report.answered, report.errors, report.connect_errors), (29_978, 1, 2));
        assert_eq!((report.early, report.bytes), (3, 2_338_284));
        assert!((report.seconds - 3.000_349).abs() < 1e-9);
        assert!((report.p50_us - 780.288).abs() < 1e-9 && (report.p99_us - 2076.672).abs() < 1e-9);
        assert!((report.max_us - 5897.411).abs() < 1e-9);
    }

    #[test]
    fn half_a_report_is_an_error_that_shows_it() {
        for bad in ["", "{\"answered\":1}", &REPORT[..60]] {
            let message = parse_report(bad).expect_err(bad).to_string();
            assert!(message.contains(bad.trim()), "{message}");
        }
    }
}
