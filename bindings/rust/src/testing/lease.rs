//! One lease in the fake container: the operation under way on it, and what it answered. Pure data. Must not know the member.

use std::collections::{BTreeSet, VecDeque};

use http_container_abi::raw::hc_bytes;
use http_container_abi::{NamesStorage, RawMessage, RawOutcome, RawReply, ResultView, RowsStorage, Status};

/// So many messages wait for a subscriber.
const MESSAGES_MAX: usize = 16;
/// So many bytes of rows wait for their reader: few, so that a test meets the bound.
const ROWS_BYTES_MAX: usize = 4096;

/// Where the last operation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Phase {
    /// There was none.
    #[default]
    Idle,
    /// Its event is still to come.
    Waiting,
    /// The columns are known, and the rows are not all read.
    Rows,
    /// Over.
    Over,
}

/// A lease that a task holds.
pub(super) struct Holding {
    pub(super) task: u64,
    pub(super) resource: u32,
    /// `None` when it has ended, or when the resource is only counted.
    pub(super) member: Option<u64>,
    pub(super) is_poisoned: bool,
    pub(super) phase: Phase,
    pub(super) names: NamesStorage,
    has_columns: bool,
    incoming: RowsStorage,
    shown: RowsStorage,
    result: Option<Outcome>,
    reply: Reply,
    /// Those that are subscribed.
    pub(super) channels: BTreeSet<Vec<u8>>,
    /// `None`: here some are missing.
    messages: VecDeque<Option<(Vec<u8>, Vec<u8>)>>,
    shown_message: (Vec<u8>, Vec<u8>),
}

/// How an operation ended.
struct Outcome {
    status: Status,
    affected: u64,
    code: Vec<u8>,
    message: Vec<u8>,
}

#[derive(Default)]
struct Reply {
    found: u32,
    value: Vec<u8>,
    number: i64,
    ttl_ms: u64,
}

impl Holding {
    pub(super) fn new(task: u64, resource: u32, member: Option<u64>) -> Self {
        Self {
            task,
            resource,
            member,
            is_poisoned: false,
            phase: Phase::Idle,
            names: NamesStorage::new(),
            has_columns: false,
            incoming: RowsStorage::new(),
            shown: RowsStorage::new(),
            result: None,
            reply: Reply::default(),
            channels: BTreeSet::new(),
            messages: VecDeque::new(),
            shown_message: (Vec::new(), Vec::new()),
        }
    }

