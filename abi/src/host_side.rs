//! The container's side: the safe trait [`Host`] with one method per host call, and the table that modules see. Must not
//! know what a call does; how arguments are checked stands in `host_calls.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bytes::{FieldsView, RawFields};
use crate::constants::log_level;
use crate::event::Event;
use crate::host_calls;
use crate::opaque::{ExtensionTable, HostPtr, Opaque};
use crate::raw::{hc_bytes, hc_host};
use crate::response_view::ResponseView;
use crate::status::Status;

/// The answer of `body_read`, or of a child's `read`.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// `HC_OK` with a chunk; else why there is none.
    pub status: Status,
    /// With `HC_OK`: a view that the container keeps alive until the next read of the task, or its `finish`.
    pub chunk: hc_bytes,
}

impl Read {
    /// A chunk, which the container keeps alive.
    #[must_use]
    pub const fn chunk(bytes: &[u8]) -> Read {
        Read { status: Status::OK, chunk: hc_bytes::of(bytes) }
    }

    /// No chunk, for that reason.
    #[must_use]
    pub const fn none(status: Status) -> Read {
        Read { status, chunk: hc_bytes::NONE }
    }
}

/// Why the last call on this thread was refused; views that the container keeps alive until the next call on the thread.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The id of the rule.
    pub rule: hc_bytes,
    /// A sentence.
    pub text: hc_bytes,
}

/// A call that was refused at the boundary, before the container saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoundaryRefusal {
    /// What the module is answered.
    pub status: Status,
    /// The id of the rule that it broke.
    pub rule: &'static str,
    /// The rule in a sentence.
    pub text: &'static str,
}

impl BoundaryRefusal {
    /// A pointer that may not be NULL was.
    pub const NULL_ARGUMENT: BoundaryRefusal =
        BoundaryRefusal::invalid("host.call.null", "a pointer that the call needs is NULL");
    /// A view with a size has no pointer, or a size that no object has.
    pub const NULL_VIEW: BoundaryRefusal = BoundaryRefusal::invalid(
        "host.call.null",
        "a view is NULL and its size is not 0, or it is larger than memory",
    );
    /// A pointer is not aligned for what it points at.
    pub const MISALIGNED: BoundaryRefusal = BoundaryRefusal::invalid(
        "overview.undefined",
        "a pointer is not aligned for its type, so it cannot be valid",
    );
    /// An options structure's `size` is smaller than in version 1.0.
    pub const STRUCT_SMALL: BoundaryRefusal = BoundaryRefusal::invalid(
        "version.size.options-too-small",
        "the structure's size is smaller than in version 1.0",
    );
    /// An options structure's `size` is above 4096.
    pub const STRUCT_LARGE: BoundaryRefusal =
        BoundaryRefusal::unsupported("version.size.limit", "the structure's size is above 4096");
    /// An options structure of a later version uses what this version does not know.
    pub const TAIL_NOT_ZERO: BoundaryRefusal = BoundaryRefusal::unsupported(
        "version.size.options-tail",
        "the structure has members that this version does not know, and they are not zero",
    );
    /// A member named `reserved` is not 0.
    pub const RESERVED: BoundaryRefusal =
        BoundaryRefusal::invalid("version.reserved", "a member named `reserved` is not 0");
    /// `acquire` of nothing.
    pub const ACQUIRE_NONE: BoundaryRefusal =
        BoundaryRefusal::invalid("resource.acquire.count", "acquire names no resource");
    /// `acquire` of too many resources.
    pub const ACQUIRE_MANY: BoundaryRefusal = BoundaryRefusal {
        status: Status::E_LIMIT,
        rule: "resource.acquire.count",
        text: "acquire names more than 16 resources",
    };

    pub(crate) const fn unsupported(rule: &'static str, text: &'static str) -> BoundaryRefusal {
        BoundaryRefusal { status: Status::E_UNSUPPORTED, rule, text }
    }

    pub(crate) const fn invalid(rule: &'static str, text: &'static str) -> BoundaryRefusal {
        BoundaryRefusal { status: Status::E_INVALID, rule, text }
    }
}

