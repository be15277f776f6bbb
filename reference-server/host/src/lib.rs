//! The container's core: modules, tasks, steps, completions, cancellation. It knows nothing of sockets, of HTTP's bytes,
//! or of how tasks are spread over workers: the server brings those.
//!
//! One worker is one [`Worker`], on its thread; what they share is the [`Container`]. Requests come in as [`Exchange`]s.
#![forbid(unsafe_code)]

mod blocking;
mod calls;
mod child;
mod child_request;
mod container;
mod counters;
mod dispatch;
mod ending;
mod exchange;
mod fd;
mod fields;
mod gates;
mod inbox;
mod instance;
mod leaving;
mod life;
mod offload;
mod partitions;
mod placing;
mod registry;
mod repeats;
mod report;
mod settings;
mod slots;
mod station;
mod step;
mod stopping;
mod task;
mod timing;
mod validation;
pub mod wheel;
mod words;
mod worker;

pub use container::{Container, Hooks, Parts, Signal};
pub use counters::Totals;
pub use exchange::{Exchange, Gathered, Head, Read, Waiter};
pub use fd::Poller;
pub use instance::{CreateError, Module};
pub use registry::ResourceUsage;
pub use report::{Level, Report, Reporter};
pub use settings::{Gates, Limits, PartitionGate, PartitionKey, ResourceSettings, Route, Router};
pub use validation::Breaches;
pub use worker::{Opening, Worker};
