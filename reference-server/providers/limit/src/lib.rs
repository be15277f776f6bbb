//! The provider `limit`: hc.limit/1, counted permits. A lease is a permit, and there are `max` of them, whatever uses them: a
//! licence, an upstream that takes so many requests at once, a machine with so much memory.
//!
//! ```toml
//! [resource."renderer"]
//! kind = "limit"
//! max = 8
//! ```
//! There is nothing to be opened, reset or lost, and nothing to be configured beside what every resource has. Must not know
//! what the permits are for, nor any container but through the SDK.
#![forbid(unsafe_code)]

use std::sync::Arc;

use http_container::provider::{Member, Outcome, Provider, Request};
use http_container::{Error, Setup};

/// The configuration of a resource of this kind: nothing.
#[derive(serde::Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `limit:`, or nothing.
    #[serde(default)]
    url: String,
}

/// The provider of one resource.
pub struct Limit;

impl Provider for Limit {
    const INTERFACE: &'static str = "hc.limit/1";
    type Config = Config;

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        match config.url.as_str() {
            "" | "limit:" => Ok(Self),
            url => Err(Error::new(format!("`url` is `{url}`: permits have none, or `limit:`"))),
        }
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        member.ready()?;
        loop {
            match member.next().await {
                Request::Close => return Ok(()),
                Request::Interrupt => {}
                Request::Reset | Request::Check => member.done(Outcome::ok()),
                Request::Statement(_) | Request::Transaction(_) | Request::Kv(_) => {
                    member.done(Outcome::unsupported());
                }
            }
        }
    }
}

http_container::provider_entry! { id: "org.http-container.limit", provider: Limit }
