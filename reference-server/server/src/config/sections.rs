//! The lists of the file: `[[module]]` and `[[route]]`, and what one says about the other.

use std::collections::HashMap;
use std::path::Path;

use super::diagnostic::Problems;
use super::file::{DAY_MS, MAXIMUM_BODY_BYTES, read_path};
use super::gates::read_gates;
use super::host_name::HostPattern;
use super::json;
use super::keys::Section;
use super::settings::{HalfClose, Isolation, Limits, Timeouts};
use super::suggest::nearest;
use super::values::{Entry, Reader};
use super::{ModuleConfig, Position, ResourceConfig, RouteConfig};
use serde_json::Value;

/// Longest name of a module instance or a resource, in bytes.
pub(super) const NAME_BYTES: usize = 64;

/// The modules of the file. One with errors keeps its place, so that routes to it are not complained of as well.
pub(super) struct Modules {
    configs: Vec<ModuleConfig>,
}

impl Modules {
    /// The modules of a file without complaints.
    pub(super) fn into_configs(self) -> Vec<ModuleConfig> {
        self.configs
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.configs.iter().position(|module| module.name == name)
    }
}

/// What routes can name.
pub(super) struct Named<'a> {
    pub(super) modules: &'a Modules,
    pub(super) resources: &'a [ResourceConfig],
}

pub(super) fn read_modules(problems: &Problems<'_>, top: &Reader<'_, '_>, base: &Path) -> Modules {
    let tables = top.tables("module", Section::Module);
    if tables.is_empty() && top.get("module").is_none() {
        let help = "add one:\n\n    [[module]]\n    name = \"hello\"\n    path = \"modules/hello.so\"";
        problems.whole("there is no [[module]]", help);
    }
    let mut modules = Modules { configs: Vec::new() };
    for table in tables {
        let name = read_name(&table);
        if let (Some(name), Some(entry)) = (&name, table.get("name"))
            && let Some(first) = modules.find(name)
        {
            let line = modules.configs[first].declared.map_or(0, |position| position.line);
            let problem = format!("the module name `{name}` is taken by the [[module]] in line {line}");
            entry.complain(problem, "give each instance a name of its own, even of one library");
        }
        let path = table
            .require("path", "write the path of the module's shared library")
            .and_then(|entry| entry.string());
        let config = table
            .get("config")
            .and_then(|entry| entry.secret_table())
            .map(|table| Value::Object(json::object(problems, table)));
        modules.configs.push(ModuleConfig {
            name: name.unwrap_or_default(),
            path: base.join(path.unwrap_or_default()),
            isolation: read_isolation(&table),
            config_json: config.map_or_else(|| "{}".to_owned(), |config| config.to_string()),
            declared: Some(problems.position(&table.span)),
        });
    }
    modules
}

fn read_name(table: &Reader<'_, '_>) -> Option<String> {
    let entry = table.require("name", "write a name for the instance; routes and logs use it")?;
    let name = entry.string()?;
    if is_plain_name(name) {
        return Some(name.to_owned());
    }
    let problem = format!("`{}` cannot be the name of a module", name.escape_debug());
    entry.complain(problem, format!("use up to {NAME_BYTES} letters, digits, `-`, `_` and `.`"));
    Some(name.to_owned())
}

/// Whether logs and routes can name a module or a resource so.
pub(super) fn is_plain_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(plain)
}

fn read_isolation(table: &Reader<'_, '_>) -> Isolation {
    let Some(entry) = table.get("isolation") else { return Isolation::Shared };
    let words = [("shared", Some(Isolation::Shared)), ("copy", None)];
    match entry.word(&words) {
        Some(Some(isolation)) => isolation,
        Some(None) => {
            let help = "write `isolation = \"shared\"`, or leave the key out";
            entry.complain("isolation by copy is not in this version", help);
            Isolation::Shared
        }
        None => Isolation::Shared,
    }
}

