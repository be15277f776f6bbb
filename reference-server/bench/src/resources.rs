//! Many requests that share few connections to a database: throughput, latency, CPU, threads, and how many connections there were.
//!
//! Every contender has the same number of connections. Rounds are interleaved as in [`crate::timed`]; then each of them gets one
//! more slot in which its threads and the database's connections are counted, which would disturb a measurement. Servers may use
//! all CPUs: on one, threads that block get behind the database's processes, and only that would be seen. It must not know what
//! the servers are.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::Contender;
use crate::database::Database;
use crate::generator::{Load, Stop};
use crate::launch::Running;
use crate::settings::Settings;
use crate::sharing::{self, Resource, Use};
use crate::statistics::{Shuffler, median, ratios_within_rounds, spread};
use crate::table::Table;
use crate::targets::{self, Verdict};
use crate::timed::{Slot, errors, measure_slot};

const START_PATIENCE: Duration = Duration::from_secs(20);
const CONNECTIONS: usize = 1000;
const WARM_UP_SECONDS: f64 = 0.5;

/// Name of the row of threads that take a connection in order.
const IN_ORDER: &str = "threads, pool in order";
/// Name of the row of threads that take a connection when they can.
const BY_CHANCE: &str = "threads, first come";
const UVICORN: &str = "uvicorn + asyncpg x 2";
/// What is asked of the database: a name, and the path.
const QUERIES: [(&str, &str); 2] = [("sleep 1 ms", "/?ms=1"), ("by key", "/")];

/// What was counted in a slot of its own.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Counted {
    /// The most threads.
    pub threads: usize,
    /// The most connections to the database.
    pub backends: u64,
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The server.
    pub name: String,
    /// Of the reference server: its workers.
    pub workers: Option<usize>,
    /// The query.
    pub query: &'static str,
    /// Why slots are missing.
    pub problem: Option<String>,
    /// A slot per round.
    pub slots: Vec<Option<Slot>>,
    /// Threads and connections.
    pub counted: Option<Counted>,
}

/// Results of the rows.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// A row per server and query.
    pub rows: Vec<Row>,
    /// What became of the targets.
    pub verdicts: Vec<Verdict>,
}

/// A server that is measured, and the name of its connections.
struct Entry {
    contender: Contender,
    workers: Option<usize>,
    application: &'static str,
    running: Result<Running, String>,
}

/// Measures all of them.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let members = settings.options.members;
    let connections = settings.options.connections.unwrap_or(CONNECTIONS);
    let title = format!(
        "resources: {connections} connections, each with a query under way or waiting; {members} connections to PostgreSQL"
    );
    let database = match Database::start() {
        Ok(database) => database,
        Err(problem) => return Ok(skipped(title, &problem)),
    };
    let entries = start_all(settings, &database, connections)?;
    let mut rows = Vec::new();
    for (query, path) in QUERIES {
        let load = Load {
            connections,
            path: path.to_owned(),
            ..Load::keep_alive(connections, Stop::Seconds(settings.options.seconds))
        };
        rows.extend(measure_query(settings, &database, &entries, query, &load));
    }
    let verdicts = verdicts(&rows, members);
    Ok(Results { title, rows, verdicts })
}

fn skipped(title: String, problem: &str) -> Results {
    let problem = Some(format!("skipped: {problem}"));
    let name = "all".to_owned();
    let row = Row { name, workers: None, query: "-", problem, slots: Vec::new(), counted: None };
    Results { title, rows: vec![row], verdicts: Vec::new() }
}

fn start_all(settings: &Settings, database: &Database, connections: usize) -> io::Result<Vec<Entry>> {
    let hc = |application: &str, workers: usize| {
        let name = format!("hc-server, {workers} worker{}", if workers == 1 { "" } else { "s" });
        sharing::hc_server(
            settings,
            &name,
            workers,
            &Resource::Postgres(database.url(application)),
            Use::Key,
            "",
        )
    };
    let many = settings.all_cores.len();
    let url = |application: &str| database.url(application);
    let mut contenders = vec![("hc_one", Some(1), hc("hc_one", 1)?)];
    if many > 1 {
        contenders.push(("hc_many", Some(many), hc("hc_many", many)?));
    }
    contenders.extend([
        ("in_order", None, sharing::threads(settings, IN_ORDER, &url("in_order"), connections, true)?),
        ("by_chance", None, sharing::threads(settings, BY_CHANCE, &url("by_chance"), connections, false)?),
        ("python", None, sharing::uvicorn(settings, UVICORN, &url("python"))?),
    ]);
    let start = |(application, workers, contender): (&'static str, Option<usize>, Contender)| {
        let running = contender.start(settings, &[], START_PATIENCE);
        Entry { contender, workers, application, running }
    };
    Ok(contenders.into_iter().map(start).collect())
}

