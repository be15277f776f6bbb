//! hc.fd/1 in the fake container, over a real poll set: edge-triggered, edges kept until the next wait. Must not know what
//! the descriptors are for.

use std::ffi::c_int;
use std::time::Duration;

use http_container_abi::constants::fd_interest;
use http_container_abi::{FdHost, Status};
use mio::unix::SourceFd;
use mio::{Events, Interest, Token};

use super::host::FakeHost;
use super::state::{Descriptor, Shared, WAKER};
use super::task::Wait;

impl FdHost for FakeHost {
    fn fd_add(&self, fd: c_int) -> Result<u64, Status> {
        let mut state = self.enter();
        let handle = state.handle();
        let token = usize::try_from(handle).map_err(|_| Status::E_LIMIT)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.shared
            .registry
            .register(&mut SourceFd(&fd), Token(token), interest)
            .map_err(|_| Status::E_INVALID)?;
        state.descriptors.insert(handle, Descriptor { fd, edges: 0, has_ended: false });
        Ok(handle)
    }

    fn fd_wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let wanted = Wait::Descriptor(handle, interest);
        let is_busy = state.all_live().any(|task| task.is_waiting_for(|wait| *wait == wanted).is_some());
        let Some(descriptor) = state.descriptors.get_mut(&handle) else { return Status::E_GONE };
        if is_busy {
            return Status::E_BUSY;
        }
        if descriptor.edges & interest != 0 {
            descriptor.edges &= !interest;
            if interest == fd_interest::READ && std::mem::take(&mut descriptor.has_ended) {
                descriptor.edges |= interest;
            }
            return Status::OK;
        }
        state.wait(task, token, wanted)
    }

    fn fd_remove(&self, handle: u64) -> Status {
        let mut state = self.enter();
        let Some(descriptor) = state.descriptors.remove(&handle) else { return Status::E_GONE };
        if self.shared.registry.deregister(&mut SourceFd(&descriptor.fd)).is_err() {
            state.faults.push(format!("descriptor {} was closed before it was removed", descriptor.fd));
        }
        for interest in [fd_interest::READ, fd_interest::WRITE] {
            state.fire_descriptor(handle, interest, Status::E_CANCELLED);
        }
        Status::OK
    }
}

impl super::state::State {
    /// Fires the wait for that interest; false if nobody waits.
    fn fire_descriptor(&mut self, handle: u64, interest: u32, status: Status) -> bool {
        let wanted = Wait::Descriptor(handle, interest);
        let waiting = self.tasks.iter().find_map(|(task, found)| {
            found.is_waiting_for(|wait| *wait == wanted).map(|token| (*task, token))
        });
        let Some((task, token)) = waiting else { return false };
        self.fire(task, token, status, u64::from(interest));
        true
    }
}

impl Shared {
    /// Waits for descriptors and foreign threads, at most `timeout`.
    pub(super) fn poll(&self, timeout: Duration) {
        let mut events = Events::with_capacity(64);
        let polled = self.poll.lock().map(|mut poll| poll.poll(&mut events, Some(timeout)));
        if !matches!(polled, Ok(Ok(()))) {
            return;
        }
        let mut state = self.lock();
        for event in events.iter().filter(|event| event.token() != WAKER) {
            let handle = event.token().0 as u64;
            let is_over = event.is_error();
            let readable = event.is_readable() || event.is_read_closed() || is_over;
            let writable = event.is_writable() || event.is_write_closed() || is_over;
            for (is_ready, interest) in [(readable, fd_interest::READ), (writable, fd_interest::WRITE)] {
                if !is_ready {
                    continue;
                }
                let was_told = state.fire_descriptor(handle, interest, Status::OK);
                let brings_end = interest == fd_interest::READ && event.is_read_closed();
                if let Some(descriptor) = state.descriptors.get_mut(&handle) {
                    descriptor.edges |= if was_told && !brings_end { 0 } else { interest };
                    descriptor.has_ended |= brings_end && !was_told;
                }
            }
        }
    }
}
