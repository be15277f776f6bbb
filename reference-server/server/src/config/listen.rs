//! Addresses to listen on, from text. Opens nothing and asks no name service.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket in bytes, its final NUL not counted (`sun_path` of Linux).
const UNIX_PATH_BYTES: usize = 107;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// TCP; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix stream socket; a relative path is already joined to its base folder.
    Unix(PathBuf),
}

/// Why a text is no address. Says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenError {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: String,
}

impl Listen {
    /// Read `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `unix:PATH`. `base` is the folder of relative paths.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ListenError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Self::parse_unix(path, base);
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Tcp(address));
        }
        if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
            return Ok(Self::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
        }
        Err(ListenError {
            problem: format!("`{}` is not an address to listen on", text.escape_debug()),
            help: Self::advice(text),
        })
    }

    /// Whether the system chooses the port, so that each listener of this address is another one.
    pub const fn is_chosen_by_system(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.port() == 0)
    }

    fn parse_unix(path: &str, base: &Path) -> Result<Self, ListenError> {
        let error = |problem: String, help: &str| ListenError { problem, help: help.to_owned() };
        if path.is_empty() {
            return Err(error(
                "`unix:` names no socket".to_owned(),
                "write the path of the socket after it, as in `unix:/run/hc-server.sock`",
            ));
        }
        if path.contains('\0') || path.starts_with('@') {
            return Err(error(
                "sockets in the abstract namespace are not served".to_owned(),
                "write the path of a socket file",
            ));
        }
        let path = base.join(path);
        if path.as_os_str().len() > UNIX_PATH_BYTES {
            return Err(error(
                format!("the socket path `{}` is longer than {UNIX_PATH_BYTES} bytes", path.display()),
                "the system allows no longer one: choose a shorter folder",
            ));
        }
        Ok(Self::Unix(path))
    }

    /// What the operator probably meant.
    fn advice(text: &str) -> String {
        let bare = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        if let Some(port) = bare.strip_prefix(':').or(Some(bare)).filter(|port| port.parse::<u16>().is_ok()) {
            return format!(
                "write `127.0.0.1:{port}` for this machine only, `[::]:{port}` for every address"
            );
        }
        if let Ok(address) = bare.trim_matches(['[', ']']).parse::<IpAddr>() {
            return format!("a port is missing: write `{}`", SocketAddr::new(address, 8080));
        }
        if bare.starts_with('/') || bare.starts_with('.') {
            return format!("for a Unix socket write `unix:{bare}`");
        }
        if bare != text && bare.parse::<SocketAddr>().is_ok() {
            return format!("write `{bare}`");
        }
        "write an IP address and a port as in `127.0.0.1:8080` or `[::]:80`, or `unix:/run/hc-server.sock`"
            .to_owned()
    }
}

/// The spelling that [`Listen::parse`] reads.
impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.problem, self.help)
    }
}

impl std::error::Error for ListenError {}
