//! What a route says of its start gates: `body`, `partition`, `resource` and `resources`. Knows how they are written, not how
//! requests wait.

use std::time::Duration;

use super::file::DAY_MS;
use super::keys::Section;
use super::resources::{MAXIMUM_WAITING, count};
use super::sections::advice;
use super::settings::UNLIMITED;
use super::suggest::nearest;
use super::values::{Entry, Reader};
use super::{GateConfig, PartitionConfig, PartitionKey, ResourceConfig};

/// The longest body that is collected where the route's own limit is none, in bytes.
pub(super) const WHOLE_BODY_BYTES: u64 = 16 << 20;
/// The most leases of one acquisition (rule `resource.acquire.count`).
const MAXIMUM_LEASES: usize = 16;
/// The most requests of one partition at once.
const MAXIMUM_CONCURRENT: u64 = 65_536;
/// The segments of a path that can name a partition.
const MAXIMUM_SEGMENT: u32 = 64;

/// The gates of a route whose bodies may have that many bytes.
pub(super) fn read_gates(
    table: &Reader<'_, '_>,
    resources: &[ResourceConfig],
    body_bytes: u64,
) -> GateConfig {
    let words = [("complete", true), ("stream", false)];
    let waits_for_body = table.get("body").and_then(|entry| entry.word(&words)).unwrap_or(false);
    let longest = if body_bytes == UNLIMITED { WHOLE_BODY_BYTES } else { body_bytes };
    GateConfig {
        whole_body_bytes: waits_for_body.then_some(longest),
        partition: table.table("partition", Section::Partition).and_then(|table| read_partition(&table)),
        resources: read_names(table, resources).map_or_else(Vec::new, |names| find(names, resources)),
    }
}

fn read_partition(table: &Reader<'_, '_>) -> Option<PartitionConfig> {
    let key = table.require("key", "write `key = \"path:1\"` for the first segment of the path");
    let key = key.and_then(|entry| read_key(&entry));
    let timeout = table.get("timeout_ms").and_then(|entry| entry.milliseconds(&(1..=DAY_MS)));
    let concurrent = count(table, "concurrent", &(1..=MAXIMUM_CONCURRENT));
    let max_waiting = count(table, "max_waiting", &(0..=MAXIMUM_WAITING));
    Some(PartitionConfig {
        key: key?,
        concurrent: concurrent.unwrap_or(1),
        max_waiting: max_waiting.unwrap_or(100),
        timeout: timeout.unwrap_or(Duration::from_secs(5)),
    })
}

/// `path:N`, `header:NAME`, `query:NAME` or `cookie:NAME`.
fn read_key(entry: &Entry<'_, '_>) -> Option<PartitionKey> {
    const KINDS: [&str; 4] = ["path", "header", "query", "cookie"];
    let text = entry.string()?;
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    let shown = text.escape_debug();
    let key = match kind {
        "path" => name.parse().ok().filter(|at| (1..=MAXIMUM_SEGMENT).contains(at)).map(PartitionKey::Path),
        "header" => is_token(name).then(|| PartitionKey::Header(name.to_ascii_lowercase())),
        "query" => is_visible(name).then(|| PartitionKey::Query(name.to_owned())),
        "cookie" => is_token(name).then(|| PartitionKey::Cookie(name.to_owned())),
        _ => {
            let help = match nearest(kind, KINDS) {
                Some(meant) => format!("did you mean `{meant}:{}`?", name.escape_debug()),
                None => "write `path:1`, `header:NAME`, `query:NAME` or `cookie:NAME`".to_owned(),
            };
            entry.complain(format!("`{shown}` is nothing of a request"), help);
            return None;
        }
    };
    if key.is_none() {
        let help = match kind {
            "path" => format!("write the number of a segment, from 1 to {MAXIMUM_SEGMENT}: `path:1`"),
            _ => format!("write a name behind the colon: `{kind}:NAME`"),
        };
        entry.complain(format!("`{shown}` names no part of a request"), help);
    }
    key
}

/// What can be the name of a field or of a cookie (RFC 9110 section 5.6.2).
fn is_token(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_part)
}

/// What can be the name of a parameter, as a request spells it.
fn is_visible(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#".contains(&byte))
}

/// What `resource` or `resources` holds.
fn read_names<'a, 't>(table: &Reader<'a, 't>, resources: &[ResourceConfig]) -> Option<Vec<Entry<'a, 't>>> {
    match (table.get("resource"), table.get("resources")) {
        (Some(_), Some(several)) => {
            let help = "leave `resource` out: `resources` names them all";
            several.complain("a route has either `resource` or `resources`", help);
            None
        }
        (Some(single), None) if single.is_list() => {
            single.complain("`resource` is a list", "several are written `resources = [...]`");
            None
        }
        (Some(single), None) => Some(vec![single]),
        (None, Some(several)) => {
            let names = several.list()?;
            if names.is_empty() {
                let known = resources.first().map_or("db", |resource| &resource.name);
                let help = format!("name one, as in `resources = [\"{known}\"]`, or leave the key out");
                several.complain("`resources` names no resource", help);
            }
            if names.len() > MAXIMUM_LEASES {
                let problem = format!("`resources` names {} members", names.len());
                several.complain(problem, format!("a request can hold {MAXIMUM_LEASES} at most"));
            }
            Some(names)
        }
        (None, None) => None,
    }
}

/// The indices of the resources of those names.
fn find(names: Vec<Entry<'_, '_>>, resources: &[ResourceConfig]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for entry in names {
        let Some(name) = entry.string() else { continue };
        let Some(index) = resources.iter().position(|resource| resource.name == name) else {
            let known = resources.iter().map(|resource| resource.name.as_str());
            let help = advice(name, known, &format!("add [resource.{}]", name.escape_debug()));
            entry.complain(format!("there is no resource `{}`", name.escape_debug()), help);
            continue;
        };
        found.push(index);
        let (members, max) = (found.iter().filter(|&&other| other == index).count(), resources[index].max);
        if members == max as usize + 1 {
            let problem = format!("this needs {members} members of `{name}` at once, and its `max` is {max}");
            entry.complain(problem, "raise its `max`, or name it less often");
        }
    }
    found
}
