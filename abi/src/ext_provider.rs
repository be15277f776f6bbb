//! hc.provider/1, the container's side: the vtable over the safe trait [`ProviderHost`], and a result as a provider wrote it,
//! checked. Must not know who uses the members.

use std::ffi::{c_char, c_void};

use crate::constants::member_flag;
use crate::host_calls::{bytes, enter_status, text};
use crate::host_side::{BoundaryRefusal, Host};
use crate::member_request::RawMemberRequest;
use crate::opaque::Opaque;
use crate::out::Out;
use crate::raw::{
    hc_bytes, hc_host, hc_kv_reply, hc_member_request, hc_member_result, hc_provider, hc_sql_value, hc_status,
};
use crate::response_view::read_options;
use crate::sql_names::NamesView;
use crate::sql_value::SqlValues;
use crate::status::Status;

const UNKNOWN_FLAG: BoundaryRefusal =
    BoundaryRefusal::unsupported("provider.done", "the result has a flag that this version does not know");

/// What a store answered, as a provider wrote it. Lives during the call.
#[derive(Clone, Copy, Debug)]
pub struct ReplyView<'a> {
    /// 1: there was one, or it was stored.
    pub found: u32,
    /// The value.
    pub value: &'a [u8],
    /// The number.
    pub number: i64,
    /// What is left of the time to live, in milliseconds; 0: for ever.
    pub ttl_ms: u64,
}

impl<'a> ReplyView<'a> {
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    unsafe fn check(reply: *const hc_kv_reply) -> Result<Option<ReplyView<'a>>, BoundaryRefusal> {
        if reply.is_null() {
            return Ok(None);
        }
        // SAFETY: passed on from the caller.
        let reply: &'a hc_kv_reply = unsafe { read_options(reply) }?;
        // SAFETY: passed on from the caller.
        let value = unsafe { bytes(reply.value) }?;
        Ok(Some(ReplyView { found: reply.found, value, number: reply.number, ttl_ms: reply.ttl_ms }))
    }
}

/// What became of a request, as a provider wrote it. Lives during the call.
#[derive(Clone, Copy, Debug)]
pub struct ResultView<'a> {
    /// The status, whatever the provider made it.
    pub status: Status,
    /// Bits of [`member_flag`]: known ones only.
    pub flags: u32,
    /// Rows inserted, changed, deleted or answered.
    pub affected: u64,
    /// Of a failed statement: SQLSTATE, or empty.
    pub code: &'a [u8],
    /// Of a failure: the other end's own words.
    pub message: &'a [u8],
    /// What a store answered; `None`: all 0.
    pub reply: Option<ReplyView<'a>>,
}

impl<'a> ResultView<'a> {
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    unsafe fn check(result: *const hc_member_result) -> Result<ResultView<'a>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let result: &'a hc_member_result = unsafe { read_options(result) }?;
        // SAFETY: passed on from the caller.
        let (code, message, reply) =
            unsafe { (bytes(result.code)?, bytes(result.message)?, ReplyView::check(result.reply)?) };
        if result.reserved != 0 {
            return Err(BoundaryRefusal::RESERVED);
        }
        if result.flags & !(member_flag::BROKEN | member_flag::DIRTY) != 0 {
            return Err(UNKNOWN_FLAG);
        }
        let (status, flags, affected) = (Status(result.status), result.flags, result.affected);
        Ok(ResultView { status, flags, affected, code, message, reply })
    }
}

