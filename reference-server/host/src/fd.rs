//! `hc.fd/1`: descriptors of modules, waited for on their worker's event loop. Readiness is edge-triggered and latched.
//!
//! It must not touch a descriptor but through the poller that the server supplies.

use crate::calls::{Allowed, GONE, InstanceHost, Refused};
use crate::container::lock;
use crate::slots;
use crate::task::Wait;
use crate::worker::Worker;
use http_container_abi::constants::{event_kind, fd_interest};
use http_container_abi::witness::DescriptorState;
use http_container_abi::{FdHost, Status};
use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

/// The worker's event loop, as far as descriptors of modules go.
pub trait Poller {
    /// Watches a descriptor for both directions, edge-triggered; readiness is told by [`Worker::descriptor_ready`]. Fails
    /// with `AlreadyExists` when it watches that descriptor already, and the descriptor was not closed since.
    fn add(&self, fd: RawFd, key: u32) -> io::Result<()>;
    /// Forgets it. It may have been closed.
    fn remove(&self, fd: RawFd);
}

/// An edge is latched for so many waits at most.
const LATCHED_MAX: u8 = 2;

#[derive(Clone, Copy, Default)]
struct Direction {
    /// How many waits an edge is latched for: two when it has brought the end [fd.wait.ended].
    ready: u8,
    /// The slot of the task that waits.
    waiter: Option<u32>,
    /// Slot and token of the task that was told last.
    told: Option<(u32, u64)>,
}

struct Descriptor {
    handle: u64,
    fd: RawFd,
    instance: u32,
    /// What it was when it was registered, of a container that validates.
    known: Option<DescriptorState>,
    read: Direction,
    write: Direction,
}

#[derive(Default)]
struct Place {
    /// Grows with each use, so that an edge of a registration that ended is one of nobody.
    generation: u32,
    taken: Option<Descriptor>,
}

/// How many bits of a key are the place's index; those above are its generation.
const INDEX_BITS: u32 = 20;

/// The registered descriptors of one worker.
pub(crate) struct Descriptors {
    poller: Box<dyn Poller>,
    places: Vec<Place>,
    free: Vec<u32>,
    by_fd: HashMap<RawFd, u32>,
    /// Registrations of each instance, by index.
    counts: Vec<usize>,
}

/// Numbers registrations in the whole process, so that a handle of another worker names nothing here.
static NEXT: AtomicU64 = AtomicU64::new(0);

const ONCE: Refused =
    Refused::new(Status::E_INVALID, "fd.add.once", "the descriptor is registered on this worker already");

impl Descriptors {
    pub fn new(poller: Box<dyn Poller>) -> Self {
        Descriptors {
            poller,
            places: Vec::new(),
            free: Vec::new(),
            by_fd: HashMap::new(),
            counts: Vec::new(),
        }
    }

    /// Registers a descriptor; answers its handle, and the registration in whose stead it came when the module closed that
    /// one's descriptor first.
    fn add(
        &mut self,
        fd: RawFd,
        instance: u32,
        known: Option<DescriptorState>,
        limit: usize,
    ) -> Result<(u64, Option<Descriptor>), Refused> {
        if self.counts.len() <= instance as usize {
            self.counts.resize(instance as usize + 1, 0);
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.places.len() < 1 << INDEX_BITS => {
                self.places.push(Place::default());
                self.places.len() as u32 - 1
            }
            None => return Err(at_limit(1 << INDEX_BITS)),
        };
        let added = if self.counts[instance as usize] >= limit {
            Err(at_limit(limit))
        } else {
            let place = &mut self.places[index as usize];
            place.generation = (place.generation + 1) & ((1 << (32 - INDEX_BITS)) - 1);
            self.poller
                .add(fd, place.generation << INDEX_BITS | index)
                .map_err(|error| refusal_of(fd, &error))
        };
        if let Err(refused) = added {
            self.free.push(index);
            return Err(refused);
        }
        let stale = self.by_fd.get(&fd).copied().and_then(|stale| self.take(stale));
        let handle = slots::pack_outside(index, NEXT.fetch_add(1, Ordering::Relaxed));
        // Untried descriptors count as ready: whoever awaits before trying is told to try [fd.add.ready].
        let direction = Direction { ready: 1, ..Direction::default() };
        self.places[index as usize].taken =
            Some(Descriptor { handle, fd, instance, known, read: direction, write: direction });
        self.by_fd.insert(fd, index);
        self.counts[instance as usize] += 1;
        Ok((handle, stale))
    }

