//! Host names as routes know them: the pattern of a route, and the name inside an authority.

use std::fmt;
use std::net::Ipv6Addr;

/// The longest host name of DNS in its textual form, in bytes.
const HOST_BYTES: usize = 253;

/// The hosts that a route is for. Always in lower case, without port and final dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This host only.
    Exact(String),
    /// Every host below this domain, at any depth, but not the domain itself: `*.example.org`.
    Below(String),
}

impl HostPattern {
    /// Read `example.org`, `*.example.org`, `192.0.2.1` or `[::1]`. The error says what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, (String, &'static str)> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_suffix('.').unwrap_or(&lower);
        let (below, name) = match name.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, name),
        };
        if name.is_empty() {
            return Err(("a host name is missing".to_owned(), "leave `host` out for a route of every host"));
        }
        if !text.is_ascii() {
            let help = "write the name in its ASCII form, which begins with `xn--`";
            return Err((format!("`{text}` has characters that no Host field carries"), help));
        }
        if name.contains('*') {
            let help = "a wildcard stands only at the beginning, as in `*.example.org`";
            return Err((format!("`{text}` has a `*` in the wrong place"), help));
        }
        if let Ok(address) = name.parse::<Ipv6Addr>() {
            return Err((format!("`{address}` lacks its brackets"), "write an IPv6 address as in `[::1]`"));
        }
        if port_of(name).is_some() {
            return Err((format!("`{text}` names a port"), "routes do not look at the port: leave it out"));
        }
        match ipv6_literal(name) {
            Some(literal) if !below => return Ok(Self::Exact(literal)),
            None if name.len() <= HOST_BYTES && is_name(name) => {}
            _ => {
                let help = "write a name as in `example.org`, an IPv4 address, or `[::1]`";
                return Err((format!("`{}` is not a host name", text.escape_debug()), help));
            }
        }
        Ok(if below { Self::Below(name.to_owned()) } else { Self::Exact(name.to_owned()) })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => formatter.write_str(name),
            Self::Below(domain) => write!(formatter, "*.{domain}"),
        }
    }
}

/// The text after the last colon that is outside brackets.
fn port_of(authority: &str) -> Option<&str> {
    let after = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    authority[after..].rfind(':').map(|colon| &authority[after + colon + 1..])
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.split('.').all(is_label)
}

/// The IPv6 address in brackets in its canonical spelling (RFC 5952), which is what clients send.
fn ipv6_literal(name: &str) -> Option<String> {
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'))?;
    inner.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"))
}

/// A host name taken out of an authority, in lower case, with no port and no final dot. Lives on the stack.
pub(super) struct HostName {
    bytes: [u8; HOST_BYTES],
    length: usize,
}

impl HostName {
    /// The name in `authority` (`Example.ORG:8080`); `None` when it is empty or longer than any route's host.
    pub(super) fn of(authority: &[u8]) -> Option<Self> {
        let after = authority.iter().rposition(|&byte| byte == b']').map_or(0, |bracket| bracket + 1);
        let colon = authority[after..].iter().rposition(|&byte| byte == b':');
        let name = colon.map_or(authority, |colon| &authority[..after + colon]);
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.len() > HOST_BYTES {
            return None;
        }
        let mut host = Self { bytes: [0; HOST_BYTES], length: name.len() };
        for (to, from) in host.bytes.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        Some(host)
    }

    /// The name.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
