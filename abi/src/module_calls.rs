//! Every callback of `hc_module` as an `extern "C"` function over the trait `Module`: pointers turned into references, panics
//! into statuses. Must not know what a module does.

use std::any::Any;
use std::ffi::c_void;
use std::{ptr, slice};

use crate::constants::{log_level, task_kind};
use crate::event::Event;
use crate::guard::guard;
use crate::host_ref::HostRef;
use crate::module_side::{Module, Start};
use crate::raw::{hc_bytes, hc_event, hc_host, hc_start, hc_status};
use crate::request_view::RequestView;
use crate::status::Status;

/// What `*instance` points at.
pub(crate) struct Instance<M> {
    host: HostRef,
    module: M,
}

impl<M: Module> Instance<M> {
    /// Runs a callback's body in the guard; a panic is logged and answered with `closed`.
    ///
    /// # Safety
    /// `instance` is what `create::<M>` made, and `destroy` was not called yet.
    unsafe fn run<T>(
        instance: *mut c_void,
        task: u64,
        callback: &'static str,
        closed: T,
        body: impl FnOnce(&M) -> T,
    ) -> T {
        // SAFETY: the caller's promise.
        let instance = unsafe { &*instance.cast::<Instance<M>>() };
        guard(closed, |message| report(instance.host, task, callback, message), || body(&instance.module))
    }
}

fn report(host: HostRef, task: u64, callback: &str, message: &str) {
    host.log(task, log_level::ERROR, &format!("panic in {callback}: {message}"));
}

/// # Safety
/// `events` is NULL or points at `count` events that live during `'a`.
unsafe fn events<'a>(events: *const hc_event, count: usize) -> &'a [Event] {
    if events.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; Event is hc_event field for field (layout.rs).
    unsafe { slice::from_raw_parts(events.cast(), count) }
}

/// # Safety
/// As `hc_module.create`.
pub(crate) unsafe extern "C" fn create<M: Module>(
    host: *const hc_host,
    config: hc_bytes,
    instance: *mut *mut c_void,
) -> hc_status {
    // SAFETY: a container hands over its host, valid until `destroy`.
    let host = match unsafe { HostRef::new(host) } {
        Ok(host) => host,
        Err(status) => return status.0,
    };
    if instance.is_null() || !config.is_valid() {
        return Status::E_INVALID.0;
    }
    let made = guard(
        Err(Status::E_PANIC),
        |message| report(host, 0, "create", message),
        || {
            // SAFETY: the configuration lives during the call.
            let module = M::create(host, unsafe { config.slice() })?;
            Ok(Box::into_raw(Box::new(Instance { host, module })))
        },
    );
    match made {
        Ok(made) => {
            // SAFETY: an out parameter of the container's, checked for NULL.
            unsafe { instance.write(made.cast()) };
            Status::OK.0
        }
        Err(status) if status.is_error() => status.0,
        Err(_) => Status::E_FAILED.0,
    }
}

/// # Safety
/// As `hc_module.destroy`.
pub(crate) unsafe extern "C" fn destroy<M: Module>(instance: *mut c_void) {
    if instance.is_null() {
        return;
    }
    // SAFETY: made by `create`, and destroyed once.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<M>>()) };
    let host = instance.host;
    guard((), |message| report(host, 0, "destroy", message), || drop(instance));
}

/// # Safety
/// As `hc_module.worker_start`.
pub(crate) unsafe extern "C" fn worker_start<M: Module>(
    instance: *mut c_void,
    worker: u32,
    state: *mut *mut c_void,
) -> hc_status {
    let body = |module: &M| module.worker_start(worker).map(|made| Box::into_raw(Box::new(made)));
    // SAFETY: the container keeps to the header.
    match unsafe { Instance::run(instance, 0, "worker_start", Err(Status::E_PANIC), body) } {
        Ok(made) => {
            // SAFETY: an out parameter of the container's.
            unsafe { state.write(made.cast()) };
            Status::OK.0
        }
        Err(status) if status.is_error() => status.0,
        Err(_) => Status::E_FAILED.0,
    }
}

