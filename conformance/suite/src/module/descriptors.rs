//! The kit's host: hc.fd/1 on real descriptors, by the operating system's own queue of events. The descriptors stay the module's.

use super::host::KitHost;
use super::state::{Callback, State};
use super::task::{Life, Wait};
use http_container_abi::constants::{event_kind, fd_interest};
use http_container_abi::{Event, FdHost, Status};
use mio::unix::SourceFd;
use mio::{Interest, Poll, Registry, Token, Waker};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;

/// The key of what a thread of the module's wakes the host with.
const WAKE: Token = Token(usize::MAX);
/// `O_NONBLOCK` on Linux.
const NON_BLOCKING: u32 = 0o4000;

/// A descriptor that is registered.
#[derive(Debug)]
pub struct Registration {
    number: i32,
    /// What it was when it was registered, as the system names it.
    file: String,
    worker: u32,
    /// Whether an edge for reading, and one for writing, has come.
    edges: [bool; 2],
}

/// The registrations of an instance.
#[derive(Debug, Default)]
pub struct Descriptors {
    registry: Option<Registry>,
    waker: Option<Arc<Waker>>,
    all: BTreeMap<u64, Registration>,
    /// Breaches are told once.
    is_told: bool,
}

fn place(interest: u32) -> Option<usize> {
    match interest {
        fd_interest::READ => Some(0),
        fd_interest::WRITE => Some(1),
        _ => None,
    }
}

/// What the system says that a descriptor is.
fn file(number: i32) -> Option<String> {
    let link = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// Whether a descriptor is in non-blocking mode; `None` when that cannot be told.
fn is_non_blocking(number: i32) -> Option<bool> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    u32::from_str_radix(flags.trim(), 8).ok().map(|flags| flags & NON_BLOCKING != 0)
}

impl Descriptors {
    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether an edge has come.
    #[must_use]
    pub fn has_edge(&self, handle: u64, interest: u32) -> bool {
        let edges = self.all.get(&handle).map(|found| found.edges);
        edges.zip(place(interest)).is_some_and(|(edges, place)| edges[place])
    }

    /// What wakes a wait for descriptors.
    #[must_use]
    pub fn waker(&self) -> Option<Arc<Waker>> {
        self.waker.clone()
    }

    /// Sets an edge, or takes it.
    pub fn set_edge(&mut self, handle: u64, interest: u32, is_there: bool) {
        if let (Some(found), Some(place)) = (self.all.get_mut(&handle), place(interest)) {
            found.edges[place] = is_there;
        }
    }

    /// Edges that the system told of.
    pub fn take(&mut self, events: &mio::Events) {
        for event in events {
            if let Some(found) = self.all.get_mut(&(event.token().0 as u64)) {
                let is_over = event.is_error() || event.is_read_closed() && event.is_write_closed();
                found.edges[0] |= event.is_readable() || event.is_read_closed() || is_over;
                found.edges[1] |=
                    event.is_writable() || event.is_write_closed() || is_over || event.is_read_closed();
            }
        }
    }

    /// Ends all.
    pub fn clear(&mut self) {
        self.end_where(|_| true);
        self.registry = None;
        self.waker = None;
    }

    /// Ends those of a worker.
    pub fn end_worker(&mut self, worker: u32) {
        self.end_where(|found| found.worker == worker);
    }

    fn end_where(&mut self, is_over: impl Fn(&Registration) -> bool) {
        let registry = self.registry.as_ref();
        self.all.retain(|_, found| {
            if is_over(found) {
                forget(registry, found);
            }
            !is_over(found)
        });
    }
}

/// The system is to forget a descriptor, which may be closed already.
fn forget(registry: Option<&Registry>, found: &Registration) {
    let is_the_same = file(found.number).is_some_and(|now| now == found.file);
    if let (Some(registry), true) = (registry, is_the_same) {
        let _ = registry.deregister(&mut SourceFd(&found.number));
    }
}

