//! Every function of `hc_host` as an `extern "C"` function over the trait `Host`: pointers checked, panics caught, answers
//! written. Must not know what a call does. `respond`, `body_read` and `response_write` are hot: no allocation, no lock.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use crate::bytes::FieldsView;
use crate::constants::{ABI_MAJOR, ABI_MINOR, WORKER_NONE};
use crate::guard::guard;
use crate::host_side::{BoundaryRefusal, Host, HostTable};
use crate::opaque::Opaque;
use crate::out::{Out, set_fields};
use crate::raw::{hc_bytes, hc_event, hc_field, hc_host, hc_response, hc_status};
use crate::response_view::ResponseView;
use crate::status::Status;

/// How many resources one `acquire` may name [resource.acquire.count].
pub(crate) const ACQUIRE_MAX: usize = 16;

/// The vtable over `H`.
pub(crate) const fn host_table<H: Host>() -> hc_host {
    hc_host {
        size: size_of::<hc_host>() as u32,
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        extension: Some(extension::<H>),
        log: Some(log::<H>),
        now: Some(now::<H>),
        worker_index: Some(worker_index::<H>),
        worker_count: Some(worker_count::<H>),
        limit: Some(limit::<H>),
        refusal: Some(refusal::<H>),
        body_read: Some(body_read::<H>),
        body_trailers: Some(body_trailers::<H>),
        respond: Some(respond::<H>),
        inform: Some(inform::<H>),
        response_start: Some(response_start::<H>),
        response_write: Some(response_write::<H>),
        response_end: Some(response_end::<H>),
        abort: Some(abort::<H>),
        completion: Some(completion::<H>),
        complete: Some(complete::<H>),
        timer: Some(timer::<H>),
        cancel: Some(cancel::<H>),
        notices: Some(notices::<H>),
        spawn: Some(spawn::<H>),
        task_cancel: Some(task_cancel::<H>),
        resource: Some(resource::<H>),
        acquire: Some(acquire::<H>),
        release: Some(release::<H>),
        lease_interface: Some(lease_interface::<H>),
    }
}

/// Finds the host behind `pointer` and runs `body` on it in the guard. `closed` is answered for a pointer that is no host,
/// `faulty` for a panic.
///
/// # Safety
/// As [`HostTable::find`].
pub(crate) unsafe fn enter<H: Host, T>(
    pointer: *const hc_host,
    call: &'static str,
    closed: T,
    faulty: T,
    body: impl FnOnce(&H) -> T,
) -> T {
    // SAFETY: passed on from the caller.
    match unsafe { HostTable::<H>::find(pointer) } {
        Some(table) => {
            let host = table.host();
            guard(faulty, |message| host.panicked(call, message), || body(host))
        }
        None => closed,
    }
}

/// As [`enter`], for calls that answer a status and may be refused at the boundary.
///
/// # Safety
/// As [`HostTable::find`].
pub(crate) unsafe fn enter_status<H: Host>(
    pointer: *const hc_host,
    task: u64,
    call: &'static str,
    body: impl FnOnce(&H) -> Result<Status, BoundaryRefusal>,
) -> hc_status {
    let body = |host: &H| body(host).unwrap_or_else(|refusal| refuse(host, task, call, &refusal)).0;
    // SAFETY: passed on from the caller.
    unsafe { enter(pointer, call, Status::E_INVALID.0, Status::E_FAILED.0, body) }
}

/// As [`enter_status`], for calls on a lease.
///
/// # Safety
/// As [`HostTable::find`].
pub(crate) unsafe fn enter_lease<H: Host>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
    call: &'static str,
    body: impl FnOnce(&H) -> Result<Status, BoundaryRefusal>,
) -> hc_status {
    let body = |host: &H| {
        let refuse = |refusal| {
            let before = host.before_lease_arguments(task, lease, call);
            refuse_unless(host, before, task, call, &refusal)
        };
        body(host).unwrap_or_else(refuse).0
    };
    // SAFETY: passed on from the caller.
    unsafe { enter(pointer, call, Status::E_INVALID.0, Status::E_FAILED.0, body) }
}

/// What stands before the arguments in the order of reasons is the host's to know [host.call.order].
#[cold]
fn refuse<H: Host>(host: &H, task: u64, call: &'static str, refusal: &BoundaryRefusal) -> Status {
    refuse_unless(host, host.before_arguments(task, call), task, call, refusal)
}

#[cold]
fn refuse_unless<H: Host>(
    host: &H,
    before: Status,
    task: u64,
    call: &'static str,
    refusal: &BoundaryRefusal,
) -> Status {
    if before.is_error() {
        return before;
    }
    host.refused(task, call, refusal);
    refusal.status
}

