//! The extensions that a container offers, as a Rust module asks for them. Must not know what they do.

use std::ffi::CStr;
use std::ptr::NonNull;

use crate::dispatch_ref::DispatchRef;
use crate::fd_ref::FdRef;
use crate::host_ref::HostRef;
use crate::kv_ref::KvRef;
use crate::limit_ref::LimitRef;
use crate::offload_ref::OffloadRef;
use crate::pool_ref::PoolRef;
use crate::provider_ref::ProviderRef;
use crate::sql_ref::SqlRef;

impl HostRef {
    /// An extension's vtable, at least `T` large by its first member.
    pub(crate) fn extension<T>(&self, id: &CStr) -> Option<NonNull<T>> {
        // SAFETY: the text is terminated.
        let found = unsafe { (self.table().extension?)(self.pointer(), id.as_ptr()) };
        let found = NonNull::new(found.cast_mut())?;
        // SAFETY: every vtable of an extension begins with its size.
        let size = unsafe { found.cast::<u32>().read() } as usize;
        (size >= size_of::<T>()).then_some(found.cast())
    }

    /// `hc.fd/1`, if the container offers it.
    #[must_use]
    pub fn fd(&self) -> Option<FdRef> {
        FdRef::new(*self)
    }

    /// `hc.dispatch/1`, if the container offers it.
    #[must_use]
    pub fn dispatch(&self) -> Option<DispatchRef> {
        DispatchRef::new(*self)
    }

    /// `hc.sql/1`, if the container offers it.
    #[must_use]
    pub fn sql(&self) -> Option<SqlRef> {
        SqlRef::new(*self)
    }

    /// `hc.kv/1`, if the container offers it.
    #[must_use]
    pub fn kv(&self) -> Option<KvRef> {
        KvRef::new(*self)
    }

    /// `hc.pool/1`, if the container offers it.
    #[must_use]
    pub fn pool(&self) -> Option<PoolRef> {
        PoolRef::new(*self)
    }

    /// `hc.limit/1`, if the container offers it. To ask for a limit's number, see [`limit`](Self::limit).
    #[must_use]
    pub fn limit_extension(&self) -> Option<LimitRef> {
        LimitRef::new(*self)
    }

    /// `hc.offload/1`, if the container offers it.
    #[must_use]
    pub fn offload(&self) -> Option<OffloadRef> {
        OffloadRef::new(*self)
    }

    /// `hc.provider/1`, if the container offers it.
    #[must_use]
    pub fn provider(&self) -> Option<ProviderRef> {
        ProviderRef::new(*self)
    }
}
