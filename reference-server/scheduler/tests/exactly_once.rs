//! Real threads that push, pop, inject, steal, sleep and are woken: every item is taken exactly once,
//! an owner sees its items in order, and everybody comes to an end without a time-out.

mod sleeper;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use hc_scheduler::{Config, Distribution, Park, Policy, Scheduler, Worker};
use proptest::prelude::*;
use sleeper::{Sleeper, sleeping};

/// Which source an item comes from, and its number there.
#[derive(Clone, Copy, Debug)]
struct Item {
    source: usize,
    number: usize,
}

#[derive(Clone, Debug)]
struct Plan {
    workers: usize,
    injectors: usize,
    items_per_source: usize,
    batch_items: usize,
    step_ns: u64,
    /// Whether all fresh items arrive at worker 0, so that the others live on stealing.
    one_source: bool,
    config: Config,
}

/// What the threads of one run share.
struct Run {
    plan: Plan,
    scheduler: Scheduler<Item>,
    taken: Vec<Vec<AtomicU32>>,
    left: AtomicUsize,
}

impl Run {
    /// A worker's quota of fresh items, which its "poll" brings in batches.
    fn quota(&self, worker: usize) -> usize {
        if self.plan.one_source && worker != 0 { 0 } else { self.plan.items_per_source }
    }

    fn note(&self, item: Item) {
        self.taken[item.source][item.number].fetch_add(1, Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.scheduler.close();
        }
    }

    fn work(&self, worker: &Worker<Item>, sleeper: &Sleeper) {
        let index = worker.index();
        let mut brought = 0;
        let mut last_popped = vec![None; self.taken.len()];
        loop {
            // A bounded turn, so that batches also meet queues that are not empty.
            for _ in 0..self.plan.batch_items {
                if let Some(item) = worker.pop() {
                    let last = last_popped[item.source].replace(item.number);
                    assert!(last < Some(item.number), "{item:?} popped after {last:?}");
                    self.note(item);
                } else if let Some(item) = worker.search() {
                    // A search may also come back with something that arrived here meanwhile.
                    self.note(item);
                }
            }
            worker.offer(self.plan.step_ns);
            let quota_left = self.quota(index) - brought;
            let park = worker.prepare_park(|| quota_left == 0);
            if park == Park::Sleep {
                sleeper.sleep();
            }
            worker.unparked();
            if quota_left > 0 {
                let end = brought + self.plan.batch_items.min(quota_left);
                let batch: Vec<Item> = (brought..end).map(|number| Item { source: index, number }).collect();
                worker.push_batch(batch, self.plan.step_ns);
                brought = end;
            } else if park == Park::Closed && worker.is_empty() {
                return;
            }
        }
    }

    fn inject(&self, source: usize) {
        for number in 0..self.plan.items_per_source {
            let item = Item { source, number };
            let target = (source + number) % self.plan.workers;
            let sent = if number % 3 == 0 {
                self.scheduler.inject_any(item)
            } else {
                self.scheduler.inject(target, item)
            };
            sent.expect("the run closes only when all items are taken");
        }
    }
}

fn check(plan: Plan) {
    let (scheduler, workers) = sleeping(plan.config, plan.workers);
    let sources = plan.workers + plan.injectors;
    let counts = |_| (0..plan.items_per_source).map(|_| AtomicU32::new(0)).collect();
    let mut run =
        Run { taken: (0..sources).map(counts).collect(), left: AtomicUsize::new(0), scheduler, plan };
    let fresh: usize = (0..run.plan.workers).map(|worker| run.quota(worker)).sum();
    run.left = AtomicUsize::new(fresh + run.plan.injectors * run.plan.items_per_source);
    let run = Arc::new(run);
    thread::scope(|scope| {
        for (worker, sleeper) in workers {
            let run = &run;
            scope.spawn(move || run.work(&worker, &sleeper));
        }
        for injector in 0..run.plan.injectors {
            let run = &run;
            scope.spawn(move || run.inject(run.plan.workers + injector));
        }
    });
    assert_eq!(run.scheduler.drain().len(), 0, "closed only when nothing was left");
    for (source, counts) in run.taken.iter().enumerate() {
        let expect = u32::from(source >= run.plan.workers || run.quota(source) > 0);
        let wrong = counts.iter().position(|count| count.load(Ordering::Relaxed) != expect);
        assert_eq!(wrong, None, "source {source}: not taken exactly once");
    }
}

fn eager() -> Policy {
    Policy { wake_backlog_ns: 0, steal_backlog_ns: 0, steal_step_ns: 1 }
}

fn plan() -> impl Strategy<Value = Plan> {
    let who = (1usize..6, 0usize..3, any::<bool>());
    let what = (1usize..3_000, 1usize..100, prop_oneof![Just(0u64), Just(300), Just(50_000)]);
    let how = (any::<bool>(), any::<bool>(), 0u32..20);
    (who, what, how).prop_map(|(who, what, (spread, is_eager, spin_limit_rounds))| Plan {
        workers: who.0,
        injectors: who.1,
        one_source: who.2,
        items_per_source: what.0,
        batch_items: what.1,
        step_ns: what.2,
        config: Config {
            distribution: if spread { Distribution::RoundRobin } else { Distribution::Local },
            policy: if is_eager { eager() } else { Policy::default() },
            spin_limit_rounds,
            ..Config::default()
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_item_is_taken_exactly_once(plan in plan()) {
        check(plan);
    }
}

#[test]
fn many_sleeps_and_wakes_on_a_trickle_of_items() {
    check(Plan {
        workers: 3,
        injectors: 1,
        items_per_source: 20_000,
        batch_items: 1,
        step_ns: 50_000,
        one_source: true,
        config: Config { policy: eager(), spin_limit_rounds: 0, ..Config::default() },
    });
}
