//! Cases about what a module does in adversity: bodies in pieces, little room, cancellation, a peer that leaves, calls that are
//! refused. A breach counts that the module does not commit in a calm run of the same requests; where nothing goes wrong, the
//! answers must be those of the calm run, too.

use super::{case, each_seed, failure, loaded, played};
use crate::case::{Case, Context, Outcome};
use crate::module::plan::{Disturbance, Pieces, Plan, Room};
use crate::module::record::{Answer, Record};
use crate::module::resources::Members;
use crate::module::script::plain;
use crate::target::ModuleTarget;
use http_container_abi::{LoadedModule, Status};

pub const CASES: &[Case] = &[
    case("request-body-in-pieces", "body-in", &["waiting.ready.again"], |_, context| {
        same_answers(context, |plan| Plan { pieces: Pieces::Bytes, late: 2, ..plan })
    }),
    case("request-body-that-breaks-off", "body-in", &["task.done.no-response"], |_, context| {
        no_new_breach(context, |plan| Plan { late: 3, workers: 1, ..plan }.with_broken_bodies())
    }),
    case("response-with-little-room", "body-out", &["waiting.ready.again"], |_, context| {
        same_answers(context, |plan| Plan {
            room: Room::Scarce(1 + plan.seed as usize % 90),
            spurious: 3,
            ..plan
        })
    }),
    case("events-that-are-spurious", "waiting", &["waiting.ready.spurious"], |_, context| {
        same_answers(context, |plan| Plan { spurious: 2, late: 1, ..plan })
    }),
    case("tasks-interleaved-on-workers", "threads", &["thread.task.worker"], |_, context| {
        same_answers(context, |plan| Plan { workers: 4, at_once: 4, ..doubled(plan) })
    }),
    case("callbacks-on-any-thread", "threads", &["thread.worker.any-thread"], |_, context| {
        same_answers(context, |plan| Plan {
            workers: 2,
            at_once: 3,
            has_threads: true,
            held_up: 2,
            ..doubled(plan)
        })
    }),
    case("cancelled-at-every-yield", "cancel", &["task.finish.calls"], cancelled),
    case("peer-leaves-at-every-call", "cancel", &["task.finish.calls"], peer_leaves),
    case("calls-refused-one-by-one", "faults", &["version.status.unknown"], refused),
    case("leases-and-rows-come-late", "resources", &["waiting.ready.again"], |_, context| {
        if let Some(skip) = uses_none(context) {
            return skip;
        }
        same_answers(context, |plan| Plan { members: LATE, ..plan })
    }),
    case("resources-that-are-exhausted", "resources", &["lease.use.held"], |_, context| {
        with_members(context, Members { refused: 2, ..LATE })
    }),
    case("members-that-are-lost", "resources", &["lease.release.own"], |_, context| {
        with_members(context, Members { failing: 3, ..LATE })
    }),
    case("container-stops-at-every-step", "lifecycle", &["task.finish.calls"], stops),
];

/// Leases come late, and rows one by one.
const LATE: Members = Members { late: 2, batch: 1, ..Members::CALM };

/// Why there is nothing to try, when the module uses no resource.
fn uses_none(context: &Context) -> Option<Outcome> {
    let (module, target) = loaded(context).ok()?;
    let record = match played(&module, &target, &Plan::calm(target.first_seed, Vec::new())) {
        Ok(record) => record,
        Err(outcome) => return Some(outcome),
    };
    record.resources.is_empty().then(|| Outcome::skip("it uses no resource"))
}

/// Requests with members that come late, do not come, or fail.
fn with_members(context: &mut Context, members: Members) -> Outcome {
    if let Some(skip) = uses_none(context) {
        return skip;
    }
    no_new_breach(context, |plan| {
        let at_once = plan.at_once;
        Plan { at_once, members, ..Plan::calm(plan.seed, plan.scripts) }
    })
}

/// Every request twice: with as many as can be, tasks meet each other.
fn doubled(mut plan: Plan) -> Plan {
    plan.scripts.extend(plan.scripts.clone());
    plan
}

/// The calm run of the requests of a plan.
fn calm(module: &LoadedModule, target: &ModuleTarget, plan: &Plan) -> Result<Record, Outcome> {
    played(module, target, &Plan::calm(plan.seed, plan.scripts.clone()))
}

/// A breach of `record` of a rule that the calm run kept.
fn compare(
    record: &Record,
    calm: &Record,
    module: &LoadedModule,
    target: &ModuleTarget,
    plan: &Plan,
) -> Result<(), Outcome> {
    let is_new = |rule: &str| !calm.violations.iter().any(|known| known.rule == rule);
    match record.violations.iter().find(|violation| is_new(violation.rule)) {
        Some(violation) => Err(failure(violation, module, target, plan)),
        None => Ok(()),
    }
}

/// The answers in another order of requests, with more of them before: an answer that is another one then depends on what the
/// instance did before, as a counter does, and is nothing to compare with.
fn answers_out_of_order(
    module: &LoadedModule,
    target: &ModuleTarget,
    plan: &Plan,
) -> Result<Vec<Option<Answer>>, Outcome> {
    let mut scripts = doubled(plan.clone()).scripts;
    scripts.extend(vec![plain("/"); plan.scripts.len() + 1]);
    scripts.reverse();
    let record = played(module, target, &Plan::calm(plan.seed, scripts))?;
    let answers = record.ended.into_iter().rev().map(|ended| ended.map(|ended| ended.answer));
    Ok(answers.take(plan.scripts.len()).collect())
}

