//! The fake host's side of the resource extensions: each call is written down, and what is answered was stored before.

use std::sync::Mutex;

use http_container_abi::{
    KvHost, KvRequestView, LimitHost, MemberRequestStorage, NamesStorage, NamesView, OffloadHost, Opaque,
    PoolHost, ProviderHost, RawMemberRequest, RawMessage, RawNames, RawOutcome, RawReply, RawRows,
    ResultView, RowsStorage, SqlHost, SqlValue, SqlValues, StatementView, Status, Usage, Work, hc_bytes,
};

use super::fake_host::{FakeHost, text};

/// What the fake host answers.
pub struct Answers {
    /// The names of every answer's columns.
    pub names: NamesStorage,
    /// The rows of every answer: two, of two columns.
    pub rows: RowsStorage,
    /// The request to every member.
    pub request: Mutex<MemberRequestStorage>,
}

impl Answers {
    pub fn new() -> Answers {
        let mut names = NamesStorage::new();
        names.copy_names([&b"id"[..], b"name"].into_iter());
        let mut rows = RowsStorage::new();
        rows.begin(2);
        for value in [SqlValue::Int64(1), SqlValue::Text("one"), SqlValue::Null, SqlValue::Bytes(b"\xff")] {
            rows.push_value(value);
        }
        let values = [SqlValue::Bool(true), SqlValue::Text("v")];
        let request = Mutex::new(MemberRequestStorage::new_statement("SELECT $1, $2", 1, &values));
        Answers { names, rows, request }
    }
}

impl SqlHost for FakeHost {
    fn sql_query(&self, task: u64, lease: u64, token: u64, statement: &StatementView<'_>) -> Status {
        let StatementView { flags, text, values } = statement;
        self.note(format!("sql_query({task}, {lease}, {token}, {flags}, {text}, {values:?})"))
    }
    fn sql_columns(&self, task: u64, lease: u64) -> Result<RawNames, Status> {
        self.result(format!("sql_columns({task}, {lease})"), self.answers.names.raw())
    }
    fn sql_rows(&self, task: u64, lease: u64, token: u64) -> Result<RawRows, Status> {
        self.result(format!("sql_rows({task}, {lease}, {token})"), self.answers.rows.raw())
    }
    fn sql_outcome(&self, task: u64, lease: u64) -> Result<RawOutcome, Status> {
        let (code, message) = (hc_bytes::of(b"23505"), hc_bytes::of(b"there is one already"));
        let outcome = RawOutcome { status: Status::E_FAILED, affected: 3, code, message };
        self.result(format!("sql_outcome({task}, {lease})"), outcome)
    }
    fn sql_transaction(&self, task: u64, lease: u64, token: u64, what: u32) -> Status {
        self.note(format!("sql_transaction({task}, {lease}, {token}, {what})"))
    }
}

impl KvHost for FakeHost {
    fn kv_run(&self, task: u64, lease: u64, token: u64, request: &KvRequestView<'_>) -> Status {
        let KvRequestView { operation, flags, key, value, expected, number, ttl_ms } = *request;
        let (key, value, expected) = (text(key), text(value), text(expected));
        self.note(format!(
            "kv_run({task}, {lease}, {token}, {operation}, {flags}, {key}, {value}, {expected}, {number}, {ttl_ms})"
        ))
    }
    fn kv_reply(&self, task: u64, lease: u64) -> Result<RawReply, Status> {
        let reply = RawReply { found: 1, value: hc_bytes::of(b"stored"), number: -7, ttl_ms: 9 };
        self.result(format!("kv_reply({task}, {lease})"), reply)
    }
    fn kv_message(&self, task: u64, lease: u64, token: u64) -> Result<RawMessage, Status> {
        let message = RawMessage { channel: hc_bytes::of(b"news"), value: hc_bytes::of(b"told") };
        self.result(format!("kv_message({task}, {lease}, {token})"), message)
    }
}

impl PoolHost for FakeHost {
    fn pool_object(&self, task: u64, lease: u64, type_name: &[u8]) -> Result<Opaque, Status> {
        self.result(format!("pool_object({task}, {lease}, {})", text(type_name)), Opaque::of_number(4096))
    }
}

impl LimitHost for FakeHost {
    fn limit_usage(&self, resource: u32) -> Result<Usage, Status> {
        let usage = Usage { max: 4, in_use: 3, idle: 1, waiting: 2, available: true };
        self.result(format!("limit_usage({resource})"), usage)
    }
}

impl OffloadHost for FakeHost {
    fn offload_run(&self, task: u64, token: u64, work: Work) -> Result<(), (Status, Work)> {
        match self.note(format!("offload_run({task}, {token})")) {
            Status::OK => {
                self.works.lock().unwrap().push(work);
                Ok(())
            }
            other => Err((other, work)),
        }
    }
}

impl ProviderHost for FakeHost {
    fn provider_offer(&self, interface: &[u8]) -> Status {
        self.note(format!("provider_offer({})", text(interface)))
    }
    fn provider_ready(&self, task: u64) -> Status {
        self.note(format!("provider_ready({task})"))
    }
    fn provider_explain(&self, task: u64, reason: &[u8]) -> Status {
        self.note(format!("provider_explain({task}, {})", text(reason)))
    }
    fn provider_object(&self, task: u64, type_name: &[u8], object: Opaque) -> Status {
        self.note(format!("provider_object({task}, {}, {})", text(type_name), object.number()))
    }
    fn provider_next(&self, task: u64, token: u64) -> Result<RawMemberRequest, Status> {
        let request = self.answers.request.lock().unwrap().raw();
        self.result(format!("provider_next({task}, {token})"), request)
    }
    fn provider_columns(&self, task: u64, names: NamesView<'_>) -> Status {
        self.note(format!("provider_columns({task}, {names:?})"))
    }
    fn provider_rows(&self, task: u64, token: u64, values: SqlValues<'_>) -> (Status, usize) {
        (self.note(format!("provider_rows({task}, {token}, {values:?})")), values.len() / 2)
    }
    fn provider_message(&self, task: u64, channel: &[u8], value: &[u8]) -> Status {
        self.note(format!("provider_message({task}, {}, {})", text(channel), text(value)))
    }
    fn provider_done(&self, task: u64, result: &ResultView<'_>) -> Status {
        let ResultView { status, flags, affected, code, message, reply } = *result;
        let reply = reply.map(|reply| (reply.found, text(reply.value), reply.number, reply.ttl_ms));
        let (code, message) = (text(code), text(message));
        self.note(format!(
            "provider_done({task}, {status:?}, {flags}, {affected}, {code}, {message}, {reply:?})"
        ))
    }
}