/// A host that offers `hc.provider/1`.
pub trait ProviderHost: Host {
    /// The members have the interface of that id.
    fn provider_offer(&self, interface: &[u8]) -> Status;
    /// The member is open.
    fn provider_ready(&self, task: u64) -> Status;
    /// Why the member could not be opened, or was lost; the text ought to be UTF-8 and may be anything.
    fn provider_explain(&self, task: u64, reason: &[u8]) -> Status;
    /// What the member is, for `hc.pool/1`.
    fn provider_object(&self, task: u64, type_name: &[u8], object: Opaque) -> Status;
    /// The next request, which the container keeps alive until its `done`, or the next call when it has none.
    ///
    /// # Errors
    /// What the provider is answered in place of `HC_OK`: `HC_PENDING` among it.
    fn provider_next(&self, task: u64, token: u64) -> Result<RawMemberRequest, Status>;
    /// The names of the columns of the answer.
    fn provider_columns(&self, task: u64, names: NamesView<'_>) -> Status;
    /// Values of the answer, row by row, as many as the provider gave: the status, and how many rows were accepted.
    fn provider_rows(&self, task: u64, token: u64, values: SqlValues<'_>) -> (Status, usize);
    /// A message for a subscribed member.
    fn provider_message(&self, task: u64, channel: &[u8], value: &[u8]) -> Status;
    /// The request under way is over.
    fn provider_done(&self, task: u64, result: &ResultView<'_>) -> Status;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: ProviderHost> Table<H> {
    const PROVIDER: &'static hc_provider = &hc_provider {
        size: size_of::<hc_provider>() as u32,
        reserved: 0,
        offer: Some(offer::<H>),
        ready: Some(ready::<H>),
        explain: Some(explain::<H>),
        object: Some(object::<H>),
        next: Some(next::<H>),
        columns: Some(columns::<H>),
        rows: Some(rows::<H>),
        message: Some(message::<H>),
        done: Some(done::<H>),
    };
}

/// The vtable of `hc.provider/1` over `H`: what [`Host::extension`] answers for
/// [`PROVIDER_ID`](crate::constants::PROVIDER_ID).
#[must_use]
pub const fn provider_table<H: ProviderHost>() -> &'static hc_provider {
    Table::<H>::PROVIDER
}

/// # Safety
/// The host pointer is this host's; `interface` is a terminated text.
unsafe extern "C" fn offer<H: ProviderHost>(pointer: *const hc_host, interface: *const c_char) -> hc_status {
    // SAFETY: a text of the module's, alive during the call.
    let body = |host: &H| Ok(host.provider_offer(unsafe { text(interface) }?));
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, 0, "hc.provider/1 offer", body) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn ready<H: ProviderHost>(pointer: *const hc_host, task: u64) -> hc_status {
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 ready", |host: &H| Ok(host.provider_ready(task))) }
}

/// # Safety
/// The host pointer is this host's; `reason` is a view as the header says.
unsafe extern "C" fn explain<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    reason: hc_bytes,
) -> hc_status {
    // SAFETY: bytes of the module's, alive during the call.
    let body = |host: &H| Ok(host.provider_explain(task, unsafe { bytes(reason) }?));
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 explain", body) }
}

/// # Safety
/// The host pointer is this host's; `type_name` is a terminated text.
unsafe extern "C" fn object<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    type_name: *const c_char,
    object: *mut c_void,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a text of the module's, alive during the call.
        let type_name = unsafe { text(type_name) }?;
        Ok(host.provider_object(task, type_name, Opaque::new(object)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 object", body) }
}

/// # Safety
/// The host pointer is this host's; `request` may be written.
unsafe extern "C" fn next<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    token: u64,
    request: *mut *const hc_member_request,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: an out parameter of the module's, alive during the call.
        let request = unsafe { Out::new(request) }?;
        Ok(request.set_answer(host.provider_next(task, token).map(|found| found.0)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 next", body) }
}

/// # Safety
/// The host pointer is this host's; `names` are `count` views as the header says.
unsafe extern "C" fn columns<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    names: *const hc_bytes,
    count: usize,
) -> hc_status {
    // SAFETY: names of the module's, alive during the call.
    let body = |host: &H| Ok(host.provider_columns(task, unsafe { NamesView::check(names, count) }?));
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 columns", body) }
}

/// # Safety
/// The host pointer is this host's; `values` are `count` values as the header says, and `accepted` may be written.
unsafe extern "C" fn rows<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    token: u64,
    values: *const hc_sql_value,
    count: usize,
    accepted: *mut usize,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: an out parameter and values of the module's, alive during the call.
        let (accepted, values) = unsafe { (Out::new(accepted)?, SqlValues::check(values, count)?) };
        let (status, taken) = host.provider_rows(task, token, values);
        if !status.is_error() {
            accepted.set(taken);
        }
        Ok(status)
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 rows", body) }
}

/// # Safety
/// The host pointer is this host's; `channel` and `value` are views as the header says.
unsafe extern "C" fn message<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    channel: hc_bytes,
    value: hc_bytes,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: bytes of the module's, alive during the call.
        let (channel, value) = unsafe { (bytes(channel)?, bytes(value)?) };
        Ok(host.provider_message(task, channel, value))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 message", body) }
}

/// # Safety
/// The host pointer is this host's, and the result is what the header says.
unsafe extern "C" fn done<H: ProviderHost>(
    pointer: *const hc_host,
    task: u64,
    result: *const hc_member_result,
) -> hc_status {
    // SAFETY: a result of the module's, alive during the call.
    let body = |host: &H| Ok(host.provider_done(task, &unsafe { ResultView::check(result) }?));
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.provider/1 done", body) }
}
