//! The configuration file: from its text to a [`Config`], or to all that is wrong with it.

use std::fs;
use std::path::Path;
use std::thread;

use toml::de::DeTable;

use super::diagnostic::{ConfigErrors, Problems};
use super::keys::Section;
use super::listen::Listen;
use super::path_segments::check_normal;
use super::resources::read_resources;
use super::sections::{Named, read_modules, read_routes};
use super::settings::{AccessFormat, ErrorFormat, Limits, LogConfig, LogLevel, LogTarget};
use super::settings::{StatusConfig, StatusPeers, Timeouts};
use super::values::{Entry, Reader};
use super::{Config, DEFAULT_LISTEN, DEFAULT_STATUS_PATH, MAXIMUM_WORKERS};

/// Largest value of most byte limits and counts that are kept in memory: 1 GiB.
const MAXIMUM_MEMORY: u64 = 1 << 30;
/// Largest value of limits that cost no memory.
pub(super) const MAXIMUM_BODY_BYTES: u64 = i64::MAX as u64;
/// Longest time: a day.
pub(super) const DAY_MS: u64 = 86_400_000;
/// The most threads of a pool.
const MAXIMUM_THREADS: u64 = 1024;
/// The most header fields that the HTTP/1.1 reader can be told to accept.
const MAXIMUM_FIELD_COUNT: u64 = 128;

impl Config {
    /// Read and check a configuration file.
    pub fn read(file: &Path) -> Result<Self, ConfigErrors> {
        let bytes = fs::read(file).map_err(|error| {
            let help = "name the configuration file that you mean, and let the server's user read it";
            ConfigErrors::whole(file, format!("cannot be read: {error}"), help)
        })?;
        if bytes.contains(&0) {
            // Nothing of it is shown: it would be thrown at somebody's terminal.
            let help = format!(
                "for a module without a configuration, say `hc-server run --module {}`",
                file.display()
            );
            return Err(ConfigErrors::whole(file, "is no text, as a configuration is", help));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(&text, file),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let lossy = String::from_utf8_lossy(error.as_bytes());
                let problems = Problems::new(&lossy);
                problems.at(valid..valid + 1, "this is not UTF-8", "save the file in the encoding UTF-8");
                Err(problems.into_errors(file))
            }
        }
    }

    /// Check the text of a configuration file; `file` is for complaints, and its folder that of relative paths.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigErrors> {
        let problems = Problems::new(text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let help = "this is not TOML: see https://toml.io";
            problems.at(error.span().unwrap_or(0..0), error.message(), help);
        }
        if !problems.is_empty() {
            return Err(problems.into_errors(file));
        }
        // Never empty: a bare name of a library would be looked for on the system's library path.
        let base = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let top = Reader::new(&problems, Section::Top, document.get_ref(), document.span());
        let config = read_top(&problems, &top, file, base);
        if problems.is_empty() { Ok(config) } else { Err(problems.into_errors(file)) }
    }
}

fn read_top(problems: &Problems<'_>, top: &Reader<'_, '_>, file: &Path, base: &Path) -> Config {
    let listen = top.get("listen").map_or_else(default_listen, |entry| read_listen(&entry, base));
    let workers = top.get("workers").and_then(|entry| entry.integer(&(1..=MAXIMUM_WORKERS as u64)));
    let validate = top.get("validate").and_then(|entry| entry.boolean());
    let limits =
        top.table("limits", Section::Limits).map_or_else(Limits::default, |table| read_limits(&table));
    let timeouts = top.table("timeouts", Section::Timeouts);
    let timeouts = timeouts.map_or_else(Timeouts::default, |table| read_timeouts(&table));
    let log = top.table("log", Section::Log).map_or_else(LogConfig::default, |table| read_log(&table, base));
    let status = top.table("status", Section::Status);
    let status = status.map(|table| read_status(&table, base, &listen));
    let modules = read_modules(problems, top, base);
    let resources = read_resources(problems, top, base);
    let routes =
        read_routes(problems, top, &Named { modules: &modules, resources: &resources }, &limits, &timeouts);
    Config {
        file: Some(file.to_owned()),
        listen,
        workers: workers.map_or_else(default_workers, |workers| workers as usize),
        validate: validate.unwrap_or(false),
        limits,
        timeouts,
        log,
        status,
        modules: modules.into_configs(),
        resources,
        routes,
    }
}

/// One worker for every core that the process may use.
pub(super) fn default_workers() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(MAXIMUM_WORKERS))
}

/// The address when none is named.
pub(super) fn default_listen() -> Vec<Listen> {
    vec![Listen::Tcp(DEFAULT_LISTEN)]
}

fn read_listen(entry: &Entry<'_, '_>, base: &Path) -> Vec<Listen> {
    let elements = entry.one_or_more();
    if elements.is_empty() {
        let help = format!("name at least one address, or leave the key out for {DEFAULT_LISTEN}");
        entry.complain("`listen` names no address", help);
    }
    let mut addresses = Vec::new();
    for element in elements {
        if let Some(address) = read_address(&element, base) {
            if addresses.contains(&address) && !address.is_chosen_by_system() {
                element.complain(format!("the address {address} is named twice"), "leave one of them out");
            }
            addresses.push(address);
        }
    }
    addresses
}

fn read_address(entry: &Entry<'_, '_>, base: &Path) -> Option<Listen> {
    if entry.is_integer() {
        let help = "write an IP address and a port: \"127.0.0.1:8080\" for this machine only, \"[::]:80\" for everybody";
        entry.complain("a port alone is not an address to listen on", help);
        return None;
    }
    let address = Listen::parse(entry.string()?, base);
    address.map_err(|error| entry.complain(error.problem, error.help)).ok()
}

