//! What all measurements of one run share: options, CPUs, the workshop. It must not know the servers.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::generator::{Load, Stop};
use crate::options::Options;
use crate::workshop::{Workshop, allowed_cores, find_program};

/// The shared settings of a run.
#[derive(Debug)]
pub struct Settings {
    /// The command line.
    pub options: Options,
    /// Scratch folder and compiled programs.
    pub workshop: Workshop,
    /// The build directory, absolute.
    pub target: PathBuf,
    /// Where results are written.
    pub results: PathBuf,
    /// CPUs of a server with one worker.
    pub server_cores: Vec<usize>,
    /// CPUs of a server with more workers.
    pub all_cores: Vec<usize>,
    /// CPUs of the load generator.
    pub load_cores: Vec<usize>,
    /// Seed of the order of the slots.
    pub seed: u64,
}

impl Settings {
    /// Settles what the options leave open and opens the workshop.
    pub fn open(options: Options) -> io::Result<Self> {
        fs::create_dir_all(&options.target)?;
        let target = options.target.canonicalize()?;
        let results = target.join("bench");
        let all_cores = allowed_cores();
        let first = all_cores.first().copied().unwrap_or(0);
        let last = all_cores.last().copied().unwrap_or(0);
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        Ok(Self {
            workshop: Workshop::open(&results)?,
            server_cores: vec![options.server_core.unwrap_or(last)],
            load_cores: vec![options.load_core.unwrap_or(first)],
            seed: options.seed.unwrap_or(u64::from(clock.subsec_nanos())),
            all_cores,
            target,
            results,
            options,
        })
    }

    /// Connections of the load generator in the timed rows.
    pub fn connections(&self) -> usize {
        self.options.connections.unwrap_or(64)
    }

    /// Keep-alive load for one slot.
    pub fn slot_load(&self) -> Load {
        Load {
            fields: self.options.fields.clone(),
            ..Load::keep_alive(self.connections(), Stop::Seconds(self.options.seconds))
        }
    }

    /// What makes this run less trustworthy than it could be, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.server_cores == self.load_cores {
            warnings.push("server and load generator share one CPU: ratios hold less well".to_owned());
        }
        for (tool, loss) in [
            ("taskset", "nothing is pinned to a CPU"),
            ("setpriv", "servers may outlive a bench that is killed"),
        ] {
            if find_program(tool).is_none() {
                warnings.push(format!("{tool} is missing (apt-get install util-linux): {loss}"));
            }
        }
        warnings
    }
}
