//! What leases cost: ns for acquire and release of an idle member on this worker and on another one, and for a statement
//! that goes through a lease to its member and back. Run with `cargo run --release -p hc-host --example lease_cost`, or with
//! a smaller number of times as its argument under a tool that counts instructions. It must not know a database: the member
//! answers one row from memory.

use hc_host::{
    Container, Hooks, Level, Limits, Module, Parts, Poller, Report, Reporter, ResourceSettings, Worker,
};
use http_container_abi::constants::{NO_DEADLINE, lease_end, task_kind};
use http_container_abi::{
    EntryInfo, Event, HostRef, MemberRequest, ModuleEntry, ModuleTable, ProviderRef, ResultView, SqlRef,
    SqlValue, Start, Status, entry,
};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

static COUNT: LazyLock<u32> = LazyLock::new(|| {
    std::env::args().nth(1).map_or(1_000_000, |count| count.parse().expect("the argument is a number"))
});

/// Takes leases in a background task: [`COUNT`] times acquire and release in one step; then as many statements.
struct User {
    host: HostRef,
    sql: SqlRef,
    resource: u32,
    queries: bool,
}

/// How far the statements are.
struct Queries {
    lease: u64,
    left: u32,
    before: Instant,
}

impl http_container_abi::Module for User {
    type Worker = ();
    type Task = Queries;

    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status> {
        let sql = host.sql().ok_or(Status::E_UNSUPPORTED)?;
        let resource = host.resource(c"db", c"hc.sql/1")?;
        // The configuration is the worker, and whether statements are wanted: "0q", "1".
        let worker = u32::from(config[1] - b'0');
        let queries = config.contains(&b'q');
        host.spawn(worker, Box::new(())).map_err(|(status, _)| status)?;
        Ok(User { host, sql, resource, queries })
    }

    fn worker_start(&self, _: u32) -> Result<(), Status> {
        Ok(())
    }

    fn start(&self, (): &(), task: u64, _: Start<'_>) -> (Status, Option<Box<Queries>>) {
        let mut leases = [0];
        let mut state = Box::new(Queries { lease: 0, left: *COUNT, before: Instant::now() });
        let status = self.host.acquire(task, 1, &[self.resource], NO_DEADLINE, &mut leases);
        state.lease = leases[0];
        // The first lease waits until the member is open.
        let status = if status == Status::OK { self.resume(&(), task, &mut state, &[]) } else { status };
        (status, Some(state))
    }

    fn resume(&self, (): &(), task: u64, state: &mut Queries, _: &[Event]) -> Status {
        if state.left == *COUNT {
            self.host.release(task, state.lease, lease_end::CLEAN);
            state.lease = self.leases(task);
        } else {
            while self.sql.rows(task, state.lease, 2, |values| black_box(values.len())).is_ok() {}
        }
        if state.left == 0 || !self.queries {
            let each = state.before.elapsed().as_nanos() as f64 / f64::from(*COUNT);
            if self.queries {
                println!("           a statement that answers one row, there and back: {each:.0} ns");
            }
            self.host.release(task, state.lease, lease_end::CLEAN);
            return Status::OK;
        }
        if state.left == *COUNT {
            state.before = Instant::now();
        }
        state.left -= 1;
        self.sql.query(task, state.lease, 1, 0, "SELECT $1", &[SqlValue::Int64(7)])
    }
}

impl User {
    /// Measures; the last lease is kept.
    fn leases(&self, task: u64) -> u64 {
        let mut leases = [0];
        let before = Instant::now();
        for round in 0..=*COUNT {
            let status = self.host.acquire(task, 1, &[self.resource], 0, &mut leases);
            assert_eq!(status, Status::OK, "a member is free");
            if round < *COUNT {
                self.host.release(task, leases[0], lease_end::CLEAN);
            }
        }
        let each = before.elapsed().as_nanos() as f64 / f64::from(*COUNT);
        println!("acquire and release: {each:.0} ns");
        leases[0]
    }
}

/// A member that answers every statement by one row.
struct Echo {
    provider: ProviderRef,
}

impl http_container_abi::Module for Echo {
    type Worker = ();
    type Task = ();

