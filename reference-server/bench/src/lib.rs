//! Side-by-side benchmarks of the reference server, the floor and its peers.
//!
//! The metric is CPU time of the server per request, as a ratio to the floor within the same round; the
//! README says why. Nothing here links to the server: it is measured from outside, like every peer.
#![forbid(unsafe_code)]

pub mod contenders;
pub mod counted;
pub mod database;
pub mod generator;
pub mod launch;
pub mod leaving;
pub mod options;
pub mod parked;
pub mod partition;
pub mod process_tree;
pub mod python;
pub mod query;
pub mod report;
pub mod resources;
pub mod scaling;
pub mod settings;
pub mod sharing;
pub mod statistics;
pub mod table;
pub mod targets;
pub mod timed;
pub mod workshop;
