//! Stores over hc.kv/1: values by key with times to live, counters, conditions, messages. Must not know which store it is.
//!
//! ```
//! use std::time::Duration;
//! use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, StatusCode, kv::Store};
//!
//! struct Visits { store: Store }
//!
//! impl App for Visits {
//!     type Config = NoConfig;
//!     type Worker = ();
//!
//!     fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
//!         Ok(Self { store: setup.kv("cache")? })
//!     }
//!
//!     fn worker(&self, _: u32) -> Result<(), Error> {
//!         Ok(())
//!     }
//!
//!     async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
//!         let mut kv = state.store.acquire().await?;
//!         let count = kv.add_for(request.uri().path(), 1, Duration::from_secs(60)).await?;
//!         if count > 100 {
//!             return Err(Error::http(StatusCode::TOO_MANY_REQUESTS, "come back in a minute"));
//!         }
//!         Ok(Response::new(format!("visit {count} of this minute").into()))
//!     }
//! }
//! ```
//!
//! A [`Kv`] runs one operation at a time, which `&mut` sees to. Dropped with nothing under way it is given back clean; in the
//! middle of an operation or subscribed, dirty. Dropping the future of an operation before it is done withdraws it and
//! poisons the lease \[lease.poison\]: further operations on it fail with `E_STATE`; acquire a new one. Whether it was done is
//! not known.

mod session;
mod store;
mod subscription;

use std::time::Duration;

use bytes::Bytes;

pub use session::Kv;
pub use store::Store;
pub use subscription::{Message, Received, Subscription};

/// When a value is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// In any case.
    Always,
    /// Only when there is none.
    IfAbsent,
    /// Only when there is one.
    IfPresent,
    /// Only when this is the value.
    IfEqual(Bytes),
}

/// How long a stored value lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// For ever.
    Forever,
    /// As long as the one before had left.
    Keep,
    /// So long, in milliseconds, rounded up.
    For(Duration),
}

/// A time to live as it crosses the boundary, where 0 is for ever.
pub(crate) fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}

/// A time to live that crossed the boundary; `None`: for ever.
pub(crate) fn ttl(milliseconds: u64) -> Option<Duration> {
    (milliseconds != 0).then(|| Duration::from_millis(milliseconds))
}
