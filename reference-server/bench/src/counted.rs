//! User instructions (callgrind) and system calls (strace) per request: the second and third metric.
//!
//! The server runs twice under the tool, for two different numbers of requests; the difference of the totals
//! over the difference of the numbers leaves start-up and shut-down out. Both are exact counts: no rounds.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::Contender;
use crate::generator::Stop;
use crate::launch::{words, wrapped};
use crate::settings::Settings;
use crate::table::Table;
use crate::targets::{self, Verdict, applies_to};
use crate::workshop::find_program;

const START_PATIENCE: Duration = Duration::from_secs(60);
const END_PATIENCE: Duration = Duration::from_secs(60);
const REQUESTS: [u64; 2] = [4_000, 12_000];

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// User-space instructions, by `valgrind --tool=callgrind`.
    Instructions,
    /// System calls, by `strace -c -f`.
    SystemCalls,
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The server.
    pub name: String,
    /// Why it was not measured.
    pub problem: Option<String>,
    /// Count per request.
    pub each: Option<f64>,
    /// The two totals.
    pub totals: Vec<u64>,
}

/// Results of the rows.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// The unit.
    pub unit: &'static str,
    /// A row per server.
    pub rows: Vec<Row>,
    /// What became of the targets.
    pub verdicts: Vec<Verdict>,
}

impl Counter {
    fn program(self) -> &'static str {
        match self {
            Self::Instructions => "valgrind",
            Self::SystemCalls => "strace",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Instructions => "user instructions per request",
            Self::SystemCalls => "system calls per request",
        }
    }

    fn limit(self) -> f64 {
        match self {
            Self::Instructions => targets::INSTRUCTIONS,
            Self::SystemCalls => targets::SYSTEM_CALLS,
        }
    }

    /// The words to put before the server's own.
    fn tool(self, program: &Path, output: &Path) -> Vec<OsString> {
        let mut command = words(&[program]);
        match self {
            Self::Instructions => {
                let mut out_file = OsString::from("--callgrind-out-file=");
                out_file.push(output);
                command.extend(["--tool=callgrind".into(), out_file]);
            }
            Self::SystemCalls => {
                command.extend(words(&["-c", "-f", "-o"]));
                command.push(output.into());
                // The server is a child of strace: it must die with strace as strace does with the bench.
                command.extend(wrapped(&[], &[]));
            }
        }
        command
    }

    fn total(self, text: &str) -> Option<u64> {
        match self {
            Self::Instructions => parse_callgrind(text),
            Self::SystemCalls => parse_strace(text),
        }
    }
}

/// Counts for every contender, under keep-alive load.
pub fn measure(settings: &Settings, counter: Counter, contenders: &[Contender]) -> Results {
    let rows: Vec<Row> = contenders
        .iter()
        .map(|contender| match count(settings, counter, contender) {
            Ok(totals) => {
                let requests = (REQUESTS[1] - REQUESTS[0]) as f64;
                let each = (totals[1] as f64 - totals[0] as f64) / requests;
                Row { name: contender.name.clone(), problem: None, each: Some(each), totals }
            }
            Err(problem) => {
                Row { name: contender.name.clone(), problem: Some(problem), each: None, totals: Vec::new() }
            }
        })
        .collect();
    let verdicts = rows
        .iter()
        .filter(|row| applies_to(&row.name))
        .filter_map(|row| Some(Verdict::at_most(&row.name, counter.unit(), row.each?, counter.limit())))
        .collect();
    let title = format!("{}, {} keep-alive connections", counter.unit(), settings.connections());
    Results { title, unit: counter.unit(), rows, verdicts }
}

fn count(settings: &Settings, counter: Counter, contender: &Contender) -> Result<Vec<u64>, String> {
    contender.recipe.as_ref().map_err(Clone::clone)?;
    let name = counter.program();
    let program = find_program(name).ok_or(format!("{name} is not installed (apt-get install {name})"))?;
    let mut totals = Vec::new();
    for requests in REQUESTS {
        let total = count_once(settings, counter, contender, &program, requests);
        totals.push(total.map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(totals)
}

fn count_once(
    settings: &Settings,
    counter: Counter,
    contender: &Contender,
    program: &Path,
    requests: u64,
) -> Result<u64, String> {
    let text = |error: io::Error| error.to_string();
    let recipe = contender.recipe.as_ref().map_err(Clone::clone)?;
    let output = settings.workshop.path(&format!("{}-{}-{requests}", counter.program(), recipe.port));
    let mut server = contender.start(settings, &counter.tool(program, &output), START_PATIENCE)?;
    let load = settings.slot_load().until(Stop::Requests(requests));
    let report = load.run(&settings.workshop.load, recipe.port, &settings.load_cores).map_err(text)?;
    if report.answered != requests || report.errors + report.connect_errors > 0 {
        return Err(format!("{} of {requests} requests answered, {} errors", report.answered, report.errors));
    }
    // strace is the root of its tree and ends by itself when the server has ended; valgrind is the server.
    let mut pids = server.tree().members().map_err(text)?;
    if counter == Counter::SystemCalls {
        pids.remove(0);
    }
    server.end_gently(&pids, END_PATIENCE).map_err(text)?;
    let totals = fs::read_to_string(&output).map_err(text)?;
    counter.total(&totals).ok_or_else(|| "its output has no total".to_owned())
}

/// The instructions in callgrind's file: its `summary:` or, in older ones, `totals:` line.
pub fn parse_callgrind(text: &str) -> Option<u64> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    value("summary:").or_else(|| value("totals:"))
}

/// The calls in the last line of strace's summary: `100.00  seconds  usecs/call  CALLS  [errors]  total`.
pub fn parse_strace(text: &str) -> Option<u64> {
    let total = text.lines().rev().find(|line| line.trim_end().ends_with(" total"))?;
    total.split_ascii_whitespace().nth(3)?.parse().ok()
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&["row", self.unit]);
        for row in &self.rows {
            match row.each {
                Some(each) => table.row(vec![row.name.clone(), format!("{each:.2}")]),
                None => table.sentence(&row.name, row.problem.as_deref().unwrap_or("not measured")),
            }
        }
        for verdict in &self.verdicts {
            table.note(verdict.to_string());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrind_s_total_is_its_summary() {
        let text = "# callgrind format\nevents: Ir\nsummary: 2913428\n\nfn=(1) x\n12 3\n\ntotals: 2913427\n";
        assert_eq!(parse_callgrind(text), Some(2_913_428));
        assert_eq!(parse_callgrind("events: Ir\ntotals: 17\n"), Some(17));
        assert_eq!(parse_callgrind("events: Ir\n"), None);
    }

    #[test]
    fn strace_s_total_is_the_calls_column_with_and_without_errors() {
        let head = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n\
                    \x2051.18    0.065443          16      4001           read\n";
        let with = format!("{head}100.00    0.127875          15      8137         5 total\n");
        let without = format!("{head}100.00    0.127875          15      8137           total\n");
        assert_eq!(parse_strace(&with), Some(8137));
        assert_eq!(parse_strace(&without), Some(8137));
        assert_eq!(parse_strace(head), None);
    }
}