/// What a container does when a module calls it: one method per function of `hc_host`, `self` being the host of one module
/// instance. Arguments have passed the checks of pointers and sizes and nothing else. A panic in a method is answered with
/// `HC_E_FAILED` (or nothing, 0 or NULL) and reported through [`Host::panicked`].
pub trait Host: Send + Sync + 'static {
    /// The vtable of an extension by its id, or `None`.
    fn extension(&self, id: &[u8]) -> Option<ExtensionTable>;
    /// A line for the log; the text ought to be UTF-8 and may be anything; `task` may be 0 or gone.
    fn log(&self, task: u64, level: u32, text: &[u8]);
    /// Nanoseconds on the process's monotonic clock.
    fn now(&self) -> u64;
    /// The current worker, or [`WORKER_NONE`](crate::constants::WORKER_NONE).
    fn worker_index(&self) -> u32;
    /// How many workers there are.
    fn worker_count(&self) -> u32;
    /// A limit (`enum hc_limit`); 0 for an unknown one, `u64::MAX` for none.
    fn limit(&self, which: u32) -> u64;
    /// Why the last call on this thread was refused, if it was.
    fn refusal(&self) -> Option<Refusal>;

    /// The next chunk of the request body.
    fn body_read(&self, task: u64, token: u64) -> Read;
    /// The trailers of the request body; the container keeps them alive as long as the request.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn body_trailers(&self, task: u64) -> Result<RawFields, Status>;

    /// The whole response at once.
    fn respond(&self, task: u64, response: &ResponseView<'_>) -> Status;
    /// An interim response.
    fn inform(&self, task: u64, status: u32, fields: FieldsView<'_>) -> Status;
    /// The head of a response.
    fn response_start(&self, task: u64, response: &ResponseView<'_>) -> Status;
    /// More of the body: the status, and how many bytes were accepted.
    fn response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize);
    /// The end of the response.
    fn response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status;
    /// Breaks the response off.
    fn abort(&self, task: u64) -> Status;

    /// A new completion.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn completion(&self, task: u64, token: u64) -> Result<u64, Status>;
    /// Completes a completion, from any thread.
    fn complete(&self, completion: u64, status: Status, value: u64) -> Status;
    /// An event no earlier than `delay_ns` nanoseconds from now.
    fn timer(&self, task: u64, token: u64, delay_ns: u64) -> Status;
    /// Withdraws an operation; the event with `HC_E_TOO_LATE`.
    fn cancel(&self, task: u64, token: u64) -> (Status, Option<Event>);
    /// Asks for notices.
    fn notices(&self, task: u64, mask: u32) -> Status;

    /// A background task; its handle.
    ///
    /// # Errors
    /// Why no task was made; `arg` is still the module's.
    fn spawn(&self, worker: u32, arg: Opaque) -> Result<u64, Status>;
    /// As [`spawn`](Self::spawn), where the task may start on another worker before the call returns: `announce` writes the
    /// handle to where the module wants it, and has to be called before the task can start \[task.spawn.handle\].
    fn spawn_announced(&self, worker: u32, arg: Opaque, announce: &mut dyn FnMut(u64)) -> Status {
        match self.spawn(worker, arg) {
            Ok(task) => {
                announce(task);
                Status::OK
            }
            Err(status) => status,
        }
    }
    /// Asks that a task be cancelled.
    fn task_cancel(&self, task: u64) -> Status;

    /// A resource by name and interface.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn resource(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status>;
    /// Exclusive hold of one member of each of 1 to 16 resources; `leases` is as long as `resources`, is all 0, and is to be
    /// filled in during the call.
    fn acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status;
    /// Gives a lease back.
    fn release(&self, task: u64, lease: u64, how: u32) -> Status;
    /// The vtable of the leased resource's interface.
    fn lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable>;

    /// Asked when the boundary is about to refuse an argument of `call`: an error if the call would be refused before its
    /// arguments are looked at (thread, callback, handle, worker, state: \[host.call.order\]), which is then the answer.
    fn before_arguments(&self, task: u64, call: &'static str) -> Status {
        let _ = (task, call);
        Status::OK
    }

    /// As [`before_arguments`](Self::before_arguments), for a call on a lease: that one is looked at first, too.
    fn before_lease_arguments(&self, task: u64, lease: u64, call: &'static str) -> Status {
        let _ = lease;
        self.before_arguments(task, call)
    }

    /// A call was refused at the boundary: to be kept for `refusal`, and logged. `call` is the function's name.
    fn refused(&self, task: u64, call: &'static str, refusal: &BoundaryRefusal) {
        let line = format!("{call} refused: {} [{}]", refusal.text, refusal.rule);
        self.log(task, log_level::WARN, line.as_bytes());
    }

    /// A method of this trait panicked: a fault of the container. `call` is the function's name.
    fn panicked(&self, call: &'static str, message: &str) {
        self.log(0, log_level::ERROR, format!("the container panicked in {call}: {message}").as_bytes());
    }
}

/// A host beside the vtable through which one module instance calls it. It must live, in its `Arc`, from before `create`
/// until `destroy` has returned.
#[repr(C)]
pub struct HostTable<H: Host> {
    table: hc_host,
    /// The address of this very object: a copy of the vtable that a module made is no host.
    home: AtomicUsize,
    host: H,
}

impl<H: Host> HostTable<H> {
    /// Puts a host behind a vtable.
    pub fn new(host: H) -> Arc<HostTable<H>> {
        const { assert!(std::mem::offset_of!(HostTable<H>, table) == 0, "H is a pointer to the vtable") };
        let made =
            Arc::new(HostTable { table: host_calls::host_table::<H>(), home: AtomicUsize::new(0), host });
        made.home.store(Arc::as_ptr(&made).addr(), Ordering::Relaxed);
        made
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The pointer that the module instance is given.
    #[must_use]
    pub fn as_ptr(self: &Arc<Self>) -> HostPtr {
        HostPtr::new(Arc::as_ptr(self).cast())
    }

    /// The host behind a pointer that a module passed; `None` for NULL, a misaligned pointer, or a copied vtable.
    ///
    /// # Safety
    /// `pointer` is NULL, or was made by [`as_ptr`](Self::as_ptr) of a `HostTable<H>` that is alive during `'a` (a copied
    /// vtable is recognised as far as the memory behind it can be read).
    pub(crate) unsafe fn find<'a>(pointer: *const hc_host) -> Option<&'a HostTable<H>> {
        let home: *const HostTable<H> = pointer.cast();
        if home.is_null() || !home.is_aligned() {
            return None;
        }
        // SAFETY: the caller promises a live HostTable<H>; the vtable is its first member, so the addresses are equal.
        let found = unsafe { &*home };
        (found.home.load(Ordering::Relaxed) == home.addr()).then_some(found)
    }
}
