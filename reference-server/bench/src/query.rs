//! What one operation on a resource costs: a request that takes a lease, does it, and gives the lease back, beside a hello and the
//! driver's own loop. What is left is the price of leases, and of the way to the member and back.
//!
//! Rounds are interleaved as in [`crate::timed`]; differences are taken within a round. It must not know how leases work.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{self, Contender, HC_C, HcServer};
use crate::database::Database;
use crate::driver::{self, Kind};
use crate::generator::{Load, Stop};
use crate::launch::Running;
use crate::settings::Settings;
use crate::sharing::{self, Resource, Use};
use crate::statistics::{Shuffler, Spread, spread};
use crate::table::Table;
use crate::targets::{self, Verdict};
use crate::timed::measure_slot;

const START_PATIENCE: Duration = Duration::from_secs(20);
const WARM_UP_SECONDS: f64 = 0.5;

/// A contender that is measured.
enum Entry {
    /// A server, by requests.
    Server(Box<(Contender, Result<Running, String>)>),
    /// A driver, by queries.
    Driver(Kind, Result<String, String>),
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it is.
    pub name: &'static str,
    /// Why rounds are missing.
    pub problem: Option<String>,
    /// CPU time per request or query in each round, in microseconds.
    pub rounds: Vec<Option<f64>>,
    /// The same over all rounds.
    pub cpu_us: Option<Spread>,
    /// CPU time beyond that of a hello and of the driver, within rounds.
    pub added_us: Option<Spread>,
}

/// Results.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// A row per contender.
    pub rows: Vec<Row>,
    /// What became of the targets.
    pub verdicts: Vec<Verdict>,
}

/// Names of the rows, in their order: what each is compared with stands in [`ADDED`].
const NAMES: [&str; 7] = [
    HC_C,
    "lease, and back",
    "memory, get",
    "sqlite, select by key",
    "postgres, select by key",
    "rusqlite alone",
    "tokio-postgres alone",
];
const HELLO: usize = 0;
const SQLITE: usize = 3;
/// Of a row: those whose cost is not the lease's.
const ADDED: [(usize, &[usize]); 4] = [(1, &[HELLO]), (2, &[HELLO]), (3, &[HELLO, 5]), (4, &[HELLO, 6])];

/// Measures all rows.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let title = format!(
        "query: one operation per request, {} keep-alive connections, {} members",
        settings.connections(),
        settings.options.members
    );
    let database = Database::start();
    let entries = entries(settings, database.as_ref().map_err(String::as_str))?;
    let mut rows: Vec<Row> = NAMES
        .iter()
        .map(|name| Row { name, problem: None, rounds: Vec::new(), cpu_us: None, added_us: None })
        .collect();
    let load = settings.slot_load();
    for entry in &entries {
        // What is wrong shows in the rounds.
        let _ = slot(settings, entry, &load.until(Stop::Seconds(WARM_UP_SECONDS)));
    }
    let mut orders = Shuffler::new(settings.seed);
    for _ in 0..settings.options.rounds {
        for index in orders.order(entries.len()) {
            let slot = slot(settings, &entries[index], &load);
            rows[index].problem = rows[index].problem.take().or(slot.as_ref().err().cloned());
            rows[index].rounds.push(slot.ok());
        }
    }
    let mut verdicts = Vec::new();
    for row in &mut rows {
        row.cpu_us = spread(&row.rounds.iter().flatten().copied().collect::<Vec<f64>>());
    }
    for (index, others) in ADDED {
        let added = added(&rows, index, others);
        rows[index].added_us = added;
        verdicts.extend(added.map(|added| {
            let what = "CPU us beyond the hello's and the driver's";
            Verdict::at_most(NAMES[index], what, added.median, targets::QUERY_ADDED_US)
        }));
    }
    Ok(Results { title, rows, verdicts })
}

/// What a row costs beyond others, within rounds.
fn added(rows: &[Row], index: usize, others: &[usize]) -> Option<Spread> {
    let differences: Vec<f64> = (0..rows[index].rounds.len())
        .filter_map(|round| {
            let others: Option<Vec<f64>> = others.iter().map(|&other| rows[other].rounds[round]).collect();
            Some(rows[index].rounds[round]? - others?.iter().sum::<f64>())
        })
        .collect();
    spread(&differences)
}

