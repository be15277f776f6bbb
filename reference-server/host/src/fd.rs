//! `hc.fd/1`: descriptors of modules, waited for on their worker's event loop. Readiness is edge-triggered and latched.
//!
//! It must not touch a descriptor but through the poller that the server supplies.

use crate::calls::{Allowed, GONE, InstanceHost, Refused, refuse};
use crate::slots;
use crate::task::Wait;
use crate::worker::{Callback, Worker};
use http_container_abi::constants::{event_kind, fd_interest};
use http_container_abi::{FdHost, Status};
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

/// The worker's event loop, as far as descriptors of modules go.
pub trait Poller {
    /// Watches a descriptor for both directions, edge-triggered; readiness is told by [`Worker::descriptor_ready`].
    fn add(&self, fd: RawFd, key: u32) -> io::Result<()>;
    /// Forgets it.
    fn remove(&self, fd: RawFd);
}

struct Direction {
    ready: bool,
    /// The slot and the operation's number of the task that waits.
    waiter: Option<u32>,
}

struct Descriptor {
    handle: u64,
    fd: RawFd,
    instance: u32,
    read: Direction,
    write: Direction,
}

/// The registered descriptors of one worker.
pub(crate) struct Descriptors {
    poller: Box<dyn Poller>,
    entries: Vec<Option<Descriptor>>,
}

/// Numbers registrations in the whole process, so that a handle of another worker names nothing here.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Descriptors {
    pub fn new(poller: Box<dyn Poller>) -> Self {
        Descriptors { poller, entries: Vec::new() }
    }

    fn add(&mut self, fd: RawFd, instance: u32, limit: usize) -> Result<u64, Refused> {
        if self.entries.iter().flatten().any(|entry| entry.fd == fd) {
            return Err(Refused::new(
                Status::E_INVALID,
                "fd.add.once",
                "the descriptor is registered already",
            ));
        }
        if self.entries.iter().flatten().filter(|entry| entry.instance == instance).count() >= limit {
            let text = format!("the instance has {limit} descriptors here, which is the limit");
            return Err(Refused::owned(Status::E_LIMIT, "fd.add.limit", text));
        }
        let key = self.entries.iter().position(Option::is_none).unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() - 1
        });
        let handle = slots::pack(key as u32, NEXT.fetch_add(1, Ordering::Relaxed));
        self.poller.add(fd, key as u32).map_err(|error| {
            let status = match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput => Status::E_INVALID,
                _ if error.raw_os_error() == Some(EBADF) => Status::E_INVALID,
                _ => Status::E_IO,
            };
            Refused::owned(
                status,
                "fd.add.pollable",
                format!("descriptor {fd} cannot be waited for: {error}"),
            )
        })?;
        // Untried descriptors count as ready: whoever awaits before trying is told to try.
        let direction = || Direction { ready: true, waiter: None };
        self.entries[key] = Some(Descriptor { handle, fd, instance, read: direction(), write: direction() });
        Ok(handle)
    }

    fn find(&mut self, handle: u64, instance: u32) -> Result<&mut Descriptor, Refused> {
        let (key, _) = slots::unpack(handle);
        let entry = self.entries.get_mut(key as usize).and_then(Option::as_mut);
        entry.filter(|entry| entry.handle == handle && entry.instance == instance).ok_or(GONE)
    }

    /// The operation of that interest was withdrawn.
    pub fn forget(&mut self, handle: u64, interest: u32) {
        let (key, _) = slots::unpack(handle);
        if let Some(Some(entry)) = self.entries.get_mut(key as usize)
            && entry.handle == handle
        {
            entry.direction(interest).waiter = None;
        }
    }
}

impl Descriptor {
    fn direction(&mut self, interest: u32) -> &mut Direction {
        if interest == fd_interest::READ { &mut self.read } else { &mut self.write }
    }
}

impl Worker {
    /// The poller saw an edge on the descriptor with that key.
    pub fn descriptor_ready(&self, key: u32, readable: bool, writable: bool) {
        let edges = [(fd_interest::READ, readable), (fd_interest::WRITE, writable)];
        for (interest, _) in edges.iter().filter(|(_, edge)| *edge) {
            let woken = {
                let mut descriptors = self.descriptors.borrow_mut();
                let Some(Some(entry)) = descriptors.entries.get_mut(key as usize) else { return };
                let handle = entry.handle;
                let direction = entry.direction(*interest);
                let waiter = direction.waiter.take();
                direction.ready = waiter.is_none();
                waiter.map(|index| (index, handle))
            };
            if let Some((index, handle)) = woken {
                self.fire_descriptor(index, handle, *interest, Status::OK);
            }
        }
    }

