//! Starting and stopping: modules, listeners, workers, signals. The control thread stays here; it is the only thread beside
//! the workers, and the one on which instances are created and destroyed.

use crate::assembly;
use crate::config::{Config, LogLevel};
use crate::control::{Control, Leaving, WorkerThread};
use crate::door::Door;
use crate::listener::Listening;
use crate::log::Logs;
use crate::plan::Plan;
use crate::poller::SharedPoller;
use crate::report::LogReporter;
use crate::shard::{self, Common, Shard, WAKE};
use crate::tally::Tally;
use crate::validation;
use hc_host::{Container, Hooks, Parts};
use hc_scheduler::{Scheduler, Unpark, Worker as Queue};
use mio::{Poll, Waker};
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, OnceLock};

/// Stack of a worker: language runtimes recurse deeply.
const STACK_BYTES: usize = 8 << 20;

/// Why the server could not run.
pub type RunError = Box<dyn Error + Send + Sync>;

struct WakeShard(Arc<Waker>);

impl Unpark for WakeShard {
    fn unpark(&self) {
        // It fails only when the poll set is gone, and with it whoever would have woken.
        let _ = self.0.wake();
    }
}

/// The host's wishes: to worker threads by the scheduler, to the control thread by its waker.
struct ServerHooks {
    scheduler: OnceLock<Scheduler<u64>>,
    control: Arc<Waker>,
}

impl Hooks for ServerHooks {
    fn wake(&self, worker: u32) {
        if let Some(scheduler) = self.scheduler.get() {
            scheduler.notify(worker as usize);
        }
    }

    fn attend(&self) {
        let _ = self.control.wake();
    }
}

/// Runs the server until a signal stops it. SIGTERM and SIGINT: answer what is under way, then end; a second one: end now.
/// SIGUSR1: open the logs anew.
pub fn serve(config: &Config, logs: &Logs) -> Result<(), RunError> {
    let mut control = Control::new()?;
    let hooks = Arc::new(ServerHooks { scheduler: OnceLock::new(), control: control.waker() });
    let mut listening = listen(config)?;
    let container = container(config, logs, Arc::clone(&hooks))?;
    if config.validate {
        validation::look_at_files(config, &container);
    }
    container.create_instances()?;
    let common = Arc::new(Common {
        plan: Plan::new(config),
        tally: (0..config.workers).map(|_| Tally::default()).collect(),
        connections: AtomicUsize::new(0),
        stopping: Arc::default(),
        ended: false.into(),
        errors: logs.error.clone(),
    });
    let workers = start_workers(config, logs, &mut listening, &container, &common, &hooks)?;
    announce(config, logs, &listening);
    let outcome = control.attend(&container, &common, logs, workers);
    container.destroy_instances();
    drop(listening);
    validation::sum_up(&container, logs);
    logs.error.write(LogLevel::Info, &[], "stopped");
    outcome
}

fn listen(config: &Config) -> Result<Vec<Listening>, RunError> {
    let open = |address| {
        Listening::open(address, config.workers).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "; another program listens there: stop it, or choose another address"
                }
                io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege: choose a higher one",
                io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
                _ => "",
            };
            RunError::from(format!("cannot listen on {address}: {error}{hint}"))
        })
    };
    config.listen.iter().map(open).collect()
}

fn container(config: &Config, logs: &Logs, hooks: Arc<ServerHooks>) -> Result<Arc<Container>, RunError> {
    Ok(Container::new(Parts {
        workers: config.workers as u32,
        modules: assembly::modules(config)?,
        routes: assembly::routes(config),
        router: assembly::router(config),
        resources: assembly::resources(config),
        limits: assembly::limits(config),
        validates: config.validate,
        reporter: Arc::new(LogReporter::new(logs.error.clone())),
        hooks,
    }))
}

fn start_workers(
    config: &Config,
    logs: &Logs,
    listening: &mut [Listening],
    container: &Arc<Container>,
    common: &Arc<Common>,
    hooks: &Arc<ServerHooks>,
) -> Result<Vec<WorkerThread>, RunError> {
    let mut polls = Vec::new();
    let mut unparkers: Vec<Box<dyn Unpark>> = Vec::new();
    for _ in 0..config.workers {
        let poll = Poll::new()?;
        unparkers.push(Box::new(WakeShard(Arc::new(Waker::new(poll.registry(), WAKE)?))));
        polls.push(poll);
    }
    let (scheduler, queues) = Scheduler::new(hc_scheduler::Config::default(), unparkers);
    let _ = hooks.scheduler.set(scheduler.clone());
    let mut threads = Vec::new();
    for (index, (poll, queue)) in polls.into_iter().zip(queues).enumerate() {
        let sockets: io::Result<Vec<_>> = listening.iter_mut().map(Listening::for_worker).collect();
        let leaving = Arc::new(AtomicBool::new(false));
        let start = WorkerStart {
            index,
            poll,
            queue,
            sockets: sockets?,
            door: Door::new(index, scheduler.clone(), Arc::clone(&common.stopping)),
            container: Arc::clone(container),
            common: Arc::clone(common),
            logs: logs.clone(),
            leaving: Leaving { leaving: Arc::clone(&leaving), control: Arc::clone(&hooks.control) },
        };
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).stack_size(STACK_BYTES);
        threads.push(WorkerThread { thread: thread.spawn(move || start.run())?, leaving });
    }
    Ok(threads)
}

/// What a worker's thread takes with it.
struct WorkerStart {
    index: usize,
    poll: Poll,
    queue: Queue<u64>,
    sockets: Vec<(crate::listener::Listener, http_container_abi::raw::hc_address)>,
    door: Arc<Door>,
    container: Arc<Container>,
    common: Arc<Common>,
    logs: Logs,
    leaving: Leaving,
}

impl WorkerStart {
    fn run(self) {
        let outcome = self.poll.registry().try_clone().and_then(|registry| {
            let poller = Box::new(SharedPoller::new(registry));
            let host = hc_host::Worker::enter(self.container, self.index as u32, poller);
            let access = self.logs.access.writer();
            let parts = shard::Parts {
                index: self.index,
                common: Arc::clone(&self.common),
                poll: self.poll,
                host,
                queue: self.queue,
                door: self.door,
                listeners: self.sockets,
                access,
            };
            Shard::new(parts)?.run()
        });
        if let Err(error) = outcome {
            let text = format!("the worker's event loop failed: {error}");
            self.logs.error.write(LogLevel::Error, &[("worker", &self.index)], &text);
        }
        drop(self.leaving);
    }
}

fn announce(config: &Config, logs: &Logs, listening: &[Listening]) {
    for entry in listening {
        let text = format!("listening on {} with {} workers", entry.describe(), config.workers);
        logs.error.write(LogLevel::Info, &[], &text);
    }
}
