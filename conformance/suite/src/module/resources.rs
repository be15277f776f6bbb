//! Named resources and leases as the kit's host sees them. Pure data; must not know which call changes it.

use super::kv_store::KvRequest;
use super::sql_answers::SqlAnswer;
use http_container_abi::{NamesStorage, RawReply, RowsStorage, SqlValue, Status};
use std::collections::VecDeque;

/// A resource that the module asked for: the kit has every name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// The id of its interface.
    pub interface: String,
}

/// A lease, from the `acquire` that promised it until it is released or its task is over.
#[derive(Debug)]
pub struct Lease {
    /// Whose it is.
    pub task: u64,
    /// The place of the resource among those that were asked for.
    pub resource: usize,
    /// Whether it is held; before that it is promised.
    pub is_held: bool,
    /// The token of the operation whose event is to come: of `acquire`, or of the one that is under way.
    pub token: u64,
    /// An operation that was under way was withdrawn.
    pub is_poisoned: bool,
    /// Its member is gone.
    pub is_lost: bool,
    /// What a lease on a database knows.
    pub sql: SqlSide,
    /// What a lease on a store knows.
    pub kv: KvSide,
}

impl Lease {
    /// A lease that is promised.
    #[must_use]
    pub fn new(task: u64, resource: usize, token: u64) -> Lease {
        Lease {
            task,
            resource,
            is_held: false,
            token,
            is_poisoned: false,
            is_lost: false,
            sql: SqlSide::default(),
            kv: KvSide::default(),
        }
    }

    /// Whether an operation is under way, its event not delivered.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.sql.state == SqlState::Running || self.kv.request.is_some() || self.kv.is_answered
    }
}

/// Where the statement of a lease stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SqlState {
    /// Another may begin.
    #[default]
    Free,
    /// Its event was not delivered yet.
    Running,
    /// Its rows are being read.
    Reading,
}

/// A database as the holder of a lease sees it.
#[derive(Debug, Default)]
pub struct SqlSide {
    /// Where its statement stands.
    pub state: SqlState,
    /// The answer to the last statement.
    pub answer: Option<SqlAnswer>,
    /// Whether its event said `HC_OK`.
    pub is_well: bool,
    /// The names of its columns, as the module may look at them.
    pub names: NamesStorage,
    /// The rows that the module may look at.
    pub shown: RowsStorage,
    /// How many rows were given.
    pub given: usize,
    /// Whether the last statement is over, so that there is an outcome.
    pub has_outcome: bool,
    /// A `rows` goes on, whatever is chosen: an event promised it.
    pub is_promised: bool,
    /// A transaction is open.
    pub is_in_transaction: bool,
}

/// A store as the holder of a lease sees it.
#[derive(Debug, Default)]
pub struct KvSide {
    /// The operation that is under way.
    pub request: Option<KvRequest>,
    /// Its answer is there, and its event is not delivered.
    pub is_answered: bool,
    /// The answer of the last operation, once its event was delivered with `HC_OK`.
    pub reply: Option<KvReply>,
    /// Whether `reply` may be asked.
    pub has_reply: bool,
    /// Channels that are subscribed.
    pub channels: Vec<Vec<u8>>,
    /// Messages that wait.
    pub messages: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// The message that the module may look at.
    pub shown: Option<(Vec<u8>, Vec<u8>)>,
    /// How many messages others published.
    pub foreign: usize,
}

/// What a store answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KvReply {
    /// 1: there was one, or it was stored.
    pub found: u32,
    /// The value.
    pub value: Vec<u8>,
    /// The number.
    pub number: i64,
    /// What is left of the time to live (ms).
    pub ttl_ms: u64,
}

impl KvReply {
    /// As it is shown to the module, alive as long as this is.
    #[must_use]
    pub fn raw(&self) -> RawReply {
        let value = http_container_abi::hc_bytes::of(&self.value);
        RawReply { found: self.found, value, number: self.number, ttl_ms: self.ttl_ms }
    }
}

/// What is promised or refused of a resource, and what happens to members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Members {
    /// A lease is not had at once, once in so many times; 0: never.
    pub late: usize,
    /// It is refused once in so many times; 0: never.
    pub refused: usize,
    /// An operation fails, or loses its member, once in so many times; 0: never.
    pub failing: usize,
    /// Most rows of a batch; 0: all.
    pub batch: usize,
}

impl Members {
    /// All is there, and all goes well.
    pub const CALM: Members = Members { late: 0, refused: 0, failing: 0, batch: 0 };
}

/// Overwrites rows that a module may no longer look at, in their place.
pub fn spoil(rows: &mut RowsStorage, poison: u8) {
    let count = rows.values().len();
    let bytes = rows.values().iter().map(SqlValue::byte_count).sum();
    let spoiled = vec![poison; bytes];
    rows.clear();
    for number in 0..count {
        let wide = i64::from_ne_bytes([poison; 8]);
        rows.push_value(if number == 0 { SqlValue::Bytes(&spoiled) } else { SqlValue::Int64(wide) });
    }
}

/// A status with which an operation of a lease may fail at any time.
pub const FAILURES: [Status; 3] = [Status::E_RESOURCE, Status::E_FAILED, Status::E_CANCELLED];