/// # Safety
/// As `hc_module.worker_stop`.
pub(crate) unsafe extern "C" fn worker_stop<M: Module>(instance: *mut c_void, state: *mut c_void) {
    // SAFETY: made by `worker_start`, and stopped once.
    let body = |module: &M| module.worker_stop(*unsafe { Box::from_raw(state.cast::<M::Worker>()) });
    // SAFETY: the container keeps to the header.
    unsafe { Instance::run(instance, 0, "worker_stop", (), body) }
}

/// # Safety
/// As `hc_module.start`.
pub(crate) unsafe extern "C" fn start<M: Module>(
    instance: *mut c_void,
    worker_state: *mut c_void,
    task: u64,
    given: *const hc_start,
    state: *mut *mut c_void,
) -> hc_status {
    let body = |module: &M| {
        // SAFETY: the container's structure, alive during the call.
        let Some(given) = (unsafe { given_start(given) }) else {
            return (Status::E_INVALID, ptr::null_mut());
        };
        // SAFETY: what `worker_start` made; callbacks of one worker do not overlap.
        let worker = unsafe { &*worker_state.cast::<M::Worker>() };
        let (status, made) = module.start(worker, task, given);
        (status, made.map_or(ptr::null_mut(), Box::into_raw))
    };
    // SAFETY: the container keeps to the header.
    let (status, made) =
        unsafe { Instance::run(instance, task, "start", (Status::E_PANIC, ptr::null_mut()), body) };
    // SAFETY: an out parameter of the container's.
    unsafe { state.write(made.cast()) };
    status.0
}

/// # Safety
/// `given` is what a container hands to `start`, alive during `'a`; `arg` of a background task is what `HostRef::spawn` made.
unsafe fn given_start<'a>(given: *const hc_start) -> Option<Start<'a>> {
    // SAFETY: the caller's promise.
    let given = unsafe { given.as_ref() }?;
    if (given.size as usize) < size_of::<hc_start>() {
        return None;
    }
    let arg = match given.kind == task_kind::BACKGROUND && !given.arg.is_null() {
        // SAFETY: made by `HostRef::spawn`, the only way to spawn from a Rust module, and given to exactly one start.
        true => Some(*unsafe { Box::from_raw(given.arg.cast::<Box<dyn Any + Send>>()) }),
        false => None,
    };
    // SAFETY: the request lives until `finish`, which is longer.
    let request = unsafe { RequestView::trusted(given.request) };
    let leases = match given.leases.is_null() {
        true => &[],
        // SAFETY: `lease_count` leases, alive during the call.
        false => unsafe { slice::from_raw_parts(given.leases, given.lease_count) },
    };
    Some(Start { kind: given.kind, request, arg, leases })
}

/// # Safety
/// As `hc_module.resume`.
pub(crate) unsafe extern "C" fn resume<M: Module>(
    instance: *mut c_void,
    worker_state: *mut c_void,
    task: u64,
    state: *mut c_void,
    happened: *const hc_event,
    count: usize,
) -> hc_status {
    let body = |module: &M| {
        // SAFETY: what `start` made; steps of one task do not overlap.
        let Some(state) = (unsafe { state.cast::<M::Task>().as_mut() }) else { return Status::E_INVALID };
        // SAFETY: what `worker_start` made; the events live during the call.
        let (worker, happened) = unsafe { (&*worker_state.cast::<M::Worker>(), events(happened, count)) };
        module.resume(worker, task, state, happened)
    };
    // SAFETY: the container keeps to the header.
    unsafe { Instance::run(instance, task, "resume", Status::E_PANIC, body) }.0
}

/// # Safety
/// As `hc_module.finish`.
pub(crate) unsafe extern "C" fn finish<M: Module>(
    instance: *mut c_void,
    worker_state: *mut c_void,
    task: u64,
    state: *mut c_void,
    outcome: hc_status,
    unseen: *const hc_event,
    count: usize,
) {
    let body = |module: &M| {
        // SAFETY: what `start` made, or NULL; finished once.
        let state = (!state.is_null()).then(|| unsafe { Box::from_raw(state.cast::<M::Task>()) });
        // SAFETY: what `worker_start` made; the events live during the call.
        let (worker, unseen) = unsafe { (&*worker_state.cast::<M::Worker>(), events(unseen, count)) };
        module.finish(worker, task, state, Status(outcome), unseen);
    };
    // SAFETY: the container keeps to the header.
    unsafe { Instance::run(instance, task, "finish", (), body) }
}