fn read_limits(table: &Reader<'_, '_>) -> Limits {
    let default = Limits::default();
    let bytes = |key, least, default: usize| {
        let value = table.get(key).and_then(|entry| entry.bytes(&(least..=MAXIMUM_MEMORY)));
        value.map_or(default, |value| value as usize)
    };
    let count = |key, most, default: usize| {
        let value = table.get(key).and_then(|entry| entry.integer(&(1..=most)));
        value.map_or(default, |value| value as usize)
    };
    let body = |key| table.get(key).and_then(|entry| entry.bytes_or_unlimited(&(0..=MAXIMUM_BODY_BYTES)));
    let unread = table.get("unread_body_bytes").and_then(|entry| entry.bytes(&(0..=MAXIMUM_BODY_BYTES)));
    let limits = Limits {
        request_line_bytes: bytes("request_line_bytes", 64, default.request_line_bytes),
        head_bytes: bytes("head_bytes", 128, default.head_bytes),
        field_count: count("field_count", MAXIMUM_FIELD_COUNT, default.field_count),
        body_bytes: body("body_bytes").unwrap_or(default.body_bytes),
        connections: count("connections", 1 << 24, default.connections),
        respond_bytes: bytes("respond_bytes", 0, default.respond_bytes),
        operations_per_task: count("operations_per_task", 1 << 20, default.operations_per_task),
        tasks_per_module: count("tasks_per_module", 1 << 24, default.tasks_per_module),
        pipelined_bytes: bytes("pipelined_bytes", 0, default.pipelined_bytes),
        unread_body_bytes: unread.unwrap_or(default.unread_body_bytes),
        blocking_threads: count("blocking_threads", MAXIMUM_THREADS, default.blocking_threads),
        blocking_queue: count("blocking_queue", 1 << 24, default.blocking_queue),
        offload_threads: count("offload_threads", MAXIMUM_THREADS, default.offload_threads),
        offload_queue: count("offload_queue", 1 << 24, default.offload_queue),
    };
    if let Some(entry) = table.get("request_line_bytes").or_else(|| table.get("head_bytes"))
        && limits.request_line_bytes > limits.head_bytes
    {
        let problem = format!(
            "a request line of {} bytes does not fit a head of {} bytes",
            limits.request_line_bytes, limits.head_bytes
        );
        entry.complain(problem, "the head begins with the request line: make `head_bytes` the larger one");
    }
    limits
}

fn read_timeouts(table: &Reader<'_, '_>) -> Timeouts {
    let default = Timeouts::default();
    let time = |key, least, default| {
        table.get(key).and_then(|entry| entry.milliseconds(&(least..=DAY_MS))).unwrap_or(default)
    };
    Timeouts {
        header: time("header_ms", 1, default.header),
        body: time("body_ms", 1, default.body),
        idle: time("idle_ms", 1, default.idle),
        write: time("write_ms", 1, default.write),
        request: time("request_ms", 1, default.request),
        drain: time("drain_ms", 0, default.drain),
        background: time("background_ms", 0, default.background),
        linger: time("linger_ms", 0, default.linger),
    }
}

fn read_log(table: &Reader<'_, '_>, base: &Path) -> LogConfig {
    let default = LogConfig::default();
    let access_words: Vec<(&str, Option<AccessFormat>)> = std::iter::once(("off", None))
        .chain(AccessFormat::WORDS.iter().map(|&(word, format)| (word, Some(format))))
        .collect();
    let access = table.get("access");
    if let (None, Some(path)) = (&access, table.get("access_path")) {
        let help = "add `access = \"combined\"`, or leave the path out";
        path.complain("the access log has a path, but it is off", help);
    }
    let target = |key| table.get(key).and_then(|entry| entry.string()).map(|text| log_target(text, base));
    LogConfig {
        access: access.and_then(|entry| entry.word(&access_words)).unwrap_or(default.access),
        access_target: target("access_path").unwrap_or(default.access_target),
        error_target: target("error_path").unwrap_or(default.error_target),
        error_format: table
            .get("error_format")
            .and_then(|entry| entry.word(ErrorFormat::WORDS))
            .unwrap_or(default.error_format),
        level: table.get("level").and_then(|entry| entry.word(LogLevel::WORDS)).unwrap_or(default.level),
    }
}

/// `stdout`, `stderr`, or a file.
pub(super) fn log_target(text: &str, base: &Path) -> LogTarget {
    match text {
        "stdout" => LogTarget::StandardOutput,
        "stderr" => LogTarget::StandardError,
        path => LogTarget::File(base.join(path)),
    }
}

fn read_status(table: &Reader<'_, '_>, base: &Path, listen: &[Listen]) -> StatusConfig {
    let path = table.get("path").and_then(|entry| read_path(&entry));
    let own = table.get("listen").and_then(|entry| {
        let address = read_address(&entry, base)?;
        if listen.contains(&address) && !address.is_chosen_by_system() {
            let help = "leave `listen` out of [status] to answer there, or name another address";
            entry.complain(format!("{address} is an address of the server itself"), help);
        }
        Some(address)
    });
    let peers = table.get("peers").and_then(|entry| entry.word(StatusPeers::WORDS));
    StatusConfig {
        path: path.unwrap_or_else(|| DEFAULT_STATUS_PATH.to_owned()),
        listen: own,
        peers: peers.unwrap_or(StatusPeers::Loopback),
    }
}

/// A path, or path prefix, in normal form.
pub(super) fn read_path(entry: &Entry<'_, '_>) -> Option<String> {
    let text = entry.string()?;
    check_normal(text).map_err(|(problem, help)| entry.complain(problem, help)).ok()?;
    Some(text.to_owned())
}
