//! Where a server listens, and connecting to it. Must not know how it is written in a configuration.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use http_container::net::{TcpStream, UnixStream};
use http_container::offload;

use crate::stream::Stream;

/// Where a server listens. Shown as operators write it: `host:port`, or a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A port of a host.
    Tcp {
        /// Its name, or its address as text; certificates are for it.
        host: String,
        /// Its address, where the name need not be looked up.
        address: Option<IpAddr>,
        /// The port.
        port: u16,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Place {
    /// A port of a host, whose name may be an address, with or without brackets.
    #[must_use]
    pub fn tcp(host: &str, address: Option<IpAddr>, port: u16) -> Self {
        let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Self::Tcp { host: plain.to_owned(), address: address.or_else(|| plain.parse().ok()), port }
    }

    /// Connects. Each address of a name is tried, in the resolver's order.
    ///
    /// # Errors
    /// Why the last of them refused, or the name has none.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
            Self::Tcp { address: Some(address), port, .. } => {
                Ok(Stream::Tcp(TcpStream::connect(SocketAddr::new(*address, *port)).await?))
            }
            Self::Tcp { host, address: None, port } => {
                let mut failure = io::Error::other("its name has no address");
                for address in look_up(host.clone(), *port).await? {
                    match TcpStream::connect(address).await {
                        Ok(stream) => return Ok(Stream::Tcp(stream)),
                        Err(error) => failure = error,
                    }
                }
                Err(failure)
            }
        }
    }
}

/// The system's resolver blocks, so it is asked on the container's pool of threads.
async fn look_up(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found = offload(move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect)).await;
    found.map_err(|error| io::Error::other(error.to_string()))?
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => write!(out, "[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(out, "{host}:{port}"),
            Self::Unix(path) => write!(out, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_as_it_is_written() {
        for (host, shown) in
            [("db", "db:1"), ("10.0.0.1", "10.0.0.1:1"), ("::1", "[::1]:1"), ("[::1]", "[::1]:1")]
        {
            let place = Place::tcp(host, None, 1);
            assert_eq!(place.to_string(), shown);
            let Place::Tcp { address, .. } = place else { panic!("{host}") };
            assert_eq!(address.is_none(), host == "db");
        }
        assert_eq!(Place::Unix("/run/x".into()).to_string(), "/run/x");
    }
}
