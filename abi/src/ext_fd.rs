//! hc.fd/1, the container's side: the vtable over the safe trait [`FdHost`]. Must not know how readiness is found out.

use std::ffi::c_int;

use crate::host_calls::enter_status;
use crate::host_side::Host;
use crate::out::Out;
use crate::raw::{hc_fd, hc_host, hc_status};
use crate::status::Status;

/// A host that offers `hc.fd/1`.
pub trait FdHost: Host {
    /// Registers a descriptor, which stays the module's, with the current worker; the handle of the registration.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn fd_add(&self, fd: c_int) -> Result<u64, Status>;
    /// Waits until the descriptor may be ready for `interest` ([`fd_interest`](crate::constants::fd_interest)).
    fn fd_wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status;
    /// Forgets the descriptor.
    fn fd_remove(&self, handle: u64) -> Status;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: FdHost> Table<H> {
    const FD: &'static hc_fd = &hc_fd {
        size: size_of::<hc_fd>() as u32,
        reserved: 0,
        add: Some(add::<H>),
        wait: Some(wait::<H>),
        remove: Some(remove::<H>),
    };
}

/// The vtable of `hc.fd/1` over `H`: what [`Host::extension`] answers for [`FD_ID`](crate::constants::FD_ID).
#[must_use]
pub const fn fd_table<H: FdHost>() -> &'static hc_fd {
    Table::<H>::FD
}

/// # Safety
/// The host pointer is this host's; `handle` may be written.
unsafe extern "C" fn add<H: FdHost>(pointer: *const hc_host, fd: c_int, handle: *mut u64) -> hc_status {
    let body = |host: &H| {
        // SAFETY: an out parameter of the module's, alive during the call.
        let handle = unsafe { Out::new(handle) }?;
        Ok(handle.set_answer(host.fd_add(fd)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, 0, "hc.fd/1 add", body) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn wait<H: FdHost>(
    pointer: *const hc_host,
    task: u64,
    token: u64,
    handle: u64,
    interest: u32,
) -> hc_status {
    let body = |host: &H| Ok(host.fd_wait(task, token, handle, interest));
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.fd/1 wait", body) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn remove<H: FdHost>(pointer: *const hc_host, handle: u64) -> hc_status {
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, 0, "hc.fd/1 remove", |host: &H| Ok(host.fd_remove(handle))) }
}