/// The bytes of a module's view.
///
/// # Safety
/// What passes the check is readable during `'a`.
pub(crate) unsafe fn bytes<'a>(view: hc_bytes) -> Result<&'a [u8], BoundaryRefusal> {
    // SAFETY: the view is valid, and the caller promises the rest.
    if view.is_valid() { Ok(unsafe { view.slice() }) } else { Err(BoundaryRefusal::NULL_VIEW) }
}

/// The fields of a module's array.
///
/// # Safety
/// What passes the check is readable during `'a`.
unsafe fn fields<'a>(data: *const hc_field, count: usize) -> Result<FieldsView<'a>, BoundaryRefusal> {
    // SAFETY: passed on from the caller.
    unsafe { FieldsView::check(data, count) }.ok_or(BoundaryRefusal::NULL_VIEW)
}

/// A terminated text of a module's.
///
/// # Safety
/// `text` is NULL or points at a terminated text that is readable during `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Result<&'a [u8], BoundaryRefusal> {
    if text.is_null() {
        return Err(BoundaryRefusal::NULL_ARGUMENT);
    }
    // SAFETY: not NULL, and the caller promises the rest.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// Defines `extern "C"` functions with a status, whose bodies run in the guard.
macro_rules! calls {
    ($($name:ident($host:ident; $task:expr; $($argument:ident: $type:ty),*) $body:block)*) => {$(
        /// # Safety
        /// The host pointer is this host's, and the arguments are what the header says.
        unsafe extern "C" fn $name<H: Host>(pointer: *const hc_host, $($argument: $type),*) -> hc_status {
            let body = |$host: &H| Ok($body);
            // SAFETY: the module keeps to the header; the body runs while its arguments are alive.
            unsafe { enter_status::<H>(pointer, $task, stringify!($name), body) }
        }
    )*};
}

calls! {
    refusal(host; 0; rule: *mut hc_bytes, words: *mut hc_bytes) {
        // SAFETY: out parameters of the module's, alive during the call.
        let (rule, words) = unsafe { (Out::optional(rule)?, Out::optional(words)?) };
        let found = host.refusal();
        if let Some(rule) = rule {
            rule.set(found.map_or(hc_bytes::NONE, |found| found.rule));
        }
        if let Some(words) = words {
            words.set(found.map_or(hc_bytes::NONE, |found| found.text));
        }
        if found.is_some() { Status::OK } else { Status::END }
    }
    body_read(host; task; task: u64, token: u64, chunk: *mut hc_bytes) {
        // SAFETY: an out parameter of the module's, alive during the call.
        let chunk = unsafe { Out::new(chunk) }?;
        chunk.set_read(host.body_read(task, token))
    }
    body_trailers(host; task; task: u64, data: *mut *const hc_field, count: *mut usize) {
        // SAFETY: out parameters of the module's, alive during the call.
        let (data, count) = unsafe { (Out::new(data)?, Out::new(count)?) };
        set_fields(data, count, host.body_trailers(task))
    }
    respond(host; task; task: u64, response: *const hc_response) {
        // SAFETY: a response of the module's, alive during the call.
        host.respond(task, &unsafe { ResponseView::check(response) }?)
    }
    inform(host; task; task: u64, status: u32, data: *const hc_field, count: usize) {
        // SAFETY: fields of the module's, alive during the call.
        host.inform(task, status, unsafe { fields(data, count) }?)
    }
    response_start(host; task; task: u64, response: *const hc_response) {
        // SAFETY: a response of the module's, alive during the call.
        host.response_start(task, &unsafe { ResponseView::check(response) }?)
    }
    response_write(host; task; task: u64, token: u64, data: hc_bytes, accepted: *mut usize) {
        // SAFETY: an out parameter and bytes of the module's, alive during the call.
        let (accepted, data) = unsafe { (Out::new(accepted)?, bytes(data)?) };
        let (status, count) = host.response_write(task, token, data);
        if !status.is_error() {
            accepted.set(count);
        }
        status
    }
    response_end(host; task; task: u64, data: *const hc_field, count: usize) {
        // SAFETY: fields of the module's, alive during the call.
        host.response_end(task, unsafe { fields(data, count) }?)
    }
    abort(host; task; task: u64) { host.abort(task) }
    completion(host; task; task: u64, token: u64, made: *mut u64) {
        // SAFETY: an out parameter of the module's, alive during the call.
        let made = unsafe { Out::new(made) }?;
        made.set_answer(host.completion(task, token))
    }
    complete(host; 0; completion: u64, status: hc_status, value: u64) {
        host.complete(completion, Status(status), value)
    }
    timer(host; task; task: u64, token: u64, delay_ns: u64) { host.timer(task, token, delay_ns) }
    cancel(host; task; task: u64, token: u64, latched: *mut hc_event) {
        // SAFETY: an out parameter of the module's, alive during the call.
        let latched = unsafe { Out::optional(latched) }?;
        let (status, event) = host.cancel(task, token);
        if let (Some(latched), Some(event)) = (latched, event) {
            latched.set(event.into());
        }
        status
    }
    notices(host; task; task: u64, mask: u32) { host.notices(task, mask) }
    spawn(host; 0; worker: u32, arg: *mut c_void, made: *mut u64) {
        // SAFETY: an out parameter of the module's, alive during the call.
        let made = unsafe { Out::optional(made) }?;
        let mut made = made;
        // Written at once, since another worker may start the task before this call returns [task.spawn.handle].
        let mut announce = |task| {
            if let Some(made) = made.take() {
                made.set(task);
            }
        };
        host.spawn_announced(worker, Opaque::new(arg), &mut announce)
    }
    task_cancel(host; task; task: u64) { host.task_cancel(task) }
    resource(host; 0; name: *const c_char, interface: *const c_char, found: *mut u32) {
        // SAFETY: texts and an out parameter of the module's, alive during the call.
        let (name, interface, found) = unsafe { (text(name)?, text(interface)?, Out::new(found)?) };
        found.set_answer(host.resource(name, interface))
    }
    acquire(host; task; task: u64, token: u64, wanted: *const u32, count: usize, timeout_ns: u64, leases: *mut u64) {
        if count == 0 {
            return Err(BoundaryRefusal::ACQUIRE_NONE);
        }
        if count > ACQUIRE_MAX {
            return Err(BoundaryRefusal::ACQUIRE_MANY);
        }
        if wanted.is_null() || leases.is_null() {
            return Err(BoundaryRefusal::NULL_ARGUMENT);
        }
        if !wanted.is_aligned() || !leases.is_aligned() {
            return Err(BoundaryRefusal::MISALIGNED);
        }
        // SAFETY: checked for NULL and alignment; the module promises `count` items.
        let wanted = unsafe { std::slice::from_raw_parts(wanted, count) };
        let mut made = [0; ACQUIRE_MAX];
        let status = host.acquire(task, token, wanted, timeout_ns, &mut made[..count]);
        if !status.is_error() {
            // SAFETY: as above; the leases need not be initialised, and nothing is written for a call that is refused.
            unsafe { leases.copy_from_nonoverlapping(made.as_ptr(), count) };
        }
        status
    }
    release(host; task; task: u64, lease: u64, how: u32) { host.release(task, lease, how) }
}