pub(super) fn read_routes(
    problems: &Problems<'_>,
    top: &Reader<'_, '_>,
    named: &Named<'_>,
    limits: &Limits,
    timeouts: &Timeouts,
) -> Vec<RouteConfig> {
    let modules = named.modules;
    let tables = top.tables("route", Section::Route);
    if tables.is_empty() && top.get("route").is_none() {
        let name = modules.configs.first().map_or("hello", |module| &module.name);
        let help = format!("add one:\n\n    [[route]]\n    path = \"/\"\n    module = \"{name}\"");
        problems.whole("there is no [[route]]: no request would reach a module", help);
    }
    let mut taken: HashMap<(Option<HostPattern>, String), Position> = HashMap::new();
    let mut routes = Vec::new();
    for table in tables {
        let declared = problems.position(&table.span);
        let host = table.get("host").map(|entry| read_host(&entry));
        let path = table.require("path", "write `path = \"/\"` for a route of every path");
        let path = path.and_then(|entry| read_path(&entry));
        if let (Some(path), None | Some(Some(_))) = (&path, &host) {
            let key = (host.clone().flatten(), path.clone());
            if let Some(first) = taken.get(&key) {
                let help = "give one of them another host or path, or leave one out";
                let problem = format!("the [[route]] in line {} has the same host and path", first.line);
                problems.at(table.span.clone(), problem, help);
            }
            taken.entry(key).or_insert(declared);
        }
        let time = |key, least| table.get(key).and_then(|entry| entry.milliseconds(&(least..=DAY_MS)));
        let body_bytes = table.get("body_bytes");
        let body_bytes = body_bytes.and_then(|entry| entry.bytes_or_unlimited(&(0..=MAXIMUM_BODY_BYTES)));
        let body_bytes = body_bytes.unwrap_or(limits.body_bytes);
        let half_close = table.get("half_close").and_then(|entry| entry.word(HalfClose::WORDS));
        routes.push(RouteConfig {
            host: host.flatten(),
            path: path.unwrap_or_default(),
            modules: read_chain(problems, &table, modules),
            body_bytes,
            deadline: time("deadline_ms", 1).unwrap_or(timeouts.request),
            cancel_grace: time("cancel_grace_ms", 0).unwrap_or_default(),
            half_close: half_close.unwrap_or(HalfClose::Cancel),
            gates: read_gates(&table, named.resources, body_bytes),
            declared: Some(declared),
        });
    }
    routes
}

fn read_host(entry: &Entry<'_, '_>) -> Option<HostPattern> {
    let pattern = HostPattern::parse(entry.string()?);
    pattern.map_err(|(problem, help)| entry.complain(problem, help)).ok()
}

/// The indices of the modules that `module` or `modules` names.
fn read_chain(problems: &Problems<'_>, table: &Reader<'_, '_>, modules: &Modules) -> Vec<usize> {
    let names = match (table.get("module"), table.get("modules")) {
        (Some(_), Some(chain)) => {
            chain.complain(
                "a route has either `module` or `modules`",
                "leave `module` out: `modules` names them all",
            );
            return Vec::new();
        }
        (Some(single), None) if single.is_list() => {
            single.complain("`module` is a list", "a chain of modules is written `modules = [...]`");
            return Vec::new();
        }
        (Some(single), None) => vec![single],
        (None, Some(chain)) => {
            let names = chain.list();
            if names.as_ref().is_some_and(Vec::is_empty) {
                chain.complain("`modules` names no module", "name at least the one that answers");
            }
            names.unwrap_or_default()
        }
        (None, None) if table.is_mistyped("module") || table.is_mistyped("modules") => return Vec::new(),
        (None, None) => {
            let help = "write `module = \"NAME\"` with the name of a [[module]]";
            problems.at(table.span.clone(), "[[route]] lacks `module`", help);
            Vec::new()
        }
    };
    let mut chain = Vec::new();
    for entry in names {
        let Some(name) = entry.string() else { continue };
        match modules.find(name) {
            Some(index) if chain.contains(&index) => {
                entry
                    .complain(format!("the module `{name}` is twice in this chain"), "leave one of them out");
            }
            Some(index) => chain.push(index),
            None => {
                let known = modules.configs.iter().map(|module| module.name.as_str());
                let help = advice(name, known, "add a [[module]] of that name");
                entry.complain(format!("there is no module `{}`", name.escape_debug()), help);
            }
        }
    }
    chain
}

/// What to do about a name that nobody has: mean one of the known, or do as `add` says.
pub(super) fn advice<'a>(name: &str, known: impl Iterator<Item = &'a str>, add: &str) -> String {
    let known: Vec<&str> = known.filter(|name| !name.is_empty()).collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => add.to_owned(),
        None => format!("{add}, or use one of {}", known.join(", ")),
    }
}
