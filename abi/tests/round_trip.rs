//! Both safe sides against each other through the real vtables, in one process: what a module says arrives at the host as it
//! was said, and what the host answers arrives at the module. No unsafe code is needed for it.
#![forbid(unsafe_code)]

mod support;

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use http_container_abi::constants::{dispatch_flag, event_kind, fd_interest, lease_end, task_kind};
use http_container_abi::{
    ChildOptions, EntryInfo, Event, Field, HostRef, HostTable, Module, ModuleEntry, ModuleTable, Opaque,
    RequestFacts, RequestSpans, RequestStorage, Response, Start, StartArgs, Status, TlsFacts, TlsStorage,
    entry, hc_address,
};
use support::fake_host::FakeHost;

thread_local! {
    /// What the module saw, and the host that it was given.
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static HOST: RefCell<Option<HostRef>> = const { RefCell::new(None) };
}

fn saw(line: String) {
    SEEN.with_borrow_mut(|seen| seen.push(line));
}

fn take_seen() -> Vec<String> {
    SEEN.take()
}

/// A module that writes down each callback; a callback that finds its name in the configuration panics.
struct Recorder {
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

const INFO: EntryInfo = EntryInfo {
    id: c"org.example.recorder",
    version: c"1.2.3",
    description: Some(c"Writes down what happens"),
    config_schema: None,
    flags: 0,
};
static ENTRY: ModuleEntry = entry::<Recorder>(INFO);

fn table() -> ModuleTable {
    ModuleTable::from_entry(&ENTRY).expect("a Rust module's entry is valid")
}

/// An instance on a fake host, and the module's view of that host.
fn instance(config: &str) -> (Arc<HostTable<FakeHost>>, Opaque, HostRef) {
    let host = HostTable::new(FakeHost::new());
    let made = table().create(host.as_ptr(), config.as_bytes()).expect("the instance is made");
    (host, made, HOST.take().expect("create has run"))
}

fn request() -> RequestStorage {
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

#[test]
fn a_task_lives_and_ends() {
    let (_host, made, _) = instance("{}");
    let worker = table().worker_start(made, 5).unwrap();
    let request = request();
    let args =
        StartArgs { kind: task_kind::REQUEST, request: Some(&request), arg: Opaque::NULL, leases: &[8, 9] };
    let (status, state) = table().start(made, worker, 11, &args);
    assert_eq!(status, Status::YIELD);
    let events = [Event::timer(21, 1), Event::ready(event_kind::BODY, 22)];
    assert_eq!(table().resume(made, worker, 11, state, &events), Status::DONE);
    table().finish(made, worker, 11, state, Status::CANCELLED_PEER, &[Event::notice(1)]);
    table().worker_stop(made, worker);
    table().destroy(made);
    assert_eq!(
        take_seen(),
        [
            "create {}",
            "worker_start 5",
            "start worker 5 11 1 Some(request 42: GET /a?b [host: h]) None [8, 9]",
            "resume worker 5 11 [11, 21, 22]",
            "finish worker 5 11 Some([11, 21, 22]) HC_CANCELLED_PEER(-101) [6]",
            "worker_stop worker 5",
            "destroy",
        ]
    );
}

#[test]
fn the_entry_tells_about_the_module() {
    let info = table().info();
    assert_eq!((info.id, info.version, info.abi), ("org.example.recorder", "1.2.3", (1, 0)));
    assert_eq!((info.description, info.config_schema), (Some("Writes down what happens"), None));
    assert_eq!(
        info.flags,
        http_container_abi::constants::module_flag::THREAD_BOUND,
        "states need not be Send"
    );
    assert!(table().has_resume());
}

#[test]
fn a_panic_in_any_callback_becomes_its_closed_value() {
    let logged = |host: &HostTable<FakeHost>, name: &str, task: u64| {
        let expect = format!("log({task}, 1, panic in {name}: told to panic in {name})");
        assert_eq!(host.host().take_calls(), [expect]);
    };
    let host = HostTable::new(FakeHost::new());
    assert_eq!(table().create(host.as_ptr(), b"create"), Err(Status::E_PANIC));
    logged(&host, "create", 0);

    let (host, made, _) = instance("worker_start");
    assert_eq!(table().worker_start(made, 0), Err(Status::E_PANIC));
    logged(&host, "worker_start", 0);
    table().destroy(made);

    for name in ["start", "resume", "finish", "worker_stop", "destroy"] {
        let (host, made, _) = instance(name);
        let worker = table().worker_start(made, 0).unwrap();
        let args = StartArgs { kind: task_kind::REQUEST, request: None, arg: Opaque::NULL, leases: &[] };
        let (status, state) = table().start(made, worker, 6, &args);
        assert_eq!(status, if name == "start" { Status::E_PANIC } else { Status::YIELD });
        if name != "start" {
            let status = table().resume(made, worker, 6, state, &[Event::timer(1, 1)]);
            assert_eq!(status, if name == "resume" { Status::E_PANIC } else { Status::DONE });
        }
        table().finish(made, worker, 6, state, status, &[]);
        table().worker_stop(made, worker);
        table().destroy(made);
        let task = if matches!(name, "start" | "resume" | "finish") { 6 } else { 0 };
        logged(&host, name, task);
    }
}

#[test]
fn a_refusal_in_create_is_told_and_is_never_ok() {
    let host = HostTable::new(FakeHost::new());
    assert_eq!(table().create(host.as_ptr(), b"refuse"), Err(Status::E_CONFIG));
    assert_eq!(table().create(host.as_ptr(), b"refuse with ok"), Err(Status::E_FAILED));
}

#[test]
fn a_task_without_a_state_is_not_resumed() {
    let (_host, made, _) = instance("{}");
    let worker = table().worker_start(made, 0).unwrap();
    let args = StartArgs { kind: task_kind::MEMBER, request: None, arg: Opaque::NULL, leases: &[] };
    assert_eq!(table().start(made, worker, 1, &args), (Status::E_UNSUPPORTED, Opaque::NULL));
    assert_eq!(table().resume(made, worker, 1, Opaque::NULL, &[Event::timer(1, 1)]), Status::E_INVALID);
    table().finish(made, worker, 1, Opaque::NULL, Status::E_UNSUPPORTED, &[]);
    assert_eq!(take_seen().last().unwrap(), "finish worker 0 1 None HC_E_UNSUPPORTED(-10) []");
    table().worker_stop(made, worker);
    table().destroy(made);
}

#[test]
fn what_is_spawned_arrives_once_and_comes_back_when_refused() {
    let (host, made, host_ref) = instance("{}");
    assert_eq!(host_ref.spawn(2, Box::new("first".to_owned())).unwrap(), 601);
    host.host().answer(Status::E_LIMIT);
    let (status, back) = host_ref.spawn(2, Box::new("second".to_owned())).unwrap_err();
    assert_eq!((status, back.downcast_ref::<String>().unwrap().as_str()), (Status::E_LIMIT, "second"));

    let arg = host.host().spawned.lock().unwrap().pop().unwrap();
    let worker = table().worker_start(made, 0).unwrap();
    let args = StartArgs { kind: task_kind::BACKGROUND, request: None, arg, leases: &[] };
    let (_, state) = table().start(made, worker, 601, &args);
    assert_eq!(take_seen().last().unwrap(), "start worker 0 601 2 None Some(\"first\") []");
    table().finish(made, worker, 601, state, Status::OK, &[]);
    table().worker_stop(made, worker);
    table().destroy(made);
}

/// A host call by the name that the fake host writes down, and what the module was answered, as text.
type Call = (&'static str, fn(HostRef) -> String);

const FIELDS: &[Field<'static>] = &[Field::new(b"a", b"b")];
const RESPONSE: Response<'static> =
    Response { status: 200, fields: FIELDS, body: b"hi", content_length: Some(3) };

/// Calls that answer a status: recorded call, and the call.
const CALLS: &[Call] = &[
    ("body_read(1, 2)", |host| format!("{:?}", host.body_read(1, 2, <[u8]>::to_vec))),
    ("body_trailers(1)", |host| format!("{:?}", host.body_trailers(1, |fields| format!("{fields:?}")))),
    ("respond(1, 200 [a: b] \"hi\" 3)", |host| format!("{:?}", host.respond(1, &RESPONSE))),
    ("inform(1, 103, [a: b])", |host| format!("{:?}", host.inform(1, 103, FIELDS))),
    ("response_start(1, 204 [] \"\" 18446744073709551615)", |host| {
        format!("{:?}", host.response_start(1, &Response { status: 204, ..Response::default() }))
    }),
    ("response_write(1, 2, data)", |host| format!("{:?}", host.response_write(1, 2, b"data"))),
    ("response_end(1, [a: b])", |host| format!("{:?}", host.response_end(1, FIELDS))),
    ("abort(1)", |host| format!("{:?}", host.abort(1))),
    ("completion(1, 2)", |host| format!("{:?}", host.completion(1, 2))),
    ("complete(3, HC_E_IO(-22), 4)", |host| format!("{:?}", host.complete(3, Status::E_IO, 4))),
    ("timer(1, 2, 3)", |host| format!("{:?}", host.timer(1, 2, 3))),
    ("cancel(1, 2)", |host| format!("{:?}", host.cancel(1, 2).0)),
    ("notices(1, 3)", |host| format!("{:?}", host.notices(1, 3))),
    ("task_cancel(1)", |host| format!("{:?}", host.task_cancel(1))),
    ("resource(db, hc.sql/1)", |host| format!("{:?}", host.resource(c"db", c"hc.sql/1"))),
    ("acquire(1, 2, [4, 5], 6)", |host| {
        let mut leases = [1; 2];
        let status = host.acquire(1, 2, &[4, 5], 6, &mut leases);
        format!("{status:?} {leases:?}")
    }),
    ("release(1, 2, 1)", |host| format!("{:?}", host.release(1, 2, lease_end::DIRTY))),
    ("fd_add(7)", |host| format!("{:?}", host.fd().unwrap().add(7))),
    ("fd_wait(1, 2, 3, 2)", |host| format!("{:?}", host.fd().unwrap().wait(1, 2, 3, fd_interest::WRITE))),
    ("fd_remove(3)", |host| format!("{:?}", host.fd().unwrap().remove(3))),
    ("dispatch_open(1, 2, 1, None, body)", |host| {
        let options = ChildOptions { flags: dispatch_flag::ROUTE, request: None, body: b"body" };
        format!("{:?}", host.dispatch().unwrap().open(1, 2, &options))
    }),
    ("dispatch_open(1, 2, 0, Some(\"/a\"), )", |host| {
        let (request, flags) = (request(), 0);
        let options = ChildOptions { flags, request: Some(&request), body: b"" };
        format!("{:?}", host.dispatch().unwrap().open(1, 2, &options))
    }),
    ("dispatch_head(1, 2)", |host| {
        format!("{:?}", host.dispatch().unwrap().head(1, 2, |head| format!("{head:?}")))
    }),
    ("dispatch_read(1, 2, 3)", |host| {
        format!("{:?}", host.dispatch().unwrap().read(1, 2, 3, <[u8]>::to_vec))
    }),
    ("dispatch_trailers(1, 2)", |host| {
        format!("{:?}", host.dispatch().unwrap().trailers(1, 2, |fields| format!("{fields:?}")))
    }),
    ("dispatch_close(1, 2)", |host| format!("{:?}", host.dispatch().unwrap().close(1, 2))),
];

/// What the module is answered by each of `CALLS` when the host says HC_OK, where that is more than the status.
const ANSWERS: &[(&str, &str)] = &[
    ("body_read(1, 2)", "Ok([99, 104, 117, 110, 107])"),
    ("body_trailers(1)", "Ok(\"[x-one: 1, x-two: ]\")"),
    ("response_write(1, 2, data)", "(HC_OK(0), 4)"),
    ("completion(1, 2)", "Ok(501)"),
    ("resource(db, hc.sql/1)", "Ok(701)"),
    ("acquire(1, 2, [4, 5], 6)", "HC_OK(0) [800, 801]"),
    ("fd_add(7)", "Ok(901)"),
    ("dispatch_open(1, 2, 1, None, body)", "(HC_OK(0), 1001)"),
    ("dispatch_open(1, 2, 0, Some(\"/a\"), )", "(HC_OK(0), 1001)"),
    (
        "dispatch_head(1, 2)",
        "Ok(\"ChildHead { status: 203, fields: [x-one: 1, x-two: ], content_length: Some(5) }\")",
    ),
    ("dispatch_read(1, 2, 3)", "Ok([99, 104, 117, 110, 107])"),
    ("dispatch_trailers(1, 2)", "Ok(\"[x-one: 1, x-two: ]\")"),
];

fn recorded(host: &HostTable<FakeHost>) -> Vec<String> {
    let mut calls = host.host().take_calls();
    calls.retain(|call| !call.starts_with("extension("));
    calls
}

#[test]
fn every_call_arrives_and_its_answer_comes_back() {
    let (host, made, host_ref) = instance("{}");
    for (name, call) in CALLS {
        let answer = call(host_ref);
        assert_eq!(recorded(&host), [*name]);
        let expect = ANSWERS.iter().find(|(of, _)| of == name).map_or("HC_OK(0)", |(_, expect)| expect);
        assert_eq!(answer, expect, "{name}");
    }
    table().destroy(made);
}

#[test]
fn every_refusal_comes_back_and_writes_nothing() {
    let (host, made, host_ref) = instance("{}");
    host.host().answer(Status::E_BUSY);
    for (name, call) in CALLS {
        let answer = call(host_ref);
        assert_eq!(recorded(&host), [*name]);
        let expect = match name.split('(').next().unwrap() {
            "response_write" | "dispatch_open" => "(HC_E_BUSY(-5), 0)",
            "acquire" => "HC_E_BUSY(-5) [1, 1]",
            "body_read" | "body_trailers" | "completion" | "resource" | "fd_add" | "dispatch_head"
            | "dispatch_read" | "dispatch_trailers" => "Err(HC_E_BUSY(-5))",
            _ => "HC_E_BUSY(-5)",
        };
        assert_eq!(answer, expect, "{name}");
    }
    assert_eq!(host_ref.refusal(), Some(("a.rule".into(), "A sentence.".into())));
    table().destroy(made);
}

#[test]
fn a_panic_of_the_host_stays_on_its_side() {
    let (host, made, host_ref) = instance("{}");
    for (name, call) in CALLS {
        let function = name.split('(').next().unwrap();
        *host.host().panics_in.lock().unwrap() = function;
        let answer = call(host_ref);
        assert!(answer.contains("HC_E_FAILED(-1)"), "{name}: {answer}");
        let calls = recorded(&host);
        assert!(calls[1].ends_with(&format!(": the fake host was told to panic in {function}")), "{calls:?}");
        assert!(calls[1].starts_with("panicked "), "{calls:?}");
    }
    table().destroy(made);
}

#[test]
fn calls_without_a_status_answer_too() {
    let (host, made, host_ref) = instance("{}");
    host_ref.log(4, 2, "line");
    let answers = (host_ref.now(), host_ref.worker_index(), host_ref.worker_count(), host_ref.limit(1));
    assert_eq!(answers, (77, 3, 8, 64));
    assert_eq!(recorded(&host), ["log(4, 2, line)", "now()", "worker_index()", "worker_count()", "limit(1)"]);
    assert_eq!(host_ref.refusal(), None);
    host.host().answer(Status::E_TOO_LATE);
    assert_eq!(host_ref.cancel(1, 2), (Status::E_TOO_LATE, Some(Event::completion(2, Status::E_IO, 5))));
    table().destroy(made);
}

#[test]
fn no_read_begins_while_a_chunk_is_looked_at() {
    let (host, made, host_ref) = instance("{}");
    let dispatch = host_ref.dispatch().unwrap();
    let inner = host_ref.body_read(1, 2, |_| {
        let again = host_ref.body_read(1, 2, |_| ()).unwrap_err();
        let child = dispatch.read(1, 2, 3, |_| ()).unwrap_err();
        (again, child, dispatch.close(1, 2), host_ref.respond(1, &RESPONSE))
    });
    assert_eq!(inner, Ok((Status::E_STATE, Status::E_STATE, Status::E_STATE, Status::OK)));
    let unwound = std::panic::catch_unwind(|| host_ref.body_read(1, 2, |_| panic!("in the look")));
    assert_eq!(
        unwound.err().and_then(|payload: Box<dyn Any + Send>| payload.downcast().ok()),
        Some(Box::new("in the look"))
    );
    assert_eq!(host_ref.body_read(1, 2, <[u8]>::len), Ok(5), "the look ended with the panic");
    table().destroy(made);
    drop(host);
}