    fn take(&mut self, index: u32) -> Option<Descriptor> {
        let taken = self.places.get_mut(index as usize)?.taken.take()?;
        if self.by_fd.get(&taken.fd) == Some(&index) {
            self.by_fd.remove(&taken.fd);
        }
        self.counts[taken.instance as usize] -= 1;
        self.free.push(index);
        Some(taken)
    }

    fn find(&mut self, handle: u64, instance: u32) -> Option<&mut Descriptor> {
        let (index, _) = slots::unpack(handle);
        let found = self.places.get_mut(index as usize)?.taken.as_mut()?;
        (found.handle == handle && found.instance == instance).then_some(found)
    }

    /// The operation of that interest was withdrawn.
    pub fn forget(&mut self, handle: u64, interest: u32) {
        let (index, _) = slots::unpack(handle);
        if let Some(entry) = self.places.get_mut(index as usize).and_then(|place| place.taken.as_mut())
            && entry.handle == handle
        {
            entry.direction(interest).waiter = None;
        }
    }

    /// A task was told of an edge and did not see it: it counts as latched for whoever waits next. Spurious readiness is
    /// legal, so what has the same task and token is latched, too.
    pub fn latch_again(&mut self, task: u32, token: u64) {
        for entry in self.places.iter_mut().filter_map(|place| place.taken.as_mut()) {
            for direction in [&mut entry.read, &mut entry.write] {
                if direction.told == Some((task, token)) && direction.waiter.is_none() {
                    direction.ready = (direction.ready + 1).min(LATCHED_MAX);
                }
            }
        }
    }
}

fn at_limit(limit: usize) -> Refused {
    let text = format!("{limit} descriptors are registered here, which is the limit");
    Refused::owned(Status::E_LIMIT, "fd.add.limit", text)
}

fn refusal_of(fd: RawFd, error: &io::Error) -> Refused {
    let (status, rule) = match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::AlreadyExists, _) => return ONCE,
        (io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput, _) | (_, Some(EBADF)) => {
            (Status::E_INVALID, "fd.add.pollable")
        }
        _ => (Status::E_IO, "fd.add.limit"),
    };
    Refused::owned(status, rule, format!("descriptor {fd} cannot be waited for: {error}"))
}

/// The error number of a bad descriptor on every Unix.
const EBADF: i32 = 9;

impl Descriptor {
    fn direction(&mut self, interest: u32) -> &mut Direction {
        if interest == fd_interest::READ { &mut self.read } else { &mut self.write }
    }
}

impl Worker {
    /// The poller saw an edge on the descriptor with that key; errors and hang-ups count for both directions. `ended`: nothing
    /// comes any more behind what is there to be read.
    pub fn descriptor_ready(&self, key: u32, readable: bool, writable: bool, ended: bool) {
        let (index, generation) = (key & ((1 << INDEX_BITS) - 1), key >> INDEX_BITS);
        let edges = [(fd_interest::READ, readable), (fd_interest::WRITE, writable)];
        for (interest, _) in edges.into_iter().filter(|(_, edge)| *edge) {
            let woken = {
                let mut descriptors = self.descriptors.borrow_mut();
                let Some(place) = descriptors.places.get_mut(index as usize) else { return };
                let Some(entry) = place.taken.as_mut().filter(|_| place.generation == generation) else {
                    return;
                };
                let handle = entry.handle;
                let direction = entry.direction(interest);
                let waiter = direction.waiter.take();
                direction.ready =
                    u8::from(waiter.is_none()) + u8::from(ended && interest == fd_interest::READ);
                waiter.map(|task| (task, handle))
            };
            if let Some((task, handle)) = woken {
                let token = self.fire_descriptor(task, handle, interest, Status::OK);
                let mut descriptors = self.descriptors.borrow_mut();
                if let Some(entry) = descriptors.places[index as usize].taken.as_mut() {
                    entry.direction(interest).told = token.map(|token| (task, token));
                }
            }
        }
    }

    /// Latches the event of whoever waits for that; answers the operation's token.
    fn fire_descriptor(&self, task: u32, handle: u64, interest: u32, status: Status) -> Option<u64> {
        let mut slot = self.container.slots.lock(task)?;
        let record = &mut slot.contents;
        let fired = record.fire_wait(Wait::Fd(handle, interest), event_kind::FD, status, u64::from(interest));
        if fired && record.wants_queue() {
            self.queue.borrow_mut().push_back(task);
        }
        record.events.last().filter(|_| fired).map(|event| event.token)
    }

