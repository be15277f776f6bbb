//! Cases about containers, driven by an adapter, with probe modules inside, and the corpus of requests from outside, held against
//! the stricter measure of the specification. Must not know any container.

pub mod adapter;
mod calls;
mod client;
mod play;
pub mod provided;
mod record;
pub mod scenario;
mod special;

use crate::case::{Case, Context, Outcome};
use crate::http::corpus;
use crate::http::judge::Measure;
use crate::target::{Kind, ServerTarget, Target};
use adapter::Wanted;
use std::sync::OnceLock;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let section_of =
        |name: &str| crate::case::SECTIONS.iter().copied().find(|section| *section == name).unwrap_or("http");
    let from_inside = scenario::scenarios().iter().map(|scenario| Case {
        name: &scenario.name,
        section: section_of(&scenario.section),
        group: "",
        rules: scenario.rules,
        subject: Kind::Server,
        run: run_scenario,
    });
    let from_outside = corpus::requests().iter().zip(names()).map(|(request, name)| Case {
        name,
        section: "http",
        group: request.class.name(),
        rules: request.rules,
        subject: Kind::Server,
        run: run_request,
    });
    from_inside.chain(from_outside).collect()
}

/// The names of the requests of the corpus among the cases of containers.
fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| corpus::requests().iter().map(|request| format!("http-{}", request.name)).collect())
}

/// The target with the folder of the probes: where it was said, or beside this program.
fn server(context: &Context) -> Result<ServerTarget, Outcome> {
    let Target::Server(target) = &context.target else { return Err(Outcome::skip("no adapter")) };
    let mut target = target.clone();
    if target.probes.as_os_str().is_empty() {
        let program = std::env::current_exe().unwrap_or_default();
        target.probes = program.parent().map(|folder| folder.join("probes")).unwrap_or_default();
    }
    Ok(target)
}

fn run_scenario(case: &Case, context: &mut Context) -> Outcome {
    let target = match server(context) {
        Ok(target) => target,
        Err(outcome) => return outcome,
    };
    match scenario::scenarios().iter().find(|scenario| scenario.name == case.name) {
        Some(scenario) => play::play(scenario, &target),
        None => Outcome::fail("no such case"),
    }
}

fn run_request(case: &Case, context: &mut Context) -> Outcome {
    let target = match server(context) {
        Ok(target) => target,
        Err(outcome) => return outcome,
    };
    let Some(request) = case.name.strip_prefix("http-").and_then(corpus::find) else {
        return Outcome::fail("no such request");
    };
    let wanted = Wanted { module: target.probes.join("probe.so"), ..Wanted::default() };
    match adapter::start(&target, &wanted) {
        Ok(mut running) => {
            let outcome = crate::http::run(request, &running.url, Measure::Container);
            match running.stop() {
                Ok(_) => outcome,
                Err(why) => Outcome::fail(why),
            }
        }
        Err(log) => Outcome::fail("it does not start").detail(log),
    }
}
