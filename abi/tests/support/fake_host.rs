//! A host that writes down each call with its arguments and gives the answers that the test set before.

use std::sync::Mutex;

use http_container_abi::constants::{
    DISPATCH_ID, FD_ID, KV_ID, LENGTH_UNKNOWN, LIMIT_ID, OFFLOAD_ID, POOL_ID, PROVIDER_ID, SQL_ID,
};
use http_container_abi::{
    BoundaryRefusal, DispatchHost, DispatchOptionsView, Event, ExtensionTable, FdHost, FieldStorage,
    FieldsView, Host, Opaque, RawFields, Read, Refusal, ResponseHead, ResponseView, Status, Work,
    dispatch_table, fd_table, hc_bytes, kv_table, limit_table, offload_table, pool_table, provider_table,
    sql_table,
};

use super::fake_resources::Answers;

/// The answers, and what was called.
pub struct FakeHost {
    /// A line per call.
    pub calls: Mutex<Vec<String>>,
    /// What each call with a status answers.
    pub status: Mutex<Status>,
    /// What `before_arguments` answers.
    pub before: Mutex<Status>,
    /// The name of a call that panics.
    pub panics_in: Mutex<&'static str>,
    /// The chunk of every read.
    pub chunk: Vec<u8>,
    /// The fields of every answer with fields.
    pub fields: FieldStorage,
    /// What was spawned.
    pub spawned: Mutex<Vec<Opaque>>,
    /// What `before_lease_arguments` answers.
    pub before_lease: Mutex<Status>,
    /// What the resource extensions answer.
    pub answers: Answers,
    /// The work that was queued.
    pub works: Mutex<Vec<Work>>,
}

impl FakeHost {
    pub fn new() -> FakeHost {
        let mut fields = FieldStorage::new();
        fields.push(b"x-one", b"1");
        fields.push(b"x-two", b"");
        fields.seal();
        FakeHost {
            calls: Mutex::default(),
            status: Mutex::new(Status::OK),
            before: Mutex::new(Status::OK),
            panics_in: Mutex::new(""),
            chunk: b"chunk".to_vec(),
            fields,
            spawned: Mutex::default(),
            before_lease: Mutex::new(Status::OK),
            answers: Answers::new(),
            works: Mutex::default(),
        }
    }

    /// The calls since the last look.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub fn answer(&self, status: Status) {
        *self.status.lock().unwrap() = status;
    }

    pub fn note(&self, call: String) -> Status {
        let panics_in = *self.panics_in.lock().unwrap();
        let name = call.split(['(', ' ']).next().unwrap().to_owned();
        self.calls.lock().unwrap().push(call);
        assert!(name != panics_in, "the fake host was told to panic in {name}");
        *self.status.lock().unwrap()
    }

    pub fn result<T>(&self, call: String, value: T) -> Result<T, Status> {
        match self.note(call) {
            Status::OK => Ok(value),
            other => Err(other),
        }
    }

    fn read(&self, call: String) -> Read {
        match self.note(call) {
            Status::OK => Read::chunk(&self.chunk),
            other => Read::none(other),
        }
    }
}

pub fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn shown(response: &ResponseView<'_>) -> String {
    let length = response.content_length.unwrap_or(LENGTH_UNKNOWN);
    format!("{} {:?} {:?} {length}", response.status, response.fields, text(response.body))
}

