//! The container as a Rust module sees it: one safe method per host call. Must not know the trait `Host`; the container on
//! the other side may be written in anything.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::bytes::{Field, FieldsView};
use crate::constants::{ABI_MAJOR, LENGTH_UNKNOWN};
use crate::event::Event;
use crate::opaque::ExtensionTable;
use crate::raw::{self, hc_bytes, hc_host, hc_response};
use crate::status::Status;

/// A response head, and for [`HostRef::respond`] its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Response<'a> {
    /// 200 to 599.
    pub status: u32,
    /// The fields.
    pub fields: &'a [Field<'a>],
    /// For `respond`: the body; for `response_start` it must be empty.
    pub body: &'a [u8],
    /// For `response_start`: the length of the body, `None` when it is not known beforehand.
    pub content_length: Option<u64>,
}

impl Response<'_> {
    fn raw(&self) -> hc_response {
        let fields = FieldsView::new(self.fields).raw();
        hc_response {
            size: size_of::<hc_response>() as u32,
            status: self.status,
            fields: fields.data,
            field_count: fields.count,
            body: hc_bytes::of(self.body),
            content_length: self.content_length.unwrap_or(LENGTH_UNKNOWN),
        }
    }
}

/// The host of one module instance: H of the header. Valid from `create` until `destroy` has returned; a module joins its own
/// threads before that (in the instance's `Drop`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HostRef {
    table: NonNull<hc_host>,
}

// SAFETY: every call may be made from any thread as far as memory goes: where the header restricts the thread, the container
// answers HC_E_THREAD.
unsafe impl Send for HostRef {}
// SAFETY: as above.
unsafe impl Sync for HostRef {}

