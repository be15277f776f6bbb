//! CPU time per request, measured in short interleaved slots: the bench's first metric.
//!
//! All servers are started once; a round gives every one of them a slot, in random order; ratios are taken
//! within a round. It must not know what the servers are.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{Contender, FLOOR, NGINX, Recipe};
use crate::generator::{Load, LoadReport, Stop};
use crate::launch::Running;
use crate::process_tree::run_ns_between;
use crate::settings::Settings;
use crate::statistics::{Shuffler, Spread, median, ratios_within_rounds, spread};
use crate::table::Table;
use crate::targets::{RatioTarget, Verdict, of_row};

const START_PATIENCE: Duration = Duration::from_secs(20);
const WARM_UP_SECONDS: f64 = 0.3;

/// A set of rows to compare under one load.
#[derive(Debug)]
pub struct Plan {
    /// Heading of the table.
    pub title: String,
    /// The servers with the load for each.
    pub rows: Vec<(Contender, Load)>,
    /// Limits for the reference server's rows.
    pub targets: &'static [RatioTarget],
}

/// One slot of one server.
#[derive(Clone, Debug, Serialize)]
pub struct Slot {
    /// CPU time of the server's process tree per answered request, in microseconds.
    pub cpu_us: f64,
    /// CPU time of the server's process tree over the time of the run; 1.0 is one CPU.
    pub busy: f64,
    /// What the load generator saw.
    pub load: LoadReport,
}

/// A row of results.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The server.
    pub name: String,
    /// Why slots are missing.
    pub problem: Option<String>,
    /// A slot per round.
    pub slots: Vec<Option<Slot>>,
    /// CPU time per request, in microseconds.
    pub cpu_us: Option<Spread>,
    /// CPU per request as a ratio to the floor, within rounds.
    pub to_floor: Option<Spread>,
    /// CPU per request as a ratio to nginx, within rounds.
    pub to_nginx: Option<Spread>,
}

/// Results of a plan.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Heading.
    pub title: String,
    /// A row per server.
    pub rows: Vec<Row>,
    /// What became of the targets.
    pub verdicts: Vec<Verdict>,
}

/// Measures a plan.
pub fn measure(settings: &Settings, plan: &Plan) -> Results {
    let mut problems: Vec<Option<String>> = vec![None; plan.rows.len()];
    let mut servers: Vec<Option<Running>> = Vec::new();
    for ((contender, load), problem) in plan.rows.iter().zip(&mut problems) {
        let server = contender.start(settings, &[], START_PATIENCE).and_then(|server| {
            let recipe = contender.recipe.as_ref().map_err(Clone::clone)?;
            let warm_up = load.until(Stop::Seconds(WARM_UP_SECONDS));
            let warmed = warm_up.run(&settings.workshop.load, recipe.port, &settings.load_cores);
            warmed.map(|_| server).map_err(|error| error.to_string())
        });
        *problem = server.as_ref().err().cloned();
        servers.push(server.ok());
    }
    let mut slots: Vec<Vec<Option<Slot>>> = vec![Vec::new(); plan.rows.len()];
    let mut orders = Shuffler::new(settings.seed);
    for _ in 0..settings.options.rounds {
        for index in orders.order(plan.rows.len()) {
            let (contender, load) = &plan.rows[index];
            let slot = match (&servers[index], &contender.recipe) {
                (Some(server), Ok(recipe)) => measure_slot(settings, server, recipe, load)
                    .map_err(|error| problems[index] = Some(error.to_string()))
                    .ok(),
                _ => None,
            };
            slots[index].push(slot);
        }
    }
    let names = plan.rows.iter().map(|(contender, _)| contender.name.clone());
    summarize(plan, names.zip(problems).zip(slots).map(|((name, problem), slots)| (name, problem, slots)))
}

/// Runs the load of one slot against a server that has gone idle, and waits until it has gone idle again.
pub fn measure_slot(settings: &Settings, server: &Running, recipe: &Recipe, load: &Load) -> io::Result<Slot> {
    let tree = server.tree();
    let before = tree.settled_times()?;
    let report = load.run(&settings.workshop.load, recipe.port, &settings.load_cores)?;
    let after = tree.settled_times()?;
    if let Some(log) = &recipe.access_log {
        empty_log(log)?;
    }
    if report.answered == 0 {
        return Err(io::Error::other("no request was answered"));
    }
    let run_ns = run_ns_between(&before, &after) as f64;
    let (cpu_us, busy) = (run_ns / 1000.0 / report.answered as f64, run_ns / 1e9 / report.seconds);
    Ok(Slot { cpu_us, busy, load: report })
}

/// Empties an access log between slots; a log that holds nothing was not written and must not be compared.
fn empty_log(log: &Path) -> io::Result<()> {
    let file = File::options()
        .write(true)
        .open(log)
        .map_err(|error| io::Error::other(format!("the access log cannot be opened: {error}")))?;
    if file.metadata()?.len() == 0 {
        return Err(io::Error::other("the access log is empty: this row does less than the others"));
    }
    file.set_len(0)
}

/// Requests that were not answered as they should, over all slots.
pub fn errors(slots: &[Option<Slot>]) -> u64 {
    slots.iter().flatten().map(|slot| slot.load.errors + slot.load.connect_errors).sum()
}

type Measured = (String, Option<String>, Vec<Option<Slot>>);

