//! The answer to a holder's request as it grows: columns, rows, how it ended; a reply; messages. Filled by the member,
//! emptied by the holder. It must not know either's task beyond whom to wake.

use super::desk::{Sort, Wake};
use crate::calls::Refused;
use http_container_abi::constants::event_kind;
use http_container_abi::{
    NamesStorage, NamesView, RawMessage, RawNames, RawOutcome, RawReply, RawRows, ReplyView, ResultView,
    RowsStorage, SqlValues, Status, hc_bytes,
};
use std::collections::VecDeque;

/// Rows that may wait for the holder, bytes; then the member has to wait [sql.rows.backpressure].
const ROWS_BYTES: usize = 256 << 10;
/// Memory for rows that a member keeps from one lease to the next, bytes.
const KEPT_BYTES: usize = 16 << 10;
/// Messages that may wait for the holder, bytes and number; further ones are lost [kv.message.lost].
const MESSAGE_BYTES: usize = 1 << 20;
const MESSAGES: usize = 1024;

/// How a request ended.
struct End {
    status: Status,
    affected: u64,
    code: Box<[u8]>,
    message: Box<[u8]>,
}

#[derive(Default)]
struct Reply {
    found: u32,
    value: Vec<u8>,
    number: i64,
    ttl_ms: u64,
}

type Message = (Box<[u8]>, Box<[u8]>);

/// What the holder has been answered so far.
#[derive(Default)]
pub(crate) struct Answer {
    /// The holder's operation that waits for the first word, and its kind.
    first: Option<(u64, u32)>,
    /// The holder was told that its statement was accepted.
    is_accepted: bool,
    /// The names of the columns, and whether they were given.
    columns: NamesStorage,
    has_columns: bool,
    /// Rows that the member gave, and those that the holder looks at.
    rows: RowsStorage,
    given: RowsStorage,
    /// The holder's operation that waits for rows.
    reader: Option<u64>,
    end: Option<End>,
    /// The holder has heard of the end.
    is_heard: bool,
    reply: Option<Reply>,
    channels: Vec<Box<[u8]>>,
    /// `None`: here some are missing.
    messages: VecDeque<Option<Message>>,
    message_bytes: usize,
    message: Option<Message>,
    listener: Option<u64>,
    /// The member has ended.
    is_lost: bool,
    /// Something was asked since the lease began.
    is_used: bool,
}

const NO_STATEMENT: Refused =
    Refused::new(Status::E_STATE, "sql.rows", "there is no statement whose event said that it was accepted");
const READS: Refused = Refused::new(Status::E_BUSY, "sql.rows", "a read of the rows waits already");

