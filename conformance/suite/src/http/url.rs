//! The only form of URL that the kit takes: `http://HOST[:PORT][/PATH]`. Must not know what is asked there.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Host and port as in the URL: the value of `host`.
    pub authority: String,
    /// The path; begins with `/`.
    pub path: String,
}

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

impl Url {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Url, String> {
        let rest = text.strip_prefix("http://").ok_or(format!("not an http:// URL: {text}"))?;
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, "/"),
        };
        if authority.is_empty() || path.contains(['?', '#', ' ']) {
            return Err(format!("not http://HOST[:PORT][/PATH]: {text}"));
        }
        Ok(Url { authority: authority.into(), path: path.into() })
    }

    /// A new connection, without delays for small packets.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn connect(&self) -> Result<TcpStream, String> {
        let has_port = self.authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let named = if has_port { self.authority.clone() } else { format!("{}:80", self.authority) };
        let addresses: Vec<SocketAddr> =
            named.to_socket_addrs().map_err(|error| format!("{named}: {error}"))?.collect();
        let mut why = format!("{named}: no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT).and_then(|stream| {
                stream.set_nodelay(true)?;
                Ok(stream)
            }) {
                Ok(stream) => return Ok(stream),
                Err(error) => why = format!("{address}: {error}"),
            }
        }
        Err(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let url = Url::parse("http://[::1]:80/a/b").unwrap();
        assert_eq!((url.authority.as_str(), url.path.as_str()), ("[::1]:80", "/a/b"));
        assert_eq!(Url::parse("http://a").unwrap().path, "/");
        for bad in ["https://a/", "http:///x", "a", "http://a/?q"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}
