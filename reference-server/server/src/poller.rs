//! Descriptors of modules in the shard's poll set (`hc.fd/1`).

use crate::shard::descriptor_token;
use hc_host::Poller;
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use std::io;
use std::os::fd::RawFd;

/// The host's view of a shard's poll set.
pub struct SharedPoller {
    registry: Registry,
}

impl SharedPoller {
    /// Over that registry.
    pub fn new(registry: Registry) -> Self {
        SharedPoller { registry }
    }
}

impl Poller for SharedPoller {
    fn add(&self, fd: RawFd, key: u32) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut SourceFd(&fd), descriptor_token(key), both)
    }

    fn remove(&self, fd: RawFd) {
        // The module may have closed it already, against the rule: then the system has forgotten it.
        let _ = self.registry.deregister(&mut SourceFd(&fd));
    }
}
