//! Cases about `create`: schemas, configurations that are wrong, extensions that are absent.

use super::{case, loaded, play};
use crate::case::{Case, Context, Outcome};
use crate::module::plan::Plan;
use crate::module::record::Record;
use crate::module::schema;
use crate::module::script::plain;
use http_container_abi::{LoadedModule, Status};
use serde_json::Value;

pub const CASES: &[Case] = &[
    case("schema-is-a-json-schema", "lifecycle", &["configuration.schema.form"], schema_form),
    case("wrong-configuration-is-refused", "lifecycle", &["configuration.refuse"], wrong),
    case("unknown-members-are-refused", "lifecycle", &["configuration.unknown"], unknown),
    case("create-says-why", "lifecycle", &["extension.needed", "profile.module.absent"], says_why),
];

fn schema_of(module: &LoadedModule) -> Option<&'static str> {
    module.table.info().config_schema
}

fn schema_form(_: &Case, context: &mut Context) -> Outcome {
    let module = match loaded(context) {
        Ok((module, _)) => module,
        Err(outcome) => return outcome,
    };
    let Some(text) = schema_of(&module) else { return Outcome::skip("it has no schema") };
    match schema::check(text) {
        Ok(_) => Outcome::pass(),
        Err(why) => Outcome::fail(why).rule("configuration.schema.form"),
    }
}

/// Creates an instance with that configuration and ends it.
fn try_create(module: &LoadedModule, config: &Value, seed: u64) -> Record {
    play(module.table, &Plan::calm(seed, Vec::new()), &config.to_string())
}

/// A refusal has to be `HC_E_CONFIG`, with a line in the log.
fn judge_refusal(record: &Record, config: &Value) -> Result<bool, Outcome> {
    let status = record.create.unwrap_or_default();
    if status == Status::OK {
        return Ok(false);
    }
    let fail = |what: String| Err(Outcome::fail(what).rule("configuration.refuse"));
    if status != Status::E_CONFIG {
        return fail(format!("create answers {status:?} to the configuration {config}, not HC_E_CONFIG"));
    }
    if record.log.is_empty() {
        return fail(format!("create refuses the configuration {config} and logs nothing"));
    }
    Ok(true)
}

fn wrong(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let Some(text) = schema_of(&module) else {
        return Outcome::skip("it has no schema: what it does not accept is not known");
    };
    let Ok(schema) = schema::check(text) else { return Outcome::skip("its schema is none") };
    let base = serde_json::from_str(&target.config).unwrap_or_default();
    let mut accepted = 0;
    let wrongs = schema::wrong_configurations(&schema, &base);
    for config in &wrongs {
        match judge_refusal(&try_create(&module, config, target.first_seed), config) {
            Ok(true) => {}
            Ok(false) => accepted += 1,
            Err(outcome) => return outcome,
        }
    }
    if accepted == wrongs.len() {
        return Outcome::skip(format!(
            "{accepted} configurations that break its schema, and it accepts them all"
        ));
    }
    Outcome::pass()
}

fn unknown(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let schema = schema_of(&module).and_then(|text| schema::check(text).ok());
    if schema.is_none_or(|schema| schema["additionalProperties"] != Value::Bool(false)) {
        return Outcome::skip("its schema does not say that it refuses unknown members");
    }
    let mut config: Value = serde_json::from_str(&target.config).unwrap_or_default();
    config["hc_conformance_unknown"] = Value::Bool(true);
    match judge_refusal(&try_create(&module, &config, target.first_seed), &config) {
        Ok(true) => Outcome::pass(),
        Ok(false) => Outcome::fail(format!(
            "its schema has no place for the member hc_conformance_unknown, and create accepts {config}"
        ))
        .rule("configuration.unknown"),
        // How it is to be refused is the case before this one.
        Err(_) => Outcome::pass(),
    }
}

/// With no extension and no resource, `create` succeeds, or refuses as the rules say; what it does then is the same.
fn says_why(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let plan = Plan { has_extensions: false, ..Plan::calm(target.first_seed, vec![plain("/")]) };
    let record = play(module.table, &plan, &target.config);
    let status = record.create.unwrap_or_default();
    if status == Status::OK {
        return Outcome::pass();
    }
    let has_line = |name: &String| record.log.iter().any(|line| line.text.contains(name.as_str()));
    let fail = |what: String, rule| Outcome::fail(what).rule(rule);
    match status {
        Status::E_CONFIG => Outcome::skip("create refuses the configuration: give one with --config"),
        Status::E_UNSUPPORTED if record.extensions.is_empty() && record.resources.is_empty() => {
            fail("create answers HC_E_UNSUPPORTED and has asked for no extension".into(), "extension.needed")
        }
        Status::E_UNSUPPORTED if !record.extensions.iter().chain(&record.resources).any(has_line) => fail(
            format!("create needs one of {:?} and does not log which", record.extensions),
            "extension.needed",
        ),
        Status::E_UNSUPPORTED => {
            Outcome::skip(format!("it needs what the kit does not offer: {:?}", record.extensions))
        }
        Status::E_RESOURCE if !record.resources.is_empty() => {
            Outcome::skip(format!("it needs resources: {:?}", record.resources))
        }
        status if !record.extensions.is_empty() || !record.resources.is_empty() => fail(
            format!(
                "extensions {:?} and resources {:?} are absent, and create answers {status:?}",
                record.extensions, record.resources
            ),
            "profile.module.absent",
        ),
        status => fail(format!("create answers {status:?} to {}", target.config), "module.create.error"),
    }
}
