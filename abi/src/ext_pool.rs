//! hc.pool/1, the container's side: the vtable over the safe trait [`PoolHost`]. Must not know what the objects are.

use std::ffi::{c_char, c_void};

use crate::host_calls::{enter_lease, text};
use crate::host_side::Host;
use crate::opaque::Opaque;
use crate::out::Out;
use crate::raw::{hc_host, hc_pool, hc_status};
use crate::status::Status;

/// A host that offers `hc.pool/1`.
pub trait PoolHost: Host {
    /// The object of the leased member, if it is of the type of that name.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn pool_object(&self, task: u64, lease: u64, type_name: &[u8]) -> Result<Opaque, Status>;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: PoolHost> Table<H> {
    const POOL: &'static hc_pool =
        &hc_pool { size: size_of::<hc_pool>() as u32, reserved: 0, object: Some(object::<H>) };
}

/// The vtable of `hc.pool/1` over `H`: what [`Host::extension`] answers for [`POOL_ID`](crate::constants::POOL_ID), and
/// [`Host::lease_interface`] for a lease on an object.
#[must_use]
pub const fn pool_table<H: PoolHost>() -> &'static hc_pool {
    Table::<H>::POOL
}

/// # Safety
/// The host pointer is this host's; `type_name` is a terminated text, and `object` may be written.
unsafe extern "C" fn object<H: PoolHost>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    type_name: *const c_char,
    object: *mut *mut c_void,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a text and an out parameter of the module's, alive during the call.
        let (type_name, object) = unsafe { (text(type_name)?, Out::new(object)?) };
        Ok(object.set_answer(host.pool_object(task, lease, type_name).map(Opaque::as_ptr)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_lease(pointer, task, lease, "hc.pool/1 object", body) }
}
