//! One worker against two, with a module that burns CPU: does the second worker double the throughput?
//!
//! On a machine with few CPUs the load generator takes time from the workers. The kernel says how long the
//! workers were runnable but had no CPU; that time is deducted, so what remains lost is the server's own doing
//! (idle workers beside a backlog, locks, moving work). It must not know what the server is.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{self, Contender, HcServer};
use crate::generator::LoadReport;
use crate::process_tree::{Schedstat, between};
use crate::settings::Settings;
use crate::statistics::{Shuffler, Spread, ratios_within_rounds, spread};
use crate::table::Table;
use crate::targets::{self, Verdict};

const START_PATIENCE: Duration = Duration::from_secs(20);
const WORKERS: [usize; 2] = [1, 2];
/// The example module, and the CPU time that it is asked to burn per request.
const MODULE: &str = "burn";
const BURN_PATH: &str = "/?us=50";

/// One slot of one number of workers.
#[derive(Clone, Debug, Serialize)]
pub struct Slot {
    /// Requests a second as seen from outside.
    pub per_second: f64,
    /// The same per second in which the workers could have a CPU.
    pub per_available_second: f64,
    /// CPU time per request over all threads, in microseconds.
    pub cpu_us: f64,
    /// What the load generator saw.
    pub load: LoadReport,
}

/// Results.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// Why nothing was measured.
    pub problem: Option<String>,
    /// Slots with one worker, a round each.
    pub one: Vec<Slot>,
    /// Slots with two workers.
    pub two: Vec<Slot>,
    /// Throughput of two workers over one, as seen from outside.
    pub seen: Option<Spread>,
    /// The same with the load generator's CPU time deducted.
    pub deducted: Option<Spread>,
    /// What became of the target.
    pub verdicts: Vec<Verdict>,
}

/// Measures the reference server, or the server behind `--`.
pub fn measure(settings: &Settings) -> io::Result<Results> {
    let mut results = Results {
        title: "scaling: two workers against one, module that burns CPU".to_owned(),
        problem: None,
        one: Vec::new(),
        two: Vec::new(),
        seen: None,
        deducted: None,
        verdicts: Vec::new(),
    };
    if settings.all_cores.len() < WORKERS[1] {
        results.problem = Some("skipped: two workers need two CPUs".to_owned());
        return Ok(results);
    }
    match measure_rounds(settings) {
        Ok([one, two]) => (results.one, results.two) = (one, two),
        Err(problem) => {
            results.problem = Some(format!("skipped: {problem}"));
            return Ok(results);
        }
    }
    let ratio = |value: fn(&Slot) -> f64| {
        let values = |slots: &[Slot]| slots.iter().map(|slot| Some(value(slot))).collect::<Vec<_>>();
        spread(&ratios_within_rounds(&values(&results.two), &values(&results.one)))
    };
    results.seen = ratio(|slot| slot.per_second);
    results.deducted = ratio(|slot| slot.per_available_second);
    // With a CPU to spare for the load generator there is nothing to deduct.
    let spare = settings.all_cores.len() > WORKERS[1];
    let judged = if spare { results.seen } else { results.deducted };
    results.verdicts.extend(judged.map(|ratio| {
        Verdict::at_least("2 workers / 1 worker", "throughput", ratio.median, targets::SCALING)
    }));
    Ok(results)
}

fn contender(settings: &Settings, workers: usize) -> io::Result<Contender> {
    let options = &settings.options;
    if options.trailing.is_empty() {
        let server = HcServer { module: MODULE, workers, access_log: false, validates: false };
        return contenders::hc_server(settings, "hc-server", server);
    }
    let cores = if workers > 1 { &settings.all_cores } else { &settings.server_cores };
    contenders::peer(&options.name, &options.trailing, None, workers, cores)
}

