//! hc.provider/1 as a Rust module sees it. Must not know what a member is, nor who uses it.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use crate::constants::member_request;
use crate::ext_kv::KvRequestView;
use crate::ext_provider::ResultView;
use crate::ext_sql::StatementView;
use crate::host_ref::{HostRef, Look, call};
use crate::opaque::Opaque;
use crate::raw::{
    HC_PROVIDER_ID, hc_bytes, hc_kv_reply, hc_kv_request, hc_member_request, hc_member_result, hc_provider,
};
use crate::sql_ref::with_raw;
use crate::sql_value::{SqlValue, SqlValues};
use crate::status::Status;

/// So many names of columns need no memory of their own.
const FEW: usize = 8;

/// What a member is asked to do. Lives during the look at it.
#[derive(Clone, Copy, Debug)]
pub enum MemberRequest<'a> {
    /// `HC_MEMBER_STATEMENT`.
    Statement(StatementView<'a>),
    /// `HC_MEMBER_TRANSACTION`: one of [`sql_transaction`](crate::constants::sql_transaction).
    Transaction(u32),
    /// `HC_MEMBER_KV`.
    Kv(KvRequestView<'a>),
    /// `HC_MEMBER_RESET`.
    Reset,
    /// `HC_MEMBER_CHECK`.
    Check,
    /// `HC_MEMBER_INTERRUPT`.
    Interrupt,
    /// `HC_MEMBER_CLOSE`.
    Close,
    /// A kind that this version does not know.
    Unknown(u32),
}

impl<'a> MemberRequest<'a> {
    /// # Safety
    /// A request of the container's, with views that live during `'a`.
    unsafe fn read(request: &hc_member_request) -> MemberRequest<'a> {
        match request.kind {
            member_request::STATEMENT => {
                // SAFETY: set for this kind.
                let Some(statement) = (unsafe { request.statement.as_ref() }) else {
                    return MemberRequest::Unknown(request.kind);
                };
                // SAFETY: the caller's promise.
                let (text, values) = unsafe {
                    (statement.text.slice(), SqlValues::trusted(statement.values, statement.value_count))
                };
                // SAFETY: the container has checked it, as it has the texts among the values.
                let text = unsafe { str::from_utf8_unchecked(text) };
                MemberRequest::Statement(StatementView { flags: statement.flags, text, values })
            }
            member_request::TRANSACTION => MemberRequest::Transaction(request.transaction),
            // SAFETY: set for this kind.
            member_request::KV => match unsafe { request.kv.as_ref() } {
                // SAFETY: the caller's promise.
                Some(kv) => MemberRequest::Kv(unsafe { kv_request(kv) }),
                None => MemberRequest::Unknown(request.kind),
            },
            member_request::RESET => MemberRequest::Reset,
            member_request::CHECK => MemberRequest::Check,
            member_request::INTERRUPT => MemberRequest::Interrupt,
            member_request::CLOSE => MemberRequest::Close,
            unknown => MemberRequest::Unknown(unknown),
        }
    }
}

/// # Safety
/// A request of the container's, with views that are readable and unchanged during `'a`.
unsafe fn kv_request<'a>(raw: &hc_kv_request) -> KvRequestView<'a> {
    // SAFETY: the caller's promise.
    let (key, value, expected) = unsafe { (raw.key.slice(), raw.value.slice(), raw.expected.slice()) };
    KvRequestView {
        operation: raw.operation,
        flags: raw.flags,
        key,
        value,
        expected,
        number: raw.number,
        ttl_ms: raw.ttl_ms,
    }
}

/// The extension `hc.provider/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct ProviderRef {
    host: HostRef,
    table: NonNull<hc_provider>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for ProviderRef {}
// SAFETY: as above.
unsafe impl Sync for ProviderRef {}

impl ProviderRef {
    pub(crate) fn new(host: HostRef) -> Option<ProviderRef> {
        host.extension(HC_PROVIDER_ID).map(|table| ProviderRef { host, table })
    }

    fn table(&self) -> &hc_provider {
        // SAFETY: whole by its size, and valid as long as the host.
        unsafe { self.table.as_ref() }
    }