    fn fire_descriptor(&self, index: u32, handle: u64, interest: u32, status: Status) {
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        record.fire_wait(Wait::Fd(handle, interest), event_kind::FD, status, u64::from(interest));
        if record.wants_queue() {
            self.queue.borrow_mut().push_back(index);
        }
    }

    /// Removes registrations; the tasks that wait for them get `E_CANCELLED`.
    fn remove_descriptor(&self, key: u32) {
        let Some(mut entry) =
            self.descriptors.borrow_mut().entries.get_mut(key as usize).and_then(Option::take)
        else {
            return;
        };
        self.descriptors.borrow().poller.remove(entry.fd);
        for interest in [fd_interest::READ, fd_interest::WRITE] {
            if let Some(index) = entry.direction(interest).waiter {
                self.fire_descriptor(index, entry.handle, interest, Status::E_CANCELLED);
            }
        }
    }

    /// The instance stops on this worker: its registrations end.
    pub(crate) fn forget_descriptors(&self, instance: u32) {
        let keys: Vec<u32> = {
            let descriptors = self.descriptors.borrow();
            let of_it =
                |entry: &Option<Descriptor>| entry.as_ref().is_some_and(|entry| entry.instance == instance);
            (0..descriptors.entries.len())
                .filter(|&key| of_it(&descriptors.entries[key]))
                .map(|key| key as u32)
                .collect()
        };
        keys.into_iter().for_each(|key| self.remove_descriptor(key));
    }
}

impl FdHost for InstanceHost {
    fn fd_add(&self, fd: i32) -> Result<u64, Status> {
        self.on_worker(Callback::Step, |worker| {
            let limit = worker.container.limits.descriptors_per_worker;
            worker.descriptors.borrow_mut().add(fd, self.index, limit)
        })
    }

    fn fd_wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            if interest != fd_interest::READ && interest != fd_interest::WRITE {
                return Err(Refused::new(
                    Status::E_INVALID,
                    "fd.wait.interest",
                    "the interest is HC_FD_READ or HC_FD_WRITE, one at a time",
                ));
            }
            self.may_wait(worker, slot, token)?;
            {
                let mut descriptors = worker.descriptors.borrow_mut();
                let direction = descriptors.find(handle, self.index)?.direction(interest);
                if direction.waiter.is_some() {
                    return Err(Refused::new(
                        Status::E_BUSY,
                        "fd.wait.one",
                        "a task waits for that interest already",
                    ));
                }
                if std::mem::take(&mut direction.ready) {
                    return Ok(Status::OK);
                }
                if token == 0 {
                    return Ok(Status::PENDING);
                }
                if slot.contents.cancel.is_some() {
                    return Ok(Status::E_CANCELLED);
                }
                direction.waiter = Some(index);
            }
            self.wait(worker, slot, token, Wait::Fd(handle, interest))?;
            Ok(Status::PENDING)
        });
        answer.unwrap_or_else(|status| status)
    }

    fn fd_remove(&self, handle: u64) -> Status {
        let answer = self.on_worker(Callback::Finish, |worker| {
            worker.descriptors.borrow_mut().find(handle, self.index)?;
            worker.remove_descriptor(slots::unpack(handle).0);
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}

impl InstanceHost {
    /// Runs `act` for a call that is about the worker, not about a task; in `finish` only when that is said.
    fn on_worker<R>(
        &self,
        latest: Callback,
        act: impl FnOnce(&Worker) -> Result<R, Refused>,
    ) -> Result<R, Status> {
        let answer = self.with_worker(|worker| match worker.callback.get() {
            Callback::None => Err(refuse(Refused::new(
                Status::E_THREAD,
                "thread.worker",
                "called outside the callbacks of a worker",
            ))),
            Callback::Finish if latest == Callback::Step => Err(refuse(Refused::new(
                Status::E_STATE,
                "task.finish.calls",
                "this call is not allowed in finish",
            ))),
            _ => act(worker).map_err(|refused| self.refused(worker, 0, refused)),
        });
        answer.unwrap_or_else(|| {
            Err(refuse(Refused::new(
                Status::E_THREAD,
                "thread.worker",
                "called on a thread that is no worker",
            )))
        })
    }
}

/// The error number of a bad descriptor on every Unix.
const EBADF: i32 = 9;
