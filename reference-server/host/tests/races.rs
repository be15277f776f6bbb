//! Resources, gates and offloaded work from several threads at once, in orders that seeds choose. Whatever happens, every task
//! ends, every lease goes back, and all counters meet.

mod support;

use hc_host::{Container, Exchange, Gates, Opening, PartitionGate, PartitionKey, Worker};
use http_container_abi::Status;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use support::{MS, Memory, NoPoller, Plan, World, balanced, request};

/// A generator of numbers that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }
}

/// Longer than anything takes that does not wait for ever.
const LONG_MS: u64 = 120_000;

/// Statements by what their members do.
const STATEMENTS: [&str; 9] = [
    "ok",
    "c:n/r:1/ok",
    "c:n/n:5000,100/ok",
    "fail:23505,no",
    "dirty",
    "broken",
    "end",
    "status:-16",
    "c:n/r:1/end",
];

/// A script that takes a lease, does something with it, and lets it go in one way or another; `N` is its number.
fn user(dice: &mut Dice) -> String {
    let resources = dice.one_of(&["db", "kv", "db,kv", "db,db", "seats", "ob", "kv,ob"]);
    let names = if resources.contains(',') { "LN,MN" } else { "LN" };
    let timeout = dice.one_of(&["none", "none", "none", "1", "0"]);
    let statement = dice.one_of(&STATEMENTS);
    let use_it = match dice.roll(6) {
        0 => format!("query 2 LN {statement}; cancel 2;"),
        1 => format!("query 2 LN {statement}; release LN clean;"),
        2 => "kv 2 LN get key;".to_owned(),
        3 => "offload 4 quick;".to_owned(),
        4 => "object LN thing; object MN thing;".to_owned(),
        _ => format!("query 2 LN {statement};"),
    };
    let end = match dice.roll(6) {
        0 => String::new(),
        1 => "fail".to_owned(),
        2 => "release LN dirty; release MN broken; done".to_owned(),
        _ => "release LN clean; release MN clean; done".to_owned(),
    };
    let first = dice.one_of(&["", "cancel 1;", ""]);
    let name = if timeout == "1" { "short" } else { "long" };
    format!(
        "name {name}; acquire 1 {resources} {timeout} {names}; {first} timer 9 0; yield
         | timer 9 1; yield | {use_it} timer 9 1; yield | rows 3 LN; rows 3 LN; timer 9 1; yield | {end}"
    )
}

fn plan() -> Plan {
    let mut plan = Plan::with(&[("db", "sql"), ("kv", "kv"), ("ob", "pool"), ("seats", "limit")]);
    plan.workers = 3;
    for one in &mut plan.resources {
        (one.max_waiting, one.acquire_timeout_ns) = (1_000, LONG_MS * MS);
    }
    plan.resources[3].provider = None;
    plan.modules.pop();
    plan.deadline_ms = LONG_MS;
    plan.gates = Gates {
        whole_body_bytes: Some(100),
        partition: Some(PartitionGate {
            key: PartitionKey::Path(1),
            concurrent: 2,
            max_waiting: 1_000,
            timeout_ns: LONG_MS * MS,
        }),
        resources: vec![0, 3],
        resources_timeout_ns: LONG_MS * MS,
    };
    plan.limits.offload_threads = 2;
    plan
}

/// One worker's loop over tasks that any worker may start.
fn serve(container: &Arc<Container>, index: u32, shared: &Mutex<Vec<u64>>, stop: &AtomicBool) {
    let worker = Worker::enter(Arc::clone(container), index, Box::new(NoPoller));
    while !stop.load(Ordering::SeqCst) {
        turn(&worker, shared);
        let next = shared.lock().unwrap().pop();
        next.into_iter().for_each(|task| worker.start(task));
        std::thread::yield_now();
    }
    worker.leave(Status::CANCELLED_DRAIN);
}

fn turn(worker: &Rc<Worker>, shared: &Mutex<Vec<u64>>) {
    worker.turn(worker.container().now_ns());
    let mut fresh = Vec::new();
    worker.take_fresh(&mut fresh);
    shared.lock().unwrap().append(&mut fresh);
    worker.run(8);
}

/// The third worker: opens requests at gates, feeds some, and has the peers of others leave.
fn open_requests(container: &Arc<Container>, world: &Arc<World>, shared: &Mutex<Vec<u64>>, dice: &mut Dice) {
    let opener = Worker::enter(Arc::clone(container), 2, Box::new(NoPoller));
    let mut requests: Vec<(Arc<Memory>, u64)> = Vec::new();
    for number in 0..60 {
        let script = dice.one_of(&[
            "respond 200; done",
            "query 2 g1 ok; timer 9 0; yield | respond 200; done",
            "fail",
        ]);
        let deadline_ns = opener.now_ns() + LONG_MS * MS;
        let path = dice.one_of(&["/a", "/b"]);
        let head = request("POST", path, &[("a", script)], number, deadline_ns);
        let exchange = Memory::new(head, &format!("r{number}"), world);
        let opening = Opening {
            exchange: Arc::clone(&exchange) as Arc<dyn Exchange>,
            route: 0,
            request_id: number,
            deadline_ns,
        };
        let task = opener.open(opening).unwrap();
        assert!(!opener.pass_gates(task, 0), "it waits for its body");
        requests.push((exchange, task));
        let (exchange, task) = &requests[dice.roll(requests.len())];
        match dice.roll(4) {
            0 if exchange.ended().is_none() => exchange.leave(container, *task),
            _ => exchange.end_body(container, Status::OK),
        }
        turn(&opener, shared);
    }
    requests.iter().for_each(|(exchange, _)| exchange.end_body(container, Status::OK));
    while requests.iter().any(|(exchange, _)| exchange.ended().is_none()) {
        turn(&opener, shared);
        std::thread::yield_now();
    }
    let late = requests.iter().filter(|(exchange, _)| exchange.ended() == Some(Status::CANCELLED_DEADLINE));
    assert_eq!(late.count(), 0, "requests that were forgotten at a gate");
    opener.leave(Status::CANCELLED_DRAIN);
}