fn entries(settings: &Settings, database: Result<&Database, &str>) -> io::Result<Vec<Entry>> {
    let hello = HcServer { module: "hello_c", workers: 1, access_log: false, validates: false };
    let sqlite = sharing::hc_server(settings, NAMES[SQLITE], 1, &Resource::Sqlite, Use::Key, "")?;
    // The server's own file, which it fills at its first request.
    let file = sqlite.recipe.as_ref().map_err(Clone::clone).and_then(|recipe| {
        let folder = recipe.command.last().map(std::path::PathBuf::from);
        let file = folder.ok_or("no configuration")?.with_file_name("bench.db");
        Ok(file.display().to_string())
    });
    let url = database.map(|database| database.url("query")).map_err(str::to_owned);
    let postgres = match &url {
        Ok(url) => sharing::hc_server(settings, NAMES[4], 1, &Resource::Postgres(url.clone()), Use::Key, "")?,
        Err(problem) => Contender { name: NAMES[4].to_owned(), recipe: Err(problem.clone()) },
    };
    let servers = [
        contenders::hc_server(settings, NAMES[HELLO], hello)?,
        sharing::hc_server(settings, NAMES[1], 1, &Resource::Memory, Use::Lease, "")?,
        sharing::hc_server(settings, NAMES[2], 1, &Resource::Memory, Use::Get, "")?,
        sqlite,
        postgres,
    ];
    let start = |server: Contender| {
        let running = server.start(settings, &[], START_PATIENCE);
        Entry::Server(Box::new((server, running)))
    };
    let mut entries: Vec<Entry> = servers.into_iter().map(start).collect();
    entries.push(Entry::Driver(Kind::Sqlite, file));
    entries.push(Entry::Driver(Kind::Postgres, url));
    Ok(entries)
}

/// CPU time per request or query in one slot, in microseconds.
fn slot(settings: &Settings, entry: &Entry, load: &Load) -> Result<f64, String> {
    let text = |error: io::Error| error.to_string();
    match entry {
        Entry::Server(server) => {
            let (contender, running) = &**server;
            let running = running.as_ref().map_err(Clone::clone)?;
            let recipe = contender.recipe.as_ref().map_err(Clone::clone)?;
            let slot = measure_slot(settings, running, recipe, load).map_err(text)?;
            match slot.load.errors + slot.load.connect_errors {
                0 => Ok(slot.cpu_us),
                errors => Err(format!("{errors} errors")),
            }
        }
        Entry::Driver(kind, place) => {
            let place = place.as_ref().map_err(Clone::clone)?;
            let seconds = match load.stop {
                Stop::Seconds(seconds) => seconds,
                Stop::Requests(_) => settings.options.seconds,
            };
            let (members, cores) = (settings.options.members, &settings.server_cores);
            driver::run_apart(*kind, place, members, seconds, cores).map(|report| report.cpu_us).map_err(text)
        }
    }
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&["row", "CPU us", "(low-high)", "added us", "(low-high)"]);
        for row in &self.rows {
            let Some(cpu) = row.cpu_us else {
                table.sentence(row.name, row.problem.as_deref().unwrap_or("not measured"));
                continue;
            };
            let range = |spread: Spread| format!("{:.2}-{:.2}", spread.low, spread.high);
            table.row(vec![
                row.name.to_owned(),
                format!("{:.2}", cpu.median),
                range(cpu),
                row.added_us.map_or("-".to_owned(), |added| format!("{:.2}", added.median)),
                row.added_us.map_or("-".to_owned(), range),
            ]);
            if let Some(problem) = &row.problem {
                table.note(format!("{}: {problem}", row.name));
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
    fn what_is_added_is_a_difference_within_rounds() {
        let row = |rounds: &[Option<f64>]| Row {
            name: "x",
            problem: None,
            rounds: rounds.to_vec(),
            cpu_us: None,
            added_us: None,
        };
        // The machine is slower in the second round, and the third lacks a side.
        let rows = [
            row(&[Some(4.0), Some(8.0), None]),
            row(&[Some(10.0), Some(20.0), Some(10.0)]),
            row(&[Some(15.0), Some(30.0), Some(15.0)]),
        ];
        assert_eq!(added(&rows, 2, &[0, 1]), spread(&[1.0, 2.0]));
        assert_eq!(added(&rows[2..], 0, &[]), spread(&[15.0, 30.0, 15.0]));
    }
}
