//! hc.limit/1 as a Rust module sees it. Must not know what is counted.

use std::ptr::{self, NonNull};

use crate::ext_limit::Usage;
use crate::host_ref::{HostRef, call};
use crate::opaque::ExtensionTable;
use crate::raw::{HC_LIMIT_ID, hc_limit_table, hc_usage};
use crate::status::Status;

/// The extension `hc.limit/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct LimitRef {
    host: HostRef,
    table: NonNull<hc_limit_table>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for LimitRef {}
// SAFETY: as above.
unsafe impl Sync for LimitRef {}

impl LimitRef {
    pub(crate) fn new(host: HostRef) -> Option<LimitRef> {
        host.extension(HC_LIMIT_ID).map(|table| LimitRef { host, table })
    }

    /// Whether that is the interface of a permit.
    #[must_use]
    pub fn is(&self, interface: ExtensionTable) -> bool {
        ptr::eq(self.table.as_ptr().cast(), interface.as_ptr())
    }

    /// How much of a resource, of any interface, is in use.
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn usage(&self, resource: u32) -> Result<Usage, Status> {
        let size = size_of::<hc_usage>() as u32;
        let mut usage = hc_usage { size, max: 0, in_use: 0, idle: 0, waiting: 0, available: 0 };
        // SAFETY: whole by its size, and valid as long as the host.
        let table = unsafe { self.table.as_ref() };
        match call!(table, usage(self.host.pointer(), resource, &raw mut usage)) {
            Status::OK => Ok(Usage {
                max: usage.max,
                in_use: usage.in_use,
                idle: usage.idle,
                waiting: usage.waiting,
                available: usage.available != 0,
            }),
            other => Err(other),
        }
    }
}

impl std::fmt::Debug for LimitRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.limit/1 of {:?}", self.host)
    }
}
