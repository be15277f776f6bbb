//! A server with the probe `script` over some resources, and conversations with that.

use crate::artefacts::probe;
use crate::message::Response;
use crate::peer::Peer;
use crate::server::{STATUS_PATH, Server};
use crate::wait_for;
use std::path::Path;

/// A resource of a configuration.
pub struct Resource {
    name: &'static str,
    /// The key under which the probe's configuration names it.
    interface: &'static str,
    toml: String,
}

impl Resource {
    fn new(
        name: &'static str,
        interface: &'static str,
        kind: &str,
        url: Option<&str>,
        more: &str,
    ) -> Resource {
        let url = url.map(|url| format!("url = \"{url}\"\n")).unwrap_or_default();
        let toml = format!("[resource.{name}]\nkind = \"{kind}\"\n{url}{more}\n");
        Resource { name, interface, toml }
    }

    /// `db` in PostgreSQL; `more` is further TOML.
    pub fn postgres(url: &str, more: &str) -> Resource {
        Resource::new("db", "sql", "postgres", Some(url), more)
    }

    /// `db` in SQLite.
    pub fn sqlite(url: &str, more: &str) -> Resource {
        Resource::new("db", "sql", "sqlite", Some(url), more)
    }

    /// `cache` in Redis.
    pub fn redis(url: &str, more: &str) -> Resource {
        Resource::new("cache", "kv", "redis", Some(url), more)
    }

    /// `cache` in memory.
    pub fn memory(more: &str) -> Resource {
        Resource::new("cache", "kv", "memory", None, more)
    }

    /// One whose provider is a library.
    pub fn of_library(
        name: &'static str,
        interface: &'static str,
        library: &Path,
        url: Option<&str>,
        more: &str,
    ) -> Resource {
        let url = url.map(|url| format!("url = \"{url}\"\n")).unwrap_or_default();
        let toml = format!("[resource.{name}]\npath = \"{}\"\n{url}{more}\n", library.display());
        Resource { name, interface, toml }
    }

    /// Permits.
    pub fn permits(name: &'static str, more: &str) -> Resource {
        Resource::new(name, "limit", "limit", None, more)
    }
}

/// Two instances of the probe, `script` at `/` and `other` at `/other`, both with all these resources. `more` is further TOML,
/// such as routes.
pub fn site(name: &str, workers: usize, resources: &[Resource], more: &str) -> Server {
    let mut text =
        format!("listen = [\"127.0.0.1:0\"]\nworkers = {workers}\n[status]\npath = \"{STATUS_PATH}\"\n");
    text.extend(resources.iter().map(|resource| resource.toml.as_str()));
    let of = |interface: &str| {
        let names = resources.iter().filter(|resource| resource.interface == interface);
        let quoted: Vec<String> = names.map(|resource| format!("\"{}\"", resource.name)).collect();
        format!("{interface} = [{}]", quoted.join(", "))
    };
    let config = ["sql", "kv", "limit"].map(of).join(", ");
    for (module, path) in [("script", "/"), ("other", "/other")] {
        let library = probe("script");
        text += &format!("[[module]]\nname = \"{module}\"\npath = \"{}\"\n", library.display());
        text += &format!("config = {{ {config} }}\n[[route]]\npath = \"{path}\"\nmodule = \"{module}\"\n");
    }
    Server::start(&format!("resources-{name}"), &(text + more))
}

/// A request at a path that has these commands done.
pub fn request(path: &str, commands: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nDo: {commands}\r\n\r\n")
}

/// A new connection on which that request was sent.
pub fn begin_at(server: &Server, path: &str, commands: &str) -> Peer {
    let mut peer = server.connect();
    peer.send(request(path, commands));
    peer
}

/// The same at `/`.
pub fn begin(server: &Server, commands: &str) -> Peer {
    begin_at(server, "/", commands)
}

/// What became of the commands, all of which must do well.
#[track_caller]
pub fn perform(server: &Server, commands: &str) -> String {
    answered(&mut begin(server, commands))
}

/// The answer on a connection, which must be 200.
#[track_caller]
pub fn answered(peer: &mut Peer) -> String {
    let response = peer.response("GET");
    assert_eq!(response.status, 200, "{response:?}");
    response.text()
}

/// The answer says that there is too little of something for now [task.fail.unavailable] [gate.refused].
#[track_caller]
pub fn refused(response: &Response) {
    assert_eq!(response.status, 503, "{response:?}");
    let after = response.field("retry-after").unwrap_or_else(|| panic!("no retry-after: {response:?}"));
    assert!(after.parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{response:?}");
}

/// The answer on a connection says so.
#[track_caller]
pub fn expect_refusal(peer: &mut Peer) {
    refused(&peer.response("GET"));
}

/// How much of a resource is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub max: u64,
    pub in_use: u64,
    pub idle: u64,
    pub waiting: u64,
    pub available: u64,
}

/// Asks for it.
pub fn usage(server: &Server, name: &str) -> Usage {
    usage_on(&mut server.connect(), name)
}

/// The same on a kept connection.
pub fn usage_on(peer: &mut Peer, name: &str) -> Usage {
    peer.send(request("/", &format!("usage {name}")));
    let told = answered(peer);
    let number = |key: &str| {
        let word = told.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {key} in {told}"))
    };
    Usage {
        max: number("max"),
        in_use: number("in_use"),
        idle: number("idle"),
        waiting: number("waiting"),
        available: number("available"),
    }
}

/// Waits until it is as wanted.
#[track_caller]
pub fn wait_for_usage(server: &Server, name: &str, what: &str, holds: impl Fn(Usage) -> bool) -> Usage {
    let mut last = None;
    let found = hc_services::wait_within(crate::PATIENCE, || {
        let now = usage(server, name);
        last = Some(now);
        holds(now).then_some(now)
    });
    found.unwrap_or_else(|| panic!("waited in vain for {name}: {what}; it is {last:?}"))
}

/// Waits until nobody holds or wants a member of it, and every lease that was given has ended.
#[track_caller]
pub fn wait_until_free(server: &Server, name: &str) -> Usage {
    server.wait_for_counters("every lease has ended", |counters| {
        counters.get("leases_granted") == counters.get("leases_ended")
    });
    wait_for_usage(server, name, "nobody holds or wants it", |usage| usage.in_use == 0 && usage.waiting == 0)
}

/// Waits until so many requests are parked.
#[track_caller]
pub fn wait_for_parked(server: &Server, count: usize) {
    let expected = format!("parked {count} parked HC_OK\n");
    wait_for(&format!("{count} are parked"), || (perform(server, "parked") == expected).then_some(()));
}

/// Lets all go on that are parked.
pub fn wake(server: &Server) {
    perform(server, "wake");
}

/// Waits until commands do well; until then they may be refused.
#[track_caller]
pub fn wait_for_service(server: &Server, commands: &str) -> String {
    let mut peer = server.connect();
    wait_for("the resource serves again", || {
        let response = peer.ask(&request("/", commands));
        if response.status == 200 {
            return Some(response.text());
        }
        refused(&response);
        None
    })
}