fn measure_query(
    settings: &Settings,
    database: &Database,
    entries: &[Entry],
    query: &'static str,
    load: &Load,
) -> Vec<Row> {
    let mut rows: Vec<Row> = entries
        .iter()
        .map(|entry| Row {
            name: entry.contender.name.clone(),
            workers: entry.workers,
            query,
            problem: entry.running.as_ref().err().cloned(),
            slots: Vec::new(),
            counted: None,
        })
        .collect();
    let warm_up = load.until(Stop::Seconds(WARM_UP_SECONDS));
    for entry in entries {
        // What is wrong shows in the slots.
        let _ = slot(settings, entry, &warm_up);
    }
    let mut orders = Shuffler::new(settings.seed);
    for _ in 0..settings.options.rounds {
        for index in orders.order(entries.len()) {
            let slot = slot(settings, &entries[index], load);
            rows[index].problem = rows[index].problem.take().or(slot.as_ref().err().cloned());
            rows[index].slots.push(slot.ok());
        }
    }
    for (row, entry) in rows.iter_mut().zip(entries) {
        match count(settings, database, entry, load) {
            Ok(counted) => row.counted = Some(counted),
            Err(problem) => row.problem = row.problem.take().or(Some(problem)),
        }
    }
    rows
}

fn slot(settings: &Settings, entry: &Entry, load: &Load) -> Result<Slot, String> {
    let server = entry.running.as_ref().map_err(Clone::clone)?;
    let recipe = entry.contender.recipe.as_ref().map_err(Clone::clone)?;
    measure_slot(settings, server, recipe, load).map_err(|error| error.to_string())
}

/// One more slot, in which threads and connections are counted.
fn count(settings: &Settings, database: &Database, entry: &Entry, load: &Load) -> Result<Counted, String> {
    let text = |error: io::Error| error.to_string();
    let server = entry.running.as_ref().map_err(Clone::clone)?;
    let recipe = entry.contender.recipe.as_ref().map_err(Clone::clone)?;
    let sampler = database.sample(entry.application);
    let mut threads = 0;
    // Paced, since only then the generator says when all are there; so fast that it is at once.
    let load = Load { first_rate: 1_000_000, ..load.clone() };
    load.run_observed(&settings.workshop.load, recipe.port, &settings.load_cores, |_| {
        threads = threads.max(server.tree().threads()?);
        Ok(())
    })
    .map_err(text)?;
    Ok(Counted { threads, backends: sampler.most() })
}

fn per_second(slot: &Slot) -> f64 {
    slot.load.answered as f64 / slot.load.seconds
}

fn verdicts(rows: &[Row], members: usize) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for own in rows.iter().filter(|row| row.slots.iter().any(Option::is_some)) {
        let Some(workers) = own.workers else { continue };
        let label = format!("{}, {}", own.name, own.query);
        verdicts.push(Verdict::at_most(&label, "errors", errors(&own.slots) as f64, 0.0));
        if let Some(counted) = own.counted {
            let threads = (workers + targets::SERVICE_THREADS) as f64;
            verdicts.push(Verdict::at_most(&label, "connections", counted.backends as f64, members as f64));
            verdicts.push(Verdict::at_most(&label, "threads", counted.threads as f64, threads));
        }
        for other in rows.iter().filter(|row| row.query == own.query && row.workers.is_none()) {
            let ratio = |value: fn(&Slot) -> f64| {
                let values = |row: &Row| {
                    row.slots.iter().map(|slot| slot.as_ref().map(value)).collect::<Vec<Option<f64>>>()
                };
                spread(&ratios_within_rounds(&values(own), &values(other))).map(|ratio| ratio.median)
            };
            let what = format!("throughput to {}", other.name);
            let throughput = ratio(per_second);
            verdicts.extend(
                throughput.map(|ratio| Verdict::at_least(&label, what, ratio, targets::SHARED_THROUGHPUT)),
            );
            let what = format!("p99 to {}", other.name);
            let latency = ratio(|slot| slot.load.p99_us);
            verdicts.extend(latency.map(|ratio| Verdict::at_most(&label, what, ratio, targets::SHARED_P99)));
        }
    }
    verdicts
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "query",
            "row",
            "req/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "CPU us/req",
            "threads",
            "backends",
            "errors",
        ]);
        for row in &self.rows {
            let slots: Vec<&Slot> = row.slots.iter().flatten().collect();
            if slots.is_empty() {
                let problem = row.problem.as_deref().unwrap_or("not measured");
                table.sentence(row.query, &format!("{}: {problem}", row.name));
                continue;
            }
            let over = |value: fn(&Slot) -> f64| {
                median(&slots.iter().map(|slot| value(slot)).collect::<Vec<f64>>()).unwrap_or(f64::NAN)
            };
            let counted = |value: fn(&Counted) -> u64| {
                row.counted.as_ref().map_or("-".to_owned(), |counted| value(counted).to_string())
            };
            table.row(vec![
                row.query.to_owned(),
                row.name.clone(),
                format!("{:.0}", over(per_second)),
                format!("{:.1}", over(|slot| slot.load.p50_us / 1000.0)),
                format!("{:.1}", over(|slot| slot.load.p99_us / 1000.0)),
                format!("{:.1}", over(|slot| slot.load.max_us / 1000.0)),
                format!("{:.1}", over(|slot| slot.cpu_us)),
                counted(|counted| counted.threads as u64),
                counted(|counted| counted.backends),
                errors(&row.slots).to_string(),
            ]);
            if let Some(problem) = &row.problem {
                table.note(format!("{}, {}: {problem}", row.name, row.query));
            }
        }
        for verdict in &self.verdicts {
            table.note(verdict.to_string());
        }
        table
    }
}
