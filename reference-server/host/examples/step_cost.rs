//! What the host itself costs: ns per whole request, ns per yield and wake on one worker, bytes per parked task. Run with
//! `cargo run --release -p hc-host --example step_cost`. It must not know a socket: the exchange lies in memory.

use hc_host::{
    Container, Exchange, Gates, Gathered, Head, Hooks, Level, Limits, Module, Opening, Parts, Poller, Read,
    Report, Reporter, Route, Waiter, Worker,
};
use http_container_abi::{
    EntryInfo, Event, Field, FieldsView, HostRef, ModuleEntry, ModuleTable, RawFields, RequestFacts,
    RequestSpans, RequestStorage, Response, Start, Status, entry, hc_address,
};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Answers at once, or yields for ever: on a timer of 0, on a completion that it completes itself, or on nothing that
/// comes.
struct Subject {
    host: HostRef,
}

impl http_container_abi::Module for Subject {
    type Worker = ();
    type Task = u64;

    fn create(host: HostRef, _: &[u8]) -> Result<Self, Status> {
        Ok(Subject { host })
    }

    fn worker_start(&self, _: u32) -> Result<(), Status> {
        Ok(())
    }

    fn start(&self, (): &(), task: u64, start: Start<'_>) -> (Status, Option<Box<u64>>) {
        let kind = start.request.map_or(b'h', |request| request.path()[1]);
        if kind == b'h' {
            let fields = [Field::new(b"content-type", b"text/plain")];
            let body = b"Hello, World!";
            let response = Response { status: 200, fields: &fields, body, content_length: None };
            return (self.host.respond(task, &response), None);
        }
        (self.begin(task, u64::from(kind)), Some(Box::new(u64::from(kind))))
    }

    fn resume(&self, (): &(), task: u64, kind: &mut u64, _: &[Event]) -> Status {
        self.begin(task, *kind)
    }
}

impl Subject {
    fn begin(&self, task: u64, kind: u64) -> Status {
        if kind == u64::from(b't') {
            return self.host.timer(task, 1, 0);
        }
        match self.host.completion(task, 1) {
            Ok(completion) if kind == u64::from(b'c') => {
                self.host.complete(completion, Status::OK, 0);
                Status::PENDING
            }
            Ok(_) => Status::PENDING,
            Err(status) => status,
        }
    }
}

static SUBJECT: ModuleEntry = entry::<Subject>(EntryInfo {
    id: c"org.example.step-cost",
    version: c"1",
    description: None,
    config_schema: None,
    flags: 0,
});

struct Memory(RequestStorage);

impl Exchange for Memory {
    fn request(&self) -> &RequestStorage {
        &self.0
    }
    fn read(&self, _: Waiter) -> Read {
        Read::End
    }
    fn gather(&self, _: u64, _: Waiter) -> Gathered {
        Gathered::Whole
    }
    fn forget_reader(&self) {}
    fn trailers(&self) -> RawFields {
        RawFields::NONE
    }
    fn respond(&self, head: &Head<'_>, body: &[u8]) -> Status {
        std::hint::black_box((head.status, head.length, body));
        Status::OK
    }
    fn inform(&self, _: u16, _: FieldsView<'_>) -> Status {
        Status::OK
    }
    fn start(&self, _: &Head<'_>) -> Status {
        Status::OK
    }
    fn write(&self, data: &[u8], _: Waiter) -> (Status, usize) {
        (Status::OK, data.len())
    }
    fn forget_writer(&self) {}
    fn end(&self, _: FieldsView<'_>) -> Status {
        Status::OK
    }
    fn abort(&self) {}
    fn refuse(&self, _: u16) {}
    fn body_fault(&self) -> Option<u16> {
        None
    }
    fn ended(&self, _: Status) {}
}

struct Quiet;

impl Reporter for Quiet {
    fn wants(&self, _: Level) -> bool {
        false
    }
    fn report(&self, _: &Report<'_>) {}
}

impl Hooks for Quiet {
    fn wake(&self, _: u32) {}
    fn attend(&self) {}
}

impl Poller for Quiet {
    fn add(&self, _: i32, _: u32) -> std::io::Result<()> {
        Ok(())
    }
    fn remove(&self, _: i32) {}
}

fn worker() -> Rc<Worker> {
    let table = ModuleTable::from_entry(&SUBJECT).expect("the entry is sound");
    let container = Container::new(Parts {
        workers: 1,
        modules: vec![Module::new("subject".into(), table, "{}".into())],
        routes: vec![Route {
            name: "/".into(),
            modules: vec![0],
            deadline_ns: u64::MAX,
            cancel_grace_ns: 0,
            gates: Gates::default(),
        }],
        resources: Vec::new(),
        router: Box::new(|_, _| Some(0)),
        limits: Limits { step_report_ns: u64::MAX, ..Limits::default() },
        validates: false,
        reporter: Arc::new(Quiet),
        hooks: Arc::new(Quiet),
    });
    container.create_instances().expect("the module makes an instance");
    Worker::enter(container, 0, Box::new(Quiet))
}

fn exchange(path: &str) -> Arc<dyn Exchange> {
    let mut request = RequestStorage::new();
    request.buffer().extend_from_slice(format!("GET{path}").as_bytes());
    let nowhere = hc_address { ip: [0; 16], port: 0, family: 0 };
    let facts = RequestFacts {
        id: 1,
        version: 11,
        content_length: Some(0),
        deadline_ns: None,
        peer: nowhere,
        local: nowhere,
        tls: None,
    };
    let target = (3, 3 + path.len() as u32);
    let spans =
        RequestSpans { method: (0, 3), target, scheme: "http", path: target, ..RequestSpans::default() };
    request.seal(&spans, std::iter::empty(), facts);
    Arc::new(Memory(request))
}

fn open(worker: &Worker, exchange: &Arc<dyn Exchange>) -> u64 {
    let opening = Opening {
        exchange: Arc::clone(exchange),
        route: 0,
        request_id: 1,
        deadline_ns: worker.now_ns() + 3_600_000_000_000,
    };
    worker.open(opening).expect("there is a slot")
}

fn ns_each(count: u32, act: impl FnOnce()) -> f64 {
    let before = Instant::now();
    act();
    before.elapsed().as_nanos() as f64 / f64::from(count)
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn main() {
    const COUNT: u32 = 1_000_000;
    let hello = exchange("/h");
    for _ in 0..3 {
        let worker = worker();
        let each = ns_each(COUNT, || (0..COUNT).for_each(|_| worker.start(open(&worker, &hello))));
        println!("hello (open, start, respond, finish): {each:.0} ns");
        worker.leave(Status::CANCELLED_DRAIN);
    }
    for (path, what) in [("/t", "timer of 0"), ("/c", "completion")] {
        let worker = worker();
        worker.start(open(&worker, &exchange(path)));
        let each =
            ns_each(COUNT, || assert_eq!((0..COUNT).map(|_| worker.run(1)).sum::<usize>(), COUNT as usize));
        println!("yield and wake by {what}: {each:.0} ns");
        worker.leave(Status::CANCELLED_DRAIN);
    }
    let (worker, parked) = (worker(), exchange("/p"));
    let before = resident_bytes();
    const TASKS: u64 = 100_000;
    (0..TASKS).for_each(|_| worker.start(open(&worker, &parked)));
    println!(
        "a parked task: {} bytes (record, operation, deadline, the module's state)",
        (resident_bytes() - before) / TASKS
    );
    worker.leave(Status::CANCELLED_DRAIN);
}
