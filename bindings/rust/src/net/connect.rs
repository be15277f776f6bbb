//! Connecting without blocking. Must not look names up.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::readiness::{Interest, Ready};
use crate::timer::sleep;

/// A Unix socket whose backlog is full says only "later": the pause before the next attempt.
const BACKLOG_PAUSE: Duration = Duration::from_millis(1);

/// A stream socket that is connected to `address`, non-blocking and registered.
pub(super) async fn connect(domain: Domain, address: &SockAddr) -> io::Result<Ready<Socket>> {
    let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
    loop {
        match socket.connect(address) {
            Ok(()) => return Ready::new(socket),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
            Err(error) if domain == Domain::UNIX && error.kind() == io::ErrorKind::WouldBlock => {
                sleep(BACKLOG_PAUSE).await;
            }
            Err(error) if is_in_progress(&error) => break,
            Err(error) => return Err(error),
        }
    }
    let mut ready = Ready::new(socket)?;
    loop {
        poll_fn(|context| ready.poll_ready(Interest::Write, context)).await?;
        // Readiness may be spurious: it is connected when it has a peer.
        if let Some(error) = ready.io().take_error()? {
            return Err(error);
        }
        match ready.io().peer_addr() {
            Ok(_) => return Ok(ready),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::EINPROGRESS)
}
