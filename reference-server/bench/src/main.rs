//! `hc-bench`: picks the servers and the load for each subcommand, measures, prints a table, writes JSON.
//!
//! It must not know how anything is measured. The exit code says whether the bench could run, never whether a
//! target was met: timing is not a test.
#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;

use hc_bench::contenders::{
    self, Contender, FLOOR, FLOOR_DEFERRED, HC_C, HC_RUST, HC_VALIDATES, HcServer, NGINX,
};
use hc_bench::counted::{self, Counter};
use hc_bench::generator::Load;
use hc_bench::options::{self, Command, HELP};
use hc_bench::settings::Settings;
use hc_bench::table::Table;
use hc_bench::targets::{self, RatioTarget};
use hc_bench::timed::{self, Plan};
use hc_bench::workshop::default_target;
use hc_bench::{leaving, parked, partition, query, report, resources, scaling};
use serde::Serialize;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let options = match options::parse(&arguments, default_target()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("hc-bench: {message}");
            return ExitCode::from(2);
        }
    };
    ended(Settings::open(options).and_then(|settings| run(&settings)))
}

fn ended(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hc-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: &Settings) -> io::Result<()> {
    for warning in settings.warnings() {
        println!("note: {warning}");
    }
    let command = settings.options.command;
    match command {
        Command::Short => {
            run_timed(settings, Command::Hello)?;
            run_parked(settings)
        }
        Command::Parked => run_parked(settings),
        Command::Scaling => {
            let results = scaling::measure(settings)?;
            show(settings, "scaling", &results.title, &results.table(), &results)
        }
        Command::Resources => {
            let results = resources::measure(settings)?;
            show(settings, "resources", &results.title, &results.table(), &results)
        }
        Command::Partition => {
            let results = partition::measure(settings)?;
            show(settings, "partition", &results.title, &results.table(), &results)
        }
        Command::Query => {
            let results = query::measure(settings)?;
            show(settings, "query", &results.title, &results.table(), &results)
        }
        Command::Leaving => {
            let results = leaving::measure(settings)?;
            show(settings, "leaving", &results.title, &results.table(), &results)
        }
        Command::Instructions => run_counted(settings, Counter::Instructions, "instructions"),
        Command::Syscalls => run_counted(settings, Counter::SystemCalls, "syscalls"),
        Command::Hello | Command::HelloLog | Command::Pipelined | Command::PerConnection | Command::Peer => {
            run_timed(settings, command)
        }
    }
}

fn run_parked(settings: &Settings) -> io::Result<()> {
    let results = parked::measure(settings)?;
    show(settings, "parked", &results.title, &results.table(), &results)
}

fn run_counted(settings: &Settings, counter: Counter, name: &str) -> io::Result<()> {
    let mut rows = vec![contenders::floor(settings, FLOOR, &[])?, contenders::nginx(settings, NGINX, None)?];
    rows.extend(hello_servers(settings, Command::Hello)?);
    let results = counted::measure(settings, counter, &rows);
    show(settings, name, &results.title, &results.table(), &results)
}

fn run_timed(settings: &Settings, command: Command) -> io::Result<()> {
    let row = if command == Command::Peer { settings.options.row } else { command };
    let (name, load, targets) = shape(settings, row);
    let mut rows: Vec<(Contender, Load)> = Vec::new();
    let floor_options: &[&str] = if load.per_connection { &["-c"] } else { &[] };
    rows.push((contenders::floor(settings, FLOOR, floor_options)?, load.clone()));
    if load.per_connection {
        rows.push((contenders::floor(settings, FLOOR_DEFERRED, &["-c", "-d"])?, load.clone()));
    }
    let log = row == Command::HelloLog;
    rows.push((contenders::nginx(settings, NGINX, log.then_some(""))?, load.clone()));
    if log {
        rows.push((contenders::nginx(settings, "nginx, log buffer 64k", Some("64k"))?, load.clone()));
    }
    if command == Command::Peer {
        let options = &settings.options;
        let cores = &settings.server_cores;
        let peer = contenders::peer(&options.name, &options.trailing, options.port, 1, cores)?;
        rows.push((peer, Load { path: options.path.clone(), ..load.clone() }));
    } else {
        rows.extend(hello_servers(settings, row)?.into_iter().map(|server| (server, load.clone())));
    }
    let options = &settings.options;
    let title = format!(
        "{name}: {} connections, {} rounds of {} s, server on CPU {:?}, load on CPU {:?}, seed {}",
        load.connections,
        options.rounds,
        options.seconds,
        settings.server_cores,
        settings.load_cores,
        settings.seed
    );
    let results = timed::measure(settings, &Plan { title, rows, targets });
    let file = if command == Command::Peer { "peer" } else { name };
    show(settings, file, &results.title, &results.table(), &results)
}

/// Name, load and targets of a timed row.
fn shape(settings: &Settings, row: Command) -> (&'static str, Load, &'static [RatioTarget]) {
    let load = settings.slot_load();
    match row {
        Command::HelloLog => ("hello-log", load, targets::HELLO_LOG),
        Command::Pipelined => {
            ("pipelined", Load { pipeline: settings.options.pipeline, ..load }, targets::PIPELINED)
        }
        Command::PerConnection => {
            ("per-connection", Load { per_connection: true, ..load }, targets::PER_CONNECTION)
        }
        _ => ("hello", load, targets::HELLO),
    }
}

fn hello_servers(settings: &Settings, row: Command) -> io::Result<Vec<Contender>> {
    let rows = [(HC_C, "hello_c", false), (HC_RUST, "hello_rust", false), (HC_VALIDATES, "hello_c", true)];
    rows.into_iter()
        // Checks are looked at where nothing else is.
        .filter(|(_, _, validates)| !validates || row == Command::Hello)
        .map(|(name, module, validates)| {
            let access_log = row == Command::HelloLog;
            contenders::hc_server(settings, name, HcServer { module, workers: 1, access_log, validates })
        })
        .collect()
}

fn show<T: Serialize>(
    settings: &Settings,
    name: &str,
    title: &str,
    table: &Table,
    results: &T,
) -> io::Result<()> {
    let path = report::write(settings, name, results)?;
    println!("\n{title}\n\n{table}\nwritten: {}\n", path.display());
    Ok(())
}
