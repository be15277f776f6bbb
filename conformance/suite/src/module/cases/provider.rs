//! Cases about providers of any interface: what they offer, how members live, what is answered once. Must not know an interface.

use super::{case, each_seed, loaded, told};
use crate::case::{Case, Context, Outcome};
use crate::module::bench::{Asked, Bench, kv_request};
use crate::module::drive::{Driver, play};
use crate::module::instance::Instance;
use crate::module::members::{MemberAnswer, Request};
use crate::module::peer::Peer;
use crate::module::plan::Plan;
use crate::module::resources::Members;
use crate::target::ModuleTarget;
use http_container_abi::constants::{
    KV_ID, PROVIDER_ID, SQL_ID, kv_operation, member_flag, member_request, sql_transaction, task_kind,
};
use http_container_abi::{LoadedModule, Status};
use std::time::Duration;

pub const CASES: &[Case] = &[
    case("providers-offer-an-interface", "resources", &["provider.offer.needed"], offers),
    case("unknown-requests-are-unsupported", "resources", &["provider.next.unknown"], unknown),
    case("requests-are-answered-once", "resources", &["provider.done.once"], answered),
    case("members-close-when-told", "resources", &["provider.close.end"], closes),
    case("members-say-that-they-are-dirty", "resources", &["provider.flag.dirty.told"], dirty),
    case("checks-ask-the-other-end", "resources", &["provider.check"], checks),
    case("lost-connections-end-members", "resources", &["provider.lost.noticed"], lost),
];

/// A kind of request that no version knows yet.
const UNKNOWN_KIND: u32 = 9_999;
/// So long an answer is waited for that must not come.
const SILENCE: Duration = Duration::from_millis(100);

/// The plan of a bench: real time, rows in small batches, requests that come late.
pub fn plan(seed: u64) -> Plan {
    let members =
        Members { late: [0, 2][seed as usize % 2], batch: [0, 1, 3][seed as usize % 3], ..Members::CALM };
    Plan { is_real: true, workers: 1 + (seed % 2) as u32, members, ..Plan::calm(seed, Vec::new()) }
}

/// Runs `body` on a bench for at most so many seeds. With an interface, a provider of another one is skipped. Breaches that
/// came with it and begin with one of `rules` are the case's own.
pub fn each_bench(
    context: &mut Context,
    interface: Option<&str>,
    most: u64,
    rules: &[&str],
    mut body: impl FnMut(&mut Bench, u64) -> Result<(), Outcome>,
) -> Outcome {
    let mut runs = 0;
    each_seed(context, |module, target, seed| {
        runs += 1;
        if runs > most {
            return Ok(());
        }
        on_bench(module, target, &plan(seed), interface, rules, |bench| body(bench, seed))
    })
}

/// As [`each_bench`], for one plan.
fn on_bench(
    module: &LoadedModule,
    target: &ModuleTarget,
    plan: &Plan,
    interface: Option<&str>,
    rules: &[&str],
    body: impl FnOnce(&mut Bench) -> Result<(), Outcome>,
) -> Result<(), Outcome> {
    let plan = Plan { is_traced: true, ..plan.clone() };
    let mut bench = Bench::new(module, target, &plan)?;
    if interface.is_some_and(|wanted| bench.interface() != wanted) {
        let found = bench.interface();
        bench.end();
        return Err(Outcome::skip(format!("it is a provider of {found}")));
    }
    let outcome = body(&mut bench);
    let record = bench.end();
    let is_own = |rule: &str| rules.iter().any(|own| rule.starts_with(own));
    if let Some(violation) = record.violations.iter().find(|found| is_own(found.rule)) {
        return Err(told(violation, &record));
    }
    outcome.map_err(|mut outcome| {
        let lines = &record.trace;
        let begin = if crate::module::is_reproduction() { 0 } else { lines.len().saturating_sub(12) };
        outcome.details.extend_from_slice(&lines[begin..]);
        outcome
    })
}

