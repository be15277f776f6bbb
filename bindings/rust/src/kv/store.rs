//! A store by the operator's name for it. Must not know operations.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_container_abi::KvRef;

use super::session::Kv;
use crate::error::Error;
use crate::limit::Usage;
use crate::named::{AS_CONFIGURED, Named};
use crate::resource::Resource;

/// A store by the operator's name for it. [`Setup::kv`](crate::Setup::kv) finds it. Clones are the same store; any worker may
/// use them.
#[derive(Clone)]
pub struct Store {
    named: Arc<Named>,
    extension: KvRef,
}

impl Store {
    pub(crate) fn new(named: Arc<Named>, extension: KvRef) -> Self {
        Self { named, extension }
    }

    /// The operator's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.named.name()
    }

    /// For [`acquire`](crate::acquire), which waits for several resources at once; [`Lease::kv`](crate::Lease::kv) makes a
    /// [`Kv`] of the lease.
    #[must_use]
    pub fn resource(&self) -> Resource {
        self.named.resource()
    }

    /// How many connections are in use, from any thread.
    ///
    /// # Errors
    /// The container does not offer hc.limit/1, or the instance has ended.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.named.usage()
    }

    /// Waits for a connection, as long as the operator allows. A task waits once at a time: several at once are had by
    /// [`acquire`](crate::acquire).
    ///
    /// # Errors
    /// `E_BUSY` when too many wait already, `E_TIMEOUT`, `E_RESOURCE` when the store cannot be reached. A task that fails with
    /// one of them before its response has begun is answered for with 503.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire(&self) -> Result<Kv, Error> {
        self.acquire_within(AS_CONFIGURED).await
    }

    /// As [`acquire`](Self::acquire), but no longer than `timeout`; zero does not wait.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire_within(&self, timeout: Duration) -> Result<Kv, Error> {
        Ok(Kv::new(self.named.acquire(timeout).await?, self.extension))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Store({:?})", self.named)
    }
}
