//! A database by the operator's name for it. Must not know statements.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_container_abi::SqlRef;

use super::session::Sql;
use crate::error::Error;
use crate::limit::Usage;
use crate::named::{AS_CONFIGURED, Named};
use crate::resource::Resource;

/// A database by the operator's name for it. [`Setup::sql`](crate::Setup::sql) finds it. Clones are the same database; any
/// worker may use them.
#[derive(Clone)]
pub struct Database {
    named: Arc<Named>,
    extension: SqlRef,
}

impl Database {
    pub(crate) fn new(named: Arc<Named>, extension: SqlRef) -> Self {
        Self { named, extension }
    }

    /// The operator's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.named.name()
    }

    /// For [`acquire`](crate::acquire), which waits for several resources at once; [`Lease::sql`](crate::Lease::sql) makes
    /// a [`Sql`] of the lease.
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
    /// `E_BUSY` when too many wait already, `E_TIMEOUT`, `E_RESOURCE` when the database cannot be reached. A task that fails
    /// with one of them before its response has begun is answered for with 503.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire(&self) -> Result<Sql, Error> {
        self.acquire_within(AS_CONFIGURED).await
    }

    /// As [`acquire`](Self::acquire), but no longer than `timeout`; zero does not wait.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// Outside a task.
    pub async fn acquire_within(&self, timeout: Duration) -> Result<Sql, Error> {
        Ok(Sql::new(self.named.acquire(timeout).await?, self.extension))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Database({:?})", self.named)
    }
}
