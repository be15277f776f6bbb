//! The provider `postgres` as a module of its own: a library to be loaded, in place of the one that is linked in. Must hold nothing
//! but the export.
#![forbid(unsafe_code)]

http_container::export!(hc_provider_postgres::Entry);
