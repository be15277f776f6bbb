//! The fake container as a test sees it. Must not know how tasks are run; `run.rs` does.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Request, request};
use http_container_abi::constants::{address_family, task_kind};
use http_container_abi::raw::hc_address;
use http_container_abi::{
    EntryInfo, HostTable, Module, ModuleEntry, ModuleTable, Opaque, RequestFacts, RequestSpans,
    RequestStorage, Status, entry,
};

use super::answer::{Answer, Counts, LogLine};
use super::function::{Function, shelve};
use super::host::FakeHost;
use super::state::Shared;
use super::task::{Rest, Task, Wait};
use crate::adapter::Adapter;
use crate::app::{App, IntoResponse};
use crate::body::Body;
use crate::ctx::Limit;
use crate::notice::Notice;
use crate::resource::LeaseEnd;

/// One request and what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Exchange(u64);

pub(super) struct Loaded {
    pub(super) table: ModuleTable,
    pub(super) instance: Opaque,
    pub(super) workers: Vec<Option<Opaque>>,
    _host: Arc<HostTable<FakeHost>>,
}

/// A container in the process of a test, with one worker unless told otherwise. Dropped, it shuts down, and panics if the
/// module broke a rule: a response that never ended, operations that were left, a child or a descriptor not given back.
pub struct Container {
    pub(super) shared: Arc<Shared>,
    pub(super) modules: Vec<Loaded>,
    is_closed: bool,
}

/// The table of a module that no library exports.
pub(super) struct Entry<M>(PhantomData<M>);

impl<M: Module> Entry<M> {
    pub(super) const ENTRY: &'static ModuleEntry = &entry::<M>(EntryInfo {
        id: c"test",
        version: c"0",
        description: None,
        config_schema: None,
        flags: 0,
    });
}

impl Container {
    /// An empty container with so many workers; modules come by [`add_app`](Self::add_app) and its like. Workers are driven
    /// in turn by the thread of the test.
    ///
    /// # Panics
    /// The operating system gives no poll set.
    #[must_use]
    pub fn new(workers: u32) -> Self {
        let shared = Shared::new(workers.max(1)).expect("a poll set");
        Self { shared: Arc::new(shared), modules: Vec::new(), is_closed: false }
    }

