//! How providers reach servers: names, addresses, sockets and TLS, on the container's event loop. Must not know what is
//! said over a connection, nor which provider says it.
#![forbid(unsafe_code)]

mod place;
mod stream;
mod tls;

pub use place::Place;
pub use stream::Stream;
pub use tls::{Tls, TlsOptions, Verification};
