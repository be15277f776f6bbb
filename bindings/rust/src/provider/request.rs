//! What a member is asked to do, as values that futures may hold and threads may be given. Must not answer anything.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http_container_abi::constants::{kv_flag, kv_operation, sql_flag, sql_transaction};
use http_container_abi::{KvRequestView, MemberRequest, SqlValue, StatementView};

use crate::kv::{Condition, Lifetime, ttl};

/// What a member is asked to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// Run it. Answer [`columns`](super::Member::columns) and [`rows`](super::Member::rows), if there are any, then
    /// [`done`](super::Member::done).
    Statement(Statement),
    /// Begin or end a transaction, then `done`.
    Transaction(TransactionKind),
    /// Do it, then `done` with the reply.
    Kv(KvRequest),
    /// Make the member like a fresh one: roll back, forget what the last holder set. Then `done`.
    Reset,
    /// Find out whether the member still works. Then `done`.
    Check,
    /// Nobody waits for the request under way any more: end it soon. Its `done` is still to come; this one has none.
    Interrupt,
    /// Say goodbye, and end the task; there is no `done`.
    Close,
}

/// Begin or end of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionKind {
    /// Begin one.
    Begin,
    /// Begin one that only reads.
    BeginRead,
    /// Make its changes last.
    Commit,
    /// Undo its changes.
    Rollback,
}

impl TransactionKind {
    fn of(number: u32) -> Option<Self> {
        match number {
            sql_transaction::BEGIN => Some(Self::Begin),
            sql_transaction::BEGIN_READ => Some(Self::BeginRead),
            sql_transaction::COMMIT => Some(Self::Commit),
            sql_transaction::ROLLBACK => Some(Self::Rollback),
            _ => None,
        }
    }
}

/// SQL with the values for its placeholders, `$1` to `$n`.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    flags: u32,
    /// The statement, then the texts among the values.
    text: String,
    size: usize,
    bytes: Vec<u8>,
    values: Vec<Held>,
}

/// A value, with its text or bytes by their place.
#[derive(Clone, PartialEq, Debug)]
enum Held {
    Null,
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

impl Statement {
    fn of(view: &StatementView<'_>) -> Self {
        let mut this = Self {
            flags: view.flags,
            text: view.text.to_owned(),
            size: view.text.len(),
            bytes: Vec::new(),
            values: Vec::with_capacity(view.values.len()),
        };
        for value in view.values {
            let held = match value {
                SqlValue::Null => Held::Null,
                SqlValue::Bool(value) => Held::Bool(value),
                SqlValue::Int64(value) => Held::Int64(value),
                SqlValue::Float64(value) => Held::Float64(value),
                SqlValue::Text(text) => {
                    let start = this.text.len();
                    this.text.push_str(text);
                    Held::Text(start..this.text.len())
                }
                SqlValue::Bytes(bytes) => {
                    let start = this.bytes.len();
                    this.bytes.extend_from_slice(bytes);
                    Held::Bytes(start..this.bytes.len())
                }
            };
            this.values.push(held);
        }
        this
    }

    /// SQL of the database.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text[..self.size]
    }

    /// How many values there are.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// The values for the placeholders, in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = SqlValue<'_>> + Clone {
        self.values.iter().map(|held| match held {
            Held::Null => SqlValue::Null,
            Held::Bool(value) => SqlValue::Bool(*value),
            Held::Int64(value) => SqlValue::Int64(*value),
            Held::Float64(value) => SqlValue::Float64(*value),
            Held::Text(place) => SqlValue::Text(&self.text[place.clone()]),
            Held::Bytes(place) => SqlValue::Bytes(&self.bytes[place.clone()]),
        })
    }

    /// It will hardly be used again: do not keep it prepared.
    #[must_use]
    pub fn is_once(&self) -> bool {
        self.flags & sql_flag::ONCE != 0
    }

    /// The text may hold several statements, has no values, and answers no rows.
    #[must_use]
    pub fn is_script(&self) -> bool {
        self.flags & sql_flag::SCRIPT != 0
    }
}

