//! `hc-server check`: reads the configuration, loads the library of every module and provider, and shows what would be
//! served. Makes no instance: of the modules' own code only the initialisers of their libraries run.

use std::fmt::Write;
use std::path::Path;

use http_container_abi::load;

use super::Failure;
use crate::config::{Config, GateConfig, PartitionKey, Position, ResourceConfig};
use crate::providers;
use crate::validation::faults_of_file;

/// Check the file; the text is for the operator.
pub(super) fn check(file: &Path) -> Result<String, Failure> {
    let config = Config::read(file).map_err(Failure::Config)?;
    let mut loaded_code = String::new();
    let mut failures = Vec::new();
    let mut notes = String::new();
    for module in &config.modules {
        match load(&module.path) {
            Ok(loaded) => {
                let info = loaded.table.info();
                let (id, version) = (info.id.escape_debug(), info.version.escape_debug());
                let (major, minor) = info.abi;
                writeln!(loaded_code, "  module    {}: {id} {version} (ABI {major}.{minor})", module.name)
                    .expect("a String takes every text");
                for (rule, text) in faults_of_file(&module.path, &info) {
                    notes +=
                        &format!("  note      module `{}` breaks a rule: {text} [{rule}]\n", module.name);
                }
            }
            Err(error) => {
                failures.push(format!("{}: module `{}`: {error}", place(file, module.declared), module.name));
            }
        }
    }
    for resource in &config.resources {
        if !providers::is_needed(&resource.provider) {
            loaded_code += &resource_line(resource, "the server itself");
            continue;
        }
        match providers::find(&resource.provider) {
            Ok(table) => loaded_code += &resource_line(resource, table.info().id),
            Err(error) => {
                let place = place(file, Some(resource.declared));
                failures.push(format!("{place}: resource `{}`: {error}", resource.name));
            }
        }
    }
    if failures.is_empty() {
        Ok(summary(file, &config, &loaded_code) + &notes)
    } else {
        Err(Failure::Failed(failures))
    }
}

/// Where the file declares it.
fn place(file: &Path, declared: Option<Position>) -> String {
    match declared {
        Some(position) => format!("{}:{position}", file.display()),
        None => file.display().to_string(),
    }
}

/// Says nothing of the provider's configuration [configuration.secret].
fn resource_line(resource: &ResourceConfig, provider: &str) -> String {
    let ResourceConfig { name, min, max, .. } = resource;
    let members = if *max == 1 { "1 member".to_owned() } else { format!("{min} to {max} members") };
    format!("  resource  {name}: {members} of {}\n", provider.escape_debug())
}

/// What a request of the route waits for, if it does, in words behind the route.
fn gates_text(config: &Config, gates: &GateConfig) -> String {
    let body = gates.whole_body_bytes.map(|bytes| format!("its body of at most {bytes} bytes"));
    let partition = gates.partition.as_ref().map(|partition| {
        let key = match &partition.key {
            PartitionKey::Path(segment) => format!("path:{segment}"),
            PartitionKey::Header(name) => format!("header:{name}"),
            PartitionKey::Query(name) => format!("query:{name}"),
            PartitionKey::Cookie(name) => format!("cookie:{name}"),
        };
        format!("its turn in {key}")
    });
    let resources = gates.resources.iter().map(|&index| config.resources[index].name.clone());
    let all: Vec<String> = body.into_iter().chain(partition).chain(resources).collect();
    if all.is_empty() { String::new() } else { format!(", waits for {}", all.join(", ")) }
}

fn summary(file: &Path, config: &Config, loaded_code: &str) -> String {
    let mut text = format!("{}: good\n", file.display());
    for address in &config.listen {
        text += &format!("  listen    {address}\n");
    }
    text += &format!("  workers   {}\n", config.workers);
    if let Some(status) = &config.status {
        let place = status.listen.as_ref().map(|address| format!(" on {address}")).unwrap_or_default();
        text += &format!("  status    {}{place}, for {} peers\n", status.path, status.peers.word());
    }
    text += loaded_code;
    for route in &config.routes {
        let chain: Vec<&str> =
            route.modules.iter().map(|&module| config.modules[module].name.as_str()).collect();
        let gates = gates_text(config, &route.gates);
        text += &format!("  route     {} -> {}{gates}\n", route.label(), chain.join(" -> "));
    }
    for (index, module) in config.modules.iter().enumerate() {
        if !config.routes.iter().any(|route| route.modules.contains(&index)) {
            text += &format!("  note      no route names the module `{}`\n", module.name);
        }
    }
    text
}
