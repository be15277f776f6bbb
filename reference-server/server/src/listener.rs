//! Listening sockets: one per worker and TCP address (SO_REUSEPORT: the system spreads connections, and no worker is woken
//! for another's), one shared by all workers for a Unix socket, which has no such option.

use crate::config::Listen;
use crate::stream::{Stream, abi_address};
use http_container_abi::raw::hc_address;
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// One worker's listening socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// An address that is being listened on, for all workers: the sockets are there until the workers have taken them, so that
/// nobody listens any more when the workers do not.
#[derive(Debug)]
pub enum Listening {
    /// Every worker's socket, and the address with its real port.
    Tcp(SocketAddr, Vec<Socket>),
    /// Every worker's handle of the one socket.
    Unix(PathBuf, Vec<StdUnixListener>),
}

impl Listening {
    /// Listens. `workers` sockets for TCP.
    pub fn open(listen: &Listen, workers: usize) -> io::Result<Listening> {
        match listen {
            Listen::Tcp(address) => {
                refuse_taken(*address)?;
                let first = bind(*address)?;
                let actual = first.local_addr()?.as_socket().unwrap_or(*address);
                let mut sockets = vec![first];
                for _ in 1..workers {
                    sockets.push(bind(actual)?);
                }
                Ok(Listening::Tcp(actual, sockets))
            }
            Listen::Unix(path) => {
                let mut sockets = vec![bind_unix(path)?];
                for _ in 1..workers {
                    sockets.push(sockets[0].try_clone()?);
                }
                Ok(Listening::Unix(path.clone(), sockets))
            }
        }
    }

    /// How a person would name it.
    pub fn describe(&self) -> String {
        match self {
            Listening::Tcp(address, _) => format!("http://{address}/"),
            Listening::Unix(path, _) => format!("unix:{}", path.display()),
        }
    }

    /// The socket of one worker, and its address for requests; to be called once for each.
    pub fn for_worker(&mut self) -> io::Result<(Listener, hc_address)> {
        let none = || io::Error::other("there is a socket for each worker, and no more");
        match self {
            Listening::Tcp(address, sockets) => {
                let socket = sockets.pop().ok_or_else(none)?;
                Ok((Listener::Tcp(TcpListener::from_std(socket.into())), abi_address(Some(*address))))
            }
            Listening::Unix(_, sockets) => {
                let socket = sockets.pop().ok_or_else(none)?;
                Ok((Listener::Unix(UnixListener::from_std(socket)), abi_address(None)))
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Listening::Unix(path, _) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// With SO_REUSEPORT a second server of the same user would share the port in silence: without it, the system refuses.
fn refuse_taken(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(target_os = "linux")]
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit it: one system call fewer for each connection.
    socket.set_tcp_nodelay(true)?;
    if address.is_ipv6() {
        // "[::]" means every address, IPv4 included.
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Binds a Unix socket; a left-over file of a server that is gone is replaced, that of a living one is not.
fn bind_unix(path: &Path) -> io::Result<StdUnixListener> {
    let bound = StdUnixListener::bind(path);
    let listener = match bound {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            std::fs::remove_file(path)?;
            StdUnixListener::bind(path)?
        }
        other => other?,
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn is_stale(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && std::os::unix::net::UnixStream::connect(path).err().is_some_and(refused)
}

impl Listener {
    /// Watches it for connections.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Listener::Unix(listener) => listener.register(registry, token, Interest::READABLE),
        }
    }

    /// The next connection that waits.
    pub fn accept(&self) -> io::Result<(Stream, hc_address)> {
        match self {
            Listener::Tcp(listener) => {
                listener.accept().map(|(stream, address)| (Stream::Tcp(stream), abi_address(Some(address))))
            }
            Listener::Unix(listener) => {
                listener.accept().map(|(stream, _)| (Stream::Unix(stream), abi_address(None)))
            }
        }
    }
}
