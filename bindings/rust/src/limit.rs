//! Permits of hc.limit/1: so many may do something at once. Must not know what.

use std::sync::Arc;
use std::time::Duration;

pub use http_container_abi::Usage;

use crate::error::Error;
use crate::named::{AS_CONFIGURED, Named};
use crate::resource::{Lease, LeaseEnd, Resource};

/// Permits by the operator's name for them. [`Setup::limit`](crate::Setup::limit) finds them.
#[derive(Clone, Debug)]
pub struct Permits {
    named: Arc<Named>,
}

impl Permits {
    pub(crate) fn new(named: Arc<Named>) -> Self {
        Self { named }
    }

    /// The operator's name for them.
    #[must_use]
    pub fn name(&self) -> &str {
        self.named.name()
    }

    /// For [`acquire`](crate::acquire), which waits for several resources at once.
    #[must_use]
    pub fn resource(&self) -> Resource {
        self.named.resource()
    }

    /// Waits for a permit, as long as the operator allows.
    ///
    /// # Errors
    /// `E_BUSY` when too many wait already, `E_TIMEOUT`.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire(&self) -> Result<Permit, Error> {
        self.acquire_within(AS_CONFIGURED).await
    }

    /// As [`acquire`](Self::acquire), but no longer than `timeout`; zero does not wait.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire_within(&self, timeout: Duration) -> Result<Permit, Error> {
        Ok(Permit::new(self.named.acquire(timeout).await?))
    }

    /// How many are in use; by the time it is looked at it may have changed. From any thread.
    ///
    /// # Errors
    /// The container does not offer hc.limit/1, or the instance has ended.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.named.usage()
    }
}

/// A permit. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "a permit counts as long as it is held"]
pub struct Permit {
    _lease: Lease,
}

impl Permit {
    pub(crate) fn new(mut lease: Lease) -> Self {
        lease.set_end(LeaseEnd::Clean);
        Self { _lease: lease }
    }
}