fn measure_rounds(settings: &Settings) -> Result<[Vec<Slot>; 2], String> {
    let text = |error: io::Error| error.to_string();
    let mut running = Vec::new();
    for workers in WORKERS {
        let contender = contender(settings, workers).map_err(text)?;
        let server = contender.start(settings, &[], START_PATIENCE)?;
        running.push((server, contender.recipe?.port, workers));
    }
    let mut load = settings.slot_load();
    load.path =
        if settings.options.trailing.is_empty() { BURN_PATH } else { &settings.options.path }.to_owned();
    let mut orders = Shuffler::new(settings.seed);
    let mut slots = [Vec::new(), Vec::new()];
    for _ in 0..settings.options.rounds {
        for index in orders.order(WORKERS.len()) {
            let (server, port, workers) = &running[index];
            let tree = server.tree();
            let before = tree.settled_times().map_err(text)?;
            let report = load.run(&settings.workshop.load, *port, &settings.load_cores).map_err(text)?;
            let after = tree.settled_times().map_err(text)?;
            slots[index].push(slot(&between(&before, &after), *workers, report)?);
        }
    }
    Ok(slots)
}

/// `threads` are the server's, busiest first: the first `workers` of them are taken for its workers.
fn slot(threads: &[Schedstat], workers: usize, load: LoadReport) -> Result<Slot, String> {
    if load.answered == 0 {
        return Err("no request was answered".to_owned());
    }
    let waited_ns: u64 = threads.iter().take(workers).map(|thread| thread.wait_ns).sum();
    let available_seconds = load.seconds - waited_ns as f64 / 1e9 / workers as f64;
    let run_ns: u64 = threads.iter().map(|thread| thread.run_ns).sum();
    Ok(Slot {
        per_second: load.answered as f64 / load.seconds,
        per_available_second: load.answered as f64 / available_seconds.max(f64::MIN_POSITIVE),
        cpu_us: run_ns as f64 / 1000.0 / load.answered as f64,
        load,
    })
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&["row", "req/s", "req/s with CPU", "CPU us/req", "errors"]);
        if let Some(problem) = &self.problem {
            table.sentence("2 workers / 1 worker", problem);
            return table;
        }
        for (name, slots) in [("1 worker", &self.one), ("2 workers", &self.two)] {
            let over = |value: fn(&Slot) -> f64| {
                spread(&slots.iter().map(value).collect::<Vec<f64>>()).map_or(f64::NAN, |s| s.median)
            };
            table.row(vec![
                name.to_owned(),
                format!("{:.0}", over(|slot| slot.per_second)),
                format!("{:.0}", over(|slot| slot.per_available_second)),
                format!("{:.2}", over(|slot| slot.cpu_us)),
                slots.iter().map(|slot| slot.load.errors + slot.load.connect_errors).sum::<u64>().to_string(),
            ]);
        }
        let show = |ratio: Option<Spread>| {
            ratio.map_or("-".to_owned(), |r| format!("{:.2} ({:.2}-{:.2})", r.median, r.low, r.high))
        };
        table.note(format!("speed-up as seen from outside:           {}", show(self.seen)));
        table.note(format!("speed-up, time without a CPU deducted:  {}", show(self.deducted)));
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
    fn time_taken_from_the_workers_is_deducted_idle_time_is_not() {
        let load = LoadReport {
            answered: 3000,
            errors: 0,
            connect_errors: 0,
            early: 0,
            bytes: 1,
            seconds: 2.0,
            p50_us: 1.0,
            p99_us: 1.0,
            max_us: 1.0,
        };
        let second = 1_000_000_000;
        // One worker lost a second to others; the other was idle for half of its time; a third thread logs.
        let threads = [
            Schedstat { run_ns: second, wait_ns: second },
            Schedstat { run_ns: second, wait_ns: 0 },
            Schedstat { run_ns: 4_000_000, wait_ns: second },
        ];
        let slot = slot(&threads, 2, load).expect("answered");
        assert!((slot.per_second - 1500.0).abs() < 1e-6);
        assert!((slot.per_available_second - 2000.0).abs() < 1e-6);
        assert!((slot.cpu_us - 668.0).abs() < 1e-6);
    }
}
