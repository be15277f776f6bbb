//! A byte stream to a peer: TCP or a Unix socket. Knows nothing of what is sent over it.

use http_container_abi::constants::address_family;
use http_container_abi::raw::hc_address;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

/// A connected stream socket, non-blocking.
#[derive(Debug)]
pub enum Stream {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Stream {
    /// Watches it for both directions, edge-triggered.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match self {
            Stream::Tcp(stream) => stream.register(registry, token, both),
            Stream::Unix(stream) => stream.register(registry, token, both),
        }
    }

    /// Reads what there is.
    #[inline]
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(into),
            Stream::Unix(stream) => stream.read(into),
        }
    }

    /// Writes what there is room for.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    /// Ends the own half, so that the peer sees the end of what was sent.
    pub fn finish(&self) {
        // A peer that is gone already has no use for it.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Makes the coming close a reset, so that the peer cannot take what it has for whole.
    pub fn reset_on_close(&self) {
        if let Stream::Tcp(stream) = self {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// An address in the form of the boundary.
pub fn abi_address(address: Option<SocketAddr>) -> hc_address {
    let mut ip = [0; 16];
    let (family, port) = match address {
        None => (address_family::UNIX, 0),
        Some(address) => {
            let family = match address.ip() {
                IpAddr::V4(four) => {
                    ip[..4].copy_from_slice(&four.octets());
                    address_family::IPV4
                }
                IpAddr::V6(six) => {
                    ip = six.octets();
                    address_family::IPV6
                }
            };
            (family, address.port())
        }
    };
    hc_address { ip, port, family }
}