/// The holder's side.
impl Answer {
    /// A lease begins.
    pub fn clear(&mut self) {
        if !self.is_used {
            return;
        }
        let (mut rows, mut given) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.given));
        rows.shrink(KEPT_BYTES);
        given.shrink(KEPT_BYTES);
        let columns = std::mem::take(&mut self.columns);
        *self = Answer { rows, given, columns, ..Answer::default() };
    }

    /// A request is handed in; what the last one was answered is over.
    pub fn begin(&mut self, kind: u32, number: u64) {
        self.is_used = true;
        self.first = Some((number, kind));
        (self.is_accepted, self.is_heard, self.has_columns) = (false, false, false);
        self.rows.clear();
        self.given.clear();
        (self.end, self.reply) = (None, None);
    }

    /// Whether the last statement was not yet read to its end.
    pub fn is_open(&self) -> bool {
        self.first.is_some() || (self.is_accepted && !self.is_heard)
    }

    /// Whether something that was begun is not over.
    pub fn has_statement(&self) -> bool {
        self.is_accepted && self.first.is_none()
    }

    pub fn forget_waiters(&mut self) {
        (self.first, self.reader, self.listener) = (None, None, None);
    }

    /// The holder has withdrawn a wait for rows or messages.
    pub fn forget(&mut self, number: u64) {
        self.reader.take_if(|waiting| *waiting == number);
        self.listener.take_if(|waiting| *waiting == number);
    }

    pub fn columns(&self) -> Result<RawNames, Refused> {
        if !self.has_statement() {
            return Err(Refused { rule: "sql.columns", ..NO_STATEMENT });
        }
        Ok(if self.has_columns { self.columns.raw() } else { RawNames::NONE })
    }

    /// Whether no wait for rows (or for messages) is under way.
    pub fn check_waits(&self, for_rows: bool) -> Result<(), Refused> {
        if for_rows && self.reader.is_some() {
            return Err(READS);
        }
        if !for_rows && self.listener.is_some() {
            let text = "a wait for messages is under way already";
            return Err(Refused::new(Status::E_BUSY, "kv.message", text));
        }
        Ok(())
    }

    /// The next rows: `Ok(None)` when none are there yet.
    pub fn rows(&mut self) -> Result<Result<Option<RawRows>, Status>, Refused> {
        if !self.has_statement() {
            return Err(NO_STATEMENT);
        }
        if self.rows.row_count() > 0 {
            std::mem::swap(&mut self.rows, &mut self.given);
            self.rows.begin(self.given.column_count());
            return Ok(Ok(Some(self.given.raw())));
        }
        match &self.end {
            Some(end) => {
                self.is_heard = true;
                Ok(Err(if end.status == Status::OK { Status::END } else { end.status }))
            }
            None => Ok(Ok(None)),
        }
    }

    pub fn await_rows(&mut self, number: u64) {
        self.reader = Some(number);
    }

    pub fn outcome(&self) -> Result<RawOutcome, Refused> {
        let heard = self.end.as_ref().filter(|_| self.is_heard);
        let end = heard.ok_or(Refused { rule: "sql.outcome", ..NO_STATEMENT })?;
        Ok(RawOutcome {
            status: end.status,
            affected: end.affected,
            code: hc_bytes::of(&end.code),
            message: hc_bytes::of(&end.message),
        })
    }

    pub fn reply(&self) -> Result<RawReply, Refused> {
        let text = "there is no operation whose event said HC_OK";
        let reply = self.reply.as_ref().ok_or(Refused::new(Status::E_STATE, "kv.reply", text))?;
        Ok(RawReply {
            found: reply.found,
            value: hc_bytes::of(&reply.value),
            number: reply.number,
            ttl_ms: reply.ttl_ms,
        })
    }

    /// Whether the lease is subscribed to some channel.
    pub fn is_subscribed(&self) -> bool {
        !self.channels.is_empty()
    }

    /// The next message: `Ok(None)` when there is none yet.
    pub fn message(&mut self) -> Result<Result<Option<RawMessage>, Status>, Refused> {
        if let Some(next) = self.messages.pop_front() {
            let Some(message) = next else { return Ok(Err(Status::E_LIMIT)) };
            self.message_bytes -= message.0.len() + message.1.len();
            let (channel, value) = self.message.insert(message);
            return Ok(Ok(Some(RawMessage { channel: hc_bytes::of(channel), value: hc_bytes::of(value) })));
        }
        if self.is_lost {
            return Ok(Err(Status::E_RESOURCE));
        }
        if self.channels.is_empty() {
            let text = "the lease is subscribed to nothing";
            return Err(Refused::new(Status::E_STATE, "kv.message", text));
        }
        Ok(Ok(None))
    }

    pub fn await_message(&mut self, number: u64) {
        self.listener = Some(number);
    }
}

/// The member's side.
impl Answer {
    /// The first word to the holder, or to its waiting read.
    fn tell(&mut self, holder: u32, status: Status) -> Option<Wake> {
        if let Some((number, kind)) = self.first.take() {
            self.is_accepted = status == Status::OK;
            return Some(Wake { index: holder, number, kind, status });
        }
        let number = self.reader.take()?;
        Some(Wake { index: holder, number, kind: event_kind::SQL_ROWS, status: Status::OK })
    }

    /// The names of the columns.
    pub fn set_columns(&mut self, names: NamesView<'_>, holder: u32) -> Option<Wake> {
        self.rows.begin(names.len());
        self.has_columns = true;
        self.columns.copy_from(names);
        // One without columns is told of when it is done [sql.query.event].
        if !names.is_empty() { self.tell(holder, Status::OK) } else { None }
    }

    /// How many columns an answer has.
    fn column_count(&self) -> usize {
        if self.has_columns { self.columns.len() } else { 0 }
    }

