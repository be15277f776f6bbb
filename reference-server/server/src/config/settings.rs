//! The plain values of the configuration and their defaults. Knows nothing of TOML and of how values are checked.

use std::path::PathBuf;
use std::time::Duration;

use super::listen::Listen;

/// The value of a byte limit that is none.
pub const UNLIMITED: u64 = u64::MAX;

/// `[limits]`: bounds on what peers and modules may use. Bytes and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest request line without its CRLF, in bytes; past it 414.
    pub request_line_bytes: usize,
    /// Longest request head, in bytes; past it 431.
    pub head_bytes: usize,
    /// Most header fields of a request; past it 431.
    pub field_count: usize,
    /// Largest request body where the route says nothing, in bytes; past it 413. [`UNLIMITED`]: any size.
    pub body_bytes: u64,
    /// Most connections of the process at once.
    pub connections: usize,
    /// Largest body of one `respond`, in bytes (`HC_LIMIT_RESPOND_BYTES`).
    pub respond_bytes: usize,
    /// Most outstanding operations of one task (`HC_LIMIT_OPERATIONS`).
    pub operations_per_task: usize,
    /// Most live tasks that one module instance has spawned (`HC_LIMIT_TASKS`).
    pub tasks_per_module: usize,
    /// Most bytes of requests read ahead of the one that is being answered.
    pub pipelined_bytes: usize,
    /// Most bytes of a body that no module read which are drained so that the connection can be kept.
    pub unread_body_bytes: u64,
    /// Threads for the steps of modules that block, if there are any (`HC_MODULE_BLOCKING`).
    pub blocking_threads: usize,
    /// Requests to such modules that may wait for a thread; past it 503.
    pub blocking_queue: usize,
    /// Threads for the work that modules hand off (`hc.offload/1`), if any does.
    pub offload_threads: usize,
    /// Pieces of such work that may wait for a thread; past it `HC_E_BUSY`.
    pub offload_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line_bytes: 8 * 1024,
            head_bytes: 32 * 1024,
            field_count: 100,
            body_bytes: UNLIMITED,
            connections: 131_072,
            respond_bytes: 1024 * 1024,
            operations_per_task: 256,
            tasks_per_module: 65_536,
            pipelined_bytes: 64 * 1024,
            unread_body_bytes: 256 * 1024,
            blocking_threads: 16,
            blocking_queue: 1024,
            offload_threads: 16,
            offload_queue: 1024,
        }
    }
}

/// `[timeouts]`: bounds on how long things may take. None of them can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a head (or the accept) to its end; past it 408.
    pub header: Duration,
    /// Longest wait for the next body bytes that a module has asked for.
    pub body: Duration,
    /// Longest wait of a kept connection for its next request.
    pub idle: Duration,
    /// Longest wait for the peer to take response bytes.
    pub write: Duration,
    /// Deadline of a task where the route says nothing.
    pub request: Duration,
    /// From SIGTERM to the hard end of what is still under way. May be 0.
    pub drain: Duration,
    /// From the end of the last connection until background tasks that are left are cancelled; within `drain`. May be 0.
    pub background: Duration,
    /// How long a closed connection still reads, so that the peer gets the last answer. May be 0.
    pub linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(15),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            request: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            background: Duration::from_secs(1),
            linger: Duration::from_secs(2),
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Format of the access log; `None`: it is off.
    pub access: Option<AccessFormat>,
    /// Where the access log goes.
    pub access_target: LogTarget,
    /// Where the error log goes.
    pub error_target: LogTarget,
    /// Format of the error log.
    pub error_format: ErrorFormat,
    /// Least important level that is written to the error log.
    pub level: LogLevel,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            access: None,
            access_target: LogTarget::StandardOutput,
            error_target: LogTarget::StandardError,
            error_format: ErrorFormat::Text,
            level: LogLevel::Info,
        }
    }
}

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    StandardOutput,
    /// Standard error.
    StandardError,
    /// A file, opened for appending; relative paths are already joined to the configuration file's folder.
    File(PathBuf),
}

/// A closed set of words that the configuration and the command line accept.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$variant_about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_about])* $variant,)+ }

        impl $name {
            /// Every word and what it stands for.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)+];

            /// The word for it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// Format of the access log.
    AccessFormat {
        /// The Common Log Format.
        Common = "common",
        /// Common, then the fields `Referer` and `User-Agent`.
        Combined = "combined",
        /// One JSON object a line.
        Json = "json",
    }
}

words! {
    /// Format of the error log.
    ErrorFormat {
        /// Time, level, `key=value` pairs, text.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

words! {
    /// Importance of a line of the error log, most important first; the order is that of `enum hc_log_level`.
    LogLevel {
        /// Something failed.
        Error = "error",
        /// Something is wrong, and the server went on.
        Warn = "warn",
        /// Something the operator wants to know once.
        Info = "info",
        /// For who looks for a fault.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// How module instances share the library.
    Isolation {
        /// One copy of the library for the whole process.
        Shared = "shared",
    }
}

words! {
    /// What a FIN from the peer means while its request is being answered.
    HalfClose {
        /// The peer is gone: the task is cancelled.
        Cancel = "cancel",
        /// The peer still waits for the answer.
        Wait = "wait",
    }
}

words! {
    /// Who may read the counters.
    StatusPeers {
        /// Peers on this machine: loopback addresses and Unix sockets.
        Loopback = "loopback",
        /// Everybody who can connect.
        Any = "any",
    }
}

words! {
    /// A kind of resource whose provider comes with the server.
    ResourceKind {
        /// An SQLite database.
        Sqlite = "sqlite",
        /// A PostgreSQL server.
        Postgres = "postgres",
        /// A server that speaks the protocol of Redis.
        Redis = "redis",
        /// A key-value store in the memory of the process.
        Memory = "memory",
        /// Permits: members that can do nothing but be held.
        Limit = "limit",
    }
}

impl ResourceKind {
    /// How the URL of such a resource may begin; empty: it has none.
    pub const fn url_beginnings(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["sqlite:"],
            Self::Postgres => &["postgres://", "postgresql://"],
            Self::Redis => &["redis://", "rediss://", "redis+unix://", "unix://"],
            Self::Memory | Self::Limit => &[],
        }
    }
}

/// Where the provider of a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderSource {
    /// It comes with the server.
    BuiltIn(ResourceKind),
    /// A shared library; a relative path is already joined to the configuration file's folder.
    Library(PathBuf),
}

/// `[status]`: the counter endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusConfig {
    /// The exact path that answers.
    pub path: String,
    /// A listener of its own, which answers nothing else; `None`: the path is taken from the main listeners.
    pub listen: Option<Listen>,
    /// Who may read; for others the path is an ordinary one.
    pub peers: StatusPeers,
}

impl LogLevel {
    /// The level for a number of `enum hc_log_level`; numbers that it does not have become the nearest.
    pub const fn of_number(number: u32) -> Self {
        match number {
            0 | 1 => Self::Error,
            2 => Self::Warn,
            3 => Self::Info,
            4 => Self::Debug,
            _ => Self::Trace,
        }
    }
}
