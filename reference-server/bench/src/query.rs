//! What one operation on a resource costs: a request that takes a lease, does it, and gives the lease back, beside a hello, or
//! beside the same request that asks by a driver of its own. What is left is the price of leases, and of the way to the member and
//! back.
//!
//! Rounds are interleaved as in [`crate::timed`]; differences are taken within a round. It must not know how leases work.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{self, Contender, HC_C, HcServer};
use crate::database::Database;
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

/// A contender that is measured, and how many clients ask it at once.
struct Entry {
    contender: Contender,
    running: Result<Running, String>,
    clients: usize,
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it is.
    pub name: &'static str,
    /// Why rounds are missing.
    pub problem: Option<String>,
    /// CPU time per request in each round, in microseconds.
    pub rounds: Vec<Option<f64>>,
    /// The same over all rounds.
    pub cpu_us: Option<Spread>,
    /// CPU time beyond that of the row that it is compared with, within rounds.
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
    "sqlite, by lease",
    "sqlite, by the driver",
    "postgres, by lease",
    "postgres, by the driver",
];
const HELLO: usize = 0;
const LEASE: usize = 1;
const GET: usize = 2;
const SQLITE: usize = 3;
const SQLITE_ALONE: usize = 4;
const POSTGRES: usize = 5;
const POSTGRES_ALONE: usize = 6;
/// Of a row: the one that does the same but for the lease.
const ADDED: [(usize, usize); 4] =
    [(LEASE, HELLO), (GET, HELLO), (SQLITE, SQLITE_ALONE), (POSTGRES, POSTGRES_ALONE)];

/// Measures all rows.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let title = format!(
        "query: one operation per request, {} members, {} clients at once where a lease is compared with a driver, else {}",
        settings.options.members,
        settings.options.members,
        settings.connections()
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
    for (index, other) in ADDED {
        let added = added(&rows, index, other);
        rows[index].added_us = added;
        verdicts.extend(added.map(|added| {
            let what = "CPU us beyond the same without a lease";
            Verdict::at_most(NAMES[index], what, added.median, targets::QUERY_ADDED_US)
        }));
    }
    Ok(Results { title, rows, verdicts })
}

/// What a row costs beyond another one, within rounds.
fn added(rows: &[Row], index: usize, other: usize) -> Option<Spread> {
    let rounds = rows[index].rounds.iter().zip(&rows[other].rounds);
    spread(&rounds.filter_map(|(own, other)| Some((*own)? - (*other)?)).collect::<Vec<f64>>())
}

fn entries(settings: &Settings, database: Result<&Database, &str>) -> io::Result<Vec<Entry>> {
    let hello = HcServer { module: "hello_c", workers: 1, access_log: false, validates: false };
    let url = database.map(|database| database.url("query")).map_err(str::to_owned);
    let postgres = |row: usize, by_lease| match &url {
        Ok(url) => {
            sharing::hc_server_in_rust(settings, NAMES[row], &Resource::Postgres(url.clone()), by_lease)
        }
        Err(problem) => Ok(Contender { name: NAMES[row].to_owned(), recipe: Err(problem.clone()) }),
    };
    let sqlite =
        |row: usize, by_lease| sharing::hc_server_in_rust(settings, NAMES[row], &Resource::Sqlite, by_lease);
    // Where a lease is compared with a driver, nobody waits for a connection.
    let (many, few) = (settings.connections(), settings.options.members);
    let contenders = [
        (contenders::hc_server(settings, NAMES[HELLO], hello)?, many),
        (sharing::hc_server(settings, NAMES[LEASE], 1, &Resource::Memory, Use::Lease, "")?, many),
        (sharing::hc_server(settings, NAMES[GET], 1, &Resource::Memory, Use::Get, "")?, many),
        (sqlite(SQLITE, true)?, few),
        (sqlite(SQLITE_ALONE, false)?, few),
        (postgres(POSTGRES, true)?, few),
        (postgres(POSTGRES_ALONE, false)?, few),
    ];
    let start = |(contender, clients): (Contender, usize)| {
        let running = contender.start(settings, &[], START_PATIENCE);
        Entry { contender, running, clients }
    };
    Ok(contenders.map(start).into())
}

/// CPU time per request in one slot, in microseconds.
fn slot(settings: &Settings, entry: &Entry, load: &Load) -> Result<f64, String> {
    let running = entry.running.as_ref().map_err(Clone::clone)?;
    let recipe = entry.contender.recipe.as_ref().map_err(Clone::clone)?;
    let load = Load { connections: entry.clients, ..load.clone() };
    let slot =
        measure_slot(settings, running, recipe, &load).map_err(|error: io::Error| error.to_string())?;
    match slot.load.errors + slot.load.connect_errors {
        0 => Ok(slot.cpu_us),
        errors => Err(format!("{errors} errors")),
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
        // The machine is slower in the second round, and the third and fourth lack a side.
        let rows = [
            row(&[Some(10.0), Some(20.0), None, Some(10.0)]),
            row(&[Some(11.5), Some(22.5), Some(15.0), None]),
        ];
        assert_eq!(added(&rows, 1, 0), spread(&[1.5, 2.5]));
        assert_eq!(added(&rows, 0, 0), spread(&[0.0, 0.0, 0.0]));
    }
}
