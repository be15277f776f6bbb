//! hc.offload/1, the container's side: the vtable over the safe trait [`OffloadHost`], and a piece of work with its owner.
//! Must not know on which threads work is run.

use std::ffi::c_void;
use std::{fmt, thread};

use crate::host_calls::enter_status;
use crate::host_side::{BoundaryRefusal, Host};
use crate::raw::{hc_host, hc_offload, hc_status, hc_work};
use crate::response_view::read_options;
use crate::status::Status;

type Run = unsafe extern "C" fn(*mut c_void, *mut u64) -> hc_status;
type Discard = unsafe extern "C" fn(*mut c_void);

/// A piece of work of a module's: a function and its argument. Whoever has it runs it once at most, and in the end either
/// [`forget`](Self::forget)s it, when the event is delivered and the argument is the module's again, or drops it, which
/// tells the module that nobody will get the event \[offload.owner\].
pub struct Work {
    run: Option<Run>,
    discard: Option<Discard>,
    arg: *mut c_void,
}

// SAFETY: the header says that `run` is called on a thread of the pool and `drop` on any, so what they need may be sent.
unsafe impl Send for Work {}

impl Work {
    /// # Safety
    /// What passes the checks is readable during the call, and the functions may be called as the header says.
    unsafe fn check(work: *const hc_work) -> Result<Work, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let work: &hc_work = unsafe { read_options(work) }?;
        if work.reserved != 0 {
            return Err(BoundaryRefusal::RESERVED);
        }
        if work.run.is_none() {
            return Err(BoundaryRefusal::NULL_ARGUMENT);
        }
        Ok(Work { run: work.run, discard: work.drop, arg: work.arg })
    }

    /// Runs the function, on the thread of the caller: its status and the value that it wrote. A second time it is not run,
    /// and the answer is `HC_E_STATE`.
    pub fn run(&mut self) -> (Status, u64) {
        let Some(run) = self.run.take() else { return (Status::E_STATE, 0) };
        let mut value = 0;
        // SAFETY: the module's function, called once, with its own argument and a place to write to.
        let status = unsafe { run(self.arg, &raw mut value) };
        (Status(status), value)
    }

    /// Nobody will get the event: the module is told so.
    pub fn discard(self) {
        drop(self);
    }

    /// The argument is the module's again: the event is delivered, or the work was refused.
    pub fn forget(mut self) {
        self.discard = None;
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Some(discard) = self.discard.take() else { return };
        // A host that panics in `run` is answered for with an error, and then the argument is still the caller's: better to
        // lose it than to free it twice.
        if !thread::panicking() {
            // SAFETY: the module's function, called once, with its own argument.
            unsafe { discard(self.arg) }
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Work").field("is_run", &self.run.is_none()).finish_non_exhaustive()
    }
}

/// A host that offers `hc.offload/1`.
pub trait OffloadHost: Host {
    /// Queues a piece of work, which is answered with `HC_PENDING`.
    ///
    /// # Errors
    /// Why it was not queued, and the work: its argument is still the caller's.
    fn offload_run(&self, task: u64, token: u64, work: Work) -> Result<(), (Status, Work)>;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: OffloadHost> Table<H> {
    const OFFLOAD: &'static hc_offload =
        &hc_offload { size: size_of::<hc_offload>() as u32, reserved: 0, run: Some(run::<H>) };
}

/// The vtable of `hc.offload/1` over `H`: what [`Host::extension`] answers for
/// [`OFFLOAD_ID`](crate::constants::OFFLOAD_ID).
#[must_use]
pub const fn offload_table<H: OffloadHost>() -> &'static hc_offload {
    Table::<H>::OFFLOAD
}

/// # Safety
/// The host pointer is this host's, and the work is what the header says.
unsafe extern "C" fn run<H: OffloadHost>(
    pointer: *const hc_host,
    task: u64,
    token: u64,
    work: *const hc_work,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a piece of work of the module's, alive during the call.
        let work = unsafe { Work::check(work) }?;
        Ok(match host.offload_run(task, token, work) {
            Ok(()) => Status::PENDING,
            Err((status, work)) => {
                work.forget();
                status
            }
        })
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.offload/1 run", body) }
}
