//! A `Provider` behind the callbacks of the ABI: that of an application which answers no requests, and has members. Must not
//! know what a member is connected to.

use std::ffi::CString;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use http_container_abi::constants::task_kind;
use http_container_abi::{Event, HostRef, Module, ProviderRef, Start, Status};

use super::Provider;
use super::member::Member;
use crate::adapter::{Adapter, Worker};
use crate::app::{App, Setup, State};
use crate::body::Body;
use crate::drive::{Ending, Task};
use crate::error::Error;

/// The module over a provider. [`provider!`](crate::provider!) exports it.
pub struct ProviderAdapter<P: Provider>(Adapter<Members<P>>);

/// The provider as an application.
pub struct Members<P> {
    provider: Arc<P>,
    extension: ProviderRef,
}

impl<P: Provider> App for Members<P> {
    type Config = P::Config;
    type Worker = ();

    fn create(config: P::Config, setup: &Setup) -> Result<Self, Error> {
        let extension = setup.host().provider().ok_or_else(|| {
            Error::with_status(Status::E_UNSUPPORTED, "the container does not offer hc.provider/1")
        })?;
        let provider = Arc::new(P::create(config, setup)?);
        let interface =
            CString::new(P::INTERFACE).map_err(|_| Error::new("an interface has a zero byte in it"))?;
        match extension.offer(&interface) {
            Status::OK => Ok(Self { provider, extension }),
            status => Err(Error::refused(&format!("the offer of {}", P::INTERFACE), status)),
        }
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(_: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        Err(Error::with_status(Status::E_UNSUPPORTED, "a provider answers no requests"))
    }
}

impl<P: Provider> Module for ProviderAdapter<P> {
    type Worker = Worker<Members<P>>;
    type Task = Task;

    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status> {
        Adapter::create(host, config).map(Self)
    }

    fn worker_start(&self, index: u32) -> Result<Self::Worker, Status> {
        self.0.worker_start(index)
    }

    fn worker_stop(&self, worker: Self::Worker) {
        self.0.worker_stop(worker);
    }

    fn start(&self, worker: &Self::Worker, handle: u64, start: Start<'_>) -> (Status, Option<Box<Task>>) {
        if start.kind != task_kind::MEMBER {
            return self.0.start(worker, handle, start);
        }
        let members = self.0.application();
        self.0.begin(worker, handle, |task| {
            let member = Member::new(Rc::clone(&task.context), members.extension);
            let life = Arc::clone(&members.provider);
            task.run(Box::pin(live(member.clone(), move || life.member(member))));
            Ok(())
        })
    }

    fn resume(&self, worker: &Self::Worker, handle: u64, task: &mut Task, events: &[Event]) -> Status {
        self.0.resume(worker, handle, task, events)
    }

    fn finish(
        &self,
        worker: &Self::Worker,
        handle: u64,
        task: Option<Box<Task>>,
        outcome: Status,
        unseen: &[Event],
    ) {
        self.0.finish(worker, handle, task, outcome, unseen);
    }
}

/// The life of a member, and why it ended, for the container. `make` is called by the first poll, where a panic is the
/// task's own.
async fn live<F: Future<Output = Result<(), Error>>>(member: Member, make: impl FnOnce() -> F) -> Ending {
    let Err(error) = make().await else { return Ok(()) };
    member.explain_unless_explained(error.message());
    Err(match error.status() {
        Status::E_FAILED => Status::E_RESOURCE,
        status => status,
    })
}
