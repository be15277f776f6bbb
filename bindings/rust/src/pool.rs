//! Native objects of hc.pool/1, lent by a provider. Must not look into them: who does so needs unsafe code, and answers for
//! it.

use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_container_abi::{Opaque, PoolRef};

use crate::error::Error;
use crate::limit::Usage;
use crate::named::{AS_CONFIGURED, Named};
use crate::resource::{Lease, Resource};

/// A pool of objects by the operator's name for it. [`Setup::pool`](crate::Setup::pool) finds it.
#[derive(Clone)]
pub struct Pool {
    named: Arc<Named>,
    type_name: Arc<CStr>,
    extension: PoolRef,
}

impl Pool {
    pub(crate) fn new(named: Arc<Named>, type_name: &str, extension: PoolRef) -> Result<Self, Error> {
        let type_name =
            CString::new(type_name).map_err(|_| Error::new("a name of a type has a zero byte in it"))?;
        Ok(Self { named, type_name: type_name.into(), extension })
    }

    /// The operator's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.named.name()
    }

    /// For [`acquire`](crate::acquire), which waits for several resources at once.
    #[must_use]
    pub fn resource(&self) -> Resource {
        self.named.resource()
    }

    /// How many objects are in use, from any thread.
    ///
    /// # Errors
    /// The container does not offer hc.limit/1, or the instance has ended.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.named.usage()
    }

    /// Waits for an object, as long as the operator allows.
    ///
    /// # Errors
    /// `E_BUSY` when too many wait already, `E_TIMEOUT`, `E_RESOURCE` when there can be none, `E_UNSUPPORTED` when the
    /// objects are of another type.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire(&self) -> Result<Pooled, Error> {
        self.acquire_within(AS_CONFIGURED).await
    }

    /// As [`acquire`](Self::acquire), but no longer than `timeout`; zero does not wait.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire_within(&self, timeout: Duration) -> Result<Pooled, Error> {
        self.of_lease(self.named.acquire(timeout).await?)
    }

    /// The object of a lease that was had in another way: by [`acquire`](crate::acquire), or from the route's gate.
    ///
    /// # Errors
    /// The lease is on something else, or the object is of another type; the lease is given back.
    pub fn of_lease(&self, lease: Lease) -> Result<Pooled, Error> {
        match self.extension.object(lease.task(), lease.handle(), &self.type_name) {
            Ok(object) => Ok(Pooled { object, lease }),
            Err(status) => {
                let error = Error::refused(&format!("the object of `{}`", self.name()), status);
                lease.clean();
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} of {:?}", self.named, self.type_name)
    }
}

/// An object of a pool. Dropped, it is given back dirty: its provider makes it like a fresh one before somebody else has it.
#[derive(Debug)]
pub struct Pooled {
    object: Opaque,
    lease: Lease,
}

impl Pooled {
    /// The object, of the type that provider and user agreed on by name. It is good as long as this guard.
    #[must_use]
    pub fn object(&self) -> Opaque {
        self.object
    }

    /// Gives it back as it was found.
    pub fn clean(self) {
        self.lease.clean();
    }

    /// Gives it back to be thrown away.
    pub fn broken(self) {
        self.lease.broken();
    }
}
