//! `[resource.NAME]`: what the operator shares among modules. Knows what URLs of built-in kinds begin with, and nothing more
//! of what providers do.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use super::diagnostic::Problems;
use super::file::DAY_MS;
use super::json;
use super::keys::Section;
use super::sections::{NAME_BYTES, is_plain_name};
use super::settings::{ProviderSource, ResourceKind};
use super::values::{Entry, Reader};
use super::{ResourceConfig, suggest};

/// The most members of a resource.
const MAXIMUM_MEMBERS: u64 = 65_536;
/// The most tasks that wait for a resource, or for a partition.
pub(super) const MAXIMUM_WAITING: u64 = 1 << 24;
/// A year: the longest time of those in seconds.
const YEAR_S: u64 = 31_536_000;

/// The resources in the order of the file. One with errors keeps its place.
pub(super) fn read_resources(
    problems: &Problems<'_>,
    top: &Reader<'_, '_>,
    base: &Path,
) -> Vec<ResourceConfig> {
    let mut resources = Vec::new();
    for (name, span, table) in top.named_tables("resource", Section::Resource) {
        if !is_plain_name(name) {
            let problem = format!("`{}` cannot be the name of a resource", name.escape_debug());
            problems.at(span, problem, format!("use up to {NAME_BYTES} letters, digits, `-`, `_` and `.`"));
        }
        let provider = read_provider(problems, &table, base);
        let config_json = read_config(problems, &table, provider.as_ref(), base).to_string();
        let (min, max) = read_members(&table, provider.as_ref());
        let time = |key, default| {
            let time = table.get(key).and_then(|entry| entry.milliseconds(&(1..=DAY_MS)));
            time.unwrap_or(Duration::from_millis(default))
        };
        let long_time = |key, default| {
            let time = table.get(key).and_then(|entry| entry.seconds(&(1..=YEAR_S)));
            time.unwrap_or(Duration::from_secs(default))
        };
        let test_on_acquire = table.get("test_on_acquire").and_then(|entry| entry.boolean());
        resources.push(ResourceConfig {
            name: name.to_owned(),
            provider: provider.unwrap_or(ProviderSource::BuiltIn(ResourceKind::Limit)),
            config_json,
            min,
            max,
            max_waiting: count(&table, "max_waiting", &(0..=MAXIMUM_WAITING)).unwrap_or(1024),
            acquire_timeout: time("acquire_timeout_ms", 5000),
            idle_timeout: long_time("idle_timeout_s", 300),
            max_lifetime: long_time("max_lifetime_s", 3600),
            member_timeout: time("member_timeout_ms", 5000),
            test_on_acquire: test_on_acquire.unwrap_or(true),
            declared: problems.position(&table.span),
        });
    }
    resources
}

/// A number of that range, if the table has it.
pub(super) fn count(table: &Reader<'_, '_>, key: &'static str, range: &RangeInclusive<u64>) -> Option<u32> {
    table.get(key).and_then(|entry| entry.integer(range)).and_then(|count| u32::try_from(count).ok())
}

/// The most members where the file does not say it. Those of a store in memory cost no connection.
fn default_max(provider: Option<&ProviderSource>) -> u32 {
    match provider {
        Some(ProviderSource::BuiltIn(ResourceKind::Memory)) => 64,
        _ => 4,
    }
}

/// `min` and `max`.
fn read_members(table: &Reader<'_, '_>, provider: Option<&ProviderSource>) -> (u32, u32) {
    let min = count(table, "min", &(0..=MAXIMUM_MEMBERS)).unwrap_or(0);
    let max = count(table, "max", &(1..=MAXIMUM_MEMBERS));
    // A `max` that was complained of is not compared with.
    let known_max = if table.get("max").is_some() { max } else { Some(default_max(provider)) };
    if let (Some(entry), Some(most)) = (table.get("min"), known_max)
        && min > most
    {
        let said = if max.is_some() { "" } else { " where the file does not say it" };
        let problem = format!("`min` is {min}, and `max` is only {most}{said}");
        entry.complain(problem, "no more members can be kept open than there may be: change one of them");
    }
    (min, known_max.unwrap_or(1))
}