fn summarize(plan: &Plan, measured: impl Iterator<Item = Measured>) -> Results {
    let measured: Vec<Measured> = measured.collect();
    let cpu = |slots: &[Option<Slot>]| -> Vec<Option<f64>> {
        slots.iter().map(|slot| slot.as_ref().map(|slot| slot.cpu_us)).collect()
    };
    let base =
        |name: &str| measured.iter().find(|row| row.0 == name).map(|row| cpu(&row.2)).unwrap_or_default();
    let mut verdicts = Vec::new();
    let mut rows = Vec::new();
    for (name, problem, slots) in &measured {
        let own = cpu(slots);
        let ratio = |to: &str| spread(&ratios_within_rounds(&own, &base(to)));
        if let Some(targets) = of_row(name, plan.targets)
            && slots.iter().any(Option::is_some)
        {
            verdicts.push(Verdict::at_most(name, "errors", errors(slots) as f64, 0.0));
            for target in targets {
                let what = format!("CPU per request to {}", target.base);
                verdicts.extend(
                    ratio(target.base).map(|ratio| Verdict::at_most(name, what, ratio.median, target.limit)),
                );
            }
        }
        rows.push(Row {
            name: name.clone(),
            problem: problem.clone(),
            slots: slots.clone(),
            cpu_us: spread(&own.iter().flatten().copied().collect::<Vec<f64>>()),
            to_floor: ratio(FLOOR),
            to_nginx: ratio(NGINX),
        });
    }
    Results { title: plan.title.clone(), rows, verdicts }
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "row",
            "CPU us/req",
            "x floor",
            "(low-high)",
            "capacity",
            "x nginx",
            "busy",
            "req/s",
            "p50 us",
            "p99 us",
            "errors",
        ]);
        for row in &self.rows {
            let Some(cpu) = row.cpu_us else {
                table.sentence(&row.name, row.problem.as_deref().unwrap_or("not measured"));
                continue;
            };
            let over = |value: fn(&Slot) -> f64| {
                median(&row.slots.iter().flatten().map(value).collect::<Vec<f64>>()).unwrap_or(f64::NAN)
            };
            let ratio = |ratio: Option<Spread>| ratio.map_or("-".to_owned(), |r| format!("{:.2}", r.median));
            table.row(vec![
                row.name.clone(),
                format!("{:.2}", cpu.median),
                ratio(row.to_floor),
                row.to_floor.map_or("-".to_owned(), |r| format!("{:.2}-{:.2}", r.low, r.high)),
                row.to_floor.map_or("-".to_owned(), |r| format!("{:.2}", 1.0 / r.median)),
                ratio(row.to_nginx),
                format!("{:.0}%", over(|slot| 100.0 * slot.busy)),
                format!("{:.0}", over(|slot| slot.load.answered as f64 / slot.load.seconds)),
                format!("{:.0}", over(|slot| slot.load.p50_us)),
                format!("{:.0}", over(|slot| slot.load.p99_us)),
                errors(&row.slots).to_string(),
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
    use crate::contenders::HC_C;
    use crate::targets;

    fn slot(cpu_us: f64) -> Option<Slot> {
        let load = LoadReport {
            answered: 200,
            errors: 1,
            connect_errors: 0,
            early: 0,
            bytes: 1,
            seconds: 2.0,
            p50_us: 5.0,
            p99_us: 9.0,
            max_us: 10.0,
        };
        Some(Slot { cpu_us, busy: 0.5, load })
    }

    #[test]
    fn ratios_and_verdicts_come_from_rounds_in_which_both_ran() {
        let plan = Plan { title: "t".to_owned(), rows: Vec::new(), targets: targets::HELLO };
        let measured = vec![
            (FLOOR.to_owned(), None, vec![slot(5.0), slot(10.0), slot(6.0)]),
            (NGINX.to_owned(), Some("not installed".to_owned()), vec![None, None, None]),
            (HC_C.to_owned(), None, vec![slot(6.0), slot(12.0), None]),
        ];
        let results = summarize(&plan, measured.into_iter());
        let server = results.rows[2].to_floor.expect("ratio");
        assert!((server.median - 1.2).abs() < 1e-9 && (server.high - 1.2).abs() < 1e-9);
        assert_eq!(results.rows[2].to_nginx, None);
        let judged: Vec<&str> = results.verdicts.iter().map(|verdict| verdict.what.as_str()).collect();
        assert_eq!(judged, ["errors", "CPU per request to floor"], "none against a row that did not run");
        assert!(results.verdicts.iter().all(|verdict| !verdict.pass), "{:?}", results.verdicts);
        let text = results.table().to_string();
        assert!(text.contains("nginx, return 200   not installed\n"), "{text}");
        assert!(text.contains("0.83"), "{text}");
        assert!(
            text.contains("MISS  hc-server, C hello: CPU per request to floor: 1.20, target 1.05"),
            "{text}"
        );
    }

    #[test]
    fn an_access_log_that_was_not_written_is_a_problem() {
        let log = std::env::temp_dir().join(format!("hc-bench-log-{}", std::process::id()));
        std::fs::write(&log, "GET /\n").expect("write");
        empty_log(&log).expect("was written");
        let error = empty_log(&log).expect_err("is empty").to_string();
        std::fs::remove_file(&log).expect("remove");
        assert!(error.contains("empty"), "{error}");
    }
}
