//! One partition that floods with slow statements, and what the others see of it: with the partition gate and without.
//!
//! All share one small pool of connections. A round gives both servers a slot without the flood and one with it; the ratio of the
//! others' p99 is taken within the round. It must not know how the gate works.

use std::io;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{Contender, Recipe};
use crate::database::Database;
use crate::generator::{Load, LoadReport, Stop};
use crate::launch::Running;
use crate::settings::Settings;
use crate::sharing::{self, Resource, Use};
use crate::statistics::{Shuffler, Spread, median, spread};
use crate::table::Table;
use crate::targets::{self, Verdict};

const START_PATIENCE: Duration = Duration::from_secs(20);
/// The others, with the connections of each. Together they are a tenth of all requests under way.
const OTHERS: [&str; 3] = ["a", "b", "c"];
const EACH_CONNECTIONS: usize = 3;
const FLOOD_CONNECTIONS: usize = 81;
/// What the others ask of the database, and what the flood asks, in milliseconds.
const QUICK_MS: u32 = 1;
const SLOW_MS: u32 = 20;
/// How long the flood is there before the others are measured, and after: in seconds.
const LEAD_SECONDS: f64 = 0.5;

const WITH: &str = "with the gate";
const WITHOUT: &str = "without";
/// One request of each partition at a time. Whoever waits is to be measured, not refused.
const GATE: &str =
    "partition = { key = \"path:1\", concurrent = 1, max_waiting = 100000, timeout_ms = 60000 }\n";

/// What the others saw in one slot.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Seen {
    /// The worst of their medians, in milliseconds.
    pub p50_ms: f64,
    /// The worst of their 99th percentiles.
    pub p99_ms: f64,
    /// Their answers a second, together.
    pub per_second: f64,
    /// Their errors.
    pub errors: u64,
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Whether there is a gate.
    pub name: &'static str,
    /// Why it was not measured.
    pub problem: Option<String>,
    /// Slots without the flood, a round each.
    pub quiet: Vec<Seen>,
    /// Slots with it.
    pub flooded: Vec<Seen>,
    /// The others' p99 with the flood over that without.
    pub ratio: Option<Spread>,
}

/// Results.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// With and without the gate.
    pub rows: Vec<Row>,
    /// What became of the target.
    pub verdicts: Vec<Verdict>,
}

/// Measures both.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let others = OTHERS.len() * EACH_CONNECTIONS;
    let title = format!(
        "partition: {FLOOD_CONNECTIONS} requests of one partition at a time ({SLOW_MS} ms each), {others} of {} others \
         ({QUICK_MS} ms each), {} connections to PostgreSQL",
        OTHERS.len(),
        settings.options.members
    );
    let mut rows = [WITH, WITHOUT].map(|name| Row {
        name,
        problem: None,
        quiet: Vec::new(),
        flooded: Vec::new(),
        ratio: None,
    });
    match Database::start() {
        Ok(database) => {
            let url = |name: &str| Resource::Postgres(database.url(name));
            let contenders = [
                sharing::hc_server(settings, WITH, 1, &url("gated"), Use::Key, GATE)?,
                sharing::hc_server(settings, WITHOUT, 1, &url("open"), Use::Key, "")?,
            ];
            measure_rounds(settings, &contenders, &mut rows);
        }
        Err(problem) => rows[0].problem = Some(format!("skipped: {problem}")),
    }
    for row in &mut rows {
        let ratios = row.flooded.iter().zip(&row.quiet).map(|(with, without)| with.p99_ms / without.p99_ms);
        row.ratio = spread(&ratios.collect::<Vec<f64>>());
    }
    let gated = &rows[0];
    let mut verdicts = Vec::new();
    if let Some(ratio) = gated.ratio {
        let errors: u64 = gated.quiet.iter().chain(&gated.flooded).map(|seen| seen.errors).sum();
        verdicts.push(Verdict::at_most(WITH, "errors", errors as f64, 0.0));
        verdicts.push(Verdict::at_most(
            WITH,
            "p99 of the others, flood / no flood",
            ratio.median,
            targets::FLOODED_P99,
        ));
    }
    Ok(Results { title, rows: rows.into(), verdicts })
}

