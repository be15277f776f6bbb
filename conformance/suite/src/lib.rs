//! The conformance kit: tests modules and servers against the rules in `spec/text`, with a host of its own and over the wire.
//! It stands on the crate `abi` alone and must not know any container of this repository, so that it shares no bug with one.
#![forbid(unsafe_code)]

pub mod case;
pub mod child;
pub mod command_line;
pub mod expectation;
pub mod first_look;
pub mod http;
pub mod module;
pub mod options;
pub mod patience;
pub mod registry;
pub mod report;
pub mod runner;
pub mod scratch;
pub mod self_test;
pub mod server;
pub mod target;
pub mod trace;
