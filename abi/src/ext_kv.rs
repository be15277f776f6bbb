//! hc.kv/1, the container's side: the vtable over the safe trait [`KvHost`], and a request as a module wrote it, checked.
//! Must not know how a request reaches a store.

use crate::constants::{kv_flag, kv_operation};
use crate::host_calls::{bytes, enter_lease};
use crate::host_side::{BoundaryRefusal, Host};
use crate::out::OutStruct;
use crate::raw::{hc_bytes, hc_host, hc_kv, hc_kv_message, hc_kv_reply, hc_kv_request, hc_status};
use crate::response_view::read_options;
use crate::status::Status;

/// How long a key may be, in bytes [kv.key].
const KEY_BYTES_MAX: usize = 512;

/// The flags that are conditions.
const CONDITIONS: u32 = kv_flag::IF_ABSENT | kv_flag::IF_PRESENT | kv_flag::IF_EQUAL;

const UNKNOWN_OPERATION: BoundaryRefusal =
    BoundaryRefusal::invalid("kv.run", "the operation is one that this version does not know");
const UNKNOWN_FLAG: BoundaryRefusal =
    BoundaryRefusal::unsupported("kv.run", "the request has a flag that this version does not know");
const TWO_CONDITIONS: BoundaryRefusal =
    BoundaryRefusal::invalid("kv.condition", "the request has more than one condition");
const BAD_KEY: BoundaryRefusal =
    BoundaryRefusal::invalid("kv.key", "the key is empty, or longer than 512 bytes");

/// What a module wants of a store. Lives during the call.
#[derive(Clone, Copy, Debug)]
pub struct KvRequestView<'a> {
    /// One of [`kv_operation`].
    pub operation: u32,
    /// Bits of [`kv_flag`]: known ones only, and one condition at most.
    pub flags: u32,
    /// The key, or the channel: 1 to 512 bytes.
    pub key: &'a [u8],
    /// What is set or published.
    pub value: &'a [u8],
    /// The value that there has to be, with [`kv_flag::IF_EQUAL`].
    pub expected: &'a [u8],
    /// What is added.
    pub number: i64,
    /// The time to live in milliseconds; 0: for ever.
    pub ttl_ms: u64,
}

impl<'a> KvRequestView<'a> {
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    unsafe fn check(request: *const hc_kv_request) -> Result<KvRequestView<'a>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let request: &'a hc_kv_request = unsafe { read_options(request) }?;
        // SAFETY: passed on from the caller.
        let (key, value, expected) =
            unsafe { (bytes(request.key)?, bytes(request.value)?, bytes(request.expected)?) };
        let (operation, flags) = (request.operation, request.flags);
        if request.reserved != 0 {
            Err(BoundaryRefusal::RESERVED)
        } else if !(kv_operation::GET..=kv_operation::UNSUBSCRIBE).contains(&operation) {
            Err(UNKNOWN_OPERATION)
        } else if flags & !(CONDITIONS | kv_flag::KEEP_TTL) != 0 {
            Err(UNKNOWN_FLAG)
        } else if (flags & CONDITIONS).count_ones() > 1 {
            Err(TWO_CONDITIONS)
        } else if key.is_empty() || key.len() > KEY_BYTES_MAX {
            Err(BAD_KEY)
        } else {
            let (number, ttl_ms) = (request.number, request.ttl_ms);
            Ok(KvRequestView { operation, flags, key, value, expected, number, ttl_ms })
        }
    }
}

/// What an operation answered, in a view that the container keeps alive until the next one on the lease.
#[derive(Clone, Copy, Debug)]
pub struct RawReply {
    /// 1: there was one, or it was stored; else 0.
    pub found: u32,
    /// The value.
    pub value: hc_bytes,
    /// The number.
    pub number: i64,
    /// What is left of the time to live, in milliseconds; 0: for ever.
    pub ttl_ms: u64,
}

/// A published message, in views that the container keeps alive until the next one on the lease.
#[derive(Clone, Copy, Debug)]
pub struct RawMessage {
    /// The channel.
    pub channel: hc_bytes,
    /// What was published.
    pub value: hc_bytes,
}

/// A host that offers `hc.kv/1`.
pub trait KvHost: Host {
    /// Begins an operation.
    fn kv_run(&self, task: u64, lease: u64, token: u64, request: &KvRequestView<'_>) -> Status;
    /// What the operation answered.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn kv_reply(&self, task: u64, lease: u64) -> Result<RawReply, Status>;
    /// The next message of a subscribed channel.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`: `HC_PENDING` among it.
    fn kv_message(&self, task: u64, lease: u64, token: u64) -> Result<RawMessage, Status>;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: KvHost> Table<H> {
    const KV: &'static hc_kv = &hc_kv {
        size: size_of::<hc_kv>() as u32,
        reserved: 0,
        run: Some(run::<H>),
        reply: Some(reply::<H>),
        message: Some(message::<H>),
    };
}

/// The vtable of `hc.kv/1` over `H`: what [`Host::extension`] answers for [`KV_ID`](crate::constants::KV_ID), and
/// [`Host::lease_interface`] for a lease on a store.
#[must_use]
pub const fn kv_table<H: KvHost>() -> &'static hc_kv {
    Table::<H>::KV
}

/// # Safety
/// The host pointer is this host's, and the request is what the header says.
unsafe extern "C" fn run<H: KvHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    token: u64,
    request: *const hc_kv_request,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a request of the module's, alive during the call.
        let request = unsafe { KvRequestView::check(request) }?;
        Ok(host.kv_run(task, lease, token, &request))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.kv/1 run", body) }
}

/// # Safety
/// The host pointer is this host's; `answer` is a structure whose size is set.
unsafe extern "C" fn reply<H: KvHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    answer: *mut hc_kv_reply,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a structure of the module's, alive during the call.
        let answer = unsafe { OutStruct::new(answer) }?;
        Ok(answer.set_answer(host.kv_reply(task, lease).map(|found| hc_kv_reply {
            size: size_of::<hc_kv_reply>() as u32,
            found: found.found,
            value: found.value,
            number: found.number,
            ttl_ms: found.ttl_ms,
        })))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.kv/1 reply", body) }
}

/// # Safety
/// The host pointer is this host's; `answer` is a structure whose size is set.
unsafe extern "C" fn message<H: KvHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    token: u64,
    answer: *mut hc_kv_message,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a structure of the module's, alive during the call.
        let answer = unsafe { OutStruct::new(answer) }?;
        Ok(answer.set_answer(host.kv_message(task, lease, token).map(|found| hc_kv_message {
            size: size_of::<hc_kv_message>() as u32,
            reserved: 0,
            channel: found.channel,
            value: found.value,
        })))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.kv/1 message", body) }
}