thread_local! {
    /// Whether a closure on this thread looks at a chunk, which a further read would end.
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// A look at borrowed bytes: while it lasts no other look may begin, since the call that begins it ends the bytes.
pub(crate) struct Look(PhantomData<*const ()>);

impl Look {
    pub(crate) fn begin() -> Result<Look, Status> {
        if LOOKING.replace(true) { Err(Status::E_STATE) } else { Ok(Look(PhantomData)) }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        LOOKING.set(false);
    }
}

/// Calls a function of a vtable: `HC_E_UNSUPPORTED` where the pointer is NULL.
macro_rules! call {
    ($table:expr, $function:ident($($argument:expr),*)) => {
        match $table.$function {
            // SAFETY: the container's function, with arguments that live during the call.
            Some(function) => Status(unsafe { function($($argument),*) }),
            None => Status::E_UNSUPPORTED,
        }
    };
}
pub(crate) use call;

impl HostRef {
    /// Looks whether this container speaks the same major version.
    ///
    /// # Errors
    /// `HC_E_INVALID` for NULL, `HC_E_VERSION` when the versions do not fit.
    ///
    /// # Safety
    /// `host` is NULL, or a container's host that is valid until `destroy` of the instance returned.
    pub(crate) unsafe fn new(host: *const hc_host) -> Result<HostRef, Status> {
        let table = NonNull::new(host.cast_mut()).ok_or(Status::E_INVALID)?;
        // SAFETY: the first members are the same in every version.
        let (size, major) =
            unsafe { ((&raw const (*host).size).read(), (&raw const (*host).abi_major).read()) };
        if major != ABI_MAJOR || (size as usize) < size_of::<hc_host>() {
            return Err(Status::E_VERSION);
        }
        Ok(HostRef { table })
    }

    pub(crate) fn table(&self) -> &hc_host {
        // SAFETY: checked by `new` to be whole, and valid until `destroy`.
        unsafe { self.table.as_ref() }
    }

    /// H itself, for extensions.
    pub(crate) fn pointer(&self) -> *const hc_host {
        self.table.as_ptr()
    }

    /// Writes a line to the container's log; `task` may be 0. Levels: [`log_level`](crate::constants::log_level).
    pub fn log(&self, task: u64, level: u32, text: &str) {
        if let Some(log) = self.table().log {
            // SAFETY: the text lives during the call.
            unsafe { log(self.pointer(), task, level, hc_bytes::of(text.as_bytes())) }
        }
    }

    /// Nanoseconds on the process's monotonic clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        // SAFETY: the container's function.
        self.table().now.map_or(0, |now| unsafe { now(self.pointer()) })
    }

    /// The current worker, or [`WORKER_NONE`](crate::constants::WORKER_NONE).
    #[must_use]
    pub fn worker_index(&self) -> u32 {
        let index = self.table().worker_index;
        // SAFETY: the container's function.
        index.map_or(crate::constants::WORKER_NONE, |index| unsafe { index(self.pointer()) })
    }

    /// How many workers there are.
    #[must_use]
    pub fn worker_count(&self) -> u32 {
        // SAFETY: the container's function.
        self.table().worker_count.map_or(0, |count| unsafe { count(self.pointer()) })
    }

    /// A limit: one of [`limit`](crate::constants::limit); 0 for one that the container does not know.
    #[must_use]
    pub fn limit(&self, which: u32) -> u64 {
        // SAFETY: the container's function.
        self.table().limit.map_or(0, |limit| unsafe { limit(self.pointer(), which) })
    }

    /// Why the last call on this thread was refused: rule id and sentence, copied.
    #[must_use]
    pub fn refusal(&self) -> Option<(String, String)> {
        let (mut rule, mut text) = (hc_bytes::NONE, hc_bytes::NONE);
        let status = call!(self.table(), refusal(self.pointer(), &raw mut rule, &raw mut text));
        if status != Status::OK {
            return None;
        }
        // SAFETY: both live until the next call on this thread, and are copied before.
        let copy = |bytes: hc_bytes| String::from_utf8_lossy(unsafe { bytes.slice() }).into_owned();
        Some((copy(rule), copy(text)))
    }

    /// The next chunk of the request body, never empty: `take` looks at it, and its answer comes back. Inside `take` no
    /// other read may be made (`HC_E_STATE`).
    ///
    /// # Errors
    /// Any status but `HC_OK`: `HC_PENDING` when an event will come, `HC_END` when the body is whole, or an error.
    pub fn body_read<R>(&self, task: u64, token: u64, take: impl FnOnce(&[u8]) -> R) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut chunk = hc_bytes::NONE;
        match call!(self.table(), body_read(self.pointer(), task, token, &raw mut chunk)) {
            // SAFETY: the chunk lives until the next read of the task, which `_look` excludes.
            Status::OK => Ok(take(unsafe { chunk.slice() })),
            other => Err(other),
        }
    }

    /// The trailers of the request body, after `HC_END`.
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn body_trailers<R>(&self, task: u64, take: impl FnOnce(FieldsView<'_>) -> R) -> Result<R, Status> {
        let (mut data, mut count) = (ptr::null(), 0);
        match call!(self.table(), body_trailers(self.pointer(), task, &raw mut data, &raw mut count)) {
            // SAFETY: the fields live as the request does, longer than this call.
            Status::OK => Ok(take(unsafe { FieldsView::trusted(data, count) })),
            other => Err(other),
        }
    }

    /// The whole response at once.
    pub fn respond(&self, task: u64, response: &Response<'_>) -> Status {
        let response = response.raw();
        call!(self.table(), respond(self.pointer(), task, &raw const response))
    }

    /// An interim response, 102 to 199.
    pub fn inform(&self, task: u64, status: u32, fields: &[Field<'_>]) -> Status {
        let fields = FieldsView::new(fields).raw();
        call!(self.table(), inform(self.pointer(), task, status, fields.data, fields.count))
    }

    /// The head of a response whose body follows.
    pub fn response_start(&self, task: u64, response: &Response<'_>) -> Status {
        let response = response.raw();
        call!(self.table(), response_start(self.pointer(), task, &raw const response))
    }

    /// More of the body: the status, and how many bytes were accepted.
    pub fn response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        let mut accepted = 0;
        let view = hc_bytes::of(data);
        let status =
            call!(self.table(), response_write(self.pointer(), task, token, view, &raw mut accepted));
        (status, accepted.min(data.len()))
    }

    /// The end of the response.
    pub fn response_end(&self, task: u64, trailers: &[Field<'_>]) -> Status {
        let trailers = FieldsView::new(trailers).raw();
        call!(self.table(), response_end(self.pointer(), task, trailers.data, trailers.count))
    }

    /// Breaks the response off.
    pub fn abort(&self, task: u64) -> Status {
        call!(self.table(), abort(self.pointer(), task))
    }

    /// A completion, which any thread may complete.
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn completion(&self, task: u64, token: u64) -> Result<u64, Status> {
        let mut made = 0;
        let status = call!(self.table(), completion(self.pointer(), task, token, &raw mut made));
        if status == Status::OK { Ok(made) } else { Err(status) }
    }

    /// Completes a completion. `HC_OK`: the event will reach the module; `HC_E_GONE`: it will not.
    pub fn complete(&self, completion: u64, status: Status, value: u64) -> Status {
        call!(self.table(), complete(self.pointer(), completion, status.0, value))
    }

    /// An event no earlier than `delay_ns` nanoseconds from now; 0 is the cooperative yield.
    pub fn timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        call!(self.table(), timer(self.pointer(), task, token, delay_ns))
    }

    /// Withdraws an operation. With `HC_E_TOO_LATE` the event is here, and will not come again.
    pub fn cancel(&self, task: u64, token: u64) -> (Status, Option<Event>) {
        let mut latched = raw::hc_event { token: 0, value: 0, status: 0, kind: 0 };
        let status = call!(self.table(), cancel(self.pointer(), task, token, &raw mut latched));
        (status, (status == Status::E_TOO_LATE).then(|| latched.into()))
    }

    /// Asks for notices: a mask of [`notice`](crate::constants::notice).
    pub fn notices(&self, task: u64, mask: u32) -> Status {
        call!(self.table(), notices(self.pointer(), task, mask))
    }

    /// A background task, which gets `arg` in its `start`. `worker`: a number,
    /// [`WORKER_ANY`](crate::constants::WORKER_ANY) or [`WORKER_SELF`](crate::constants::WORKER_SELF).
    ///
    /// # Errors
    /// The status, and `arg` back: no task was made.
    pub fn spawn(&self, worker: u32, arg: Box<dyn Any + Send>) -> Result<u64, (Status, Box<dyn Any + Send>)> {
        let arg = Box::into_raw(Box::new(arg));
        let mut task = 0;
        let status = call!(self.table(), spawn(self.pointer(), worker, arg.cast::<c_void>(), &raw mut task));
        if status == Status::OK {
            return Ok(task);
        }
        // SAFETY: no task was made, so the box made above is still this side's.
        Err((status, *unsafe { Box::from_raw(arg) }))
    }

    /// Asks that a task of this instance be cancelled.
    pub fn task_cancel(&self, task: u64) -> Status {
        call!(self.table(), task_cancel(self.pointer(), task))
    }

    /// A resource by the operator's name for it; only inside `create`.
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn resource(&self, name: &CStr, interface: &CStr) -> Result<u32, Status> {
        let mut found = 0;
        let status =
            call!(self.table(), resource(self.pointer(), name.as_ptr(), interface.as_ptr(), &raw mut found));
        if status == Status::OK { Ok(found) } else { Err(status) }
    }

    /// Exclusive hold of one member of each resource: all or nothing.
    ///
    /// # Panics
    /// When `leases` is not as long as `resources`.
    pub fn acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        assert_eq!(resources.len(), leases.len(), "one lease per resource");
        let (wanted, leases) = (resources.as_ptr(), leases.as_mut_ptr());
        call!(self.table(), acquire(self.pointer(), task, token, wanted, resources.len(), timeout_ns, leases))
    }

    /// Gives a lease back: one of [`lease_end`](crate::constants::lease_end). `HC_E_STATE` inside a look.
    pub fn release(&self, task: u64, lease: u64, how: u32) -> Status {
        match Look::begin() {
            Ok(_look) => call!(self.table(), release(self.pointer(), task, lease, how)),
            Err(status) => status,
        }
    }

    /// The vtable of the leased resource's interface; `None` when the task does not hold the lease. The reference of each
    /// interface knows its own, as [`SqlRef::is`](crate::SqlRef::is).
    #[must_use]
    pub fn lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable> {
        // SAFETY: the container's function.
        let found = unsafe { (self.table().lease_interface?)(self.pointer(), task, lease) };
        ExtensionTable::found(found)
    }
}

impl std::fmt::Debug for HostRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "HostRef({:p})", self.table)
    }
}
