//! Cases with a course of their own: a task of an unknown kind, ended views, steps that sleep, two instances at once.

use super::plain::has_own_case;
use super::{case, each_seed, failure, played, told};
use crate::case::{Case, Context, Outcome, Verdict};
use crate::module::drive::{Driver, play_timed};
use crate::module::instance::Instance;
use crate::module::plan::{Pieces, Plan};
use crate::module::record::Ended;
use http_container_abi::Status;
use http_container_abi::constants::module_flag;

pub const CASES: &[Case] = &[
    case("unknown-kind-of-task-is-refused", "versioning", &["module.start.kind"], unknown_kind),
    case("views-are-used-in-their-life", "request", &["overview.undefined"], views),
    case("steps-do-not-block", "waiting", &["task.step.short"], blocking),
    case("instances-are-separate", "isolation", &["handle.instance"], separate),
];

/// A kind that no version knows yet.
const UNKNOWN_KIND: u32 = 9_999;
/// A step that slept longer than this is told (ns).
const SLEEP_TOLD_NS: u64 = 20_000_000;
/// A step that slept longer than this blocks (ns).
const SLEEP_LONG_NS: u64 = 300_000_000;

fn unknown_kind(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan::calm(seed, Vec::new());
        let instance = match Instance::create(module.table, &plan, &target.config, false) {
            Ok(instance) => instance,
            Err((_, status)) => return Err(Outcome::skip(format!("create answers {status:?}"))),
        };
        let mut driver = Driver::new(instance, &plan);
        let status = driver.start_of_kind(UNKNOWN_KIND);
        driver.drain();
        let _ = driver.end();
        if status.is_error() {
            return Ok(());
        }
        Err(Outcome::fail(format!("start answers {status:?} to a task of kind {UNKNOWN_KIND}"))
            .rule("module.start.kind"))
    })
}

/// Memory of ended views is overwritten: with another pattern, a module that reads it gives another answer.
fn views(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan { pieces: Pieces::UpTo(64), ..Plan::of_seed(seed, target) }.bounded();
        let plan = Plan { workers: 1, at_once: 1, ..plan };
        let first = played(module, target, &plan)?;
        let is_view = |text: &str| text.contains("whose life has ended");
        if let Some(violation) = first.violations.iter().find(|violation| is_view(&violation.text)) {
            return Err(failure(violation, module, target, &plan));
        }
        let again = played(module, target, &plan)?;
        let other = played(module, target, &Plan { poison: 0xa6, ..plan.clone() })?;
        let answer = |ended: &Option<Ended>| ended.as_ref().map(|ended| ended.answer.clone());
        for (number, script) in plan.scripts.iter().enumerate() {
            let answers = [&first, &again, &other].map(|record| answer(&record.ended[number]));
            let is_other = answers[0] == answers[1] && answers[0] != answers[2];
            // A clock may have gone on, or what a module is connected with have changed: what depends on the pattern does so each time.
            let follows_pattern = || {
                for (pattern, expected) in [(plan.poison, &answers[0]), (0xa6, &answers[2])].repeat(3) {
                    let record = played(module, target, &Plan { poison: pattern, ..plan.clone() })?;
                    if answer(&record.ended[number]) != *expected {
                        return Ok(false);
                    }
                }
                Ok::<_, Outcome>(true)
            };
            if is_other && follows_pattern()? {
                let text = format!(
                    "the answer to {} {} depends on memory of a view whose life has ended",
                    script.method, script.target
                );
                return Err(Outcome::fail(text).rule("overview.undefined"));
            }
        }
        Ok(())
    })
}

/// A step that goes to sleep by itself waits for something. Time is judged with care: what is slow once may be the machine.
fn blocking(_: &Case, context: &mut Context) -> Outcome {
    let mut longest = 0;
    let outcome = each_seed(context, |module, target, seed| {
        if module.table.flags() & module_flag::BLOCKING != 0 {
            return Err(Outcome::skip("it says that its steps may block"));
        }
        let plan = Plan::of_seed(seed, target);
        let slept = || {
            let record = play_timed(module.table, &plan, &target.config, true);
            (record.create == Some(Status::OK), record.longest_sleep_ns)
        };
        let (is_made, first) = slept();
        if !is_made {
            return Err(Outcome::skip("create refuses"));
        }
        longest = longest.max(first);
        let shortest = if first < SLEEP_LONG_NS { first } else { first.min(slept().1) };
        if shortest < SLEEP_LONG_NS {
            return Ok(());
        }
        Err(Outcome::fail(format!("a step slept for {} ms", shortest / 1_000_000)).rule("task.step.short"))
    });
    if outcome.verdict == Verdict::Pass && longest >= SLEEP_TOLD_NS {
        return Outcome::warn(format!("a step took {} ms, and slept in it", longest / 1_000_000));
    }
    outcome
}

/// Two instances of one library, each with a host of its own: their tasks take turns.
fn separate(_: &Case, context: &mut Context) -> Outcome {
    each_seed(context, |module, target, seed| {
        let plan = Plan { is_traced: true, workers: 1, ..Plan::of_seed(seed, target) };
        let make = |seed| {
            let plan = Plan { seed, ..plan.clone() };
            match Instance::create(module.table, &plan, &target.config, false) {
                Ok(instance) => Ok(Driver::new(instance, &plan)),
                Err((_, status)) => Err(Outcome::skip(format!("create answers {status:?}"))),
            }
        };
        let mut first = make(seed)?;
        let mut second = match make(seed ^ 0x55) {
            Ok(second) => second,
            Err(outcome) => {
                first.drain();
                let _ = first.end();
                return Err(outcome);
            }
        };
        while first.advance() | second.advance() {}
        first.drain();
        second.drain();
        let (first, second) = (first.end(), second.end());
        let calm = played(module, target, &Plan::calm(seed, plan.scripts.clone()))?;
        for record in [&first.lock().record, &second.lock().record] {
            let is_new =
                |rule: &str| !has_own_case(rule) && !calm.violations.iter().any(|known| known.rule == rule);
            if let Some(violation) = record.violations.iter().find(|found| is_new(found.rule)) {
                return Err(told(violation, record));
            }
        }
        Ok(())
    })
}