    /// A container whose module is that handler: an async function, or a closure.
    ///
    /// # Panics
    /// The operating system gives no poll set.
    #[must_use]
    pub fn handler<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Body>) -> F + Send + Sync + 'static,
        F: Future + 'static,
        F::Output: IntoResponse,
    {
        Self::new(1).add_handler(handler)
    }

    /// A container whose module is that application, with its configuration as JSON.
    ///
    /// # Errors
    /// The application refused; the log says why, on the panic message of [`LogLine`]s.
    pub fn app<A: App>(config: &str) -> Result<Self, Refused> {
        Self::new(1).add_app::<A>(config)
    }

    /// Adds a handler at the end of the chain: it answers what the one before dispatches.
    ///
    /// # Panics
    /// Never: a handler has no configuration to refuse.
    #[must_use]
    pub fn add_handler<H, F>(self, handler: H) -> Self
    where
        H: Fn(Request<Body>) -> F + Send + Sync + 'static,
        F: Future + 'static,
        F::Output: IntoResponse,
    {
        let config = shelve(handler);
        self.add_app::<Function<H, F>>(&config).unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// Adds an application at the end of the chain.
    ///
    /// # Errors
    /// The application refused.
    pub fn add_app<A: App>(self, config: &str) -> Result<Self, Refused> {
        self.add_module::<Adapter<A>>(config)
    }

    /// Adds a module that is written against the ABI.
    ///
    /// # Errors
    /// The module refused.
    pub fn add_module<M: Module>(self, config: &str) -> Result<Self, Refused> {
        self.add_entry(Entry::<M>::ENTRY, config)
    }

    /// Adds a module by its entry: what [`module!`](crate::module) exports.
    ///
    /// # Errors
    /// The module refused.
    ///
    /// # Panics
    /// The entry is none.
    pub fn add_entry(mut self, entry: &'static ModuleEntry, config: &str) -> Result<Self, Refused> {
        let number = self.load(entry, config)?;
        self.shared.lock().chain.push(number);
        Ok(self)
    }

    /// Creates a module; its number.
    pub(super) fn load(&mut self, entry: &'static ModuleEntry, config: &str) -> Result<usize, Refused> {
        let table = ModuleTable::from_entry(entry).unwrap_or_else(|error| panic!("{error}"));
        let host = HostTable::new(FakeHost { shared: Arc::clone(&self.shared), module: self.modules.len() });
        let instance = match table.create(host.as_ptr(), config.as_bytes()) {
            Ok(instance) => instance,
            Err(status) => return Err(Refused { status, log: self.log() }),
        };
        let workers = vec![None; self.shared.lock().workers as usize];
        self.modules.push(Loaded { table, instance, workers, _host: host });
        Ok(self.modules.len() - 1)
    }

    /// Sets a limit, before the module that is to see it is added.
    #[must_use]
    pub fn with_limit(self, which: Limit, value: u64) -> Self {
        self.shared.lock().limits.insert(which as u32, value);
        self
    }

    /// How leases were given back so far, in order.
    #[must_use]
    pub fn lease_ends(&self) -> Vec<LeaseEnd> {
        self.shared.lock().resources.ends.iter().filter_map(|&end| LeaseEnd::of(end)).collect()
    }

    /// Sends `GET target` and runs to the end.
    pub fn get(&mut self, target: &str) -> Answer {
        self.send(Request::get(target).body(Bytes::new()).expect("a target"))
    }

    /// Sends a request with its whole body and runs to the end.
    pub fn send<B: Into<Bytes>>(&mut self, request: Request<B>) -> Answer {
        let (head, body) = request.into_parts();
        let body = body.into();
        let exchange = self.begin(&head, Some(body.len() as u64));
        self.feed(exchange, body);
        self.end_body(exchange);
        self.run();
        self.answer(exchange)
    }

    /// Begins an exchange; its body, of unknown length unless the head tells it, is fed by the test. Nothing runs yet.
    ///
    /// # Panics
    /// The head is none.
    pub fn open(&mut self, head: request::Builder) -> Exchange {
        let (head, ()) = head.body(()).expect("a request head").into_parts();
        let length = head.headers.get(CONTENT_LENGTH).map(|value| {
            value.to_str().ok().and_then(|text| text.parse().ok()).expect("content-length is a number")
        });
        self.begin(&head, length)
    }

    fn begin(&mut self, head: &request::Parts, length: Option<u64>) -> Exchange {
        let mut state = self.shared.lock();
        let handle = state.handle();
        let worker = state.take_turn();
        let module = state.chain.first().copied().expect("a module that answers requests");
        let mut task = Task::new(module, worker, task_kind::REQUEST);
        task.request = Some(Arc::new(storage(head, handle, length)));
        if length == Some(0) {
            task.feed.rest = Rest::Ended;
        }
        state.add(handle, task);
        Exchange(handle)
    }

    fn with_body(&mut self, exchange: Exchange, change: impl FnOnce(&mut Task)) {
        let mut state = self.shared.lock();
        // A body that a child took over is fed to the child.
        let mut target = exchange.0;
        while let Some(heir) = state.tasks.get(&target).and_then(|task| task.heir) {
            target = heir;
        }
        let Ok(task) = state.live(target) else { return };
        change(task);
        if task.feed.is_ready() {
            state.fire_where(target, Wait::Body, Status::OK, 0);
        }
    }

    /// A chunk of the request body arrives.
    pub fn feed(&mut self, exchange: Exchange, chunk: impl Into<Bytes>) {
        let chunk = chunk.into();
        self.with_body(exchange, |task| task.feed.chunks.extend((!chunk.is_empty()).then_some(chunk)));
    }

    /// The request body is whole.
    pub fn end_body(&mut self, exchange: Exchange) {
        self.end_body_with(exchange, &HeaderMap::new());
    }

    /// The request body is whole, with trailers.
    pub fn end_body_with(&mut self, exchange: Exchange, trailers: &HeaderMap) {
        self.with_body(exchange, |task| {
            for (name, value) in trailers {
                task.feed.trailers.push(name.as_str().as_bytes(), value.as_bytes());
            }
            task.feed.trailers.seal();
            task.feed.rest = Rest::Ended;
        });
    }

    /// The request body ends before it is whole: `E_PEER`, or `E_LIMIT`.
    pub fn cut_body(&mut self, exchange: Exchange, status: Status) {
        self.with_body(exchange, |task| task.feed.rest = Rest::Cut(status));
    }

    /// From now on the peer takes so many bytes of the response body; `None`: all.
    pub fn set_room(&mut self, exchange: Exchange, room: Option<usize>) {
        let mut state = self.shared.lock();
        let Ok(task) = state.live(exchange.0) else { return };
        task.room = room;
        if room != Some(0) {
            state.fire_where(exchange.0, Wait::Write, Status::OK, 0);
        }
    }

    /// A spurious "call again" for whatever the exchange's body and response wait for. Legal at any time.
    pub fn nudge(&mut self, exchange: Exchange) {
        let mut state = self.shared.lock();
        state.fire_where(exchange.0, Wait::Body, Status::OK, 0);
        state.fire_where(exchange.0, Wait::Write, Status::OK, 0);
    }

    /// The container cancels the task, between its steps, with one of the `CANCELLED_` statuses.
    pub fn cancel(&mut self, exchange: Exchange, reason: Status) {
        self.shared.lock().cancel(exchange.0, reason);
    }

    /// The container tells the task something, if it asked for that.
    pub fn notify(&mut self, exchange: Exchange, notice: Notice) {
        self.shared.lock().notice(exchange.0, notice.bits());
    }

    /// The container drains: every task that asked is told, and no new background task begins.
    pub fn drain(&mut self) {
        let mut state = self.shared.lock();
        state.is_draining = true;
        for task in state.live_handles() {
            state.notice(task, Notice::DRAIN.bits());
        }
    }

    /// What became of the exchange so far.
    ///
    /// # Panics
    /// The exchange is that of another container.
    #[must_use]
    pub fn answer(&self, exchange: Exchange) -> Answer {
        self.shared.lock().tasks.get(&exchange.0).expect("an exchange of this container").answer()
    }

    /// The container's log so far.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        self.shared.lock().log.clone()
    }

    /// What there is, and what was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts()
    }

    /// Shuts down, and checks that everything came back; as dropping does.
    pub fn close(self) {}
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        self.shut_down();
        let state = self.shared.lock();
        if std::thread::panicking() {
            return;
        }
        let counts = state.counts();
        let left = (counts.tasks + counts.members, counts.operations, counts.descriptors, counts.children);
        let faults = state.faults.clone();
        let log = state.log.clone();
        drop(state);
        assert!(faults.is_empty(), "the module broke rules: {faults:?}\nlog: {log:?}");
        assert_eq!(left, (0, 0, 0, 0), "tasks, operations, descriptors and children are left\nlog: {log:?}");
    }
}

