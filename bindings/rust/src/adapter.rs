//! An `App` behind the callbacks of the ABI: instances, workers, tasks. Must not know what the application does.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use http_container_abi::constants::task_kind;
use http_container_abi::{Event, HostRef, Module, RequestView, Start, Status};

use crate::app::{App, Setup, State};
use crate::body::Body;
use crate::chunks::{Chunks, RequestBody};
use crate::config;
use crate::context::{self, TaskContext};
use crate::drive::{Ending, Task};
use crate::facts::Facts;
use crate::instance::{Instance, WorkerCore};
use crate::{reply, request};

/// So many ended tasks of a worker are kept for later ones.
const SPARE_TASKS_MAX: usize = 256;

/// The module over an application. [`module!`](crate::module) exports it.
pub struct Adapter<A: App> {
    /// Dropped first, while its own threads can still call the container.
    app: Arc<A>,
    instance: Arc<Instance>,
    _closing: Closing,
}

/// One worker of an [`Adapter`].
pub struct Worker<A: App> {
    state: Rc<A::Worker>,
    core: Rc<WorkerCore>,
    #[expect(clippy::vec_box, reason = "the boxes themselves are kept, for the boundary takes boxes")]
    spare: RefCell<Vec<Box<Task>>>,
}

impl<A: App> Module for Adapter<A> {
    type Worker = Worker<A>;
    type Task = Task;

    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status> {
        let instance = Arc::new(Instance::new(host));
        let _inside = context::enter(Rc::new(TaskContext::new(Arc::clone(&instance), None, 0)));
        let config = config::parse(config).map_err(|message| {
            crate::error!("{message}");
            Status::E_CONFIG
        })?;
        let setup = Setup::new(Arc::clone(&instance));
        let app = A::create(config, &setup).map_err(|error| {
            crate::error!("the application cannot be created: {error:?}");
            error.status()
        })?;
        setup.finish();
        Ok(Self { app: Arc::new(app), _closing: Closing(Arc::clone(&instance)), instance })
    }

    fn worker_start(&self, index: u32) -> Result<Worker<A>, Status> {
        let core = Rc::new(WorkerCore::new(index));
        let _inside = self.enter_worker(&core);
        let state = self.app.worker(index).map_err(|error| {
            crate::error!("worker {index} cannot start: {error:?}");
            error.status()
        })?;
        Ok(Worker { state: Rc::new(state), core, spare: RefCell::default() })
    }

    fn worker_stop(&self, worker: Worker<A>) {
        let _inside = self.enter_worker(&worker.core);
        drop(worker);
    }

    fn start(&self, worker: &Worker<A>, handle: u64, start: Start<'_>) -> (Status, Option<Box<Task>>) {
        self.begin(worker, handle, |task| match start.kind {
            task_kind::REQUEST | task_kind::CHILD => match start.request {
                Some(view) => {
                    task.context.gate_leases.borrow_mut().extend_from_slice(start.leases);
                    self.request(worker, task, &view)
                }
                None => Err(Status::E_INVALID),
            },
            task_kind::BACKGROUND => match Instance::job(&worker.core, start.arg) {
                Some(job) => {
                    task.run(job);
                    Ok(())
                }
                None => Err(Status::E_INVALID),
            },
            _ => Err(Status::E_UNSUPPORTED),
        })
    }

    fn resume(&self, _: &Worker<A>, _: u64, task: &mut Task, events: &[Event]) -> Status {
        let _inside = context::enter(Rc::clone(&task.context));
        task.deliver(events);
        task.step()
    }

    fn finish(&self, worker: &Worker<A>, _: u64, task: Option<Box<Task>>, outcome: Status, unseen: &[Event]) {
        let Some(mut task) = task else { return };
        if !task.is_clean() || !unseen.is_empty() {
            let _inside = context::enter(Rc::clone(&task.context));
            task.context.outcome.set(Some(outcome));
            task.context.store_events(unseen);
            task.discard();
            task.context.end();
            let kept = task.context.kept.take();
            drop(kept);
        }
        let mut spare = worker.spare.borrow_mut();
        if spare.len() < SPARE_TASKS_MAX && task.renew() {
            spare.push(task);
        }
    }
}

impl<A: App> Adapter<A> {
    /// The application.
    #[cfg(feature = "provider")]
    pub(crate) fn application(&self) -> &Arc<A> {
        &self.app
    }

    /// The first step of a task that does what `give` gives it.
    pub(crate) fn begin(
        &self,
        worker: &Worker<A>,
        handle: u64,
        give: impl FnOnce(&mut Task) -> Result<(), Status>,
    ) -> (Status, Option<Box<Task>>) {
        let mut task = self.task(worker, handle);
        let _inside = context::enter(Rc::clone(&task.context));
        let status = match give(&mut task) {
            Ok(()) => task.step(),
            Err(status) => status,
        };
        (status, Some(task))
    }

    fn enter_worker(&self, core: &Rc<WorkerCore>) -> context::Entered {
        let context = TaskContext::new(Arc::clone(&self.instance), Some(Rc::clone(core)), 0);
        context::enter(Rc::new(context))
    }

    fn task(&self, worker: &Worker<A>, handle: u64) -> Box<Task> {
        if let Some(task) = worker.spare.borrow_mut().pop() {
            task.context.task.set(handle);
            return task;
        }
        let context = TaskContext::new(Arc::clone(&self.instance), Some(Rc::clone(&worker.core)), handle);
        Box::new(Task::new(Rc::new(context)))
    }

    fn request(&self, worker: &Worker<A>, task: &mut Task, view: &RequestView<'_>) -> Result<(), Status> {
        let context = &task.context;
        *context.facts.borrow_mut() = Facts::of(view);
        let length = view.content_length();
        let body = match length {
            Some(0) => Body::empty(),
            _ => Body::incoming(Chunks::new(Rc::clone(context), RequestBody, length)),
        };
        worker.core.handover.put(body, |request| {
            let (mut store, mut hosts) = (context.store.borrow_mut(), worker.core.hosts.borrow_mut());
            request::fill(request, view, &mut store, &mut hosts)
        })?;
        let state = || State::new(Arc::clone(&self.app), Rc::clone(&worker.state));
        task.serve(|| Box::pin(serve(Rc::clone(&worker.core), state())));
        Ok(())
    }
}

/// Answers the requests of one task after another: the tasks of a worker need few futures, each allocated once.
async fn serve<A: App>(worker: Rc<WorkerCore>, state: State<A>) -> Ending {
    loop {
        let answer = A::handle(state.clone(), worker.handover.take()).await;
        let context = context::current();
        let ending = match reply::at_once(&context, answer) {
            Ok(ending) => ending,
            Err(response) => reply::stream(Rc::clone(&context), response).await,
        };
        context.answered.set(Some(ending));
        drop(context);
        pause().await;
    }
}

/// Waits until the next poll.
async fn pause() {
    let mut is_over = false;
    poll_fn(|_| if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// The end of an instance: whatever outlives it on another thread finds the gate closed from here on.
struct Closing(Arc<Instance>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.gate.close();
    }
}
