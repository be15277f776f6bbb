//! Resources by the operator's names for them, as `create` looked them up. Must not know what is done with a lease.

use std::ffi::CString;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_container_abi::{LimitRef, Status};

use crate::error::Error;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::kv::Store;
use crate::limit::{Permits, Usage};
use crate::pool::Pool;
use crate::resource::{Lease, Resource};
use crate::sql::Database;

/// So long as the operator allows.
pub(crate) const AS_CONFIGURED: Duration = Duration::MAX;

/// A resource and its name; what the handles of every interface share.
pub(crate) struct Named {
    name: Box<str>,
    resource: Resource,
    gate: Arc<Gate>,
    limit: Option<LimitRef>,
}

impl Named {
    /// Looks a resource up; only inside `create`.
    pub(crate) fn find(instance: &Instance, name: &str, interface: &str) -> Result<Arc<Self>, Error> {
        let terminated =
            |text: &str| CString::new(text).map_err(|_| Error::new("a name has a zero byte in it"));
        let resource = match instance.host.resource(&terminated(name)?, &terminated(interface)?) {
            Ok(number) => Resource::new(number),
            Err(Status::E_RESOURCE) => {
                let text = format!("there is no resource named `{name}`");
                return Err(Error::with_status(Status::E_RESOURCE, text));
            }
            Err(status) => {
                let text = format!("the resource `{name}` cannot be had as {interface}: {}", status.text());
                return Err(Error::with_status(status, text));
            }
        };
        let (gate, limit) = (Arc::clone(&instance.gate), instance.limit);
        Ok(Arc::new(Self { name: name.into(), resource, gate, limit }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn resource(&self) -> Resource {
        self.resource
    }

    pub(crate) async fn acquire(&self, timeout: Duration) -> Result<Lease, Error> {
        let named = |error: Error| {
            Error::with_status(error.status(), format!("`{}`: {}", self.name, error.message()))
        };
        self.resource.acquire(timeout).await.map_err(named)
    }

    /// Asks how much is in use, from any thread.
    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        let asked = self.limit.map(|limit| self.gate.with(|_| limit.usage(self.resource.number())));
        let usage = asked.unwrap_or(Some(Err(Status::E_UNSUPPORTED))).unwrap_or(Err(Status::E_GONE));
        usage.map_err(|status| Error::refused(&format!("the usage of `{}`", self.name), status))
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// A resource that `create` looked up, for [`Ctx`](crate::Ctx) to find again.
#[derive(Clone)]
pub(crate) enum Handle {
    Database(Database),
    Store(Store),
    Permits(Permits),
    Pool(Pool),
}

impl Handle {
    fn name(&self) -> &str {
        match self {
            Self::Database(database) => database.name(),
            Self::Store(store) => store.name(),
            Self::Permits(permits) => permits.name(),
            Self::Pool(pool) => pool.name(),
        }
    }
}

/// What `create` has looked up so far.
#[derive(Default)]
pub(crate) struct Found(Mutex<Vec<Handle>>);

impl Found {
    pub(crate) fn add(&self, handle: Handle) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    pub(crate) fn into_all(self) -> Box<[Handle]> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into()
    }
}

/// Among what `create` has looked up, the handle of that name that `choose` takes.
pub(crate) fn named<T>(
    all: &[Handle],
    name: &str,
    choose: impl Fn(&Handle) -> Option<T>,
) -> Result<T, Error> {
    let found = all.iter().filter(|handle| handle.name() == name).find_map(choose);
    found.ok_or_else(|| {
        Error::new(format!("`create` did not look the resource `{name}` up as what it is used"))
    })
}