    /// Says which interface the members have; only inside `create`, once.
    pub fn offer(&self, interface: &CStr) -> Status {
        call!(self.table(), offer(self.host.pointer(), interface.as_ptr()))
    }

    /// The member is open.
    pub fn ready(&self, task: u64) -> Status {
        call!(self.table(), ready(self.host.pointer(), task))
    }

    /// Why the member could not be opened, or was lost.
    pub fn explain(&self, task: u64, reason: &str) -> Status {
        call!(self.table(), explain(self.host.pointer(), task, hc_bytes::of(reason.as_bytes())))
    }

    /// What the member of an hc.pool/1 is. The object must stay valid until the task ends, for those who look into it.
    pub fn object(&self, task: u64, type_name: &CStr, object: Opaque) -> Status {
        call!(self.table(), object(self.host.pointer(), task, type_name.as_ptr(), object.as_ptr()))
    }

    /// The next request: `take` looks at it, and its answer comes back. Inside `take` the request cannot be ended
    /// (`HC_E_STATE`).
    ///
    /// # Errors
    /// Any status but `HC_OK`: `HC_PENDING` when an event will come, or an error.
    pub fn next<R>(
        &self,
        task: u64,
        token: u64,
        take: impl FnOnce(MemberRequest<'_>) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut request = ptr::null();
        match call!(self.table(), next(self.host.pointer(), task, token, &raw mut request)) {
            // SAFETY: the request lives until `done` or the next `next`, which `_look` excludes.
            Status::OK => match unsafe { request.as_ref() } {
                // SAFETY: as above.
                Some(request) => Ok(take(unsafe { MemberRequest::read(request) })),
                None => Err(Status::E_FAILED),
            },
            other => Err(other),
        }
    }

    /// The names of the columns of the answer.
    pub fn columns<N: AsRef<str>>(&self, task: u64, names: &[N]) -> Status {
        let views = names.iter().map(|name| hc_bytes::of(name.as_ref().as_bytes()));
        let give = |names: &[hc_bytes]| {
            call!(self.table(), columns(self.host.pointer(), task, names.as_ptr(), names.len()))
        };
        let mut few = [hc_bytes::NONE; FEW];
        match few.get_mut(..names.len()) {
            Some(few) => {
                few.iter_mut().zip(views).for_each(|(place, view)| *place = view);
                give(few)
            }
            None => give(&views.collect::<Vec<_>>()),
        }
    }

    /// Rows of the answer, row by row: the status, and how many rows were taken.
    pub fn rows(&self, task: u64, token: u64, values: &[SqlValue<'_>]) -> (Status, usize) {
        let mut accepted = 0;
        let status = with_raw(values, |data, count| {
            call!(self.table(), rows(self.host.pointer(), task, token, data, count, &raw mut accepted))
        });
        (status, accepted)
    }

    /// A message for a subscribed member.
    pub fn message(&self, task: u64, channel: &[u8], value: &[u8]) -> Status {
        let (channel, value) = (hc_bytes::of(channel), hc_bytes::of(value));
        call!(self.table(), message(self.host.pointer(), task, channel, value))
    }

    /// The request under way is over. `HC_E_STATE` inside a look at it.
    pub fn done(&self, task: u64, result: &ResultView<'_>) -> Status {
        let _look = match Look::begin() {
            Ok(look) => look,
            Err(status) => return status,
        };
        let reply = result.reply.map(|reply| hc_kv_reply {
            size: size_of::<hc_kv_reply>() as u32,
            found: reply.found,
            value: hc_bytes::of(reply.value),
            number: reply.number,
            ttl_ms: reply.ttl_ms,
        });
        let raw = hc_member_result {
            size: size_of::<hc_member_result>() as u32,
            status: result.status.0,
            flags: result.flags,
            reserved: 0,
            affected: result.affected,
            code: hc_bytes::of(result.code),
            message: hc_bytes::of(result.message),
            reply: reply.as_ref().map_or(ptr::null(), ptr::from_ref),
        };
        call!(self.table(), done(self.host.pointer(), task, &raw const raw))
    }
}

impl std::fmt::Debug for ProviderRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.provider/1 of {:?}", self.host)
    }
}
