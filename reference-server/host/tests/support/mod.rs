//! A container in a test: scripted modules, exchanges in memory, time that a test moves. One `Rig` is one container with
//! its worker on the test's thread; further workers are the test's to enter.
#![allow(dead_code)]

pub mod exchange;
pub mod far;
pub mod lease_script;
pub mod member_script;
pub mod plan;
pub mod script;
pub mod world;

pub use exchange::Memory;
pub use far::Far;
pub use plan::Plan;
pub use world::World;

use hc_host::{
    Container, Hooks, Level, Module, Opening, Parts, Poller, Report, Reporter, Route, Totals, Worker,
};
use http_container_abi::{ModuleTable, RequestFacts, RequestSpans, RequestStorage, Status, hc_address};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// Keeps the rules of reports, and what they say.
#[derive(Default)]
pub struct Rules(Mutex<Vec<(&'static str, String)>>);

impl Rules {
    pub fn take(&self) -> Vec<&'static str> {
        self.take_told().into_iter().map(|(rule, _)| rule).collect()
    }

    pub fn take_told(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// For how many lines these stand: one says that more like it were left out, and how many.
pub fn counted(told: &[String]) -> u64 {
    let count =
        |text: &String| text.split_once(" more of route ").map_or(1, |(count, _)| count.parse().unwrap());
    told.iter().map(count).sum()
}

impl Reporter for Rules {
    fn wants(&self, level: Level) -> bool {
        level <= Level::Warn
    }

    fn report(&self, report: &Report<'_>) {
        assert!(!report.text.is_empty());
        if !report.rule.is_empty() {
            self.0.lock().unwrap().push((report.rule, report.text.to_owned()));
        }
    }
}

/// Counts wakes, and lets a thread wait for one.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<u64>,
    bell: Condvar,
    pub attends: AtomicU64,
}

impl Bell {
    /// Waits until somebody was woken after `seen` wakes; answers how many there were.
    pub fn wait(&self, seen: u64) -> u64 {
        let mut rung = self.rung.lock().unwrap();
        while *rung == seen {
            rung = self.bell.wait(rung).unwrap();
        }
        *rung
    }

    pub fn rung(&self) -> u64 {
        *self.rung.lock().unwrap()
    }
}

impl Hooks for Bell {
    fn wake(&self, _: u32) {
        *self.rung.lock().unwrap() += 1;
        self.bell.notify_all();
    }

    fn attend(&self) {
        self.attends.fetch_add(1, Ordering::SeqCst);
        self.wake(0);
    }
}

/// A poller that knows no descriptor.
pub struct NoPoller;

impl Poller for NoPoller {
    fn add(&self, _: RawFd, _: u32) -> std::io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: RawFd) {}
}

pub const MS: u64 = 1_000_000;
const HOUR_MS: u64 = 3_600_000;

pub struct Rig {
    pub container: Arc<Container>,
    pub worker: Rc<Worker>,
    pub world: Arc<World>,
    pub rules: Arc<Rules>,
    pub bell: Arc<Bell>,
    pub now_ns: u64,
    deadline_ns: u64,
    requests: u64,
    /// Some timer outlives its task: that of a request which was handed over to the pool, or those of resources and gates.
    keeps_timers: bool,
}

/// The container alone: routes 0 (all modules in a chain, but those that provide resources) and 1 (`/b`: the last of them).
pub fn container(plan: &Plan) -> (Arc<Container>, Arc<World>, Arc<Rules>, Arc<Bell>) {
    let (world, number) = World::new();
    let (rules, bell) = (Arc::new(Rules::default()), Arc::new(Bell::default()));
    let modules = plan.modules.iter().map(|(name, entry)| {
        let table = ModuleTable::from_entry(entry).unwrap();
        Module::new((*name).to_owned(), table, script::config(name, number))
    });
    let route = |modules: Vec<u32>| Route {
        name: "/".into(),
        modules,
        deadline_ns: plan.deadline_ms * MS,
        cancel_grace_ns: plan.grace_ms * MS,
        gates: plan.gates.clone(),
    };
    let serving = plan.serving();
    let last = serving.last().copied().into_iter().collect();
    let container = Container::new(Parts {
        workers: plan.workers,
        modules: modules.collect(),
        routes: vec![route(serving), Route { gates: hc_host::Gates::default(), ..route(last) }],
        router: Box::new(|_, path| match path {
            b"/none" => None,
            path => Some(u32::from(path.starts_with(b"/b"))),
        }),
        resources: plan.resources.clone(),
        limits: plan.limits,
        validates: plan.validates,
        reporter: Arc::clone(&rules) as Arc<dyn Reporter>,
        hooks: Arc::clone(&bell) as Arc<dyn Hooks>,
    });
    (container, world, rules, bell)
}

impl Rig {
    pub fn new(plan: &Plan) -> Rig {
        Rig::with_poller(plan, Box::new(NoPoller))
    }

    pub fn with_poller(plan: &Plan, poller: Box<dyn Poller>) -> Rig {
        let (container, world, rules, bell) = container(plan);
        let worker = Worker::enter(Arc::clone(&container), 0, poller);
        let now_ns = container.now_ns();
        let deadline_ns = plan.deadline_ms * MS;
        let has_pool = plan.modules.iter().any(|(_, entry)| std::ptr::eq(*entry, &script::BLOCKING));
        let keeps_timers = has_pool || !plan.resources.is_empty() || !plan.gates.is_open();
        Rig { container, worker, world, rules, bell, now_ns, deadline_ns, requests: 0, keeps_timers }
    }

    pub fn created(plan: &Plan) -> Rig {
        let rig = Rig::new(plan);
        rig.container.create_instances().unwrap();
        rig
    }

    /// With resources that module `a` has found, an hour later: the time is what the test says, however slow the machine is.
    pub fn ahead(plan: &Plan) -> Rig {
        let rig = Rig::ahead_of_create(plan);
        plan.lay_out(&rig.world);
        rig.container.create_instances().unwrap();
        rig.log();
        rig
    }

    /// As [`Rig::ahead`], before the instances are made.
    pub fn ahead_of_create(plan: &Plan) -> Rig {
        let mut rig = Rig::new(plan);
        // A whole number of milliseconds, as timers count.
        rig.now_ns = rig.now_ns.next_multiple_of(MS);
        rig.pass(HOUR_MS);
        rig
    }

    /// A background task of module `a` on that worker, with that script.
    pub fn spawn(&mut self, worker: u32, script: &str) -> u64 {
        let spawned = self.world.host("a").spawn(worker, Box::new(script.to_owned()));
        spawned.map_err(|(status, _)| status).unwrap()
    }

    /// A request with a script for each module, not yet opened.
    pub fn exchange(&mut self, method: &str, scripts: &[(&str, &str)]) -> Arc<Memory> {
        self.exchange_to(method, "/", scripts)
    }

    /// As [`Rig::exchange`], for that path.
    pub fn exchange_to(&mut self, method: &str, path: &str, scripts: &[(&str, &str)]) -> Arc<Memory> {
        self.requests += 1;
        let deadline_ns = self.now_ns + self.deadline_ns;
        let name = if self.requests == 1 { String::new() } else { format!("{} ", self.requests) };
        Memory::new(request(method, path, scripts, self.requests, deadline_ns), &name, &self.world)
    }

    pub fn open_exchange(&mut self, exchange: &Arc<Memory>) -> u64 {
        let opening = Opening {
            exchange: Arc::clone(exchange) as Arc<dyn hc_host::Exchange>,
            route: 0,
            request_id: self.requests,
            deadline_ns: self.now_ns + self.deadline_ns,
        };
        self.worker.open(opening).unwrap()
    }

    /// A request for that path comes to the gates of its route, with that script for module `a`, and is started when it may.
    pub fn come(&mut self, path: &str, script: &str) -> (Arc<Memory>, u64) {
        let exchange = self.exchange_to("POST", path, &[("a", script)]);
        let task = self.open_exchange(&exchange);
        self.worker.turn(self.now_ns);
        if self.worker.pass_gates(task, 0) {
            self.worker.start(task);
        }
        self.run();
        (exchange, task)
    }

    /// Opens a request with that script for module `a`.
    pub fn open(&mut self, script: &str) -> (Arc<Memory>, u64) {
        let exchange = self.exchange("GET", &[("a", script)]);
        let task = self.open_exchange(&exchange);
        (exchange, task)
    }

    /// Starts a request and runs it until nothing is ready.
    pub fn request(&mut self, script: &str) -> (Arc<Memory>, u64) {
        let opened = self.open(script);
        self.worker.turn(self.now_ns);
        self.worker.start(opened.1);
        self.run();
        opened
    }

    /// Runs all that is ready.
    pub fn run(&mut self) {
        loop {
            // A step moves its worker's time on: the test's follows, and is never behind it.
            self.now_ns = self.now_ns.max(self.worker.now_ns());
            self.worker.turn(self.now_ns);
            let mut fresh = Vec::new();
            self.worker.take_fresh(&mut fresh);
            fresh.iter().for_each(|task| self.worker.start(*task));
            self.worker.run(1000);
            self.now_ns = self.now_ns.max(self.worker.now_ns());
            if !self.worker.has_work() {
                break;
            }
        }
    }

    /// Runs all that is ready here and on other workers, until nothing is.
    pub fn run_with(&mut self, others: &[&Arc<Far>]) {
        loop {
            self.run();
            let ran = others.iter().map(|far| far.run(self.now_ns)).fold(false, |any, ran| any | ran);
            if !ran && !self.worker.has_work() {
                break;
            }
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: u64) {
        self.now_ns += ms * MS;
        self.run();
    }

    pub fn totals(&self) -> Totals {
        self.container.totals()
    }

    /// Ends the container and checks what must hold at its end.
    pub fn end(&mut self) {
        self.run();
        self.end_with(|| ());
    }

    /// As [`Rig::end`]; `others` leave after this worker, or meanwhile.
    pub fn end_with(&mut self, others: impl FnOnce()) {
        self.worker.leave(Status::CANCELLED_DRAIN);
        others();
        if !self.keeps_timers {
            assert_eq!(self.worker.next_timer_ns(), None, "no timer outlives its task");
        }
        self.container.destroy_instances();
        balanced(&self.container, &self.world);
    }

    /// As [`Rig::log`], of the tasks and exchanges with these names only.
    pub fn log_of(&self, names: &[&str]) -> String {
        let of = |line: &String| names.contains(&line.split(' ').next().unwrap_or(""));
        self.world.take_log().into_iter().filter(of).collect::<Vec<_>>().join("\n")
    }

    /// What happened since the last look, a line each.
    pub fn log(&self) -> String {
        self.world.take_log().join("\n")
    }
}

/// Every start has its finish, nothing is left, and every promised completion was delivered once.
pub fn balanced(container: &Container, world: &World) {
    let totals = container.totals();
    assert_eq!(totals.starts, totals.finishes, "every start has one finish");
    assert_eq!(totals.tasks_made, totals.tasks_ended, "no task is left");
    assert_eq!(totals.operations_begun, totals.operations_ended, "no operation is left");
    assert_eq!(totals.leases_granted, totals.leases_ended, "no lease is left");
    let sorted = |list: &Mutex<Vec<u64>>| {
        let mut list = list.lock().unwrap().clone();
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(&world.promised), sorted(&world.delivered), "what complete promised has come, once");
}

/// A request head.
pub fn request(
    method: &str,
    path: &str,
    scripts: &[(&str, &str)],
    id: u64,
    deadline_ns: u64,
) -> RequestStorage {
    let mut storage = RequestStorage::new();
    let mut spans = Vec::new();
    let buffer = storage.buffer();
    let mut put = |text: &str| {
        let start = buffer.len() as u32;
        buffer.extend_from_slice(text.as_bytes());
        (start, buffer.len() as u32)
    };
    let parts = RequestSpans {
        method: put(method),
        target: put(path),
        scheme: "http",
        authority: put("example.org"),
        path: put(path),
        ..RequestSpans::default()
    };
    for (name, script) in scripts {
        spans.push((put(&format!("script-{name}")), put(script)));
    }
    let nowhere = hc_address { ip: [0; 16], port: 0, family: 0 };
    storage.seal(
        &parts,
        spans.into_iter(),
        RequestFacts {
            id,
            version: 11,
            content_length: None,
            deadline_ns: Some(deadline_ns),
            peer: nowhere,
            local: nowhere,
            tls: None,
        },
    );
    storage
}

/// Compares a log with what is expected, indentation aside.
#[track_caller]
pub fn same(found: &str, expect: &str) {
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expect, "\n{found}\n");
}

/// Runs a request with that script, then what `drive` does, and compares all that happened.
#[track_caller]
pub fn check_with(plan: &Plan, script: &str, drive: impl FnOnce(&mut Rig, &Memory, u64), expect: &str) {
    let mut rig = Rig::created(plan);
    let (exchange, task) = rig.request(script);
    drive(&mut rig, &exchange, task);
    same(&rig.log(), expect);
    rig.end();
    assert!(exchange.ended().is_some(), "the exchange was let go");
    drop(rig);
    assert_eq!(Arc::strong_count(&exchange), 1, "nobody keeps the exchange");
}