/// The run of a plan with something that goes wrong.
fn disturbed(
    module: &LoadedModule,
    target: &ModuleTarget,
    plan: &Plan,
    disturbance: Disturbance,
    calm: &Record,
) -> Result<(), Outcome> {
    let plan = Plan { disturbance, ..plan.clone() };
    compare(&played(module, target, &plan)?, calm, module, target, &plan)
}

fn answers(record: &Record) -> Vec<Option<&Answer>> {
    record.ended.iter().map(|ended| ended.as_ref().map(|ended| &ended.answer)).collect()
}

fn no_new_breach(context: &mut Context, adverse: impl Fn(Plan) -> Plan) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan::of_seed(seed, target);
        let calm = calm(module, target, &plan)?;
        let plan = adverse(plan);
        compare(&played(module, target, &plan)?, &calm, module, target, &plan)
    })
}

/// Adversity that no peer sees: the answers are those of the calm run, where they depend on the request alone.
fn same_answers(context: &mut Context, adverse: impl Fn(Plan) -> Plan) -> Outcome {
    each_seed(context, |module, target, seed| {
        let scripts = Plan::of_seed(seed, target).scripts;
        let plan = adverse(Plan::calm(seed, scripts)).bounded();
        let first = calm(module, target, &plan)?;
        let again = answers_out_of_order(module, target, &plan)?;
        let record = played(module, target, &plan)?;
        compare(&record, &first, module, target, &plan)?;
        if !record.violations.is_empty() {
            // What follows from a breach is no finding of its own.
            return Ok(());
        }
        for (number, (calm, adverse)) in answers(&first).into_iter().zip(answers(&record)).enumerate() {
            if calm == again[number].as_ref() && calm != adverse {
                // A clock or a counter may have gone on, and an answer that shows it is nothing to compare with.
                let thrice = doubled(doubled(plan.clone())).scripts;
                let other = Plan { tick_ns: 3_000_000, ..Plan::calm(plan.seed, thrice) };
                let later = played(module, target, &other)?;
                if answers(&later).iter().skip(number).step_by(plan.scripts.len()).all(|later| *later == calm)
                {
                    return Err(differ(&plan, number, calm, adverse));
                }
            }
        }
        Ok(())
    })
}

fn differ(plan: &Plan, number: usize, calm: Option<&Answer>, adverse: Option<&Answer>) -> Outcome {
    let shown = |answer: Option<&Answer>| match answer {
        None => "none".to_owned(),
        Some(answer) => format!(
            "{:?} {} {:?}, {} bytes: {}",
            answer.phase,
            answer.status,
            answer.length,
            answer.body.len(),
            answer.body[..answer.body.len().min(120)].escape_ascii()
        ),
    };
    let script = &plan.scripts[number];
    Outcome::fail(format!(
        "the answer to {} {} is another one than in a calm run",
        script.method, script.target
    ))
    .detail(format!("calm:    {}", shown(calm)))
    .detail(format!("adverse: {}", shown(adverse)))
}

fn cancelled(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan { workers: 1, held_up: 3, ..Plan::of_seed(seed, target) };
        let calm = calm(module, target, &plan)?;
        let before = played(module, target, &plan)?;
        for (script, ended) in before.ended.iter().enumerate() {
            let yields = ended.as_ref().map_or(0, |ended| ended.suspensions).min(24);
            for suspension in 1..=yields {
                for is_latched in [false, true] {
                    let reason = match (seed + u64::from(suspension)) % 2 {
                        0 => Status::CANCELLED_DEADLINE,
                        _ => Status::CANCELLED_MODULE,
                    };
                    let disturbance = Disturbance::Cancel { script, suspension, reason, is_latched };
                    disturbed(module, target, &plan, disturbance, &calm)?;
                }
            }
        }
        Ok(())
    })
}

fn peer_leaves(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan { workers: 1, ..Plan::of_seed(seed, target) };
        let calm = calm(module, target, &plan)?;
        let before = played(module, target, &plan)?;
        if !before.offers.is_empty() {
            return Err(Outcome::skip("a provider has no peers"));
        }
        for (script, ended) in before.ended.iter().enumerate() {
            let calls = ended.as_ref().map_or(0, |ended| ended.calls).min(24);
            for call in 1..=calls {
                for has_grace in [false, true] {
                    let disturbance = Disturbance::PeerLeaves { script, call, has_grace };
                    disturbed(module, target, &plan, disturbance, &calm)?;
                }
            }
        }
        Ok(())
    })
}

fn refused(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan { workers: 1, ..Plan::of_seed(seed, target) };
        let calm = calm(module, target, &plan)?;
        let calls = played(module, target, &plan)?.calls.min(40);
        for call in 1..=calls {
            for status in [Status(-777), Status::E_MEMORY] {
                let disturbance = Disturbance::Refuse { call, status };
                disturbed(module, target, &plan, disturbance, &calm)?;
            }
        }
        Ok(())
    })
}

fn stops(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan { workers: 1, ..Plan::of_seed(seed, target) };
        let calm = calm(module, target, &plan)?;
        let steps = played(module, target, &plan)?.steps.min(24);
        for step in 0..=steps {
            let disturbance = Disturbance::Drain { step };
            disturbed(module, target, &plan, disturbance, &calm)?;
        }
        Ok(())
    })
}
