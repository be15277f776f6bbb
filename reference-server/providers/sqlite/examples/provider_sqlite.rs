//! The provider as a library to be loaded. Must not hold logic: it exports what the crate declares.
#![forbid(unsafe_code)]

http_container::export!(hc_provider_sqlite::Entry);