    /// Whether the member is not as a fresh one, whatever its holder says.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.is_poisoned || self.is_under_way() || !self.channels.is_empty()
    }

    /// Whether the member has not answered the operation whole \[lease.operation.one\].
    fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Rows) && self.result.is_none()
    }

    /// Whether an operation can be begun: an error if not.
    pub(super) fn check_free(&self) -> Status {
        match self.phase {
            _ if self.is_poisoned => Status::E_STATE,
            Phase::Waiting | Phase::Rows => Status::E_BUSY,
            _ if self.member.is_none() => Status::E_RESOURCE,
            Phase::Idle | Phase::Over => Status::OK,
        }
    }

    /// An operation begins.
    pub(super) fn begin(&mut self) {
        self.phase = Phase::Waiting;
        self.has_columns = false;
        self.names.clear();
        self.incoming.begin(0);
        self.shown.begin(0);
        self.result = None;
        self.reply = Reply::default();
    }

    /// Columns came.
    pub(super) fn set_columns(&mut self, names: http_container_abi::NamesView<'_>) -> Status {
        if std::mem::replace(&mut self.has_columns, true) {
            return Status::E_STATE;
        }
        self.incoming.begin(names.len());
        self.shown.begin(names.len());
        self.names.copy_from(names);
        self.phase = Phase::Rows;
        Status::OK
    }

    /// Rows came: how many were taken, and how many there were.
    pub(super) fn take_rows(
        &mut self,
        values: http_container_abi::SqlValues<'_>,
    ) -> Result<(usize, usize), Status> {
        if !self.has_columns {
            return Err(Status::E_STATE);
        }
        let columns = self.names.len().max(1);
        if !values.len().is_multiple_of(columns) {
            return Err(Status::E_INVALID);
        }
        Ok((self.incoming.push_rows(values, ROWS_BYTES_MAX), values.len() / columns))
    }

    /// The operation is over at the member. Answers the status of its event, if that is still to come.
    pub(super) fn end(&mut self, result: &ResultView<'_>) -> Option<Status> {
        let status = match result.status {
            Status::OK | Status::E_RESOURCE | Status::E_CANCELLED | Status::E_LIMIT => result.status,
            status if status.is_error() => Status::E_FAILED,
            _ => Status::OK,
        };
        self.result = Some(Outcome {
            status,
            affected: result.affected,
            code: result.code.to_vec(),
            message: result.message.to_vec(),
        });
        if let Some(reply) = &result.reply {
            self.reply = Reply {
                found: reply.found,
                value: reply.value.to_vec(),
                number: reply.number,
                ttl_ms: reply.ttl_ms,
            };
        }
        (self.phase == Phase::Waiting).then_some(status)
    }

    /// The event of the operation was sent.
    pub(super) fn told(&mut self, has_rows: bool) {
        let went_on = has_rows && self.result.as_ref().is_some_and(|result| result.status == Status::OK);
        self.phase = if went_on { Phase::Rows } else { Phase::Over };
    }

    /// More rows for the holder; PENDING when there may be some later.
    pub(super) fn next_rows(&mut self) -> Result<http_container_abi::RawRows, Status> {
        if !matches!(self.phase, Phase::Rows | Phase::Over) {
            return Err(Status::E_STATE);
        }
        if self.incoming.row_count() > 0 {
            std::mem::swap(&mut self.incoming, &mut self.shown);
            self.incoming.begin(self.names.len());
            return Ok(self.shown.raw());
        }
        match &self.result {
            None if self.member.is_none() => {
                self.phase = Phase::Over;
                Err(Status::E_RESOURCE)
            }
            None => Err(Status::PENDING),
            Some(result) => {
                self.phase = Phase::Over;
                Err(if result.status == Status::OK { Status::END } else { result.status })
            }
        }
    }

    pub(super) fn outcome(&self) -> Result<RawOutcome, Status> {
        let result = self.result.as_ref().filter(|_| self.phase == Phase::Over).ok_or(Status::E_STATE)?;
        let (code, message) = (hc_bytes::of(&result.code), hc_bytes::of(&result.message));
        Ok(RawOutcome { status: result.status, affected: result.affected, code, message })
    }

    pub(super) fn reply(&self) -> Result<RawReply, Status> {
        match &self.result {
            Some(result) if self.phase == Phase::Over && result.status == Status::OK => Ok(RawReply {
                found: self.reply.found,
                value: hc_bytes::of(&self.reply.value),
                number: self.reply.number,
                ttl_ms: self.reply.ttl_ms,
            }),
            _ => Err(Status::E_STATE),
        }
    }

    /// A message came.
    pub(super) fn put_message(&mut self, channel: &[u8], value: &[u8]) -> Status {
        let is_full = self.messages.len() >= MESSAGES_MAX;
        if is_full || channel.is_empty() {
            if !matches!(self.messages.back(), Some(None)) {
                self.messages.push_back(None);
            }
            return if is_full { Status::DISCARDED } else { Status::OK };
        }
        self.messages.push_back(Some((channel.to_vec(), value.to_vec())));
        Status::OK
    }

    pub(super) fn next_message(&mut self) -> Result<RawMessage, Status> {
        if let Some(message) = self.messages.pop_front() {
            self.shown_message = message.ok_or(Status::E_LIMIT)?;
            let (channel, value) = &self.shown_message;
            return Ok(RawMessage { channel: hc_bytes::of(channel), value: hc_bytes::of(value) });
        }
        match self.member {
            None => Err(Status::E_RESOURCE),
            Some(_) if self.channels.is_empty() => Err(Status::E_STATE),
            Some(_) => Err(Status::PENDING),
        }
    }
}
