//! A descriptor that is registered with the container, and the waits for it: one for reading, one for writing. Must not read
//! or write.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll};

use http_container_abi::constants::fd_interest;
use http_container_abi::{FdRef, Status};

use crate::context::{self, TaskContext};
use crate::operation::Operation;

/// The registration of `io`. Dropping it withdraws its waits and forgets the descriptor, before `io` closes it.
pub(super) struct Ready<T: AsRawFd> {
    registration: Registration,
    read: Direction,
    write: Direction,
    /// Dropped last.
    io: T,
}

/// The wait for one interest. It belongs to the task that waited last; another task takes it over.
struct Direction {
    interest: u32,
    wait: Option<Operation>,
    /// The descriptor gave less than there was room for: what comes next has an edge of its own \[fd.wait.ended\].
    is_drained: bool,
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    Read,
    Write,
}

fn error(what: &str, status: Status) -> io::Error {
    let kind = match status {
        Status::E_GONE | Status::E_CANCELLED => io::ErrorKind::NotConnected,
        Status::E_UNSUPPORTED => io::ErrorKind::Unsupported,
        Status::E_BUSY => io::ErrorKind::ResourceBusy,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, format!("{what}: {} ({})", status.text(), status.name()))
}

struct Registration {
    extension: FdRef,
    handle: u64,
    context: Rc<TaskContext>,
}

impl Registration {
    fn new(fd: RawFd) -> io::Result<Self> {
        let context = context::current();
        let extension = context
            .instance
            .fd
            .ok_or_else(|| error("the container offers no hc.fd/1", Status::E_UNSUPPORTED))?;
        let handle =
            extension.add(fd).map_err(|status| error("the descriptor cannot be waited for", status))?;
        Ok(Self { extension, handle, context })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Outside the instance's callbacks its worker has stopped, and the registration ended with it.
        if context::is_inside(&self.context.instance) {
            self.extension.remove(self.handle);
        }
    }
}

impl<T: AsRawFd> Ready<T> {
    /// Registers a non-blocking descriptor with the current worker.
    pub(super) fn new(io: T) -> io::Result<Self> {
        let registration = Registration::new(io.as_raw_fd())?;
        Ok(Self {
            registration,
            read: Direction { interest: fd_interest::READ, wait: None, is_drained: false },
            write: Direction { interest: fd_interest::WRITE, wait: None, is_drained: false },
            io,
        })
    }

    pub(super) fn io(&self) -> &T {
        &self.io
    }

    /// Tries until the operating system answers anything but "would block", waiting in between. While a wait goes on it tries
    /// nothing: the system said "would block", and no edge has come since.
    pub(super) fn poll_io<R>(
        &mut self,
        interest: Interest,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        if self.direction(interest).is_waiting(context) {
            return Poll::Pending;
        }
        if self.direction(interest).is_drained {
            std::task::ready!(self.poll_ready(interest, context))?;
        }
        loop {
            match attempt(&self.io) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                answer => return Poll::Ready(answer),
            }
            std::task::ready!(self.poll_ready(interest, context))?;
        }
    }

    /// Waits for the next edge: call it after the operating system said "would block".
    pub(super) fn poll_ready(
        &mut self,
        interest: Interest,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let direction = match interest {
            Interest::Read => &mut self.read,
            Interest::Write => &mut self.write,
        };
        let polled = direction.poll(&self.registration, context);
        direction.is_drained &= polled.is_pending();
        polled
    }

    /// A stream gave less than there was room for: nothing more is there now.
    pub(super) fn note_drained(&mut self) {
        self.read.is_drained = true;
    }

    fn direction(&mut self, interest: Interest) -> &mut Direction {
        match interest {
            Interest::Read => &mut self.read,
            Interest::Write => &mut self.write,
        }
    }
}

impl Direction {
    /// Whether the current task waits already, and no edge has come. A wait of another task says nothing: its edge may have been
    /// taken by an event that nobody has seen. An error that ended the wait comes again from the next one.
    fn is_waiting(&mut self, context: &Context<'_>) -> bool {
        let own = self.wait.as_ref().filter(|wait| Rc::ptr_eq(wait.context(), &context::current()));
        let Some(Poll::Ready(event)) = own.map(|wait| wait.poll(context.waker())) else {
            return own.is_some();
        };
        self.is_drained &= event.is_none();
        false
    }

    fn poll(&mut self, registration: &Registration, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let current = context::current();
        if self.wait.as_ref().is_some_and(|wait| !Rc::ptr_eq(wait.context(), &current)) {
            self.wait = None;
        }
        let wait = self.wait.get_or_insert_with(|| Operation::of(current));
        match std::task::ready!(wait.poll(context.waker())) {
            Some(event) if event.status.is_error() => {
                return Poll::Ready(Err(error("the wait for the descriptor ended", event.status)));
            }
            Some(_) => return Poll::Ready(Ok(())),
            None => {}
        }
        let (extension, handle) = (registration.extension, registration.handle);
        match wait.call(|_, task, token| extension.wait(task, token, handle, self.interest)) {
            Status::OK => Poll::Ready(Ok(())),
            Status::PENDING => wait.poll(context.waker()).map(|_| Ok(())),
            // The task is being cancelled: its future is dropped when this step has ended.
            Status::E_CANCELLED => Poll::Pending,
            status => Poll::Ready(Err(error("the descriptor cannot be waited for", status))),
        }
    }
}

impl<T: AsRawFd> Drop for Ready<T> {
    fn drop(&mut self) {
        // Before the descriptor is forgotten, or their events would say so.
        self.read.wait = None;
        self.write.wait = None;
    }
}
