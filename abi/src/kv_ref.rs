//! hc.kv/1 as a Rust module sees it. Must not know which store it is.

use std::ptr::{self, NonNull};

use crate::ext_kv::KvRequestView;
use crate::ext_provider::ReplyView;
use crate::host_ref::{HostRef, Look, call};
use crate::opaque::ExtensionTable;
use crate::raw::{HC_KV_ID, hc_bytes, hc_kv, hc_kv_message, hc_kv_reply, hc_kv_request};
use crate::status::Status;

/// The extension `hc.kv/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct KvRef {
    host: HostRef,
    table: NonNull<hc_kv>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for KvRef {}
// SAFETY: as above.
unsafe impl Sync for KvRef {}

impl KvRef {
    pub(crate) fn new(host: HostRef) -> Option<KvRef> {
        host.extension(HC_KV_ID).map(|table| KvRef { host, table })
    }

    fn table(&self) -> &hc_kv {
        // SAFETY: whole by its size, and valid as long as the host.
        unsafe { self.table.as_ref() }
    }

    /// Whether that is the interface of a lease on a store.
    #[must_use]
    pub fn is(&self, interface: ExtensionTable) -> bool {
        ptr::eq(self.table.as_ptr().cast(), interface.as_ptr())
    }

    /// Begins an operation. `HC_E_STATE` inside a look.
    pub fn run(&self, task: u64, lease: u64, token: u64, request: &KvRequestView<'_>) -> Status {
        let _look = match Look::begin() {
            Ok(look) => look,
            Err(status) => return status,
        };
        let request = hc_kv_request {
            size: size_of::<hc_kv_request>() as u32,
            operation: request.operation,
            flags: request.flags,
            reserved: 0,
            key: hc_bytes::of(request.key),
            value: hc_bytes::of(request.value),
            expected: hc_bytes::of(request.expected),
            number: request.number,
            ttl_ms: request.ttl_ms,
        };
        call!(self.table(), run(self.host.pointer(), task, lease, token, &raw const request))
    }

    /// The answer, after the event: `take` looks at it. Inside `take` neither can an operation be begun, nor a lease be
    /// released (`HC_E_STATE`).
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn reply<R>(
        &self,
        task: u64,
        lease: u64,
        take: impl FnOnce(ReplyView<'_>) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut reply = hc_kv_reply {
            size: size_of::<hc_kv_reply>() as u32,
            found: 0,
            value: hc_bytes::NONE,
            number: 0,
            ttl_ms: 0,
        };
        match call!(self.table(), reply(self.host.pointer(), task, lease, &raw mut reply)) {
            Status::OK => Ok(take(ReplyView {
                found: reply.found,
                // SAFETY: it lives until the next operation or the lease's end, which `_look` excludes.
                value: unsafe { reply.value.slice() },
                number: reply.number,
                ttl_ms: reply.ttl_ms,
            })),
            other => Err(other),
        }
    }

    /// The next message: `take` looks at its channel and value, as with [`reply`](Self::reply).
    ///
    /// # Errors
    /// Any status but `HC_OK`: `HC_PENDING` when an event will come, or an error.
    pub fn message<R>(
        &self,
        task: u64,
        lease: u64,
        token: u64,
        take: impl FnOnce(&[u8], &[u8]) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut message = hc_kv_message {
            size: size_of::<hc_kv_message>() as u32,
            reserved: 0,
            channel: hc_bytes::NONE,
            value: hc_bytes::NONE,
        };
        match call!(self.table(), message(self.host.pointer(), task, lease, token, &raw mut message)) {
            // SAFETY: they live until the next message or the lease's end, which `_look` excludes.
            Status::OK => Ok(unsafe { take(message.channel.slice(), message.value.slice()) }),
            other => Err(other),
        }
    }
}

impl std::fmt::Debug for KvRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.kv/1 of {:?}", self.host)
    }
}