impl Host for FakeHost {
    fn extension(&self, id: &[u8]) -> Option<ExtensionTable> {
        self.note(format!("extension({})", text(id)));
        Some(match str::from_utf8(id).ok()? {
            FD_ID => ExtensionTable::of(fd_table::<FakeHost>()),
            DISPATCH_ID => ExtensionTable::of(dispatch_table::<FakeHost>()),
            SQL_ID => ExtensionTable::of(sql_table::<FakeHost>()),
            KV_ID => ExtensionTable::of(kv_table::<FakeHost>()),
            POOL_ID => ExtensionTable::of(pool_table::<FakeHost>()),
            LIMIT_ID => ExtensionTable::of(limit_table::<FakeHost>()),
            OFFLOAD_ID => ExtensionTable::of(offload_table::<FakeHost>()),
            PROVIDER_ID => ExtensionTable::of(provider_table::<FakeHost>()),
            _ => return None,
        })
    }
    fn log(&self, task: u64, level: u32, line: &[u8]) {
        self.note(format!("log({task}, {level}, {})", text(line)));
    }
    fn now(&self) -> u64 {
        self.note("now()".into());
        77
    }
    fn worker_index(&self) -> u32 {
        self.note("worker_index()".into());
        3
    }
    fn worker_count(&self) -> u32 {
        self.note("worker_count()".into());
        8
    }
    fn limit(&self, which: u32) -> u64 {
        self.note(format!("limit({which})"));
        64
    }
    fn refusal(&self) -> Option<Refusal> {
        let status = *self.status.lock().unwrap();
        status
            .is_error()
            .then(|| Refusal { rule: hc_bytes::of(b"a.rule"), text: hc_bytes::of(b"A sentence.") })
    }
    fn body_read(&self, task: u64, token: u64) -> Read {
        self.read(format!("body_read({task}, {token})"))
    }
    fn body_trailers(&self, task: u64) -> Result<RawFields, Status> {
        self.result(format!("body_trailers({task})"), self.fields.raw())
    }
    fn respond(&self, task: u64, response: &ResponseView<'_>) -> Status {
        self.note(format!("respond({task}, {})", shown(response)))
    }
    fn inform(&self, task: u64, status: u32, fields: FieldsView<'_>) -> Status {
        self.note(format!("inform({task}, {status}, {fields:?})"))
    }
    fn response_start(&self, task: u64, response: &ResponseView<'_>) -> Status {
        self.note(format!("response_start({task}, {})", shown(response)))
    }
    fn response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        (self.note(format!("response_write({task}, {token}, {})", text(data))), data.len())
    }
    fn response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status {
        self.note(format!("response_end({task}, {trailers:?})"))
    }
    fn abort(&self, task: u64) -> Status {
        self.note(format!("abort({task})"))
    }
    fn completion(&self, task: u64, token: u64) -> Result<u64, Status> {
        self.result(format!("completion({task}, {token})"), 501)
    }
    fn complete(&self, completion: u64, status: Status, value: u64) -> Status {
        self.note(format!("complete({completion}, {status:?}, {value})"))
    }
    fn timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        self.note(format!("timer({task}, {token}, {delay_ns})"))
    }
    fn cancel(&self, task: u64, token: u64) -> (Status, Option<Event>) {
        let status = self.note(format!("cancel({task}, {token})"));
        (status, (status == Status::E_TOO_LATE).then(|| Event::completion(token, Status::E_IO, 5)))
    }
    fn notices(&self, task: u64, mask: u32) -> Status {
        self.note(format!("notices({task}, {mask})"))
    }
    fn spawn(&self, worker: u32, arg: Opaque) -> Result<u64, Status> {
        self.result(format!("spawn({worker})"), 601).inspect(|_| self.spawned.lock().unwrap().push(arg))
    }
    fn task_cancel(&self, task: u64) -> Status {
        self.note(format!("task_cancel({task})"))
    }
    fn resource(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status> {
        self.result(format!("resource({}, {})", text(name), text(interface)), 701)
    }
    fn acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        assert!(leases.iter().all(|&lease| lease == 0) && leases.len() == resources.len());
        leases.iter_mut().zip(800..).for_each(|(lease, number)| *lease = number);
        self.note(format!("acquire({task}, {token}, {resources:?}, {timeout_ns})"))
    }
    fn release(&self, task: u64, lease: u64, how: u32) -> Status {
        self.note(format!("release({task}, {lease}, {how})"))
    }
    fn lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable> {
        self.note(format!("lease_interface({task}, {lease})"));
        None
    }
    fn before_arguments(&self, task: u64, call: &'static str) -> Status {
        let _ = (task, call);
        *self.before.lock().unwrap()
    }
    fn before_lease_arguments(&self, task: u64, lease: u64, call: &'static str) -> Status {
        let _ = (task, lease, call);
        *self.before_lease.lock().unwrap()
    }
    fn refused(&self, task: u64, call: &'static str, refusal: &BoundaryRefusal) {
        self.calls.lock().unwrap().push(format!("refused {task} {call} [{}]", refusal.rule));
    }
    fn panicked(&self, call: &'static str, message: &str) {
        self.calls.lock().unwrap().push(format!("panicked {call}: {message}"));
    }
}

impl FdHost for FakeHost {
    fn fd_add(&self, fd: i32) -> Result<u64, Status> {
        self.result(format!("fd_add({fd})"), 901)
    }
    fn fd_wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        self.note(format!("fd_wait({task}, {token}, {handle}, {interest})"))
    }
    fn fd_remove(&self, handle: u64) -> Status {
        self.note(format!("fd_remove({handle})"))
    }
}

impl DispatchHost for FakeHost {
    fn dispatch_open(&self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64) {
        let request = options.request.map(|request| text(request.path()));
        let (flags, body) = (options.flags, text(options.body));
        (self.note(format!("dispatch_open({task}, {token}, {flags}, {request:?}, {body})")), 1001)
    }
    fn dispatch_head(&self, task: u64, child: u64) -> Result<ResponseHead, Status> {
        let head = ResponseHead { status: 203, fields: self.fields.raw(), content_length: Some(5) };
        self.result(format!("dispatch_head({task}, {child})"), head)
    }
    fn dispatch_read(&self, task: u64, child: u64, token: u64) -> Read {
        self.read(format!("dispatch_read({task}, {child}, {token})"))
    }
    fn dispatch_trailers(&self, task: u64, child: u64) -> Result<RawFields, Status> {
        self.result(format!("dispatch_trailers({task}, {child})"), self.fields.raw())
    }
    fn dispatch_close(&self, task: u64, child: u64) -> Status {
        self.note(format!("dispatch_close({task}, {child})"))
    }
}