fn offers(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let fail = |text: &str| Outcome::fail(text).rule("provider.offer.needed");
    let calm = Plan::calm(target.first_seed, Vec::new());
    let record = play(module.table, &calm, &target.config);
    if record.create != Some(Status::OK) {
        return Outcome::skip("create refuses");
    }
    if !record.extensions.iter().any(|id| id == PROVIDER_ID) {
        return Outcome::skip("it asks for no hc.provider/1");
    }
    if record.offers.is_empty() {
        let Ok(instance) = Instance::create(module.table, &calm, &target.config, false) else {
            return Outcome::skip("create refuses");
        };
        let mut driver = Driver::new(instance, &calm);
        let status = driver.start_of_kind(task_kind::MEMBER);
        driver.drain();
        let _ = driver.end();
        return if status.is_error() {
            Outcome::skip("it offers nothing, and takes no members")
        } else {
            fail("it takes members, and has offered no interface in create")
        };
    }
    let refused = play(module.table, &Plan { is_offer_refused: true, ..calm }, &target.config);
    if refused.create == Some(Status::OK) {
        return fail("offer was refused, and create answers HC_OK");
    }
    Outcome::pass()
}

fn unknown(_: &Case, context: &mut Context) -> Outcome {
    each_bench(context, None, 20, &[], |bench, _| {
        let member = bench.open()?;
        let foreign = match bench.interface().as_str() {
            SQL_ID => Request::Kv(kv_request(kv_operation::GET, "kit", "")),
            _ => Request::Transaction(sql_transaction::BEGIN),
        };
        for request in [Request::Plain(UNKNOWN_KIND), foreign, Request::Plain(UNKNOWN_KIND)] {
            let shown = format!("{request:?}");
            let answer =
                bench.ask(member, request).map_err(|outcome| outcome.rule("provider.next.unknown"))?;
            if answer.status != Status::E_UNSUPPORTED {
                let text = format!("{shown} is answered {:?}, not HC_E_UNSUPPORTED", answer.status);
                return Err(Outcome::fail(text).rule("provider.next.unknown"));
            }
        }
        Ok(())
    })
}

fn answered(_: &Case, context: &mut Context) -> Outcome {
    each_bench(
        context,
        None,
        1000,
        &["provider.done.once", "provider.done", "provider.columns", "provider.rows"],
        |bench, seed| {
            let members = [bench.open()?, bench.open()?];
            let interface = bench.interface();
            let mut expected = 0;
            for (place, member) in members.into_iter().enumerate() {
                let mut requests = crate::module::member_scripts::requests(seed, place, &interface);
                requests.push(Request::Plain(member_request::CHECK));
                requests.push(Request::Plain(member_request::RESET));
                expected = expected.max(requests.len());
                requests.into_iter().for_each(|request| bench.put(member, request));
            }
            let is_idle = |state: &crate::module::state::State| {
                members.iter().all(|member| {
                    state
                        .members
                        .get(member)
                        .is_none_or(|found| found.queue.is_empty() && found.under_way.is_none())
                })
            };
            if !bench.drive_until(is_idle) {
                return Err(
                    Outcome::fail("a member does not answer what it is asked").rule("provider.done.once")
                );
            }
            if !bench.state(|state| members.iter().all(|member| state.members.contains_key(member))) {
                return Err(Outcome::fail("a member ended that nobody told to").rule("provider.done.once"));
            }
            Ok(())
        },
    )
}

fn closes(_: &Case, context: &mut Context) -> Outcome {
    each_bench(context, None, 1000, &["provider.close.end"], |bench, seed| {
        let mut members = Vec::new();
        for _ in 0..1 + seed % 3 {
            members.push(bench.open()?);
        }
        if seed % 2 == 0 {
            bench.ask(members[0], Request::Plain(member_request::RESET))?;
        }
        bench.state(|state| state.close_members());
        let is_over = |state: &crate::module::state::State| {
            members.iter().all(|member| !state.members.contains_key(member))
        };
        if bench.drive_until(is_over) {
            return Ok(());
        }
        Err(Outcome::fail("a member was told to close, and its task does not end").rule("provider.close.end"))
    })
}