/// What `kind` or `path` names; `None` was complained of.
fn read_provider(problems: &Problems<'_>, table: &Reader<'_, '_>, base: &Path) -> Option<ProviderSource> {
    match (table.get("kind"), table.get("path")) {
        (Some(_), Some(path)) => {
            let help =
                "leave `path` out for a kind that comes with the server, `kind` for a provider of your own";
            path.complain("a resource has either `kind` or `path`", help);
            None
        }
        (Some(kind), None) => kind.word(ResourceKind::WORDS).map(ProviderSource::BuiltIn),
        (None, Some(path)) => path.string().map(|path| ProviderSource::Library(base.join(path))),
        (None, None) if table.is_mistyped("kind") || table.is_mistyped("path") => None,
        (None, None) => {
            let words: Vec<_> = ResourceKind::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
            let help = format!("write one of {}, or `path` with a provider of your own", words.join(", "));
            problems.at(table.span.clone(), "[resource.NAME] lacks `kind`", help);
            None
        }
    }
}

/// The provider's configuration: `url`, and the members of `config`.
fn read_config(
    problems: &Problems<'_>,
    table: &Reader<'_, '_>,
    provider: Option<&ProviderSource>,
    base: &Path,
) -> Value {
    let config = table.get("config");
    let mut members = config
        .as_ref()
        .and_then(Entry::secret_table)
        .map_or_else(Map::new, |table| json::object(problems, table));
    if let Some(config) = config.filter(|_| members.contains_key("url")) {
        config.complain("`url` is in `config`", "write `url` beside `config`, not in it");
    }
    let kind = match provider {
        Some(ProviderSource::BuiltIn(kind)) => Some(*kind),
        _ => None,
    };
    let needs_one = kind.is_some_and(|kind| !kind.url_beginnings().is_empty());
    match table.get("url") {
        Some(entry) => {
            if let Some(url) = read_url(&entry, kind, base) {
                members.insert("url".to_owned(), Value::String(url));
            }
        }
        None if needs_one && !table.is_mistyped("url") => {
            let kind = kind.map_or("", ResourceKind::word);
            let problem = format!("a resource of the kind `{kind}` lacks `url`");
            problems.at(table.span.clone(), problem, url_advice(kind));
        }
        None => {}
    }
    Value::Object(members)
}

/// A URL that suits the kind, if it is built in. No complaint shows any of it: it may hold a password.
fn read_url(entry: &Entry<'_, '_>, kind: Option<ResourceKind>, base: &Path) -> Option<String> {
    entry.hide();
    let url = entry.string()?;
    let Some(kind) = kind else { return Some(url.to_owned()) };
    let beginnings = kind.url_beginnings();
    if beginnings.is_empty() {
        let problem = format!("a resource of the kind `{}` has no `url`", kind.word());
        entry.complain(problem, "leave it out: this kind is in the server itself");
        return None;
    }
    if !beginnings.iter().any(|beginning| url.starts_with(beginning)) {
        let problem = format!("this is no `url` for a resource of the kind `{}`", kind.word());
        let scheme = url.split(':').next().unwrap_or_default();
        let meant = ResourceKind::WORDS
            .iter()
            .find(|(_, other)| other.url_beginnings().iter().any(|beginning| url.starts_with(beginning)));
        let help = match (
            meant,
            suggest::nearest(scheme, beginnings.iter().map(|text| text.trim_end_matches([':', '/']))),
        ) {
            (Some((word, _)), _) => format!("did you mean `kind = \"{word}\"`?"),
            (None, Some(scheme)) => format!("did you mean `{scheme}:`? {}", url_advice(kind.word())),
            (None, None) => url_advice(kind.word()),
        };
        entry.complain(problem, help);
        return None;
    }
    match (kind, url.strip_prefix("sqlite:")) {
        (ResourceKind::Sqlite, Some(file)) => Some(sqlite_url(file, base)),
        _ => Some(url.to_owned()),
    }
}

/// Like all paths in the file, that of a database is relative to the file's folder. In the URL `%XX` is a byte, and what
/// follows a `?` is no path.
fn sqlite_url(file: &str, base: &Path) -> String {
    let path = file.strip_prefix("//").unwrap_or(file);
    if path.is_empty() || path.starts_with('/') || path.split('?').next() == Some(":memory:") {
        return format!("sqlite:{file}");
    }
    let mut url = "sqlite:".to_owned();
    for &byte in base.as_os_str().as_encoded_bytes() {
        match byte {
            b'%' | b'?' | 0x7f.. => url += &format!("%{byte:02X}"),
            _ => url.push(byte.into()),
        }
    }
    let slash = if url.ends_with('/') { "" } else { "/" };
    url + slash + path
}

fn url_advice(kind: &str) -> String {
    let example = match kind {
        "sqlite" => "sqlite:notes.db\", or \"sqlite::memory:",
        "postgres" => "postgres://user:password@host:5432/database",
        _ => "redis://host:6379/0",
    };
    format!("write one such as \"{example}\"")
}
