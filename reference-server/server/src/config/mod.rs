//! What the operator wants: the configuration, its defaults, and every complaint about it.
//!
//! [`Config`] is complete and checked: whoever holds one needs no further defaults. Nothing here opens a socket, loads
//! a module or knows of requests; the only file that is read is the configuration itself.

mod diagnostic;
mod file;
mod gates;
mod host_name;
mod json;
mod keys;
mod listen;
mod path_segments;
mod resources;
mod route_table;
mod sections;
mod settings;
mod single;
mod suggest;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use diagnostic::{ConfigError, ConfigErrors};
pub use hc_host::PartitionKey;
pub use host_name::HostPattern;
pub use listen::{Listen, ListenError};
pub(crate) use path_segments::check_normal;
pub use route_table::RouteTable;
pub use settings::{
    AccessFormat, ErrorFormat, HalfClose, Isolation, Limits, LogConfig, LogLevel, LogTarget, ProviderSource,
    ResourceKind, StatusConfig, StatusPeers, Timeouts, UNLIMITED,
};
pub(crate) use suggest::nearest;

/// Where the server listens when nobody says where: this machine only.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The path of the counters when `[status]` names none.
pub const DEFAULT_STATUS_PATH: &str = "/-/status";

/// The most workers of one process.
pub const MAXIMUM_WORKERS: usize = 1024;

/// Everything that a run of the server needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from; `None` when the command line made it.
    pub file: Option<PathBuf>,
    /// Where to listen; never empty, no address twice.
    pub listen: Vec<Listen>,
    /// Worker threads, at least 1.
    pub workers: usize,
    /// Whether modules are checked live, beyond what sound operation needs.
    pub validate: bool,
    /// Bounds on what peers and modules may use.
    pub limits: Limits,
    /// Bounds on how long things may take.
    pub timeouts: Timeouts,
    /// Where the logs go, and how they look.
    pub log: LogConfig,
    /// The counter endpoint; `None`: there is none.
    pub status: Option<StatusConfig>,
    /// Module instances to make, in the file's order; names are unique.
    pub modules: Vec<ModuleConfig>,
    /// Shared resources in the file's order, which is their rank; names are unique.
    pub resources: Vec<ResourceConfig>,
    /// Routes in the file's order; an index into this is what [`RouteTable::resolve`] answers.
    pub routes: Vec<RouteConfig>,
}

/// One `[[module]]`: an instance to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleConfig {
    /// The operator's name for the instance.
    pub name: String,
    /// The shared library; a relative path is already joined to the configuration file's folder.
    pub path: PathBuf,
    /// How instances share the library.
    pub isolation: Isolation,
    /// The module's own configuration: a JSON object, `{}` when none was given.
    pub config_json: String,
    /// Where the file declares it; `None` when the command line did.
    pub declared: Option<Position>,
}

/// One `[resource.NAME]`: a pool of members that modules share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceConfig {
    /// The operator's name for it.
    pub name: String,
    /// Who makes its members.
    pub provider: ProviderSource,
    /// The provider's configuration: a JSON object with `url`, if there is one, and what else the file gives it. Holds
    /// secrets.
    pub config_json: String,
    /// Members that are kept open; at most `max`.
    pub min: u32,
    /// Most members at once, of the whole process; at least 1.
    pub max: u32,
    /// Most tasks that wait for a member.
    pub max_waiting: u32,
    /// Longest wait for a member.
    pub acquire_timeout: Duration,
    /// How long a member that nobody uses stays open.
    pub idle_timeout: Duration,
    /// How old a member gets.
    pub max_lifetime: Duration,
    /// Longest time for opening, checking, resetting, interrupting or closing a member.
    pub member_timeout: Duration,
    /// Whether a member that was idle for a while is checked before it is lent.
    pub test_on_acquire: bool,
    /// Where the file declares it.
    pub declared: Position,
}

/// What has to be there before a request of a route is started, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateConfig {
    /// The whole body, and its longest length in bytes.
    pub whole_body_bytes: Option<u64>,
    /// Few enough requests of the same partition.
    pub partition: Option<PartitionConfig>,
    /// A member of each of these, as indices into [`Config::resources`]; one that is named twice stands for two members.
    pub resources: Vec<usize>,
}

/// How many requests of one partition may be under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionConfig {
    /// What of a request names its partition.
    pub key: PartitionKey,
    /// Requests of one partition at once, at least 1.
    pub concurrent: u32,
    /// Most requests of one partition that wait.
    pub max_waiting: u32,
    /// Longest wait.
    pub timeout: Duration,
}

/// One `[[route]]`: which modules answer which requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// The hosts it is for; `None`: every host.
    pub host: Option<HostPattern>,
    /// The path prefix, beginning with `/`, in normal form (see [`RouteTable`]).
    pub path: String,
    /// The chain, outermost first, as indices into [`Config::modules`]; never empty.
    pub modules: Vec<usize>,
    /// Largest request body in bytes; [`UNLIMITED`]: any size.
    pub body_bytes: u64,
    /// From the complete head until the task is cancelled.
    pub deadline: Duration,
    /// From the notice that the peer is gone until the task is cancelled.
    pub cancel_grace: Duration,
    /// What a FIN from the peer means while its request is being answered.
    pub half_close: HalfClose,
    /// What a request waits for before it is started.
    pub gates: GateConfig,
    /// Where the file declares it; `None` when the command line did.
    pub declared: Option<Position>,
}

/// A place in the configuration file. Both count from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl Config {
    /// The table that finds the route of a request.
    pub fn route_table(&self) -> RouteTable {
        RouteTable::new(self.routes.iter().map(|route| (route.host.as_ref(), route.path.as_str())))
    }
}

impl RouteConfig {
    /// The route as logs name it: host (if any) and path, such as `*.example.org/api`.
    pub fn label(&self) -> String {
        match &self.host {
            Some(host) => format!("{host}{}", self.path),
            None => self.path.clone(),
        }
    }
}