    fn create(host: HostRef, _: &[u8]) -> Result<Self, Status> {
        let provider = host.provider().ok_or(Status::E_UNSUPPORTED)?;
        provider.offer(c"hc.sql/1").ok()?;
        Ok(Echo { provider })
    }

    fn worker_start(&self, _: u32) -> Result<(), Status> {
        Ok(())
    }

    fn start(&self, (): &(), task: u64, start: Start<'_>) -> (Status, Option<Box<()>>) {
        assert_eq!(start.kind, task_kind::MEMBER);
        self.provider.ready(task);
        (self.serve(task), Some(Box::new(())))
    }

    fn resume(&self, (): &(), task: u64, (): &mut (), _: &[Event]) -> Status {
        self.serve(task)
    }
}

/// What a request comes to.
enum Asked {
    Row,
    Nothing,
    End,
}

impl Echo {
    fn serve(&self, task: u64) -> Status {
        loop {
            let kind = |request: MemberRequest<'_>| match request {
                MemberRequest::Close => Asked::End,
                MemberRequest::Statement(_) => Asked::Row,
                _ => Asked::Nothing,
            };
            match self.provider.next(task, 1, kind) {
                Ok(Asked::End) => return Status::OK,
                Ok(Asked::Row) => {
                    self.provider.columns(task, &["number"]);
                    self.provider.rows(task, 2, &[SqlValue::Int64(7)]);
                    self.done(task);
                }
                Ok(Asked::Nothing) => self.done(task),
                Err(status) => return status,
            }
        }
    }

    fn done(&self, task: u64) {
        let result =
            ResultView { status: Status::OK, flags: 0, affected: 1, code: b"", message: b"", reply: None };
        self.provider.done(task, &result);
    }
}

const fn info(id: &'static std::ffi::CStr) -> EntryInfo {
    EntryInfo { id, version: c"1", description: None, config_schema: None, flags: 0 }
}

static USER: ModuleEntry = entry::<User>(info(c"org.example.lease-user"));
static ECHO: ModuleEntry = entry::<Echo>(info(c"org.example.lease-echo"));

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

fn container(user: u32, queries: bool) -> Arc<Container> {
    let table = |entry| ModuleTable::from_entry(entry).expect("the entry is sound");
    let config = format!("\"{user}{}\"", if queries { "q" } else { "" });
    let hour_ns = 3_600_000_000_000;
    let container = Container::new(Parts {
        workers: 2,
        modules: vec![
            Module::new("user".into(), table(&USER), config),
            Module::new("echo".into(), table(&ECHO), "{}".into()),
        ],
        routes: Vec::new(),
        resources: vec![ResourceSettings {
            name: "db".into(),
            provider: Some(1),
            min: 1,
            max: 1,
            max_waiting: 10,
            acquire_timeout_ns: hour_ns,
            idle_timeout_ns: hour_ns,
            max_lifetime_ns: hour_ns,
            member_timeout_ns: hour_ns,
            test_on_acquire: true,
        }],
        router: Box::new(|_, _| None),
        limits: Limits { step_report_ns: u64::MAX, ..Limits::default() },
        validates: false,
        reporter: Arc::new(Quiet),
        hooks: Arc::new(Quiet),
    });
    container.create_instances().expect("the modules make instances");
    container
}

/// Runs what is ready.
fn run(worker: &Worker) {
    loop {
        worker.turn(worker.container().now_ns());
        if worker.run(usize::MAX) == 0 && !worker.has_work() {
            return;
        }
    }
}

/// The member is on `member`, its user on `user`.
fn measure(member: u32, user: u32, queries: bool) {
    let container = container(user, queries);
    let (ready, wait) = channel();
    let other = Arc::clone(&container);
    let thread = std::thread::spawn(move || {
        let worker: Rc<Worker> = Worker::enter(other, member, Box::new(Quiet));
        run(&worker);
        ready.send(()).expect("it is waited for");
        std::thread::park();
    });
    wait.recv().expect("the member is ready");
    if member != user {
        let worker = Worker::enter(Arc::clone(&container), user, Box::new(Quiet));
        run(&worker);
    }
    thread.thread().unpark();
    thread.join().expect("it ends");
}

fn main() {
    for _ in 0..3 {
        print!("elsewhere: ");
        measure(1, 0, false);
        print!("here:      ");
        measure(1, 1, true);
    }
}
