//! What the scheduler costs here: `cargo run --release -p hc-scheduler --example measure`.
//!
//! Each figure is the median of some rounds, the speed-ups also from the best time of each: on a
//! machine where something else runs, two workers cannot always have a core each.
//! It is not a test: nothing is asserted.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{hint, thread};

use hc_scheduler::{Config, Park, Policy, Scheduler, Unpark, Worker};

const ROUNDS: usize = 9;

fn main() {
    println!("{:<58} {:>12}", "what", "figure");
    row("push_batch + pop, batches of 1", push_pop(1), "ns/item");
    row("push_batch + pop, batches of 16", push_pop(16), "ns/item");
    row("push_batch + pop, batches of 256", push_pop(256), "ns/item");
    row("inject + pop, one thread", inject_pop(), "ns/item");
    row("steal, one thread", steal(), "ns/item");
    row("steal, owner popping on the other core", steal_against_owner(), "ns/item");
    row("dry turn: search, prepare_park, unparked; 2 workers", dry_turn(2), "ns");
    row("dry turn: search, prepare_park, unparked; 64 workers", dry_turn(64), "ns");
    row("offer that does not pay", offer(), "ns");
    row("notify of a worker that is awake", notify_awake(), "ns");
    row("wake of a sleeper, until it runs", wake_latency(), "ns");
    for step_us in [2, 5, 10, 20, 50, 100] {
        let times: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (finish(1, step_us), finish(2, step_us))).collect();
        let what = format!("2 workers / 1 worker, {step_us} us steps at one worker");
        row(&format!("{what}, median"), median(times.iter().map(|(one, two)| one / two)), "x");
        let (one, two) = times.into_iter().fold((f64::MAX, f64::MAX), |a, b| (a.0.min(b.0), a.1.min(b.1)));
        row(&format!("{what}, best times"), one / two, "x");
    }
}

