//! Pointers that are carried and never looked into. Must not offer a way to dereference what the other side owns.

use std::ffi::c_void;
use std::ptr;

use crate::raw::hc_host;

/// A `void *` of the other side: an instance, a worker state, a task state, the argument of a spawned task. It is carried
/// from where it was given to where it is due, and never looked into.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct Opaque(*mut c_void);

// SAFETY: this type never dereferences the pointer; which thread may use what it points to is the other side's promise,
// stated by the thread tags of the header.
unsafe impl Send for Opaque {}
// SAFETY: as above; a shared `Opaque` can only be copied and compared.
unsafe impl Sync for Opaque {}

impl Opaque {
    /// No pointer.
    pub const NULL: Opaque = Opaque(ptr::null_mut());

    /// Wraps a pointer.
    #[must_use]
    pub const fn new(pointer: *mut c_void) -> Opaque {
        Opaque(pointer)
    }

    /// A number in place of a pointer, for a module whose arguments are indexes; see [`Opaque::number`].
    #[must_use]
    pub const fn of_number(number: usize) -> Opaque {
        Opaque(ptr::without_provenance_mut(number))
    }

    /// The address as a number.
    #[must_use]
    pub fn number(self) -> usize {
        self.0.addr()
    }

    /// The pointer.
    #[must_use]
    pub const fn as_ptr(self) -> *mut c_void {
        self.0
    }

    /// Whether there is no pointer.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }
}

impl Default for Opaque {
    fn default() -> Opaque {
        Opaque::NULL
    }
}

/// The host pointer that a module instance is given: H of the header. Made by [`HostTable::as_ptr`](crate::HostTable::as_ptr).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct HostPtr(*const hc_host);

// SAFETY: an hc_host is constant and its functions may be called from any thread within the rules of their tags; this type
// does not dereference it.
unsafe impl Send for HostPtr {}
// SAFETY: as above.
unsafe impl Sync for HostPtr {}

impl HostPtr {
    /// Wraps the pointer.
    #[must_use]
    pub const fn new(pointer: *const hc_host) -> HostPtr {
        HostPtr(pointer)
    }

    /// The pointer.
    #[must_use]
    pub const fn as_ptr(self) -> *const hc_host {
        self.0
    }
}

/// The vtable of an extension or of a resource's interface: constant, alive for as long as the container says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct ExtensionTable(*const c_void);

// SAFETY: a vtable is constant; this type does not dereference it.
unsafe impl Send for ExtensionTable {}
// SAFETY: as above.
unsafe impl Sync for ExtensionTable {}

impl ExtensionTable {
    /// The vtable of an extension that the container offers.
    #[must_use]
    pub const fn of<T: Sync>(table: &'static T) -> ExtensionTable {
        ExtensionTable(ptr::from_ref(table).cast())
    }

    /// A vtable that a container answered with; `None` for NULL.
    pub(crate) fn found(pointer: *const c_void) -> Option<ExtensionTable> {
        (!pointer.is_null()).then_some(ExtensionTable(pointer))
    }

    /// The pointer; never NULL.
    #[must_use]
    pub const fn as_ptr(self) -> *const c_void {
        self.0
    }
}