fn measure_rounds(settings: &Settings, contenders: &[Contender; 2], rows: &mut [Row; 2]) {
    let servers: Vec<Result<Running, String>> =
        contenders.iter().map(|contender| contender.start(settings, &[], START_PATIENCE)).collect();
    let mut orders = Shuffler::new(settings.seed);
    for _ in 0..settings.options.rounds {
        for index in orders.order(2) {
            let (server, row) = (&servers[index], &mut rows[index]);
            let measured = server.as_ref().map_err(Clone::clone).and_then(|_| {
                let recipe = contenders[index].recipe.as_ref().map_err(Clone::clone)?;
                let quiet = slot(settings, recipe, false).map_err(|error| error.to_string())?;
                let flooded = slot(settings, recipe, true).map_err(|error| error.to_string())?;
                Ok((quiet, flooded))
            });
            match measured {
                Ok((quiet, flooded)) => {
                    row.quiet.push(quiet);
                    row.flooded.push(flooded);
                }
                Err(problem) => row.problem = Some(problem),
            }
        }
    }
}

/// One slot of the others, each partition with a generator of its own, and of the flood beside them.
fn slot(settings: &Settings, recipe: &Recipe, flooded: bool) -> io::Result<Seen> {
    let seconds = settings.options.seconds;
    let run = |partition: &str, ms: u32, connections: usize, seconds: f64| {
        let load = Load {
            path: format!("/{partition}?ms={ms}"),
            ..Load::keep_alive(connections, Stop::Seconds(seconds))
        };
        load.run(&settings.workshop.load, recipe.port, &settings.load_cores)
    };
    let run = &run;
    let reports: Vec<LoadReport> = thread::scope(|scope| {
        let flood = flooded.then(|| {
            let all = seconds + 2.0 * LEAD_SECONDS;
            scope.spawn(move || run("flood", SLOW_MS, FLOOD_CONNECTIONS, all))
        });
        thread::sleep(Duration::from_secs_f64(LEAD_SECONDS));
        let others: Vec<_> = OTHERS
            .iter()
            .map(|partition| scope.spawn(move || run(partition, QUICK_MS, EACH_CONNECTIONS, seconds)))
            .collect();
        let reports = others.into_iter().map(join).collect::<io::Result<Vec<LoadReport>>>();
        if let Some(flood) = flood {
            join(flood)?;
        }
        reports
    })?;
    let worst = |value: fn(&LoadReport) -> f64| reports.iter().map(value).fold(0.0, f64::max) / 1000.0;
    Ok(Seen {
        p50_ms: worst(|report| report.p50_us),
        p99_ms: worst(|report| report.p99_us),
        per_second: reports.iter().map(|report| report.answered as f64 / report.seconds).sum(),
        errors: reports.iter().map(|report| report.errors + report.connect_errors).sum(),
    })
}

fn join(thread: thread::ScopedJoinHandle<'_, io::Result<LoadReport>>) -> io::Result<LoadReport> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a generator's thread panicked")))
}

impl Results {
    /// The table for people: what the others saw.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "the others",
            "p50 ms",
            "flooded",
            "p99 ms",
            "flooded",
            "ratio",
            "(low-high)",
            "req/s",
            "flooded",
            "errors",
        ]);
        for row in &self.rows {
            let Some(ratio) = row.ratio else {
                table.sentence(row.name, row.problem.as_deref().unwrap_or("not measured"));
                continue;
            };
            let over = |slots: &[Seen], value: fn(&Seen) -> f64| {
                median(&slots.iter().map(value).collect::<Vec<f64>>()).unwrap_or(f64::NAN)
            };
            let errors: u64 = row.quiet.iter().chain(&row.flooded).map(|seen| seen.errors).sum();
            table.row(vec![
                row.name.to_owned(),
                format!("{:.2}", over(&row.quiet, |seen| seen.p50_ms)),
                format!("{:.2}", over(&row.flooded, |seen| seen.p50_ms)),
                format!("{:.2}", over(&row.quiet, |seen| seen.p99_ms)),
                format!("{:.2}", over(&row.flooded, |seen| seen.p99_ms)),
                format!("{:.2}", ratio.median),
                format!("{:.2}-{:.2}", ratio.low, ratio.high),
                format!("{:.0}", over(&row.quiet, |seen| seen.per_second)),
                format!("{:.0}", over(&row.flooded, |seen| seen.per_second)),
                errors.to_string(),
            ]);
        }
        for verdict in &self.verdicts {
            table.note(verdict.to_string());
        }
        table
    }
}
