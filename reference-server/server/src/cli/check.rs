//! `hc-server check`: reads the configuration, loads every module's library, and shows what would be served. Makes no
//! instance: of the modules' own code only the initialisers of their libraries run.

use std::fmt::Write;
use std::path::Path;

use http_container_abi::load;

use super::Failure;
use crate::config::{Config, ModuleConfig};

/// Check the file; the text is for the operator.
pub(super) fn check(file: &Path) -> Result<String, Failure> {
    let config = Config::read(file).map_err(Failure::Config)?;
    let mut modules = String::new();
    let mut failures = Vec::new();
    for module in &config.modules {
        match load(&module.path) {
            Ok(loaded) => {
                let info = loaded.table.info();
                let (id, version) = (info.id.escape_debug(), info.version.escape_debug());
                let (major, minor) = info.abi;
                writeln!(modules, "  module    {}: {id} {version} (ABI {major}.{minor})", module.name)
                    .expect("a String takes every text");
            }
            Err(error) => {
                failures.push(format!("{}: module `{}`: {error}", place(file, module), module.name));
            }
        }
    }
    if failures.is_empty() { Ok(summary(file, &config, &modules)) } else { Err(Failure::Failed(failures)) }
}

/// Where the file declares the module.
fn place(file: &Path, module: &ModuleConfig) -> String {
    match module.declared {
        Some(position) => format!("{}:{position}", file.display()),
        None => file.display().to_string(),
    }
}

fn summary(file: &Path, config: &Config, modules: &str) -> String {
    let mut text = format!("{}: good\n", file.display());
    for address in &config.listen {
        text += &format!("  listen    {address}\n");
    }
    text += &format!("  workers   {}\n", config.workers);
    if let Some(status) = &config.status {
        let place = status.listen.as_ref().map(|address| format!(" on {address}")).unwrap_or_default();
        text += &format!("  status    {}{place}, for {} peers\n", status.path, status.peers.word());
    }
    text += modules;
    for route in &config.routes {
        let chain: Vec<&str> =
            route.modules.iter().map(|&module| config.modules[module].name.as_str()).collect();
        text += &format!("  route     {} -> {}\n", route.label(), chain.join(" -> "));
    }
    for (index, module) in config.modules.iter().enumerate() {
        if !config.routes.iter().any(|route| route.modules.contains(&index)) {
            text += &format!("  note      no route names the module `{}`\n", module.name);
        }
    }
    text
}
