//! Cases about modules, driven by an adversarial host. Must not know any module.

mod arrivals;
mod bench;
mod between_steps;
mod cases;
mod children;
mod choices;
mod crew;
mod descriptors;
mod drive;
mod happenings;
mod host;
mod host_kv;
mod host_leases;
mod host_provider;
mod host_response;
mod host_sql;
mod host_waiting;
mod instance;
mod kv_store;
mod member_scripts;
mod members;
mod outside;
mod peer;
mod permission;
mod plan;
mod record;
mod resources;
mod schema;
mod script;
mod sql_answers;
mod state;
mod task;
mod verdicts;

pub use cases::cases;

/// Set for the process of a case by `--reproduce`: the host's record of a failure is printed whole.
pub const REPRODUCTION: &str = "HC_CONFORMANCE_REPRODUCTION";

fn is_reproduction() -> bool {
    std::env::var_os(REPRODUCTION).is_some()
}
