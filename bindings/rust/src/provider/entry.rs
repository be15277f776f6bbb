//! The macros that make a library a provider. Must not hold logic: what they emit calls the adapter.

/// Exports the provider of this library as [`module!`](crate::module) exports a module. Use it once per `cdylib`.
///
/// ```
/// # use std::sync::Arc;
/// # use http_container::{Error, NoConfig, Setup, provider::{Member, Provider}};
/// # struct Permits;
/// # impl Provider for Permits {
/// #     const INTERFACE: &'static str = "hc.limit/1";
/// #     type Config = NoConfig;
/// #     fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> { Ok(Self) }
/// #     async fn member(self: Arc<Self>, _: Member) -> Result<(), Error> { Ok(()) }
/// # }
/// http_container::provider! { id: "org.example.permits", provider: Permits }
/// ```
///
/// Between `id:` and `provider:` may stand, in this order, `version:`, `description:` and `schema:`, as in `module!`.
#[macro_export]
macro_rules! provider {
    (id: $id:expr, $(version: $version:expr,)? $(description: $description:expr,)? $(schema: $schema:expr,)?
        provider: $provider:ty $(,)?) => {
        $crate::abi::hc_entry!(
            $crate::provider::ProviderAdapter<$provider>,
            id: $id,
            version: $crate::module!(@or env!("CARGO_PKG_VERSION"), $($version)?),
            description: $crate::module!(@or env!("CARGO_PKG_DESCRIPTION"), $($description)?)
            $(, config_schema: $schema)?
        );
    };
}

/// Declares a provider without exporting a symbol, so that a program can link several: makes `pub fn entry()`, and
/// `pub struct Entry`, which [`export!`](crate::export) exports from a `cdylib`. Arguments as of
/// [`provider!`](crate::provider!).
///
/// A library that is to be linked and loaded is best an `rlib`, with a target of its own for the `cdylib`: an
/// `[[example]]` with `crate-type = ["cdylib"]` whose one line is `http_container::export!(my_provider::Entry);`.
///
/// ```
/// # use std::sync::Arc;
/// # use http_container::{Error, NoConfig, Setup, provider::{Member, Provider}};
/// # struct Permits;
/// # impl Provider for Permits {
/// #     const INTERFACE: &'static str = "hc.limit/1";
/// #     type Config = NoConfig;
/// #     fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> { Ok(Self) }
/// #     async fn member(self: Arc<Self>, _: Member) -> Result<(), Error> { Ok(()) }
/// # }
/// http_container::provider_entry! { id: "org.example.permits", provider: Permits }
///
/// # fn main() {
/// assert!(http_container::abi::ModuleTable::from_entry(entry()).is_ok());
/// # }
/// ```
#[macro_export]
macro_rules! provider_entry {
    (id: $id:expr, $(version: $version:expr,)? $(description: $description:expr,)? $(schema: $schema:expr,)?
        provider: $provider:ty $(,)?) => {
        $crate::abi::hc_declare!(
            Entry,
            $crate::provider::ProviderAdapter<$provider>,
            id: $id,
            version: $crate::module!(@or env!("CARGO_PKG_VERSION"), $($version)?),
            description: $crate::module!(@or env!("CARGO_PKG_DESCRIPTION"), $($description)?)
            $(, config_schema: $schema)?
        );

        /// The provider's module, for a program that links it.
        #[must_use]
        pub fn entry() -> &'static $crate::abi::ModuleEntry {
            static ENTRY: $crate::abi::ModuleEntry = <Entry as $crate::abi::Declared>::ENTRY;
            &ENTRY
        }
    };
}

/// Exports a module that another library declares with [`provider_entry!`](crate::provider_entry). Use it once per
/// `cdylib`.
#[macro_export]
macro_rules! export {
    ($declared:ty) => {
        $crate::abi::hc_export!($declared);
    };
}
