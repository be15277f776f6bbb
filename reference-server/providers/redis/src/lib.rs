//! `hc.kv/1` from Redis or Valkey: each member is a connection on the container's event loop. No runtime, no thread. Must
//! not know the container but through the SDK.
//!
//! A member is one task: it sends what is asked, reads what comes, and hands the messages of its channels on. Conditions
//! that Redis has no command for are scripts, which it runs in one go.
#![forbid(unsafe_code)]

mod command;
mod failure;
mod life;
mod link;
#[cfg(test)]
mod on_server;
mod scripts;
mod session;
mod settings;

use std::sync::Arc;

use http_container::provider::{Member, Provider};
use http_container::{Error, Setup};

pub use settings::Config;
use settings::Settings;

/// The provider: one for each resource.
pub struct Redis {
    settings: Settings,
}

impl Provider for Redis {
    const INTERFACE: &'static str = "hc.kv/1";
    type Config = Config;

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        Ok(Self { settings: Settings::new(config)? })
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        life::live(&self.settings, &member).await
    }
}

http_container::provider_entry! { id: "org.http-container.redis", provider: Redis }
