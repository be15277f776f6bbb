//! Start gates: requests that wait before their first step, for their body, their partition, their leases.

#[path = "../support/mod.rs"]
mod support;

mod body;
mod crowd;
mod leases;
mod leaving;
mod partition;
