//! `hc.sql/1` from PostgreSQL: each member is a connection, which `tokio-postgres` speaks over the container's event loop.
//! No runtime, no thread. Must not know the container but through the SDK.
//!
//! A member is one task: it drives its connection and does one request after another. What a statement answers streams
//! through: a full user stops the reading of the socket, so an answer of any size costs the same.
#![forbid(unsafe_code)]

mod answer;
mod as_text;
mod bells;
mod column;
mod drive;
mod encryption;
mod failure;
mod life;
mod notation;
#[cfg(test)]
mod on_server;
mod open;
mod parameter;
mod script;
mod session;
mod settings;
mod statements;
mod trace;
mod watch;
mod watched;

use std::sync::Arc;

use http_container::provider::{Member, Provider};
use http_container::{Error, Setup};

pub use settings::Config;
use settings::Settings;

/// The provider: one for each resource.
pub struct Postgres {
    settings: Settings,
}

impl Provider for Postgres {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = Config;

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        Ok(Self { settings: Settings::new(config)? })
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        life::live(&self.settings, &member).await
    }
}

http_container::provider_entry! { id: "org.http-container.postgres", provider: Postgres }
