//! A module that writes down each callback, for tests that play its container.

use std::cell::RefCell;
use std::sync::Arc;

use http_container_abi::constants::task_kind;
use http_container_abi::{
    EntryInfo, Event, HostRef, HostTable, Module, ModuleEntry, ModuleTable, Opaque, RequestFacts,
    RequestSpans, RequestStorage, Start, Status, TlsFacts, TlsStorage, entry, hc_address,
};

use super::fake_host::FakeHost;

thread_local! {
    /// What the module saw, and the host that it was given.
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static HOST: RefCell<Option<HostRef>> = const { RefCell::new(None) };
}

pub fn saw(line: String) {
    SEEN.with_borrow_mut(|seen| seen.push(line));
}

pub fn take_seen() -> Vec<String> {
    SEEN.take()
}

/// A module that writes down each callback; a callback that finds its name in the configuration panics.
pub struct Recorder {
    panics_in: String,
}

impl Recorder {
    fn step(&self, name: &str, line: String) {
        saw(line);
        assert!(self.panics_in != name, "told to panic in {name}");
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        saw("destroy".into());
        assert!(self.panics_in != "destroy", "told to panic in destroy");
    }
}

impl Module for Recorder {
    type Worker = String;
    type Task = Vec<u64>;

    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status> {
        let panics_in = String::from_utf8(config.to_vec()).map_err(|_| Status::E_CONFIG)?;
        saw(format!("create {panics_in}"));
        assert!(panics_in != "create", "told to panic in create");
        HOST.set(Some(host));
        match panics_in.as_str() {
            "refuse" => Err(Status::E_CONFIG),
            "refuse with ok" => Err(Status::OK),
            _ => Ok(Recorder { panics_in }),
        }
    }

    fn worker_start(&self, worker: u32) -> Result<String, Status> {
        self.step("worker_start", format!("worker_start {worker}"));
        Ok(format!("worker {worker}"))
    }

    fn worker_stop(&self, worker: String) {
        self.step("worker_stop", format!("worker_stop {worker}"));
    }

    fn start(&self, worker: &String, task: u64, start: Start<'_>) -> (Status, Option<Box<Vec<u64>>>) {
        let arg = start.arg.map(|arg| *arg.downcast::<String>().unwrap());
        let (kind, leases) = (start.kind, start.leases);
        self.step("start", format!("start {worker} {task} {kind} {:?} {arg:?} {leases:?}", start.request));
        match kind {
            task_kind::MEMBER => (Status::E_UNSUPPORTED, None),
            _ => (Status::YIELD, Some(Box::new(vec![task]))),
        }
    }

    fn resume(&self, worker: &String, task: u64, state: &mut Vec<u64>, events: &[Event]) -> Status {
        state.extend(events.iter().map(|event| event.token));
        self.step("resume", format!("resume {worker} {task} {state:?}"));
        Status::DONE
    }

    fn finish(
        &self,
        worker: &String,
        task: u64,
        state: Option<Box<Vec<u64>>>,
        outcome: Status,
        unseen: &[Event],
    ) {
        let kinds: Vec<_> = unseen.iter().map(|event| event.kind).collect();
        self.step("finish", format!("finish {worker} {task} {state:?} {outcome:?} {kinds:?}"));
    }
}

pub const INFO: EntryInfo = EntryInfo {
    id: c"org.example.recorder",
    version: c"1.2.3",
    description: Some(c"Writes down what happens"),
    config_schema: None,
    flags: 0,
};
pub static ENTRY: ModuleEntry = entry::<Recorder>(INFO);

pub fn table() -> ModuleTable {
    ModuleTable::from_entry(&ENTRY).expect("a Rust module's entry is valid")
}

/// An instance on a fake host, and the module's view of that host.
pub fn instance(config: &str) -> (Arc<HostTable<FakeHost>>, Opaque, HostRef) {
    let host = HostTable::new(FakeHost::new());
    let made = table().create(host.as_ptr(), config.as_bytes()).expect("the instance is made");
    (host, made, HOST.take().expect("create has run"))
}

/// A request head with all parts.
pub fn request() -> RequestStorage {
    let mut storage = RequestStorage::new();
    storage.buffer().extend_from_slice(b"GET /a?b HTTP/1.1\r\nhost: h\r\n");
    let spans = RequestSpans {
        method: (0, 3),
        target: (4, 8),
        scheme: "https",
        authority: (25, 26),
        path: (4, 6),
        query: Some((7, 8)),
        protocol: (0, 0),
    };
    let address = hc_address { ip: [7; 16], port: 80, family: 6 };
    let tls =
        TlsStorage::new(TlsFacts { version: 0x0304, server_name: (*b"h").into(), ..TlsFacts::default() });
    let facts = RequestFacts {
        id: 42,
        version: 11,
        content_length: None,
        deadline_ns: Some(9),
        peer: address,
        local: address,
        tls: Some(tls),
    };
    storage.seal(&spans, [((19, 23), (25, 26))].into_iter(), facts);
    storage
}
