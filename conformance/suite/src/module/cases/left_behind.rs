//! Cases about what is left: memory after many tasks, threads and descriptors after the end of an instance.

use super::{case, loaded, play, played};
use crate::case::{Case, Context, Outcome};
use crate::module::plan::{Disturbance, Pieces, Plan};
use crate::module::script::plain;
use http_container_abi::{Status, constants::module_flag};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    case("tasks-leave-no-memory", "lifecycle", &["task.finish.free"], memory),
    case("instances-leave-nothing-behind", "lifecycle", &["thread.module.after-destroy"], instances),
];

/// Requests of one look at memory.
const REQUESTS: usize = 4_000;
/// Growth of memory in one look, in KiB, that is none.
const SLACK_KIB: u64 = 256;
/// So long may threads of a module take to end after `destroy`.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the process holds, in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn count(folder: &str) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Memory that grows by the same again and again is not given back: many requests, some of them cancelled, and another look.
fn memory(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let seed = target.first_seed;
    let path = target.paths.first().map_or("/", String::as_str);
    let probe = match played(&module, &target, &Plan::calm(seed, Vec::new())) {
        Ok(probe) => probe,
        Err(outcome) => return outcome,
    };
    // A member does more than a request.
    let requests = if probe.offers.is_empty() { REQUESTS } else { REQUESTS / 5 };
    let scripts = vec![plain(path); requests];
    let plan = Plan { pieces: Pieces::UpTo(4096), at_once: 4, ..Plan::calm(seed, scripts) };
    let disturbance = Disturbance::Cancel {
        script: requests / 8,
        suspension: 1,
        reason: Status::CANCELLED_PEER,
        is_latched: false,
    };
    let plan = Plan { disturbance, ..plan };
    let mut grown = Vec::new();
    // The first looks fill the allocator's and the kit's own stores.
    for look in 0..6 {
        let before = resident_kib();
        if let Err(outcome) = played(&module, &target, &plan) {
            return outcome;
        }
        if look >= 2 {
            grown.push(resident_kib().saturating_sub(before));
        }
    }
    let least = grown.iter().copied().min().unwrap_or(0);
    if least <= SLACK_KIB {
        return Outcome::pass();
    }
    Outcome::fail(format!("{REQUESTS} requests leave at least {least} KiB behind, each time again"))
        .rule("task.finish.free")
        .detail(format!("growth in KiB: {grown:?}"))
}

fn instances(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let round = |seed| {
        let plan = Plan::of_seed(seed, &target);
        let record = play(module.table, &plan, &target.config);
        (record.create == Some(Status::OK)).then_some(())
    };
    // What a language's runtime keeps for good is there after the first two.
    for seed in 0..2 {
        if round(target.first_seed + seed).is_none() {
            return Outcome::skip("create refuses");
        }
    }
    let look = || (count("/proc/self/task"), count("/proc/self/fd"));
    let settle = |most: (usize, usize)| {
        let started = Instant::now();
        loop {
            let now = look();
            if now.0 <= most.0 && now.1 <= most.1 || started.elapsed() > PATIENCE {
                return now;
            }
            thread::sleep(Duration::from_millis(5));
        }
    };
    let before = settle((1, usize::MAX));
    for seed in 2..6 {
        let _ = round(target.first_seed + seed);
    }
    let after = settle(before);
    let rule = "thread.module.after-destroy";
    if after.0 > before.0 {
        let text = format!("4 instances leave {} threads behind", after.0 - before.0);
        return Outcome::fail(text).rule(rule);
    }
    if after.1 > before.1 {
        let text = format!("4 instances leave {} descriptors behind", after.1 - before.1);
        return Outcome::fail(text).rule(rule);
    }
    if before.0 > 1 && module.table.flags() & module_flag::BLOCKING == 0 {
        return Outcome::warn(format!("{} threads stay after `destroy`", before.0 - 1));
    }
    Outcome::pass()
}