/// # Safety
/// The host pointer is this host's; `id` is a terminated text or NULL.
unsafe extern "C" fn extension<H: Host>(pointer: *const hc_host, id: *const c_char) -> *const c_void {
    let none = ptr::null();
    let body = |host: &H| {
        // SAFETY: a terminated text of the module's, alive during the call.
        let found = unsafe { text(id) }.map(|id| host.extension(id));
        match found {
            Ok(found) => found.map_or(none, |table| table.as_ptr()),
            Err(refusal) => {
                refuse(host, 0, "extension", &refusal);
                none
            }
        }
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "extension", none, none, body) }
}

/// # Safety
/// The host pointer is this host's; `line` is a valid view.
unsafe extern "C" fn log<H: Host>(pointer: *const hc_host, task: u64, level: u32, line: hc_bytes) {
    let body = |host: &H| {
        // SAFETY: bytes of the module's, alive during the call.
        match unsafe { bytes(line) } {
            Ok(line) => host.log(task, level, line),
            Err(refusal) => {
                refuse(host, task, "log", &refusal);
            }
        }
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "log", (), (), body) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn now<H: Host>(pointer: *const hc_host) -> u64 {
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "now", 0, 0, H::now) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn worker_index<H: Host>(pointer: *const hc_host) -> u32 {
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "worker_index", WORKER_NONE, WORKER_NONE, H::worker_index) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn worker_count<H: Host>(pointer: *const hc_host) -> u32 {
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "worker_count", 0, 0, H::worker_count) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn limit<H: Host>(pointer: *const hc_host, which: u32) -> u64 {
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "limit", 0, 0, |host: &H| host.limit(which)) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn lease_interface<H: Host>(
    pointer: *const hc_host,
    task: u64,
    lease: u64,
) -> *const c_void {
    let none = ptr::null();
    let body = |host: &H| host.lease_interface(task, lease).map_or(none, |table| table.as_ptr());
    // SAFETY: the module keeps to the header.
    unsafe { enter::<H, _>(pointer, "lease_interface", none, none, body) }
}
