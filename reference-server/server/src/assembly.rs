//! What the host is made of: modules and providers with their code, routes with their gates, resources, limits; all from the
//! checked configuration. Must not know sockets or threads.

use crate::config::{Config, GateConfig, ResourceConfig, RouteConfig};
use crate::plan::nanoseconds;
use crate::providers;
use crate::run::RunError;
use hc_host::{Gates, Limits, Module, PartitionGate, ResourceSettings, Route, Router};

/// The modules in the order of the configuration, and behind them the provider of each resource. Loads their code.
pub fn modules(config: &Config) -> Result<Vec<Module>, RunError> {
    let own = config.modules.iter().map(|module| {
        let loaded = http_container_abi::load(&module.path)
            .map_err(|error| RunError::from(format!("module \"{}\": {error}", module.name)))?;
        Ok(Module::new(module.name.clone(), loaded.table, module.config_json.clone()))
    });
    let providers = provided(config).map(|resource| {
        let table = providers::find(&resource.provider)
            .map_err(|error| RunError::from(format!("resource \"{}\": {error}", resource.name)))?;
        Ok(Module::new(provider_name(resource), table, resource.config_json.clone()))
    });
    own.chain(providers).collect()
}

/// As the file spells the table, so that a line of the log about the provider names it.
fn provider_name(resource: &ResourceConfig) -> String {
    format!("resource.{}", resource.name)
}

/// Those whose members a provider makes.
fn provided(config: &Config) -> impl Iterator<Item = &ResourceConfig> {
    config.resources.iter().filter(|resource| providers::is_needed(&resource.provider))
}

/// The resources in the order of the configuration: each with the provider of its own that [`modules`] made.
pub fn resources(config: &Config) -> Vec<ResourceSettings> {
    let mut next = config.modules.len() as u32..;
    let settings = |resource: &ResourceConfig| ResourceSettings {
        name: resource.name.clone(),
        provider: if providers::is_needed(&resource.provider) { next.next() } else { None },
        min: resource.min,
        max: resource.max,
        max_waiting: resource.max_waiting,
        acquire_timeout_ns: nanoseconds(resource.acquire_timeout),
        idle_timeout_ns: nanoseconds(resource.idle_timeout),
        max_lifetime_ns: nanoseconds(resource.max_lifetime),
        member_timeout_ns: nanoseconds(resource.member_timeout),
        test_on_acquire: resource.test_on_acquire,
    };
    config.resources.iter().map(settings).collect()
}

/// The routes in the order of the configuration.
pub fn routes(config: &Config) -> Vec<Route> {
    let route = |route: &RouteConfig| Route {
        name: route.label(),
        modules: route.modules.iter().map(|&index| index as u32).collect(),
        deadline_ns: nanoseconds(route.deadline),
        cancel_grace_ns: nanoseconds(route.cancel_grace),
        gates: gates(&route.gates, nanoseconds(route.deadline)),
    };
    config.routes.iter().map(route).collect()
}

/// A request waits for its leases as long as each resource allows, and never past its deadline, from which waiting counts.
fn gates(gates: &GateConfig, deadline_ns: u64) -> Gates {
    Gates {
        whole_body_bytes: gates.whole_body_bytes,
        partition: gates.partition.as_ref().map(|partition| PartitionGate {
            key: partition.key.clone(),
            concurrent: partition.concurrent,
            max_waiting: partition.max_waiting,
            timeout_ns: nanoseconds(partition.timeout),
        }),
        resources: gates.resources.iter().map(|&index| index as u32).collect(),
        resources_timeout_ns: deadline_ns,
    }
}

/// Chooses among [`routes`].
pub fn router(config: &Config) -> Router {
    let table = config.route_table();
    Box::new(move |authority, path| table.resolve(authority, path).map(|route| route as u32))
}

/// The limits that the operator can set, and the host's own for what is left.
pub fn limits(config: &Config) -> Limits {
    Limits {
        operations_per_task: config.limits.operations_per_task,
        respond_bytes: config.limits.respond_bytes as u64,
        body_bytes: config.limits.body_bytes,
        tasks_per_module: config.limits.tasks_per_module as u32,
        blocking_threads: config.limits.blocking_threads as u32,
        blocking_queue: config.limits.blocking_queue,
        offload_threads: config.limits.offload_threads as u32,
        offload_queue: config.limits.offload_queue,
        ..Limits::default()
    }
}
