//! Shared resources from outside: the real program with real databases, driven over sockets, through a module that does what a
//! request asks for. Nothing in here knows the server's inside; the map is in `../README.md`.

// The child process, its peers and its counters are those of `e2e`, of which this program uses a part.
#[allow(dead_code)]
#[path = "../e2e/artefacts.rs"]
mod artefacts;
#[allow(dead_code)]
#[path = "../e2e/counters.rs"]
mod counters;
#[path = "../e2e/message.rs"]
mod message;
#[allow(dead_code)]
#[path = "../e2e/peer.rs"]
mod peer;
#[allow(dead_code)]
#[path = "../e2e/server.rs"]
mod server;

mod load;
mod site;

mod bounds;
mod broken;
mod embedded;
mod gates;
mod leases;
mod leaving;
mod loaded;
mod muted;
mod partitions;
mod sessions;
mod several;
mod stores;

use hc_services::{PATIENCE, wait_for};
