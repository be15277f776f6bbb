//! What is tested: a module by its file, a server by its adapter, any HTTP server by its URL. Must not know the cases.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The sort of a target.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A shared library, driven by the kit's own host.
    Module,
    /// A container behind an adapter.
    Server,
    /// Any HTTP/1.1 server.
    Http,
}

impl Kind {
    /// Its name, which is also the command's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Module => "module",
            Kind::Server => "server",
            Kind::Http => "http",
        }
    }
}

/// What is tested.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Target {
    /// A module.
    Module(ModuleTarget),
    /// A container.
    Server(ServerTarget),
    /// An HTTP/1.1 server.
    Http(HttpTarget),
}

/// A module.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ModuleTarget {
    /// The shared library.
    pub path: PathBuf,
    /// The JSON that its `create` is given.
    pub config: String,
    /// The first seed.
    pub first_seed: u64,
    /// The last seed.
    pub last_seed: u64,
    /// Paths, with queries, of the requests; none: the kit's own.
    #[serde(default)]
    pub paths: Vec<String>,
    /// More fields of the requests: name and value.
    #[serde(default)]
    pub fields: Vec<(String, String)>,
    /// What a provider is connected with, `HOST:PORT` as it stands in the configuration; empty: that is not told.
    #[serde(default)]
    pub peer: String,
    /// Variables of the environment of each case's process.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
}

/// A container behind an adapter.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServerTarget {
    /// The executable.
    pub adapter: PathBuf,
    /// The folder with the probe modules.
    pub probes: PathBuf,
    /// Variables of the environment of each case's process.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// What the wire between container and client does wrong, in the kit's proof of itself.
    #[serde(default)]
    pub wire: Option<String>,
    /// What the adapter said that the container can do, when it was asked already.
    #[serde(default)]
    pub capabilities: Option<BTreeSet<String>>,
    /// Whether the case is expected to fail, so that less patience is enough.
    #[serde(default)]
    pub is_in_a_hurry: bool,
}

/// An HTTP/1.1 server.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HttpTarget {
    /// Where it is: `http://HOST[:PORT][/PATH]`.
    pub url: String,
}

impl Target {
    /// Its sort.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Target::Module(_) => Kind::Module,
            Target::Server(_) => Kind::Server,
            Target::Http(_) => Kind::Http,
        }
    }

    /// Whether one seed is repeated, with everything that there is to be told.
    #[must_use]
    pub fn is_reproduction(&self) -> bool {
        let is_it = |(name, _): &(String, String)| name == crate::module::REPRODUCTION;
        matches!(self, Target::Module(module) if module.environment.iter().any(is_it))
    }

    /// Its name in reports.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Target::Module(module) => module.path.display().to_string(),
            Target::Server(server) => server.adapter.display().to_string(),
            Target::Http(http) => http.url.clone(),
        }
    }

    /// The command that runs one case on it again.
    #[must_use]
    pub fn repeat(&self, case: &str, seed: Option<u64>) -> String {
        match self {
            Target::Module(module) => {
                let config = match module.config.as_str() {
                    "" | "{}" => String::new(),
                    config => format!(" --config '{}'", config.replace('\'', "'\\''")),
                };
                let paths: String = module.paths.iter().map(|path| format!(" --path '{path}'")).collect();
                let fields: String =
                    module.fields.iter().map(|(name, value)| format!(" --field '{name}: {value}'")).collect();
                let peer = match module.peer.as_str() {
                    "" => String::new(),
                    peer => format!(" --peer {peer}"),
                };
                let seed = seed.map(|seed| format!(" --reproduce {seed}")).unwrap_or_default();
                format!(
                    "hc-conformance module {}{config}{paths}{fields}{peer} --filter '={case}'{seed}",
                    module.path.display()
                )
            }
            Target::Server(server) => {
                format!("hc-conformance server --adapter {} --filter '={case}'", server.adapter.display())
            }
            Target::Http(http) => format!("hc-conformance http --url {} --filter '={case}'", http.url),
        }
    }
}