fn play(seed: u64) {
    let plan = plan();
    let (container, world, _, _) = support::container(&plan);
    plan.lay_out(&world);
    world.script("member-ob", "be thing 64; ready; serve");
    world.set_work("quick", Box::new(|| Box::new(|| (Status::OK, 1))));
    container.create_instances().unwrap();
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (shared, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (container, shared, stop) = (&container, &shared, &stop);
        let workers: Vec<_> =
            (0..2).map(|index| scope.spawn(move || serve(container, index, shared, stop))).collect();
        let host = world.host("a");
        let mut tasks = Vec::new();
        for number in 0..150 {
            let script = user(&mut dice).replace('N', &number.to_string());
            let made = host.spawn(dice.roll(2) as u32, Box::new(script));
            tasks.push(made.map_err(|(status, _)| status).unwrap());
            if dice.roll(8) == 0 {
                host.task_cancel(tasks[dice.roll(tasks.len())]);
            }
            if number > 50 && dice.roll(40) == 0 {
                // A member is lost by itself.
                let member = world.handle(&format!("{}{}", dice.one_of(&["db", "ob"]), dice.roll(6) + 1));
                container.request_cancel(member, Status::CANCELLED_MODULE);
            }
        }
        open_requests(container, &world, shared, &mut dice);
        while container.totals().live_tasks() > container.member_tasks() {
            std::thread::yield_now();
        }
        let log = world.take_log();
        let is_late = |line: &&String| line.starts_with("long ") && line.contains("ACQUIRE#1 HC_E_TIMEOUT");
        assert_eq!(log.iter().find(is_late), None, "seed {seed}: a task that was forgotten");
        let totals = container.totals();
        assert_eq!(totals.live_leases(), 0, "seed {seed}");
        for (name, usage) in container.resource_usage() {
            assert_eq!(usage.waiting, 0, "seed {seed}: {name}");
        }
        stop.store(true, Ordering::SeqCst);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    container.destroy_instances();
    balanced(&container, &world);
    let members: u32 = container.resource_usage().iter().map(|(_, usage)| usage.in_use + usage.idle).sum();
    assert_eq!(members, 0, "seed {seed}");
}

/// Workers leave in the midst of it, each when it likes.
fn stop_in_the_midst(seed: u64) {
    let plan = plan();
    let (container, world, _, _) = support::container(&plan);
    plan.lay_out(&world);
    world.script("member-ob", "be thing 64; ready; serve");
    world.set_work("quick", Box::new(|| Box::new(|| (Status::OK, 1))));
    container.create_instances().unwrap();
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let shared = Mutex::new(Vec::new());
    let stops = [AtomicBool::new(false), AtomicBool::new(false)];
    std::thread::scope(|scope| {
        let (container, shared) = (&container, &shared);
        for (index, stop) in stops.iter().enumerate() {
            scope.spawn(move || serve(container, index as u32, shared, stop));
        }
        let host = world.host("a");
        for number in 0..100 {
            let script = user(&mut dice).replace('N', &number.to_string());
            // Refused once the first worker has begun to leave.
            drop(host.spawn(dice.roll(2) as u32, Box::new(script)));
            if dice.roll(40) == 0 {
                stops[dice.roll(2)].store(true, Ordering::SeqCst);
            }
        }
        stops.iter().for_each(|stop| stop.store(true, Ordering::SeqCst));
    });
    // Nobody entered as the third worker: what was meant for it is dropped here.
    let last = Worker::enter(Arc::clone(&container), 2, Box::new(NoPoller));
    turn(&last, &shared);
    let left: Vec<u64> = shared.lock().unwrap().drain(..).collect();
    left.into_iter().for_each(|task| last.start(task));
    last.leave(Status::CANCELLED_DRAIN);
    container.destroy_instances();
    balanced(&container, &world);
    let members: u32 = container.resource_usage().iter().map(|(_, usage)| usage.in_use + usage.idle).sum();
    assert_eq!(members, 0, "seed {seed}");
}

#[test]
fn a_stop_in_the_midst_leaves_nothing_behind() {
    (1..=20).for_each(stop_in_the_midst);
}

#[test]
fn whatever_the_order_all_that_was_lent_goes_back() {
    (1..=12).for_each(play);
}