/// A module that refused to be created, and what it logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The status of `create`.
    pub status: Status,
    /// The log.
    pub log: Vec<LogLine>,
}

fn storage(head: &request::Parts, id: u64, content_length: Option<u64>) -> RequestStorage {
    let mut storage = RequestStorage::new();
    let buffer = storage.buffer();
    let mut put = |bytes: &[u8]| {
        let start = buffer.len() as u32;
        buffer.extend_from_slice(bytes);
        (start, buffer.len() as u32)
    };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = put(path.as_bytes());
    let question = path.find('?').map(|place| place as u32);
    let spans = RequestSpans {
        method: put(head.method.as_str().as_bytes()),
        target,
        scheme: "http",
        authority: put(b"test.example"),
        path: (target.0, question.map_or(target.1, |place| target.0 + place)),
        query: question.map(|place| (target.0 + place + 1, target.1)),
        protocol: (0, 0),
    };
    let mut fields = Vec::new();
    for (name, value) in &head.headers {
        fields.push((put(name.as_str().as_bytes()), put(value.as_bytes())));
    }
    let mut ip = [0; 16];
    ip[..4].copy_from_slice(&[192, 0, 2, 1]);
    let peer = hc_address { ip, port: 49152, family: address_family::IPV4 };
    let local = hc_address { port: 80, ..peer };
    let version = if head.version == http::Version::HTTP_10 { 10 } else { 11 };
    let facts = RequestFacts { id, version, content_length, deadline_ns: None, peer, local, tls: None };
    storage.seal(&spans, fields.into_iter(), facts);
    storage
}
