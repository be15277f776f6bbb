//! Requests that wait: memory, threads and lateness with many of them asleep at once.
//!
//! The first requests are sent evenly over one sleep, and every answer is followed by the next request on its
//! connection. So, from then on, all connections hold a parked request and wake-ups are spread over time.
//! It must not know what the servers are.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{self, Contender, HcServer};
use crate::generator::{Load, LoadReport, Phase, Stop};
use crate::process_tree::Memory;
use crate::settings::Settings;
use crate::table::Table;
use crate::targets::{self, Verdict};

const START_PATIENCE: Duration = Duration::from_secs(20);
const WORKERS: usize = 2;
const WARM_UP_CONNECTIONS: usize = 64;
/// All at once: far more a second than can be sent.
const BURST_RATE: u64 = 1_000_000_000;
/// Sleeps that a paced run lasts: one to fill up, two with every connection parked.
const SLEEPS: f64 = 3.0;

/// Name of the reference server's row.
pub const HC_SLEEP: &str = "hc-server, sleep";

/// What was seen of one server.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Observed {
    /// Connections, each with a parked request.
    pub connections: usize,
    /// Threads while all were parked (the most seen).
    pub threads: usize,
    /// Resident memory at the peak, in bytes.
    pub rss_bytes: u64,
    /// Proportional memory at the peak, in bytes.
    pub pss_bytes: u64,
    /// Growth of proportional memory per open idle connection, in bytes.
    pub idle_bytes_each: f64,
    /// Growth of proportional memory per connection with a parked request, in bytes.
    pub parked_bytes_each: f64,
    /// What the load generator saw; latencies are lateness.
    pub load: LoadReport,
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The server.
    pub name: String,
    /// Why it was not measured.
    pub problem: Option<String>,
    /// What was seen.
    pub observed: Option<Observed>,
}

/// Results of the rows.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// A row per server.
    pub rows: Vec<Row>,
    /// What became of the targets.
    pub verdicts: Vec<Verdict>,
}

/// Measures the floor with a queue of timers and the reference server with its `sleep` example.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let options = &settings.options;
    let connections = options.connections.unwrap_or(10_000);
    let sleep = options.sleep_ms.to_string();
    let floor = contenders::floor(settings, "floor, queue of timers", &["-s", &sleep])?;
    let server = HcServer { module: "sleep", workers: WORKERS, access_log: false, validates: false };
    let mut rows = vec![floor, contenders::hc_server(settings, HC_SLEEP, server)?];
    if !options.trailing.is_empty() {
        rows.push(contenders::peer(
            &options.name,
            &options.trailing,
            options.port,
            WORKERS,
            &settings.all_cores,
        )?);
    }
    let rows: Vec<Row> = rows.iter().map(|row| measure_row(settings, row, connections)).collect();
    let verdicts = rows.iter().filter(|row| row.name == HC_SLEEP).flat_map(verdicts).collect();
    let manner = if options.burst { "sent at once" } else { "sent evenly" };
    let title = format!("parked: {connections} requests asleep for {sleep} ms, {manner}");
    Ok(Results { title, rows, verdicts })
}

fn measure_row(settings: &Settings, contender: &Contender, connections: usize) -> Row {
    let result = observe(settings, contender, connections);
    Row { name: contender.name.clone(), problem: result.as_ref().err().cloned(), observed: result.ok() }
}

