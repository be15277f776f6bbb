//! Clients that leave in the middle of a query: how long until its connection to the database is free again.
//!
//! A client asks for a statement that takes a minute, waits until the database runs it, and closes its connection. From then on
//! the database is asked, as fast as it answers, whether the statement still runs. It must not know how the query is cancelled.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::database::Database;
use crate::settings::Settings;
use crate::sharing::{self, Resource, Use};
use crate::statistics::percentile;
use crate::table::Table;
use crate::targets::{self, Verdict};

const START_PATIENCE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(30);
const ACTIVE: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaving' AND state = 'active' \
                      AND query LIKE '%pg_sleep%'";

/// Name of the row.
const HC: &str = "hc-server, postgres";

/// Results.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// Why nothing was measured, or less than was wanted.
    pub problem: Option<String>,
    /// From the close to a free connection, for each client, in milliseconds.
    pub free_ms: Vec<f64>,
    /// How long the database takes for a question, in milliseconds: what the figures are exact to.
    pub question_ms: f64,
    /// What became of the target.
    pub verdicts: Vec<Verdict>,
}

/// Measures `--runs` clients, one after the other.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let runs = settings.options.runs;
    let title = format!("leaving: {runs} clients leave in the middle of a query, one after the other");
    let mut results =
        Results { title, problem: None, free_ms: Vec::new(), question_ms: 0.0, verdicts: Vec::new() };
    if let Err(problem) = leave_all(settings, &mut results) {
        results.problem = Some(problem);
    }
    if let Some(worst) = percentile(&results.free_ms, 1.0) {
        results.verdicts.push(Verdict::at_most(HC, "worst ms until free", worst, targets::LEFT_FREE_MS));
    }
    Ok(results)
}

fn leave_all(settings: &Settings, results: &mut Results) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let database = Database::start()?;
    let resource = Resource::Postgres(database.url("leaving"));
    let contender = sharing::hc_server(settings, HC, 1, &resource, Use::Key, "").map_err(text)?;
    let _server = contender.start(settings, &[], START_PATIENCE)?;
    let port = contender.recipe.as_ref().map_err(Clone::clone)?.port;
    let mut session = database.session();
    let before = Instant::now();
    let mut questions = 0;
    for _ in 0..settings.options.runs {
        let mut client = TcpStream::connect(("127.0.0.1", port)).map_err(text)?;
        client.write_all(b"GET /?ms=60000 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").map_err(text)?;
        questions += ask_until(&mut session, 1)?;
        let left = Instant::now();
        client.shutdown(Shutdown::Both).map_err(text)?;
        drop(client);
        questions += ask_until(&mut session, 0)?;
        results.free_ms.push(left.elapsed().as_secs_f64() * 1000.0);
    }
    results.question_ms = before.elapsed().as_secs_f64() * 1000.0 / f64::from(questions);
    Ok(())
}

/// Asks until so many statements run; how often it asked.
fn ask_until(session: &mut hc_services::PostgresSession, count: u64) -> Result<u32, String> {
    let start = Instant::now();
    let mut asked = 1;
    while session.number(ACTIVE) != count {
        if start.elapsed() > PATIENCE {
            return Err(format!("waited {} s in vain for {count} active statements", PATIENCE.as_secs()));
        }
        asked += 1;
    }
    Ok(asked)
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&["row", "clients", "median ms", "p90 ms", "worst ms", "exact to ms"]);
        let at = |part: f64| percentile(&self.free_ms, part).map(|value| format!("{value:.2}"));
        match (at(0.5), at(0.9), at(1.0)) {
            (Some(median), Some(most), Some(worst)) => table.row(vec![
                HC.to_owned(),
                self.free_ms.len().to_string(),
                median,
                most,
                worst,
                format!("{:.2}", self.question_ms),
            ]),
            _ => table.sentence(HC, self.problem.as_deref().unwrap_or("not measured")),
        }
        if let Some(problem) = &self.problem {
            table.note(format!("{HC}: {problem}"));
        }
        for verdict in &self.verdicts {
            table.note(verdict.to_string());
        }
        table
    }
}
