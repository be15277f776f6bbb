//! Results as JSON files, with the machine they hold for. It must not know how they were measured.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::settings::Settings;

/// The machine and the settings behind a result.
#[derive(Debug, Serialize)]
pub struct Circumstances {
    /// Seconds since 1970.
    pub unix_seconds: u64,
    /// `model name` of the first CPU.
    pub cpu: String,
    /// Kernel release.
    pub kernel: String,
    /// CPUs that the bench may use.
    pub cores: usize,
    /// CPUs of the servers with one worker.
    pub server_cores: Vec<usize>,
    /// CPUs of the load generator.
    pub load_cores: Vec<usize>,
    /// Rounds.
    pub rounds: usize,
    /// Seconds of a slot.
    pub slot_seconds: f64,
    /// Seed of the order of slots.
    pub seed: u64,
    /// What made the run less trustworthy.
    pub warnings: Vec<String>,
}

#[derive(Serialize)]
struct Report<'a, T> {
    bench: &'a str,
    circumstances: Circumstances,
    results: &'a T,
}

/// The circumstances of this run.
pub fn circumstances(settings: &Settings) -> Circumstances {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpus.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Circumstances {
        unix_seconds: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        cpu: cpu.map_or_else(String::new, |(_, name)| name.trim().to_owned()),
        kernel: kernel.trim().to_owned(),
        cores: settings.all_cores.len(),
        server_cores: settings.server_cores.clone(),
        load_cores: settings.load_cores.clone(),
        rounds: settings.options.rounds,
        slot_seconds: settings.options.seconds,
        seed: settings.seed,
        warnings: settings.warnings(),
    }
}

/// Writes `target/bench/NAME.json` and gives its path.
pub fn write<T: Serialize>(settings: &Settings, name: &str, results: &T) -> io::Result<PathBuf> {
    let report = Report { bench: name, circumstances: circumstances(settings), results };
    let path = settings.results.join(format!("{name}.json"));
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    fs::write(&path, text)?;
    Ok(path)
}
