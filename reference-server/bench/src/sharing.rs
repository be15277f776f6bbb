//! The servers that share a resource: the reference server with `modules/query.c`, a thread per connection, and Python. It must
//! not know what is measured.

use std::io;

use crate::contenders::{Contender, Recipe, hc_server_of};
use crate::launch::words;
use crate::python;
use crate::settings::Settings;
use crate::workshop::free_port;

/// The module of all rows with resources.
const MODULE: &str = "query";
/// The module that asks in two ways.
const MODULE_IN_RUST: &str = "query_rust";
/// Longest wait that anything in a bench may come to, in milliseconds: it is to be measured, not refused.
const PATIENCE_MS: u32 = 60_000;

/// The resource of a row.
#[derive(Clone, Debug)]
pub enum Resource {
    /// PostgreSQL, by its URL.
    Postgres(String),
    /// SQLite, in a file of the run.
    Sqlite,
    /// A store in the server's memory.
    Memory,
}

/// What the module is asked to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Selects by key, or sleeps in the database.
    Key,
    /// Gets a value.
    Get,
    /// Takes a lease and gives it back.
    Lease,
}

/// The reference server with one resource, and more lines for its route.
pub fn hc_server(
    settings: &Settings,
    name: &str,
    workers: usize,
    resource: &Resource,
    what: Use,
    route: &str,
) -> io::Result<Contender> {
    let members = settings.options.members;
    hc_server_of(settings, name, MODULE, workers, |port, module, folder| {
        let (name, kind, url) = match resource {
            Resource::Postgres(url) => ("db", "postgres", Some(url.clone())),
            Resource::Sqlite => {
                ("db", "sqlite", Some(format!("sqlite:{}", folder.join("bench.db").display())))
            }
            Resource::Memory => ("cache", "memory", None),
        };
        let url = url.map(|url| format!("url = {url:?}\n")).unwrap_or_default();
        let what = match what {
            Use::Key => "key",
            Use::Get => "kv",
            Use::Lease => "lease",
        };
        format!(
            "listen = [\"127.0.0.1:{port}\"]\nworkers = {workers}\n\n[log]\naccess = \"off\"\n\n\
             [resource.{name}]\nkind = \"{kind}\"\n{url}max = {members}\nmax_waiting = 100000\n\
             acquire_timeout_ms = {PATIENCE_MS}\n\n\
             [[module]]\nname = \"query\"\npath = {module:?}\nconfig = {{ use = \"{what}\" }}\n\n\
             [[route]]\npath = \"/\"\nmodule = \"query\"\n{route}",
            module = module.display().to_string(),
        )
    })
}

/// The reference server with `modules/query-rust`, on one worker: the same query through a lease, or by the driver in the module.
pub fn hc_server_in_rust(
    settings: &Settings,
    name: &str,
    resource: &Resource,
    by_lease: bool,
) -> io::Result<Contender> {
    let members = settings.options.members;
    hc_server_of(settings, name, MODULE_IN_RUST, 1, |port, module, folder| {
        let file = folder.join("bench.db").display().to_string();
        let (kind, place, url) = match resource {
            Resource::Postgres(url) => ("postgres", url.clone(), url.clone()),
            _ => ("sqlite", file.clone(), format!("sqlite:{file}")),
        };
        let resource = format!(
            "[resource.db]\nkind = \"{kind}\"\nurl = {url:?}\nmax = {members}\n\
             acquire_timeout_ms = {PATIENCE_MS}\n\n"
        );
        let (resource, config) = match by_lease {
            true => (resource, "{ by = \"lease\" }".to_owned()),
            false => {
                (String::new(), format!("{{ by = \"{kind}\", url = {place:?}, connections = {members} }}"))
            }
        };
        format!(
            "listen = [\"127.0.0.1:{port}\"]\nworkers = 1\n\n[log]\naccess = \"off\"\n\n{resource}\
             [[module]]\nname = \"query\"\npath = {module:?}\nconfig = {config}\n\n\
             [[route]]\npath = \"/\"\nmodule = \"query\"\n",
            module = module.display().to_string(),
        )
    })
}

/// A thread per connection, on any CPU, which blocks until one of the pool's connections is free.
pub fn threads(
    settings: &Settings,
    name: &str,
    url: &str,
    connections: usize,
    in_order: bool,
) -> io::Result<Contender> {
    let port = free_port()?;
    let members = settings.options.members.to_string();
    let recipe = settings.workshop.threads().map(|program| {
        let mut command = words(&[program.as_os_str()]);
        command.extend(words(&["-p", &port.to_string(), "-u", url, "-m", &members]));
        command.extend(words(&["-t", &connections.to_string()]));
        command.extend(in_order.then(|| "-f".into()));
        Recipe { command, port, cores: settings.all_cores.clone(), access_log: None }
    });
    Ok(Contender { name: name.to_owned(), recipe })
}

/// uvicorn and asyncpg in two processes, on any CPU, each with half of the connections.
pub fn uvicorn(settings: &Settings, name: &str, url: &str) -> io::Result<Contender> {
    let port = free_port()?;
    let members = settings.options.members;
    let recipe = if members.is_multiple_of(python::PROCESSES) {
        python::command(settings, port, url, members / python::PROCESSES).map(|command| Recipe {
            command,
            port,
            cores: settings.all_cores.clone(),
            access_log: None,
        })
    } else {
        Err(format!("{members} connections are not to be shared by {} processes", python::PROCESSES))
    };
    Ok(Contender { name: name.to_owned(), recipe })
}