impl State {
    /// Makes the queue of events on first use.
    fn registry(&mut self, poll: &mut Option<Poll>) -> io::Result<&Registry> {
        if self.descriptors.registry.is_none() {
            let made = Poll::new()?;
            self.descriptors.registry = Some(made.registry().try_clone()?);
            self.descriptors.waker = Some(Arc::new(Waker::new(made.registry(), WAKE)?));
            *poll = Some(made);
        }
        self.descriptors.registry.as_ref().ok_or_else(|| io::Error::other("there is no queue of events"))
    }

    /// Where a call of `add` or `remove` stands; the worker.
    fn on_worker(&mut self, call: &'static str, is_in_finish: bool) -> Result<u32, Status> {
        self.look_alive(call);
        let here = self.here();
        match here.map(|here| here.callback) {
            Some(Callback::Step) => {}
            Some(Callback::Finish) if is_in_finish => {}
            Some(Callback::Finish | Callback::WorkerStart | Callback::WorkerStop) => {
                return Err(self.breach(call, "fd.add.worker", Status::E_STATE, "called outside of a step"));
            }
            _ => return Err(self.breach(call, "fd.add.worker", Status::E_THREAD, "called on no worker")),
        }
        Ok(here.map_or(0, |here| here.worker))
    }

    fn fd_add(&mut self, number: i32, poll: &mut Option<Poll>) -> Result<u64, Status> {
        let call = "hc.fd/1 add";
        let worker = self.on_worker(call, false)?;
        let Some(file) = file(number) else {
            return Err(self.breach(call, "fd.add.pollable", Status::E_INVALID, "it is no open descriptor"));
        };
        let is_there = |found: &Registration| found.number == number && found.file == file;
        if self.descriptors.all.values().any(is_there) {
            return Err(self.breach(call, "fd.add.once", Status::E_INVALID, "it is registered already"));
        }
        if is_non_blocking(number) == Some(false) {
            let text = "hc.fd/1 add: the descriptor is in blocking mode".to_owned();
            self.record.violate("fd.add.non-blocking", text);
        }
        let handle = self.handle();
        let both = Interest::READABLE | Interest::WRITABLE;
        let token = Token(handle as usize);
        let registered =
            self.registry(poll).and_then(|registry| registry.register(&mut SourceFd(&number), token, both));
        if let Err(error) = registered {
            let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
            let status = if is_refused { Status::E_INVALID } else { Status::E_IO };
            return Err(self.refuse("fd.add.pollable", status, "the system does not wait for it"));
        }
        self.descriptors.all.insert(handle, Registration { number, file, worker, edges: [false; 2] });
        Ok(handle)
    }

    fn fd_wait(&mut self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        let call = "hc.fd/1 wait";
        if let Err(status) = self.permit_refusable(call, task) {
            return status;
        }
        if place(interest).is_none() {
            return self.breach(call, "fd.wait.interest", Status::E_INVALID, "no such interest");
        }
        let worker = self.task(task).worker;
        match self.descriptors.all.get(&handle).map(|found| found.worker) {
            None => return self.breach(call, "fd.wait.gone", Status::E_GONE, "no such registration"),
            Some(of) if of != worker => {
                return self.breach(call, "fd.wait.gone", Status::E_THREAD, "it is of another worker");
            }
            Some(_) => {}
        }
        let is_it = |wait: &Wait| matches!(wait, Wait::Fd(of, which) if (*of, *which) == (handle, interest));
        let waits = |task: &super::task::Task| {
            let latched = |event: &Event| {
                event.kind == event_kind::FD
                    && event.value == u64::from(interest)
                    && task.lease_tokens.contains(&(event.token, handle))
            };
            task.waits.iter().any(|(_, wait)| is_it(wait)) || task.latched.iter().any(latched)
        };
        if self.tasks.values().any(waits) {
            return self.refuse("fd.wait.one", Status::E_BUSY, "a task waits for it");
        }
        if let Err(status) = self.check_token(call, task, token) {
            return status;
        }
        let spurious = self.plan.spurious;
        if self.descriptors.has_edge(handle, interest) || spurious > 0 && self.choices.one_in(4 * spurious) {
            self.descriptors.set_edge(handle, interest, false);
            return Status::OK;
        }
        if token == 0 { Status::PENDING } else { self.begin(call, task, token, Wait::Fd(handle, interest)) }
    }

