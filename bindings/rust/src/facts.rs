//! What is known of a request beside its head: its number, its deadline, who sent it. Copied when the task starts, since
//! handlers outlive no borrow. Must not hold what `http::Request` holds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http_container_abi::constants::address_family;
use http_container_abi::raw::hc_address;
use http_container_abi::{RequestView, TlsView};

/// One end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A Unix socket.
    Unix,
    /// A kind of address that this SDK does not know.
    #[default]
    Unknown,
}

impl Address {
    /// The IP address and port, if it has one.
    #[must_use]
    pub fn ip(self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Unix | Self::Unknown => None,
        }
    }
}

impl From<&hc_address> for Address {
    fn from(raw: &hc_address) -> Self {
        let [a, b, c, d, ..] = raw.ip;
        match raw.family {
            address_family::UNIX => Self::Unix,
            address_family::IPV4 => {
                Self::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), raw.port))
            }
            address_family::IPV6 => Self::Ip(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(raw.ip)), raw.port)),
            _ => Self::Unknown,
        }
    }
}

/// What is known of the TLS session that carried a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tls {
    /// 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    pub version: u32,
    /// The cipher's name in the TLS registry.
    pub cipher: String,
    /// SNI, or empty.
    pub server_name: String,
    /// ALPN, or empty.
    pub protocol: Vec<u8>,
    /// The peer's verified certificate, DER, or empty.
    pub certificate: Vec<u8>,
}

impl Tls {
    fn of(view: &TlsView<'_>) -> Self {
        Self {
            version: view.version(),
            cipher: String::from_utf8_lossy(view.cipher()).into_owned(),
            server_name: String::from_utf8_lossy(view.server_name()).into_owned(),
            protocol: view.protocol().to_vec(),
            certificate: view.certificate().to_vec(),
        }
    }
}

/// Facts of the current task's request; empty for a background task.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    pub(crate) is_request: bool,
    pub(crate) id: u64,
    pub(crate) deadline_ns: Option<u64>,
    /// Where the peer and the container were; set for a request.
    pub(crate) peer: Option<hc_address>,
    pub(crate) local: Option<hc_address>,
    pub(crate) tls: Option<Box<Tls>>,
}

impl Facts {
    pub(crate) fn of(view: &RequestView<'_>) -> Self {
        Self {
            is_request: true,
            id: view.id(),
            deadline_ns: view.deadline_ns(),
            peer: Some(*view.peer()),
            local: Some(*view.local()),
            tls: view.tls().map(|tls| Box::new(Tls::of(&tls))),
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
