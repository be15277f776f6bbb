//! The reference server: shards, listeners, configuration, operations.
//!
//! The only crate that names `http1`, `scheduler` and `host`. [`config`] says what the operator wants, [`log`] what
//! happened, [`cli`] is the door that `hc-server` opens.

#![forbid(unsafe_code)]

mod assembly;
mod body;
pub mod cli;
pub mod config;
mod connection;
mod control;
mod door;
mod exchange;
mod listener;
pub mod log;
mod plan;
mod poller;
mod providers;
mod report;
pub mod run;
mod shard;
mod stream;
mod tally;
mod validation;
mod wire;
