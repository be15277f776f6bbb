//! How a test gives its fake container resources. Must not know what becomes of them.

use http_container_abi::ModuleEntry;
use http_container_abi::constants::LIMIT_ID;

use super::container::{Container, Entry, Refused};
use super::scripted::{FakeDatabase, Scripted};
use super::store::{FakeStore, InMemory};
use crate::provider::{Provider, ProviderAdapter};

impl Container {
    /// Adds a shared resource with so many members, before the module that is to find it is added. It offers every
    /// interface, and nothing can be done with a lease but to hold it.
    #[must_use]
    pub fn with_resource(self, name: &str, members: usize) -> Self {
        self.shared.lock().resources.add(name, members, None, None);
        self
    }

    /// Adds so many permits of hc.limit/1, before the module that is to find them is added.
    #[must_use]
    pub fn with_permits(self, name: &str, count: usize) -> Self {
        self.shared.lock().resources.add(name, count, None, Some(LIMIT_ID.to_owned()));
        self
    }

    /// Adds a database with at most so many connections, before the module that is to find it is added.
    ///
    /// # Panics
    /// Never: a fake database refuses nothing.
    #[must_use]
    pub fn with_database(self, name: &str, connections: usize, database: &FakeDatabase) -> Self {
        let added = self.with_provider::<Scripted>(name, connections, &database.place());
        added.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// Adds a store with at most so many connections, before the module that is to find it is added.
    ///
    /// # Panics
    /// Never: a fake store refuses nothing.
    #[must_use]
    pub fn with_store(self, name: &str, connections: usize, store: &FakeStore) -> Self {
        let added = self.with_provider::<InMemory>(name, connections, &store.place());
        added.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// Adds a resource whose members, so many at most, that provider makes, before the module that is to find it is added.
    /// Its tasks run in this container, over the real boundary.
    ///
    /// # Errors
    /// The provider refused its configuration.
    pub fn with_provider<P: Provider>(
        self,
        name: &str,
        members: usize,
        config: &str,
    ) -> Result<Self, Refused> {
        self.with_provider_entry(name, members, Entry::<ProviderAdapter<P>>::ENTRY, config)
    }

    /// As [`with_provider`](Self::with_provider), by the entry of a module.
    ///
    /// # Errors
    /// The provider refused its configuration.
    ///
    /// # Panics
    /// The entry is none, or the module offers no interface.
    pub fn with_provider_entry(
        mut self,
        name: &str,
        members: usize,
        entry: &'static ModuleEntry,
        config: &str,
    ) -> Result<Self, Refused> {
        self.shared.lock().offer = Some(None);
        let loaded = self.load(entry, config);
        let offer = self.shared.lock().offer.take().flatten();
        let number = loaded?;
        let interface = offer.expect("a provider offers an interface in `create`");
        self.shared.lock().resources.add(name, members, Some(number), Some(interface));
        Ok(self)
    }

    /// From now on each request waits for a member of that resource before it starts, and starts with a lease of it, as with
    /// a route's gate. With several, the leases come in the order of these calls.
    ///
    /// # Panics
    /// There is no such resource.
    #[must_use]
    pub fn with_gate(self, name: &str) -> Self {
        {
            let mut state = self.shared.lock();
            let number = state.resources.number(name.as_bytes()).expect("a resource that was added before");
            state.resources.gates.push(number);
        }
        self
    }
}