    /// As many rows as there is room for: how many, and who is to be told.
    pub fn push_rows(&mut self, values: SqlValues<'_>, holder: u32) -> (usize, Option<Wake>) {
        let taken = self.rows.push_rows(values, ROWS_BYTES);
        let wake = if taken > 0 { self.tell(holder, Status::OK) } else { None };
        (taken, wake)
    }

    /// A message for the holder; `false` when it is lost. One without a channel says that some were lost
    /// [provider.message.lost].
    pub fn push_message(&mut self, channel: &[u8], value: &[u8], holder: u32) -> (bool, Option<Wake>) {
        self.is_used = true;
        let is_full = self.messages.len() >= MESSAGES || self.message_bytes >= MESSAGE_BYTES;
        if is_full || channel.is_empty() {
            if !matches!(self.messages.back(), Some(None)) {
                self.messages.push_back(None);
            }
            return (!is_full, self.tell_listener(holder));
        }
        self.message_bytes += channel.len() + value.len();
        self.messages.push_back(Some((channel.into(), value.into())));
        (true, self.tell_listener(holder))
    }

    fn tell_listener(&mut self, holder: u32) -> Option<Wake> {
        let number = self.listener.take()?;
        Some(Wake { index: holder, number, kind: event_kind::KV_MESSAGE, status: Status::OK })
    }

    /// The request is over.
    pub fn end(&mut self, sort: &Sort, result: &ResultView<'_>, holder: u32) -> (Option<Wake>, Option<Wake>) {
        let status = told(result.status);
        if matches!(sort, Sort::Store | Sort::Subscribe(_) | Sort::Unsubscribe(_)) {
            if status == Status::OK {
                self.note_channel(sort);
                self.reply = Some(result.reply.map(Reply::of).unwrap_or_default());
            }
            // A `message` that waits for a channel that is no more is to look again.
            let listener = if self.channels.is_empty() { self.tell_listener(holder) } else { None };
            self.is_heard = true;
            return (self.tell(holder, status), listener);
        }
        self.end = Some(End {
            status,
            affected: result.affected,
            code: result.code.into(),
            message: cut(result.message, MESSAGE_KEPT_BYTES).into(),
        });
        // Where nothing is to be read, the event is all that there is to hear.
        self.is_heard = self.first.is_some() && (status != Status::OK || self.column_count() == 0);
        (self.tell(holder, status), None)
    }

    fn note_channel(&mut self, sort: &Sort) {
        match sort {
            Sort::Subscribe(channel) if !self.channels.contains(channel) => {
                self.channels.push(channel.clone());
            }
            Sort::Unsubscribe(channel) => self.channels.retain(|known| known != channel),
            _ => {}
        }
    }

    /// The member has ended; `was_asked`: while it had a request.
    pub fn lose(&mut self, was_asked: bool, holder: u32) -> (Option<Wake>, Option<Wake>) {
        self.is_lost = true;
        if was_asked && self.end.is_none() {
            let message = b"the connection was lost"[..].into();
            self.end = Some(End { status: Status::E_RESOURCE, affected: 0, code: Box::default(), message });
            self.is_heard = self.first.is_some();
        }
        (self.tell(holder, Status::E_RESOURCE), self.tell_listener(holder))
    }
}

impl Reply {
    fn of(reply: ReplyView<'_>) -> Reply {
        Reply { found: reply.found, value: reply.value.into(), number: reply.number, ttl_ms: reply.ttl_ms }
    }
}

/// So much of what a database says of a failure is kept [provider.done.cut].
const MESSAGE_KEPT_BYTES: usize = 8192;

/// So much of a text in UTF-8, and no half of a character.
pub(super) fn cut(message: &[u8], most: usize) -> &[u8] {
    let mut end = message.len().min(most);
    // Not inside a character of UTF-8, whose further bytes are 10xxxxxx.
    while end > 0 && end < message.len() && message[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &message[..end]
}

/// The statuses that a provider may give; every other error is told as a failure [provider.done].
fn told(status: Status) -> Status {
    match status {
        Status::OK | Status::E_FAILED | Status::E_RESOURCE | Status::E_CANCELLED | Status::E_LIMIT => status,
        _ => Status::E_FAILED,
    }
}
