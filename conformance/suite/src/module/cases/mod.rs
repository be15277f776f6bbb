//! The cases about modules: what each runs, and which breaches are its own. Must not know how a run goes.

mod configuration;
mod entry;
mod left_behind;
mod plain;
mod provider;
mod provider_kv;
mod provider_sql;
mod provider_transactions;
mod situations;
mod special;

use super::drive::play;
use super::plan::Plan;
use super::record::{Record, Violation};
use crate::case::{Case, Context, Outcome};
use crate::target::{Kind, ModuleTarget, Target};
use http_container_abi::{LoadedModule, Status, load};

/// All of them.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        entry::CASES,
        configuration::CASES,
        plain::CASES,
        situations::CASES,
        special::CASES,
        left_behind::CASES,
        provider::CASES,
        provider_sql::CASES,
        provider_transactions::CASES,
        provider_kv::CASES,
    ]
    .concat()
}

/// A case about modules.
const fn case(
    name: &'static str,
    section: &'static str,
    rules: &'static [&'static str],
    run: fn(&Case, &mut Context) -> Outcome,
) -> Case {
    Case { name, section, group: "", rules, subject: Kind::Module, run }
}

/// The module of a context; a case of another subject has none.
fn target(context: &Context) -> ModuleTarget {
    match &context.target {
        Target::Module(module) => module.clone(),
        _ => ModuleTarget::default(),
    }
}

/// Loads the module; a case that cannot go on without it is skipped, since `entry-is-well-formed` tells why.
fn loaded(context: &Context) -> Result<(LoadedModule, ModuleTarget), Outcome> {
    let target = target(context);
    match load(&target.path) {
        Ok(module) => Ok((module, target)),
        Err(error) => Err(Outcome::skip(format!("it cannot be loaded: {}", error.reason))),
    }
}

/// Plays a plan for a case that needs an instance: without one it is skipped, since `create-says-why` tells why.
fn played(module: &LoadedModule, target: &ModuleTarget, plan: &Plan) -> Result<Record, Outcome> {
    let record = play(module.table, plan, &target.config);
    match record.create {
        Some(Status::OK) => Ok(record),
        status => {
            let status = status.unwrap_or_default();
            let log: Vec<String> = record.log.iter().map(|line| line.text.clone()).collect();
            Err(Outcome::skip(format!("create answers {status:?}: {}", log.join("; "))))
        }
    }
}

/// A failure for a breach in a run of that plan, which is played again to tell what happened before it.
fn failure(violation: &Violation, module: &LoadedModule, target: &ModuleTarget, plan: &Plan) -> Outcome {
    let record = play(module.table, &Plan { is_traced: true, ..plan.clone() }, &target.config);
    told(violation, &record)
}

/// A failure for a breach, with what the record tells of it.
fn told(violation: &Violation, record: &Record) -> Outcome {
    let mut outcome = Outcome::fail(violation.text.clone()).rule(violation.rule);
    let lines = &record.trace;
    let end = lines.iter().position(|line| line.contains(&violation.text)).unwrap_or(lines.len());
    let begin = if crate::module::is_reproduction() { 0 } else { end.saturating_sub(8) };
    outcome.details = lines[begin..(end + 1).min(lines.len())].to_vec();
    outcome
}

/// Runs `body` for each seed of the target until one does not pass.
fn each_seed(
    context: &mut Context,
    mut body: impl FnMut(&LoadedModule, &ModuleTarget, u64) -> Result<(), Outcome>,
) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    for seed in target.first_seed..=target.last_seed {
        context.at_seed(seed);
        if let Err(outcome) = body(&module, &target, seed) {
            return outcome;
        }
    }
    Outcome::pass()
}
