//! hc.pool/1 as a Rust module sees it. Must not look into the objects.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use crate::host_ref::{HostRef, call};
use crate::opaque::{ExtensionTable, Opaque};
use crate::raw::{HC_POOL_ID, hc_pool};
use crate::status::Status;

/// The extension `hc.pool/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct PoolRef {
    host: HostRef,
    table: NonNull<hc_pool>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for PoolRef {}
// SAFETY: as above.
unsafe impl Sync for PoolRef {}

impl PoolRef {
    pub(crate) fn new(host: HostRef) -> Option<PoolRef> {
        host.extension(HC_POOL_ID).map(|table| PoolRef { host, table })
    }

    /// Whether that is the interface of a lease on an object.
    #[must_use]
    pub fn is(&self, interface: ExtensionTable) -> bool {
        ptr::eq(self.table.as_ptr().cast(), interface.as_ptr())
    }

    /// The object of the leased member, good until the lease ends. Whoever looks into it answers for that.
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn object(&self, task: u64, lease: u64, type_name: &CStr) -> Result<Opaque, Status> {
        let mut object = ptr::null_mut();
        // SAFETY: whole by its size, and valid as long as the host.
        let table = unsafe { self.table.as_ref() };
        let name = type_name.as_ptr();
        match call!(table, object(self.host.pointer(), task, lease, name, &raw mut object)) {
            Status::OK => Ok(Opaque::new(object)),
            other => Err(other),
        }
    }
}

impl std::fmt::Debug for PoolRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.pool/1 of {:?}", self.host)
    }
}
