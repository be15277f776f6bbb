//! hc.offload/1 in the fake container: a thread for each piece of work. Must not know what the work is.

use std::sync::Arc;
use std::thread;

use http_container_abi::{OffloadHost, Status, Work};

use super::host::FakeHost;
use super::task::Wait;

impl OffloadHost for FakeHost {
    fn offload_run(&self, task: u64, token: u64, mut work: Work) -> Result<(), (Status, Work)> {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return Err((status, work)),
        };
        match state.wait(task, token, Wait::Offload) {
            Status::PENDING => {}
            status => return Err((status, work)),
        }
        let shared = Arc::clone(&self.shared);
        state.threads.push(thread::spawn(move || {
            let (status, value) = work.run();
            let mut state = shared.lock();
            let is_awaited = state.live(task).is_ok_and(|found| found.find(token).is_some());
            if is_awaited {
                state.fire(task, token, status, value);
                work.forget();
            } else {
                drop(state);
                work.discard();
            }
            shared.waker.wake().expect("the poll set of the test lives");
        }));
        Ok(())
    }
}
