//! hc.limit/1, the container's side: the vtable over the safe trait [`LimitHost`]. Must not know how members are counted.

use crate::host_calls::enter_status;
use crate::host_side::Host;
use crate::out::OutStruct;
use crate::raw::{hc_host, hc_limit_table, hc_status, hc_usage};
use crate::status::Status;

/// A resource at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Members there can be.
    pub max: u32,
    /// Members that are leased, reset or being closed.
    pub in_use: u32,
    /// Members that are open and free.
    pub idle: u32,
    /// Tasks that wait.
    pub waiting: u32,
    /// Whether it could be reached when that was last tried, or was not tried.
    pub available: bool,
}

/// A host that offers `hc.limit/1`.
pub trait LimitHost: Host {
    /// How much of a resource is in use, on any thread.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn limit_usage(&self, resource: u32) -> Result<Usage, Status>;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: LimitHost> Table<H> {
    const LIMIT: &'static hc_limit_table =
        &hc_limit_table { size: size_of::<hc_limit_table>() as u32, reserved: 0, usage: Some(usage::<H>) };
}

/// The vtable of `hc.limit/1` over `H`: what [`Host::extension`] answers for [`LIMIT_ID`](crate::constants::LIMIT_ID), and
/// [`Host::lease_interface`] for a permit.
#[must_use]
pub const fn limit_table<H: LimitHost>() -> &'static hc_limit_table {
    Table::<H>::LIMIT
}

/// # Safety
/// The host pointer is this host's; `answer` is a structure whose size is set.
unsafe extern "C" fn usage<H: LimitHost>(
    pointer: *const hc_host,
    resource: u32,
    answer: *mut hc_usage,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a structure of the module's, alive during the call.
        let answer = unsafe { OutStruct::new(answer) }?;
        Ok(answer.set_answer(host.limit_usage(resource).map(|found| hc_usage {
            size: size_of::<hc_usage>() as u32,
            max: found.max,
            in_use: found.in_use,
            idle: found.idle,
            waiting: found.waiting,
            available: found.available.into(),
        })))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, 0, "hc.limit/1 usage", body) }
}
