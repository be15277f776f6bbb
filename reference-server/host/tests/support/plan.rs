//! What a test's container is made of: modules, resources, gates, times.

use super::script::SCRIPTED;
use super::{MS, World};
use hc_host::{Gates, Limits, ResourceSettings};
use http_container_abi::ModuleEntry;

pub struct Plan {
    pub workers: u32,
    pub modules: Vec<(&'static str, &'static ModuleEntry)>,
    pub resources: Vec<ResourceSettings>,
    /// What each resource offers, `sql` and so on; for permits without a provider, `limit`.
    pub offers: Vec<&'static str>,
    /// Of route 0.
    pub gates: Gates,
    pub limits: Limits,
    pub grace_ms: u64,
    pub deadline_ms: u64,
    pub validates: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            workers: 1,
            modules: vec![("a", &SCRIPTED), ("b", &SCRIPTED)],
            resources: Vec::new(),
            offers: Vec::new(),
            gates: Gates::default(),
            limits: Limits { step_report_ns: u64::MAX, ..Limits::default() },
            grace_ms: 0,
            deadline_ms: 60_000,
            validates: false,
        }
    }
}

/// A resource of two members at most, of the module with that index.
pub fn resource(name: &str, provider: Option<u32>) -> ResourceSettings {
    ResourceSettings {
        name: name.to_owned(),
        provider,
        min: 0,
        max: 2,
        max_waiting: 10,
        acquire_timeout_ns: 5_000 * MS,
        idle_timeout_ns: 60_000 * MS,
        max_lifetime_ns: 3_600_000 * MS,
        member_timeout_ns: 1_000 * MS,
        test_on_acquire: true,
    }
}

impl Plan {
    /// Modules `a` and `b`, and resources by name and interface, in the order of their ranks, each with a provider of its name.
    pub fn with(resources: &[(&'static str, &'static str)]) -> Plan {
        let mut plan = Plan::default();
        for (name, offer) in resources {
            plan.resources.push(resource(name, Some(plan.modules.len() as u32)));
            plan.modules.push((name, &SCRIPTED));
            plan.offers.push(offer);
        }
        plan
    }

    /// One resource `db` of at most `max` members, for statements.
    pub fn database(max: u32) -> Plan {
        let mut plan = Plan::with(&[("db", "sql")]);
        plan.first().max = max;
        plan
    }

    /// Scripts for `create`: providers offer, and module `a` looks all resources up.
    pub fn lay_out(&self, world: &World) {
        let mut finds = String::new();
        for (resource, offer) in self.resources.iter().zip(&self.offers) {
            if resource.provider.is_some() {
                world.script(&format!("create-{}", resource.name), &format!("offer hc.{offer}/1"));
            }
            finds += &format!("resource {} hc.{offer}/1;", resource.name);
        }
        if !finds.is_empty() {
            world.script("create-a", &finds);
        }
    }

    /// The first resource.
    pub fn first(&mut self) -> &mut ResourceSettings {
        &mut self.resources[0]
    }

    /// Modules that answer requests, in the order of their indices.
    pub fn serving(&self) -> Vec<u32> {
        let provides = |module: &u32| self.resources.iter().any(|one| one.provider == Some(*module));
        (0..self.modules.len() as u32).filter(|module| !provides(module)).collect()
    }
}
