//! Members of a provider as the kit's host sees them: what they are asked, and what they answered. Pure data.

use super::kv_store::KvRequest;
use super::resources::KvReply;
use super::sql_answers::Value;
use http_container_abi::constants::{kv_operation, member_flag, member_request, sql_transaction};
use http_container_abi::{KvRequestView, MemberRequestStorage, SqlValue, Status};
use std::collections::VecDeque;
use std::fmt::Write;

/// What a member is asked.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// A statement: text, flags, values.
    Statement(String, u32, Vec<Value>),
    /// The beginning or end of a transaction.
    Transaction(u32),
    /// An operation of a store.
    Kv(KvRequest),
    /// A request with nothing in it: to reset, to check, or of a kind that nobody knows.
    Plain(u32),
}

impl Request {
    /// A statement without flags.
    #[must_use]
    pub fn sql(text: &str, values: &[Value]) -> Request {
        Request::Statement(text.to_owned(), 0, values.to_vec())
    }

    /// In the layout of the boundary.
    #[must_use]
    pub fn storage(&self) -> MemberRequestStorage {
        match self {
            Request::Statement(text, flags, values) => {
                let values: Vec<SqlValue<'_>> = values.iter().map(Value::view).collect();
                MemberRequestStorage::new_statement(text, *flags, &values)
            }
            Request::Transaction(what) => MemberRequestStorage::transaction(*what),
            Request::Kv(request) => MemberRequestStorage::kv(&KvRequestView {
                operation: request.operation,
                flags: request.flags,
                key: &request.key,
                value: &request.value,
                expected: &request.expected,
                number: request.number,
                ttl_ms: request.ttl_ms,
            }),
            Request::Plain(kind) => MemberRequestStorage::plain(*kind),
        }
    }
}

/// What a member answered to one request.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MemberAnswer {
    /// The status.
    pub status: Status,
    /// Bits of `enum hc_member_flag`.
    pub flags: u32,
    /// Rows that were changed or answered.
    pub affected: u64,
    /// Of a failure.
    pub code: String,
    /// Of a failure.
    pub message: String,
    /// The names of the columns.
    pub columns: Option<Vec<String>>,
    /// The values, row by row.
    pub values: Vec<Value>,
    /// What a store answered.
    pub reply: KvReply,
}

impl MemberAnswer {
    /// Whether the member says that it is not as a fresh one.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.flags & member_flag::DIRTY != 0
    }

    /// Whether it can do nothing more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.flags & member_flag::BROKEN != 0
    }
}

/// A member.
#[derive(Debug, Default)]
pub struct Member {
    /// It may be lent.
    pub is_ready: bool,
    /// It has an object for hc.pool/1.
    pub has_object: bool,
    /// What it is to be asked.
    pub queue: VecDeque<Request>,
    /// What it was handed and has not answered, in its storage.
    pub under_way: Option<(Request, MemberRequestStorage)>,
    /// What it answered so far to that.
    pub answer: MemberAnswer,
    /// What it answered, in order.
    pub answers: Vec<MemberAnswer>,
    /// Rows that nobody read yet.
    pub kept: usize,
    /// An interrupt is to be handed out.
    pub is_to_interrupt: bool,
    /// The request under way was interrupted: nobody reads its rows.
    pub is_interrupted: bool,
    /// It is to close as soon as the queue is empty.
    pub is_closing: bool,
    /// It was told to close.
    pub is_told_to_close: bool,
    /// The transaction that it began is open.
    pub is_in_transaction: bool,
    /// Channels that it has subscribed.
    pub channels: Vec<Vec<u8>>,
    /// Messages that it handed on.
    pub messages: Vec<(Vec<u8>, Vec<u8>)>,
    /// The last reason that it gave.
    pub reason: String,
    /// Storages of requests that are over, so that their views have memory.
    pub old: VecDeque<MemberRequestStorage>,
}

impl Member {
    /// Whether `next` has something to hand out.
    #[must_use]
    pub fn has_next(&self) -> bool {
        match &self.under_way {
            Some(_) => self.is_to_interrupt,
            None => !self.queue.is_empty() || self.is_closing,
        }
    }

    /// What follows from an answer for the transaction and the subscriptions that the kit knows of.
    pub fn take_note(&mut self, request: &Request, status: Status) {
        match request {
            Request::Transaction(sql_transaction::BEGIN | sql_transaction::BEGIN_READ)
                if status == Status::OK =>
            {
                self.is_in_transaction = true;
            }
            Request::Transaction(sql_transaction::COMMIT) => self.is_in_transaction = false,
            Request::Transaction(sql_transaction::ROLLBACK) if status == Status::OK => {
                self.is_in_transaction = false;
            }
            Request::Plain(member_request::RESET) if status == Status::OK => {
                self.is_in_transaction = false;
                self.channels.clear();
            }
            Request::Kv(request) if status == Status::OK => match request.operation {
                kv_operation::SUBSCRIBE => self.channels.push(request.key.clone()),
                kv_operation::UNSUBSCRIBE => self.channels.retain(|channel| *channel != request.key),
                _ => {}
            },
            _ => {}
        }
    }

    /// All that it answered and handed on, as a text that can be compared with that of another run.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for answer in &self.answers {
            let _ = writeln!(
                text,
                "{:?} {} {} {:?} {:?} {:?} {:?}",
                answer.status,
                answer.flags,
                answer.affected,
                answer.code,
                answer.columns,
                answer.values,
                answer.reply
            );
        }
        text
    }
}
