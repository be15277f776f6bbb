//! The way to the container for code that runs on no worker: wakers, completers and spawners that outlive their task, or
//! even the instance. After `destroy` the host pointer is dead, so each such call passes this gate, and the instance's
//! end closes it and waits until nobody is inside. Must not know what is called.

use std::sync::atomic::{AtomicUsize, Ordering};

use http_container_abi::HostRef;

const CLOSED: usize = 1 << (usize::BITS - 1);

/// One per instance, shared by all that may call from outside.
pub(crate) struct Gate {
    host: HostRef,
    users: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(host: HostRef) -> Self {
        Self { host, users: AtomicUsize::new(0) }
    }

    /// Runs `call` with the host, or answers `None` if the instance has ended.
    pub(crate) fn with<R>(&self, call: impl FnOnce(HostRef) -> R) -> Option<R> {
        let _inside = Inside::enter(&self.users)?;
        Some(call(self.host))
    }

    /// Lets nobody in any more, and returns when the last one is out.
    pub(crate) fn close(&self) {
        self.users.fetch_or(CLOSED, Ordering::SeqCst);
        while self.users.load(Ordering::Acquire) != CLOSED {
            std::thread::yield_now();
        }
    }
}

struct Inside<'a>(&'a AtomicUsize);

impl<'a> Inside<'a> {
    fn enter(users: &'a AtomicUsize) -> Option<Self> {
        let before = users.fetch_add(1, Ordering::SeqCst);
        let inside = Self(users);
        (before & CLOSED == 0).then_some(inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}
