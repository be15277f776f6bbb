//! The providers that come with the server, by the kind of resource that they serve; and how any provider is loaded. Must
//! not know what a provider does.

use std::fmt;

use http_container_abi::{LoadError, ModuleEntry, ModuleTable, load};

use crate::config::{ProviderSource, ResourceKind};

/// Why a resource has no provider.
#[derive(Debug)]
pub enum ProviderError {
    /// It was left out of this program.
    NotBuiltIn(ResourceKind),
    /// Its library does not load.
    Library(LoadError),
}

impl fmt::Display for ProviderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProviderError::NotBuiltIn(kind) => write!(
                formatter,
                "this program has no provider for the kind \"{}\"; write `path` with the library of one",
                kind.word()
            ),
            ProviderError::Library(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for ProviderError {}

/// Whether a resource has a provider: the members of permits are the host's own [resource.provider.own].
pub fn is_needed(source: &ProviderSource) -> bool {
    *source != ProviderSource::BuiltIn(ResourceKind::Limit)
}

/// The provider that comes with the server for that kind.
pub fn builtin(kind: ResourceKind) -> Option<ModuleTable> {
    let entry: Option<&'static ModuleEntry> = match kind {
        ResourceKind::Sqlite => Some(hc_provider_sqlite::entry()),
        ResourceKind::Memory => Some(hc_provider_memory::entry()),
        ResourceKind::Postgres => Some(hc_provider_postgres::entry()),
        ResourceKind::Redis => Some(hc_provider_redis::entry()),
        ResourceKind::Limit => None,
    };
    entry.and_then(|entry| ModuleTable::from_entry(entry).ok())
}

/// The code of a provider; that of a library of the operator's is loaded as a module is.
pub fn find(source: &ProviderSource) -> Result<ModuleTable, ProviderError> {
    match source {
        ProviderSource::BuiltIn(kind) => builtin(*kind).ok_or(ProviderError::NotBuiltIn(*kind)),
        ProviderSource::Library(path) => {
            load(path).map(|loaded| loaded.table).map_err(ProviderError::Library)
        }
    }
}
