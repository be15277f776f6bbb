//! Sockets on the container's event loop, over hc.fd/1: no runtime, no thread. They have tokio's IO traits, so client
//! libraries that ask for an `AsyncRead + AsyncWrite` run inside a module. Must not know any protocol.
//!
//! A stream belongs to the worker on which it was made; tasks of that worker may pass it on. Connecting takes addresses:
//! names are not looked up, since the system's resolver blocks.

mod connect;
#[cfg(feature = "hyper")]
mod hyper;
mod readiness;
mod stream;

#[cfg(feature = "hyper")]
pub use self::hyper::HyperIo;
pub use stream::{TcpStream, UnixStream};