/// An operation on a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KvRequest {
    /// Reply with the value.
    Get {
        /// Which.
        key: Bytes,
    },
    /// Store a value. Reply whether it was stored.
    Set {
        /// Where.
        key: Bytes,
        /// What.
        value: Bytes,
        /// When.
        condition: Condition,
        /// For how long.
        lifetime: Lifetime,
    },
    /// Add to the decimal number that is the value, or to 0. Reply with the sum.
    Add {
        /// Where.
        key: Bytes,
        /// How much.
        number: i64,
        /// The time to live of a counter that this makes; `None`: for ever.
        ttl: Option<Duration>,
    },
    /// Delete. Reply whether there was one.
    Delete {
        /// Which.
        key: Bytes,
        /// Only when this is the value.
        expected: Option<Bytes>,
    },
    /// Set the time to live. Reply whether there is one.
    Expire {
        /// Which.
        key: Bytes,
        /// `None`: for ever.
        ttl: Option<Duration>,
    },
    /// Send a message. Reply with the number of those who get it.
    Publish {
        /// Where.
        channel: Bytes,
        /// What.
        value: Bytes,
    },
    /// From now on the channel's messages come by [`message`](super::Member::message).
    Subscribe {
        /// Which.
        channel: Bytes,
    },
    /// No more.
    Unsubscribe {
        /// Which.
        channel: Bytes,
    },
}

impl KvRequest {
    fn of(view: &KvRequestView<'_>) -> Option<Self> {
        let has = |flag: u32| view.flags & flag != 0;
        let key = Bytes::copy_from_slice(view.key);
        let value = || Bytes::copy_from_slice(view.value);
        let expected = || has(kv_flag::IF_EQUAL).then(|| Bytes::copy_from_slice(view.expected));
        Some(match view.operation {
            kv_operation::GET => Self::Get { key },
            kv_operation::SET => {
                let condition = match expected() {
                    Some(expected) => Condition::IfEqual(expected),
                    None if has(kv_flag::IF_ABSENT) => Condition::IfAbsent,
                    None if has(kv_flag::IF_PRESENT) => Condition::IfPresent,
                    None => Condition::Always,
                };
                let lifetime = match ttl(view.ttl_ms) {
                    _ if has(kv_flag::KEEP_TTL) => Lifetime::Keep,
                    Some(ttl) => Lifetime::For(ttl),
                    None => Lifetime::Forever,
                };
                Self::Set { key, value: value(), condition, lifetime }
            }
            kv_operation::ADD => Self::Add { key, number: view.number, ttl: ttl(view.ttl_ms) },
            kv_operation::DELETE => Self::Delete { key, expected: expected() },
            kv_operation::EXPIRE => Self::Expire { key, ttl: ttl(view.ttl_ms) },
            kv_operation::PUBLISH => Self::Publish { channel: key, value: value() },
            kv_operation::SUBSCRIBE => Self::Subscribe { channel: key },
            kv_operation::UNSUBSCRIBE => Self::Unsubscribe { channel: key },
            _ => return None,
        })
    }
}

impl Request {
    /// A copy of what the container asks; `None` for what this version does not know.
    pub(super) fn of(request: &MemberRequest<'_>) -> Option<Self> {
        Some(match request {
            MemberRequest::Statement(view) => Self::Statement(Statement::of(view)),
            MemberRequest::Transaction(what) => Self::Transaction(TransactionKind::of(*what)?),
            MemberRequest::Kv(view) => Self::Kv(KvRequest::of(view)?),
            MemberRequest::Reset => Self::Reset,
            MemberRequest::Check => Self::Check,
            MemberRequest::Interrupt => Self::Interrupt,
            MemberRequest::Close => Self::Close,
            MemberRequest::Unknown(_) => return None,
        })
    }
}