fn observe(settings: &Settings, contender: &Contender, connections: usize) -> Result<Observed, String> {
    let server = contender.start(settings, &[], START_PATIENCE)?;
    let recipe = contender.recipe.as_ref().map_err(Clone::clone)?;
    let text = |error: io::Error| error.to_string();
    let tree = server.tree();
    let options = &settings.options;
    let load = Load {
        path: format!("/?ms={}", options.sleep_ms),
        base_ms: options.sleep_ms,
        fields: options.fields.clone(),
        ..Load::keep_alive(WARM_UP_CONNECTIONS, Stop::Requests(WARM_UP_CONNECTIONS as u64))
    };
    load.run(&settings.workshop.load, recipe.port, &settings.load_cores).map_err(text)?;
    let base = tree.memory().map_err(text)?;
    let per_second = (connections as f64 * 1000.0 / options.sleep_ms.max(1) as f64).ceil() as u64;
    let full = Load {
        connections,
        first_rate: if options.burst { BURST_RATE } else { per_second.max(1) },
        stop: if options.burst {
            Stop::Requests(connections as u64)
        } else {
            Stop::Seconds(SLEEPS * options.sleep_ms as f64 / 1000.0)
        },
        ..load
    };
    let (mut idle, mut parked, mut threads) = (base, base, 0);
    let report = full
        .run_observed(&settings.workshop.load, recipe.port, &settings.load_cores, |phase| {
            let memory = tree.memory()?;
            match phase {
                Phase::Connected => idle = memory,
                Phase::Parked if memory.pss_bytes >= parked.pss_bytes => parked = memory,
                Phase::Parked => {}
            }
            threads = threads.max(tree.threads()?);
            Ok(())
        })
        .map_err(text)?;
    let each = |now: Memory| now.pss_bytes.saturating_sub(base.pss_bytes) as f64 / connections as f64;
    Ok(Observed {
        connections,
        threads,
        rss_bytes: parked.rss_bytes,
        pss_bytes: parked.pss_bytes,
        idle_bytes_each: each(idle),
        parked_bytes_each: each(parked),
        load: report,
    })
}

fn verdicts(row: &Row) -> Vec<Verdict> {
    let Some(seen) = &row.observed else { return Vec::new() };
    let lost = seen.load.errors + seen.load.connect_errors + seen.load.early;
    let limit_threads = (WORKERS + targets::SERVICE_THREADS) as f64;
    vec![
        Verdict::at_most(&row.name, "errors, lost or early answers", lost as f64, 0.0),
        Verdict::at_most(&row.name, "bytes per idle connection", seen.idle_bytes_each, targets::IDLE_BYTES),
        Verdict::at_most(
            &row.name,
            "bytes per parked request",
            seen.parked_bytes_each,
            targets::PARKED_BYTES,
        ),
        Verdict::at_most(&row.name, "threads (2 workers)", seen.threads as f64, limit_threads),
        Verdict::at_most(&row.name, "lateness p99 ms", seen.load.p99_us / 1000.0, targets::LATENESS_P99_MS),
    ]
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        const MIB: f64 = 1024.0 * 1024.0;
        let mut table = Table::new(&[
            "row",
            "B/idle",
            "B/parked",
            "RSS MiB",
            "PSS MiB",
            "threads",
            "late p50 ms",
            "p99 ms",
            "max ms",
            "answered",
            "errors",
            "early",
        ]);
        for row in &self.rows {
            let Some(seen) = &row.observed else {
                table.sentence(&row.name, row.problem.as_deref().unwrap_or("not measured"));
                continue;
            };
            table.row(vec![
                row.name.clone(),
                format!("{:.0}", seen.idle_bytes_each),
                format!("{:.0}", seen.parked_bytes_each),
                format!("{:.1}", seen.rss_bytes as f64 / MIB),
                format!("{:.1}", seen.pss_bytes as f64 / MIB),
                seen.threads.to_string(),
                format!("{:.2}", seen.load.p50_us / 1000.0),
                format!("{:.2}", seen.load.p99_us / 1000.0),
                format!("{:.2}", seen.load.max_us / 1000.0),
                seen.load.answered.to_string(),
                (seen.load.errors + seen.load.connect_errors).to_string(),
                seen.load.early.to_string(),
            ]);
        }
        table.note(
            "nginx: no row, it cannot park a request without a scripting module (nginx-lua: 10.1 KB each)",
        );
        for verdict in &self.verdicts {
            table.note(verdict.to_string());
        }
        table
    }
}