fn row(what: &str, value: f64, unit: &str) {
    println!("{what:<58} {value:>12.2} {unit}");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median over the rounds of the time of `body`, in ns for each of `count` operations.
fn per_operation(count: usize, mut body: impl FnMut()) -> f64 {
    median((0..ROUNDS).map(|_| {
        let start = Instant::now();
        body();
        start.elapsed().as_nanos() as f64 / count as f64
    }))
}

fn idle(config: Config, count: usize) -> (Scheduler<u64>, Vec<Worker<u64>>) {
    Scheduler::new(config, (0..count).map(|_| Box::new(|| ()) as Box<dyn Unpark>).collect())
}

/// Takes everything that pays at all, and wakes for it.
fn eager() -> Config {
    let policy = Policy { wake_backlog_ns: 0, steal_backlog_ns: 0, steal_step_ns: 1 };
    Config { policy, ..Config::default() }
}

fn push_pop(batch: u64) -> f64 {
    let (_scheduler, workers) = idle(Config::default(), 2);
    let batches = 1_000_000 / batch;
    per_operation((batches * batch) as usize, || {
        for _ in 0..batches {
            workers[0].push_batch(0..batch, 300);
            while let Some(item) = workers[0].pop() {
                hint::black_box(item);
            }
        }
    })
}

fn inject_pop() -> f64 {
    let (scheduler, workers) = idle(Config::default(), 1);
    per_operation(1_000_000, || {
        for _ in 0..1_000_000 / 16 {
            (0..16).for_each(|item| scheduler.inject(0, item).expect("there is room"));
            while let Some(item) = workers[0].pop() {
                hint::black_box(item);
            }
        }
    })
}

fn steal() -> f64 {
    let (_scheduler, workers) = idle(eager(), 2);
    median((0..ROUNDS).map(|_| {
        workers[0].push_batch(0..100_000, 1_000_000);
        let start = Instant::now();
        let taken = std::iter::from_fn(|| workers[1].steal()).map(hint::black_box).count();
        start.elapsed().as_nanos() as f64 / taken as f64
    }))
}

/// A thief that takes as fast as it can while the owner does the same at the other end.
fn steal_against_owner() -> f64 {
    median((0..ROUNDS).map(|_| {
        let (_scheduler, mut workers) = idle(eager(), 2);
        let thief = workers.remove(1);
        workers[0].push_batch(0..1_000_000, 1_000_000);
        let started = Arc::new(AtomicBool::new(false));
        let stealing = {
            let started = Arc::clone(&started);
            thread::spawn(move || {
                started.store(true, Ordering::Release);
                let start = Instant::now();
                let taken = std::iter::from_fn(|| thief.steal()).map(hint::black_box).count();
                start.elapsed().as_nanos() as f64 / taken.max(1) as f64
            })
        };
        while !started.load(Ordering::Acquire) {
            hint::spin_loop();
        }
        while let Some(item) = workers[0].pop() {
            hint::black_box(item);
        }
        stealing.join().expect("the thief ends")
    }))
}

fn dry_turn(count: usize) -> f64 {
    let (_scheduler, workers) = idle(Config::default(), count);
    workers.iter().for_each(|worker| {
        worker.push(1, 300);
        hint::black_box(worker.pop());
    });
    per_operation(1_000_000, || {
        for _ in 0..1_000_000 {
            hint::black_box(workers[0].search());
            if workers[0].prepare_park(|| true) != Park::Sleep {
                unreachable!("nothing waits anywhere");
            }
            workers[0].unparked();
        }
    })
}

fn offer() -> f64 {
    let (_scheduler, workers) = idle(Config::default(), 2);
    workers[0].push_batch(0..64, 300);
    per_operation(1_000_000, || {
        for _ in 0..1_000_000 {
            hint::black_box(workers[0].offer(300));
        }
    })
}

fn notify_awake() -> f64 {
    let (scheduler, _workers) = idle(Config::default(), 2);
    per_operation(1_000_000, || {
        for _ in 0..1_000_000 {
            hint::black_box(scheduler.notify(0));
        }
    })
}

/// A latched sleep on a condition variable: a futex, where a server has an eventfd.
#[derive(Default)]
struct Sleeper {
    interrupted: Mutex<bool>,
    changed: Condvar,
}

impl Sleeper {
    fn interrupt(&self) {
        *self.interrupted.lock().expect("no panic inside") = true;
        self.changed.notify_one();
    }

    fn sleep(&self) {
        let guard = self.interrupted.lock().expect("no panic inside");
        let guard = self.changed.wait_while(guard, |interrupted| !*interrupted);
        *guard.expect("no panic inside") = false;
    }
}

type Sleeping = (Worker<u64>, Arc<Sleeper>);

fn sleeping(config: Config, count: usize) -> (Scheduler<u64>, Vec<Sleeping>) {
    let sleepers: Vec<_> = (0..count).map(|_| Arc::new(Sleeper::default())).collect();
    let interrupt = |sleeper: &Arc<Sleeper>| {
        let sleeper = Arc::clone(sleeper);
        Box::new(move || sleeper.interrupt()) as Box<dyn Unpark>
    };
    let (scheduler, workers) = Scheduler::new(config, sleepers.iter().map(interrupt).collect());
    (scheduler, workers.into_iter().zip(sleepers).collect())
}

/// Runs a worker until the scheduler closes.
fn run(worker: &Worker<u64>, sleeper: &Sleeper, mut step: impl FnMut(u64)) {
    loop {
        while let Some(item) = worker.take() {
            step(item);
        }
        match worker.prepare_park(|| true) {
            Park::Sleep => sleeper.sleep(),
            Park::Work => {}
            Park::Closed => return,
        }
        worker.unparked();
    }
}

fn wake_latency() -> f64 {
    let (scheduler, mut workers) = sleeping(Config::default(), 1);
    let (worker, sleeper) = workers.remove(0);
    let origin = Instant::now();
    let ran_at = Arc::new(AtomicU64::new(0));
    let thread = {
        let ran_at = Arc::clone(&ran_at);
        thread::spawn(move || {
            run(&worker, &sleeper, |_| ran_at.store(origin.elapsed().as_nanos() as u64, Ordering::Release));
        })
    };
    let latencies: Vec<f64> = (0..500)
        .map(|item| {
            // Long enough asleep for the core to be idle.
            thread::sleep(Duration::from_micros(300));
            ran_at.store(0, Ordering::Release);
            let sent_at = origin.elapsed().as_nanos() as u64;
            scheduler.inject(0, item).expect("there is room");
            loop {
                match ran_at.load(Ordering::Acquire) {
                    0 => hint::spin_loop(),
                    at => break (at - sent_at) as f64,
                }
            }
        })
        .collect();
    scheduler.close();
    thread.join().expect("the worker ends");
    median(latencies.into_iter())
}

/// How long `count` workers take, in ns, when every item arrives at worker 0 in batches of 32, as from
/// a poll: each worker runs a loop of its own, and only worker 0's brings anything.
fn finish(count: usize, step_us: u64) -> f64 {
    const BATCH: usize = 32;
    let total = (100_000 / step_us) as usize / BATCH * BATCH;
    let (scheduler, mut workers) = sleeping(Config::default(), count);
    let done = Arc::new(AtomicUsize::new(0));
    let step = move |done: &AtomicUsize, scheduler: &Scheduler<u64>| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(step_us) {
            hint::spin_loop();
        }
        if done.fetch_add(1, Ordering::AcqRel) + 1 == total {
            scheduler.close();
        }
    };
    let (first, first_sleeper) = workers.remove(0);
    let helpers: Vec<_> = workers
        .into_iter()
        .map(|(worker, sleeper)| {
            let (done, scheduler) = (Arc::clone(&done), scheduler.clone());
            thread::spawn(move || run(&worker, &sleeper, |_| step(&done, &scheduler)))
        })
        .collect();
    // Let the helpers fall asleep: the first wake is part of the price.
    thread::sleep(Duration::from_millis(2));
    let start = Instant::now();
    for _ in 0..total / BATCH {
        first.push_batch(0..BATCH as u64, step_us * 1_000);
        while let Some(_item) = first.pop() {
            step(&done, &scheduler);
        }
    }
    run(&first, &first_sleeper, |_| step(&done, &scheduler));
    let elapsed = start.elapsed().as_nanos() as f64;
    helpers.into_iter().for_each(|helper| helper.join().expect("a helper ends"));
    elapsed
}
