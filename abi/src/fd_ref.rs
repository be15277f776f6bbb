//! hc.fd/1 as a Rust module sees it. Must not know what the descriptors are for.

use std::ffi::c_int;
use std::ptr::NonNull;

use crate::host_ref::{HostRef, call};
use crate::raw::{HC_FD_ID, hc_fd};
use crate::status::Status;

/// The extension `hc.fd/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct FdRef {
    host: HostRef,
    table: NonNull<hc_fd>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for FdRef {}
// SAFETY: as above.
unsafe impl Sync for FdRef {}

impl FdRef {
    pub(crate) fn new(host: HostRef) -> Option<FdRef> {
        host.extension(HC_FD_ID).map(|table| FdRef { host, table })
    }

    fn table(&self) -> &hc_fd {
        // SAFETY: whole by its size, and valid as long as the host.
        unsafe { self.table.as_ref() }
    }

    /// Registers a non-blocking descriptor with the current worker; it stays yours.
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn add(&self, fd: c_int) -> Result<u64, Status> {
        let mut handle = 0;
        let status = call!(self.table(), add(self.host.pointer(), fd, &raw mut handle));
        if status == Status::OK { Ok(handle) } else { Err(status) }
    }

    /// Waits until the descriptor may be ready: one of [`fd_interest`](crate::constants::fd_interest).
    pub fn wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        call!(self.table(), wait(self.host.pointer(), task, token, handle, interest))
    }

    /// Forgets the descriptor; before it is closed.
    pub fn remove(&self, handle: u64) -> Status {
        call!(self.table(), remove(self.host.pointer(), handle))
    }
}

impl std::fmt::Debug for FdRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.fd/1 of {:?}", self.host)
    }
}
