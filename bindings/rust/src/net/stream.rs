//! TCP and Unix streams with tokio's IO traits. Must not know what is sent over them.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{Domain, SockAddr, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect::connect;
use super::readiness::{Interest, Ready};

/// A TCP connection on the container's event loop.
pub struct TcpStream {
    ready: Ready<Socket>,
}

/// A connection over a Unix socket on the container's event loop.
pub struct UnixStream {
    ready: Ready<Socket>,
}

impl TcpStream {
    /// Connects to `address`, with no delay for small packets.
    ///
    /// # Errors
    /// The operating system's, or the container offers no hc.fd/1.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let ready = connect(Domain::for_address(address), &address.into()).await?;
        ready.io().set_tcp_nodelay(true)?;
        Ok(Self { ready })
    }

    /// Takes a stream over, and makes it non-blocking.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    /// Outside a task.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { ready: Ready::new(stream.into())? })
    }

    /// The other end's address.
    ///
    /// # Errors
    /// The operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.ready.io().peer_addr()?.as_socket().ok_or_else(|| io::Error::other("the peer has no IP address"))
    }
}

impl UnixStream {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// The operating system's, or the container offers no hc.fd/1.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { ready: connect(Domain::UNIX, &SockAddr::unix(path)?).await? })
    }

    /// Takes a stream over, and makes it non-blocking.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    /// Outside a task.
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { ready: Ready::new(OwnedFd::from(stream).into())? })
    }
}

/// Where small reads go first, one place for each worker. A caller's buffer is usually new at every read, so it would have to be
/// zeroed as a whole for the few bytes that come.
const ROOM_BYTES: usize = 16 * 1024;

thread_local! {
    static ROOM: RefCell<Box<[u8]>> = RefCell::new(vec![0; ROOM_BYTES].into());
}

fn poll_read(
    ready: &mut Ready<Socket>,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if buffer.remaining() > ROOM_BYTES {
        let space = buffer.initialize_unfilled();
        let read = std::task::ready!(poll_read_into(ready, context, space))?;
        buffer.advance(read);
        return Poll::Ready(Ok(()));
    }
    ROOM.with_borrow_mut(|room| {
        let space = &mut room[..buffer.remaining()];
        let read = std::task::ready!(poll_read_into(ready, context, space))?;
        buffer.put_slice(&room[..read]);
        Poll::Ready(Ok(()))
    })
}

fn poll_read_into(
    ready: &mut Ready<Socket>,
    context: &mut Context<'_>,
    space: &mut [u8],
) -> Poll<io::Result<usize>> {
    let room = space.len();
    let read = std::task::ready!(ready.poll_io(Interest::Read, context, |mut socket| socket.read(space)))?;
    if (1..room).contains(&read) {
        ready.note_drained();
    }
    Poll::Ready(Ok(read))
}

macro_rules! streams {
    ($($stream:ty),*) => {$(
        impl AsyncRead for $stream {
            fn poll_read(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                poll_read(&mut self.ready, context, buffer)
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.ready.poll_io(Interest::Write, context, |mut socket| socket.write(data))
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                data: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.ready.poll_io(Interest::Write, context, |mut socket| socket.write_vectored(data))
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.ready.io().shutdown(Shutdown::Write) {
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
                    answer => Poll::Ready(answer),
                }
            }
        }

        impl std::fmt::Debug for $stream {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(out, "{}({:?})", stringify!($stream), self.ready.io())
            }
        }
    )*};
}

streams!(TcpStream, UnixStream);
