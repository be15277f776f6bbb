//! hc.offload/1 as a Rust module sees it: closures wait in a table until the pool runs them, so the container carries a number
//! and no pointer. Must not know what the work is.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::constants::log_level;
use crate::guard::guard;
use crate::host_ref::{HostRef, call};
use crate::opaque::Opaque;
use crate::raw::{HC_OFFLOAD_ID, hc_offload, hc_status, hc_work};
use crate::status::Status;

/// A piece of work: what it answers becomes the status and value of the event.
pub type OffloadWork = Box<dyn FnOnce() -> (Status, u64) + Send>;

/// The extension `hc.offload/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct OffloadRef {
    host: HostRef,
    table: NonNull<hc_offload>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for OffloadRef {}
// SAFETY: as above.
unsafe impl Sync for OffloadRef {}

impl OffloadRef {
    pub(crate) fn new(host: HostRef) -> Option<OffloadRef> {
        host.extension(HC_OFFLOAD_ID).map(|table| OffloadRef { host, table })
    }

    /// Queues a piece of work. It is run once at most, on a thread of the pool; where it is withdrawn before that, it is
    /// dropped, on any thread. A panic in it is logged, and its event says `HC_E_PANIC`.
    ///
    /// # Errors
    /// Any status but `HC_PENDING`, and the work back.
    pub fn run(&self, task: u64, token: u64, work: OffloadWork) -> Result<(), (Status, OffloadWork)> {
        let number = Waiting::put(self.host, work);
        let raw = hc_work {
            size: size_of::<hc_work>() as u32,
            reserved: 0,
            run: Some(run),
            drop: Some(discard),
            arg: Opaque::of_number(number).as_ptr(),
        };
        // SAFETY: whole by its size, and valid as long as the host.
        let table = unsafe { self.table.as_ref() };
        match call!(table, run(self.host.pointer(), task, token, &raw const raw)) {
            Status::PENDING => Ok(()),
            status => Err((status, Waiting::take(number).map_or_else(none, |(_, work)| work))),
        }
    }
}

/// In place of work that a container ran although it refused it.
fn none() -> OffloadWork {
    Box::new(|| (Status::E_STATE, 0))
}

impl std::fmt::Debug for OffloadRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.offload/1 of {:?}", self.host)
    }
}

/// Work that is queued and was not begun, by the number that the container carries.
#[derive(Default)]
struct Waiting {
    last: usize,
    work: HashMap<usize, (HostRef, OffloadWork)>,
}

static WAITING: Mutex<Option<Waiting>> = Mutex::new(None);

impl Waiting {
    fn lock() -> MutexGuard<'static, Option<Waiting>> {
        WAITING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(host: HostRef, work: OffloadWork) -> usize {
        let mut waiting = Waiting::lock();
        let waiting = waiting.get_or_insert_default();
        waiting.last = waiting.last.wrapping_add(1);
        waiting.work.insert(waiting.last, (host, work));
        waiting.last
    }

    fn take(number: usize) -> Option<(HostRef, OffloadWork)> {
        Waiting::lock().as_mut()?.work.remove(&number)
    }
}

/// # Safety
/// As `hc_work.run`.
unsafe extern "C" fn run(arg: *mut c_void, value: *mut u64) -> hc_status {
    let Some((host, work)) = Waiting::take(Opaque::new(arg).number()) else { return Status::E_STATE.0 };
    let report =
        |message: &str| host.log(0, log_level::ERROR, &format!("panic in offloaded work: {message}"));
    let (status, answer) = guard((Status::E_PANIC, 0), report, work);
    // SAFETY: an out parameter of the container's.
    unsafe { value.write(answer) };
    status.0
}

/// # Safety
/// As `hc_work.drop`.
unsafe extern "C" fn discard(arg: *mut c_void) {
    let Some((host, work)) = Waiting::take(Opaque::new(arg).number()) else { return };
    let report =
        |message: &str| host.log(0, log_level::ERROR, &format!("panic in offloaded work: {message}"));
    guard((), report, || drop(work));
}
