//! hc.offload/1: whatever becomes of a piece of work, its argument is the module's again or was dropped, once.

use std::cell::Cell;
use std::ffi::c_void;

use crate::c_module::{CModule, INVALID, PENDING, call, options_sizes};
use crate::support::fake_host::FakeHost;
use http_container_abi::raw::*;
use http_container_abi::{Status, Work, offload_table};

const RUN: &str = "hc.offload/1 run";

/// The argument: how often it was run and dropped.
#[derive(Default)]
struct Job {
    runs: Cell<u32>,
    drops: Cell<u32>,
}

impl Job {
    fn counts(&self) -> (u32, u32) {
        (self.runs.get(), self.drops.get())
    }

    fn work(&self) -> hc_work {
        let arg = (&raw const *self).cast_mut().cast();
        let size = size_of::<hc_work>() as u32;
        hc_work { size, reserved: 0, run: Some(run_job), drop: Some(drop_job), arg }
    }
}

/// # Safety
/// `arg` is a living Job, and `value` may be written.
unsafe extern "C" fn run_job(arg: *mut c_void, value: *mut u64) -> hc_status {
    // SAFETY: the caller's promise.
    let (job, before) = unsafe { (&*arg.cast::<Job>(), value.read()) };
    job.runs.set(job.runs.get() + 1);
    // SAFETY: the caller's promise.
    unsafe { value.write(before + 17) };
    Status::E_IO.0
}

/// # Safety
/// `arg` is a living Job.
unsafe extern "C" fn drop_job(arg: *mut c_void) {
    // SAFETY: the caller's promise.
    let job = unsafe { &*arg.cast::<Job>() };
    job.drops.set(job.drops.get() + 1);
}

fn offer(module: &CModule, work: &hc_work) -> i32 {
    call!(module, offload_table.run(1, 2, &raw const *work))
}

/// The work that the module offered, as the host has it.
fn accepted(module: &CModule, work: &hc_work) -> Work {
    assert_eq!(offer(module, work), PENDING);
    assert_eq!(module.fake().take_calls(), ["offload_run(1, 2)"]);
    module.fake().works.lock().unwrap().pop().unwrap()
}

#[test]
fn work_is_run_once_and_given_back() {
    let (module, job) = (CModule::new(), Job::default());
    let mut work = accepted(&module, &job.work());
    assert_eq!(job.counts(), (0, 0));
    assert_eq!(work.run(), (Status::E_IO, 17), "the value is 0 before");
    assert_eq!(work.run(), (Status::E_STATE, 0), "the function is called at most once");
    work.forget();
    assert_eq!(job.counts(), (1, 0));
}

#[test]
fn work_whose_event_nobody_gets_is_dropped_once() {
    let (module, job) = (CModule::new(), Job::default());
    let mut work = accepted(&module, &job.work());
    work.run();
    work.discard();
    assert_eq!(job.counts(), (1, 1), "after it ran");
    accepted(&module, &job.work()).discard();
    assert_eq!(job.counts(), (1, 2), "in its stead");
    drop(accepted(&module, &job.work()));
    assert_eq!(job.counts(), (1, 3));
    drop(accepted(&module, &hc_work { drop: None, ..job.work() }));
    assert_eq!(job.counts(), (1, 3), "there is nothing to call");
}

#[test]
fn work_goes_to_another_thread() {
    struct Shared(Job);
    // SAFETY: the threads use the job one after the other.
    unsafe impl Sync for Shared {}
    static JOB: Shared = Shared(Job { runs: Cell::new(0), drops: Cell::new(0) });
    let module = CModule::new();
    let mut work = accepted(&module, &JOB.0.work());
    let (answer, work) = std::thread::spawn(move || (work.run(), work)).join().unwrap();
    assert_eq!(answer, (Status::E_IO, 17));
    drop(work);
    assert_eq!(JOB.0.counts(), (1, 1));
}

#[test]
fn refused_work_is_still_the_callers() {
    let (module, job) = (CModule::new(), Job::default());
    module.fake().answer(Status::E_BUSY);
    assert_eq!(offer(&module, &job.work()), Status::E_BUSY.0);
    module.fake().take_calls();
    module.fake().answer(Status::OK);
    let nothing = hc_work { run: None, ..job.work() };
    module.refused(offer(&module, &nothing), INVALID, RUN, "host.call.null");
    module.refused(offer(&module, &hc_work { reserved: 1, ..job.work() }), INVALID, RUN, "version.reserved");
    *module.fake().panics_in.lock().unwrap() = "offload_run";
    assert_eq!(offer(&module, &job.work()), Status::E_FAILED.0, "the host panicked with the work in hand");
    assert_eq!(job.counts(), (0, 0));
}

#[test]
fn sizes_of_the_structure() {
    let (module, job) = (CModule::new(), Job::default());
    options_sizes(&module, job.work(), RUN, |given| call!(module, offload_table.run(1, 2, given)));
    module.fake().works.lock().unwrap().clear();
    assert_eq!(job.counts(), (0, 4));
}
