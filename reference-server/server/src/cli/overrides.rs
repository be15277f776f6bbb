//! The configuration of `run`: the file's, or one for a single module, with what the command line says over it.

use std::path::Path;

use super::arguments::RunOptions;
use super::{Failure, UsageError};
use crate::config::{Config, Listen, StatusConfig, StatusPeers, check_normal};

/// The configuration to run.
pub(super) fn config(options: &RunOptions) -> Result<Config, Failure> {
    let mut config = match (&options.file, &options.module) {
        (Some(file), _) => Config::read(file).map_err(Failure::Config)?,
        (None, Some(module)) => single(module, options.config.as_deref())?,
        (None, None) => unreachable!("the arguments name a file or a module"),
    };
    if !options.listen.is_empty() {
        config.listen = listen(&options.listen)?;
    }
    if let Some(workers) = options.workers {
        config.workers = workers;
    }
    if let Some(level) = options.log_level {
        config.log.level = level;
    }
    config.validate |= options.validate;
    if let Some(format) = options.access_log {
        config.log.access = format;
    }
    if let Some(path) = &options.status_path {
        config.status = Some(status(path)?);
    }
    Ok(config)
}

fn single(module: &Path, json: Option<&str>) -> Result<Config, Failure> {
    Config::for_module(module, json.unwrap_or("{}")).map_err(|error| {
        let help = "write one in quotes for the shell: --config '{\"key\": \"value\"}'";
        usage(format!("the value of --config is not a JSON object: {error}"), help)
    })
}

fn listen(texts: &[String]) -> Result<Vec<Listen>, Failure> {
    let mut addresses = Vec::new();
    for text in texts {
        let address =
            Listen::parse(text, Path::new(".")).map_err(|error| usage(error.problem, error.help))?;
        if addresses.contains(&address) && !address.is_chosen_by_system() {
            return Err(usage(format!("--listen {address} is given twice"), "give it once"));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

fn status(path: &str) -> Result<StatusConfig, Failure> {
    check_normal(path).map_err(|(problem, help)| usage(problem, help))?;
    Ok(StatusConfig { path: path.to_owned(), listen: None, peers: StatusPeers::Loopback })
}

fn usage(problem: impl Into<String>, help: impl Into<String>) -> Failure {
    Failure::Usage(UsageError { problem: problem.into(), help: help.into() })
}