/// What makes a member dirty, and what says whether it is.
fn dirty(_: &Case, context: &mut Context) -> Outcome {
    each_bench(context, None, 20, &[], |bench, seed| {
        let interface = bench.interface();
        if interface != SQL_ID && interface != KV_ID {
            return Err(Outcome::skip("its members have no state"));
        }
        let member = bench.open()?;
        let begin = |bench: &mut Bench| match interface.as_str() {
            SQL_ID if seed % 2 == 0 => bench.ask(member, Request::sql("BEGIN", &[])),
            SQL_ID => bench.ask(member, Request::Transaction(sql_transaction::BEGIN)),
            _ => bench.kv(member, kv_operation::SUBSCRIBE, "kit channel", ""),
        };
        let again = |bench: &mut Bench| match interface.as_str() {
            SQL_ID => bench.ask(member, Request::sql("SELECT 1 AS n", &[])),
            _ => bench.kv(member, kv_operation::SUBSCRIBE, "kit channel", ""),
        };
        let fail = |text: &str, answer: &MemberAnswer| {
            Err(Outcome::fail(format!("{text}: {:?} with the flags {}", answer.status, answer.flags))
                .rule("provider.flag.dirty.told"))
        };
        for answer in [begin(bench)?, again(bench)?, bench.ask(member, Request::Plain(UNKNOWN_KIND))?] {
            if answer.flags & (member_flag::DIRTY | member_flag::BROKEN) == 0 {
                return fail(
                    "a transaction is open, or a channel subscribed, and the member is not dirty",
                    &answer,
                );
            }
        }
        let reset = bench.ask(member, Request::Plain(member_request::RESET))?;
        if reset.status == Status::OK && reset.is_dirty() {
            return fail("a reset went well, and the member is dirty", &reset);
        }
        Ok(())
    })
}

/// Runs `body` with something between the provider and its other end that can be held and cut.
fn with_peer(
    context: &mut Context,
    most: u64,
    mut body: impl FnMut(&mut Bench, &Peer) -> Result<(), Outcome>,
) -> Outcome {
    let mut runs = 0;
    each_seed(context, |module, target, seed| {
        runs += 1;
        if target.peer.is_empty() {
            return Err(Outcome::skip("what it is connected with is not told by --peer"));
        }
        if runs > most {
            return Ok(());
        }
        let peer =
            Peer::before(&target.peer).map_err(|error| Outcome::skip(format!("{}: {error}", target.peer)))?;
        let config = target.config.replace(&target.peer, &peer.address());
        let target = ModuleTarget { config, ..target.clone() };
        on_bench(module, &target, &plan(seed), None, &[], |bench| body(bench, &peer))
    })
}

fn checks(_: &Case, context: &mut Context) -> Outcome {
    with_peer(context, 5, |bench, peer| {
        let member = bench.open()?;
        let well = bench.ask(member, Request::Plain(member_request::CHECK))?;
        if well.status != Status::OK {
            let text = format!("all is well, and a check answers {:?} {}", well.status, well.message);
            return Err(Outcome::fail(text).rule("provider.check"));
        }
        peer.hold();
        let number = bench.answers(member);
        bench.put(member, Request::Plain(member_request::CHECK));
        bench.pass(SILENCE);
        let early = bench
            .state(|state| state.members.get(&member).and_then(|found| found.answers.get(number).cloned()));
        peer.go_on();
        if early.is_some_and(|answer| answer.status == Status::OK) {
            let text = "a check answers HC_OK, and the other end has not answered since it began";
            return Err(Outcome::fail(text).rule("provider.check"));
        }
        match bench.wait(member, number) {
            Asked::Late => Err(Outcome::fail("a check is never answered").rule("provider.done.once")),
            _ => Ok(()),
        }
    })
}

fn lost(_: &Case, context: &mut Context) -> Outcome {
    with_peer(context, 5, |bench, peer| {
        let member = bench.open()?;
        // A whole way there and back: the connection stands.
        bench.ask(member, Request::Plain(member_request::CHECK))?;
        peer.cut();
        // That it is noticed at once is a recommendation; a request has to show it.
        bench.pass(SILENCE);
        bench.put(member, Request::Plain(member_request::CHECK));
        if bench.drive_until(|state| !state.members.contains_key(&member)) {
            return Ok(());
        }
        Err(Outcome::fail("the connection is lost, and the task of the member does not end")
            .rule("provider.lost.noticed"))
    })
}
