//! Cases about breaches that need no adversity: each looks for one family of rules in calm runs of all sorts of requests.

use super::{case, each_seed, failure, played};
use crate::case::{Case, Context, Outcome};
use crate::module::plan::Plan;
use crate::module::record::Violation;

/// Which breaches are whose; the last family has what no other has.
const FAMILIES: [(&str, &[&str]); 9] = [
    (
        "calls-are-made-where-they-may",
        &["thread.", "host.call.in-step", "task.finish.calls", "task.fresh.calls", "call.table"],
    ),
    ("descriptors-are-registered-while-open", &["fd."]),
    ("leases-are-held-and-given-back", &["lease."]),
    ("handles-are-of-live-things", &["handle."]),
    ("tokens-are-unique", &["completion."]),
    ("responses-are-given-in-order", &["response.", "task.request.none"]),
    ("tasks-end-as-they-should", &["task.done.", "task.yield.", "module.resume.missing"]),
    ("statuses-are-known", &["error.number.module", "task.step."]),
    ("arguments-are-well-formed", &[""]),
];

pub const CASES: &[Case] = &[
    case(
        "calls-are-made-where-they-may",
        "threads",
        &["thread.worker", "host.call.in-step", "task.finish.calls", "call.table"],
        family,
    ),
    case(
        "descriptors-are-registered-while-open",
        "resources",
        &["fd.add.non-blocking", "fd.remove.before-close"],
        family,
    ),
    case("leases-are-held-and-given-back", "resources", &["lease.release.own", "lease.use.held"], family),
    case("handles-are-of-live-things", "lifecycle", &["handle.generation"], family),
    case("tokens-are-unique", "waiting", &["completion.token.unique", "completion.token.zero"], family),
    case(
        "responses-are-given-in-order",
        "body-out",
        &["response.head.once", "response.status", "response.write.length", "response.end.length"],
        family,
    ),
    case(
        "tasks-end-as-they-should",
        "lifecycle",
        &[
            "task.yield.nothing-outstanding",
            "task.yield.sibling",
            "task.done.no-response",
            "task.done.open-response",
            "module.resume.missing",
        ],
        family,
    ),
    case(
        "statuses-are-known",
        "lifecycle",
        &["error.number.module", "task.step.status", "task.step.cancelled-status"],
        family,
    ),
    case(
        "arguments-are-well-formed",
        "abi-layout",
        &[
            "host.call.null",
            "overview.bytes",
            "overview.call.convention",
            "version.size.set",
            "version.reserved",
        ],
        family,
    ),
];

/// Whether a rule is about what providers answer, for which there are cases of their own.
pub fn has_own_case(rule: &str) -> bool {
    ["provider.", "sql.", "kv."].iter().any(|begin| rule.starts_with(begin))
}

/// The family of a breach; that of ended views has a case of its own, which is none of these.
fn family_of(violation: &Violation) -> &'static str {
    if violation.text.contains("whose life has ended") {
        return "views-are-used-in-their-life";
    }
    if has_own_case(violation.rule) {
        return "";
    }
    let is_of = |(_, begins): &&(&str, &[&str])| begins.iter().any(|begin| violation.rule.starts_with(begin));
    FAMILIES.iter().find(is_of).map_or("", |(name, _)| name)
}

fn family(case: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let scripts = Plan::of_seed(seed, target).scripts;
        let plan = Plan::calm(seed, scripts);
        let record = played(module, target, &plan)?;
        match record.violations.iter().find(|violation| family_of(violation) == case.name) {
            Some(violation) => Err(failure(violation, module, target, &plan)),
            None => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_a_family() {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names, FAMILIES.map(|(name, _)| name));
    }
}