    /// What waited for a registration that ended gets `E_CANCELLED` [fd.remove].
    fn end_waits(&self, mut entry: Descriptor) {
        lock(&self.container.descriptors).remove(&entry.handle);
        for interest in [fd_interest::READ, fd_interest::WRITE] {
            if let Some(task) = entry.direction(interest).waiter {
                self.fire_descriptor(task, entry.handle, interest, Status::E_CANCELLED);
            }
        }
    }

    fn remove_descriptor(&self, index: u32) {
        let taken = self.descriptors.borrow_mut().take(index);
        if let Some(entry) = taken {
            self.descriptors.borrow().poller.remove(entry.fd);
            self.end_waits(entry);
        }
    }

    /// The instance stops on this worker: its registrations end [fd.worker-end].
    pub(crate) fn forget_descriptors(&self, instance: u32) {
        let indices: Vec<u32> = {
            let descriptors = self.descriptors.borrow();
            let is_of_it =
                |place: &Place| place.taken.as_ref().is_some_and(|entry| entry.instance == instance);
            let places = descriptors.places.iter().enumerate();
            places.filter(|(_, place)| is_of_it(place)).map(|(index, _)| index as u32).collect()
        };
        indices.into_iter().for_each(|index| self.remove_descriptor(index));
    }

    /// Why a handle names no registration of the instance here.
    fn refuse_descriptor(&self, handle: u64, instance: u32) -> Refused {
        match lock(&self.container.descriptors).get(&handle) {
            Some((worker, owner)) if *owner == instance && *worker != self.index => {
                Refused::new(Status::E_THREAD, "fd.wait.gone", "the registration belongs to another worker")
            }
            _ => GONE,
        }
    }
}

impl InstanceHost {
    /// Looks whether a registered descriptor is what it was.
    #[inline]
    fn look_at_registered(&self, call: &str, handle: u64) {
        if self.validates {
            let found = self.with_worker(|worker| {
                let mut descriptors = worker.descriptors.borrow_mut();
                descriptors.find(handle, self.index).map(|entry| (entry.fd, entry.known))
            });
            if let Some(Some((fd, known))) = found {
                self.look_again(call, fd, known);
            }
        }
    }
}

impl FdHost for InstanceHost {
    fn fd_add(&self, fd: i32) -> Result<u64, Status> {
        let known = self.look_at_descriptor(fd);
        self.on_worker(Allowed::Step, |worker| {
            let limit = worker.container.limits.descriptors_per_worker;
            let (handle, stale) = worker.descriptors.borrow_mut().add(fd, self.index, known, limit)?;
            lock(&worker.container.descriptors).insert(handle, (worker.index, self.index));
            if let Some(stale) = stale {
                self.look_again("add", stale.fd, stale.known);
                worker.end_waits(stale);
            }
            Ok(handle)
        })
    }

    fn fd_wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        self.look_at_registered("wait", handle);
        let answer = self.on_task(task, Allowed::Step, |worker, index, slot| {
            let mut descriptors = worker.descriptors.borrow_mut();
            let Some(entry) = descriptors.find(handle, self.index) else {
                return Err(worker.refuse_descriptor(handle, self.index));
            };
            if interest != fd_interest::READ && interest != fd_interest::WRITE {
                return Err(Refused::new(
                    Status::E_INVALID,
                    "fd.wait.interest",
                    "the interest is HC_FD_READ or HC_FD_WRITE, one at a time",
                ));
            }
            let direction = entry.direction(interest);
            if direction.waiter.is_some() {
                let text = "a task waits for that interest already";
                return Err(Refused::new(Status::E_BUSY, "fd.wait.one", text));
            }
            self.check_token(&slot.contents, token)?;
            if let Some(left) = direction.ready.checked_sub(1) {
                direction.ready = left;
                return Ok(Status::OK);
            }
            if token == 0 {
                return Ok(Status::PENDING);
            }
            self.may_begin(worker, &slot.contents, token)?;
            self.wait(worker, slot, token, Wait::Fd(handle, interest))?;
            direction.waiter = Some(index);
            Ok(Status::PENDING)
        });
        answer.unwrap_or_else(|status| status)
    }

    fn fd_remove(&self, handle: u64) -> Status {
        self.look_at_registered("remove", handle);
        let answer = self.on_worker(Allowed::StepOrFinish, |worker| {
            let is_here = worker.descriptors.borrow_mut().find(handle, self.index).is_some();
            if !is_here {
                return Err(worker.refuse_descriptor(handle, self.index));
            }
            worker.remove_descriptor(slots::unpack(handle).0);
            Ok(Status::OK)
        });
        answer.unwrap_or_else(|status| status)
    }
}