    fn fd_remove(&mut self, handle: u64) -> Status {
        let call = "hc.fd/1 remove";
        let worker = match self.on_worker(call, true) {
            Ok(worker) => worker,
            Err(status) => return status,
        };
        match self.descriptors.all.get(&handle).map(|found| found.worker) {
            None => return self.breach(call, "fd.wait.gone", Status::E_GONE, "no such registration"),
            Some(of) if of != worker => {
                return self.breach(call, "fd.wait.gone", Status::E_THREAD, "it is of another worker");
            }
            Some(_) => {}
        }
        self.look_at_descriptors();
        if let Some(found) = self.descriptors.all.remove(&handle) {
            forget(self.descriptors.registry.as_ref(), &found);
        }
        for task in self.order.clone() {
            let Some(found) = self.tasks.get_mut(&task) else { continue };
            if found.life == Life::Finishing {
                continue;
            }
            let is_it = |(_, wait): &(u64, Wait)| matches!(wait, Wait::Fd(of, _) if *of == handle);
            while let Some(place) = self.tasks.get(&task).and_then(|task| task.waits.iter().position(is_it)) {
                let (token, wait) = self.task(task).waits.remove(place);
                let value = if let Wait::Fd(_, interest) = wait { u64::from(interest) } else { 0 };
                self.latch(task, Event { token, value, status: Status::E_CANCELLED, kind: event_kind::FD });
            }
        }
        Status::OK
    }

    /// Descriptors that were closed, or set to block, while they are registered.
    pub(super) fn look_at_descriptors(&mut self) {
        if self.descriptors.is_told {
            return;
        }
        let closed =
            self.descriptors.all.values().any(|found| file(found.number).is_none_or(|now| now != found.file));
        if closed {
            self.descriptors.is_told = true;
            let text = "a descriptor was closed while it was registered with hc.fd/1".to_owned();
            self.record.violate("fd.remove.before-close", text);
        } else if self.descriptors.all.values().any(|found| is_non_blocking(found.number) == Some(false)) {
            self.descriptors.is_told = true;
            let text = "a descriptor that is registered with hc.fd/1 is in blocking mode".to_owned();
            self.record.violate("fd.add.non-blocking", text);
        }
    }

    /// An edge that no step saw counts as one that has come.
    pub(super) fn give_back_edge(&mut self, task: u64, event: &Event) {
        if event.kind == event_kind::FD && event.status == Status::OK {
            let tokens = &self.task(task).lease_tokens;
            let handle = tokens.iter().find(|(token, _)| *token == event.token).map(|(_, handle)| *handle);
            if let Some(handle) = handle {
                self.descriptors.set_edge(handle, event.value as u32, true);
            }
        }
    }
}

impl FdHost for KitHost {
    fn fd_add(&self, fd: i32) -> Result<u64, Status> {
        let mut poll = self.shared.poll();
        self.call(|| format!("hc.fd/1 add({fd})"), |state| state.fd_add(fd, &mut poll))
    }

    fn fd_wait(&self, task: u64, token: u64, handle: u64, interest: u32) -> Status {
        let call = || format!("hc.fd/1 wait({}, {token}, {}, {interest})", task & 0xffff, handle & 0xffff);
        self.call(call, |state| state.fd_wait(task, token, handle, interest))
    }

    fn fd_remove(&self, handle: u64) -> Status {
        self.call(|| format!("hc.fd/1 remove({})", handle & 0xffff), |state| state.fd_remove(handle))
    }
}
