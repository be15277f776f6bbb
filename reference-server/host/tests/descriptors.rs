//! `hc.fd/1` with a poller that a test drives, and with a real pipe behind it.

mod support;

use hc_host::Poller;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use support::{Plan, Rig, same};

/// What was registered: the key of each descriptor.
#[derive(Default)]
struct Known(RefCell<HashMap<RawFd, u32>>);

struct Fake(Rc<Known>);

impl Poller for Fake {
    fn add(&self, fd: RawFd, key: u32) -> io::Result<()> {
        match fd {
            90 => Err(io::Error::from_raw_os_error(9)),
            91 => Err(io::ErrorKind::PermissionDenied.into()),
            92 => Err(io::ErrorKind::StorageFull.into()),
            fd if self.0.0.borrow().contains_key(&fd) => Err(io::ErrorKind::AlreadyExists.into()),
            fd => {
                self.0.0.borrow_mut().insert(fd, key);
                Ok(())
            }
        }
    }

    fn remove(&self, fd: RawFd) {
        self.0.0.borrow_mut().remove(&fd);
    }
}

fn rig(plan: &Plan) -> (Rig, Rc<Known>) {
    let known = Rc::new(Known::default());
    let rig = Rig::with_poller(plan, Box::new(Fake(Rc::clone(&known))));
    rig.container.create_instances().unwrap();
    for raw in [7, 8, 90, 91, 92] {
        rig.world.keep(&format!("raw{raw}"), raw);
    }
    (rig, known)
}

/// An edge on a descriptor.
fn edge(rig: &mut Rig, known: &Known, fd: RawFd, readable: bool, writable: bool) {
    let key = known.0.borrow()[&fd];
    rig.worker.descriptor_ready(key, readable, writable, false);
    rig.run();
}

#[test]
fn edges_are_latched_and_told_once() {
    let (mut rig, known) = rig(&Plan::default());
    rig.request(
        "fd-add raw7 d; fd-add raw7 e; refusal; fd-wait d 1 1; fd-wait d 1 2; fd-wait d 0 1; fd-wait d 2 3; fd-wait d 2 1;
         fd-wait d 3 1; refusal; yield | fd-wait d 2 1; yield | respond 200; done",
    );
    edge(&mut rig, &known, 7, true, false);
    same(
        &rig.log(),
        "a start
         a fd-add raw7 d = HC_OK
         a fd-add raw7 e = HC_E_INVALID
         a refusal = fd.add.once
         a fd-wait d 1 1 = HC_OK
         a fd-wait d 1 2 = HC_OK
         a fd-wait d 0 1 = HC_PENDING
         a fd-wait d 2 3 = HC_E_INVALID
         a fd-wait d 2 1 = HC_PENDING
         a fd-wait d 3 1 = HC_E_BUSY
         a refusal = fd.wait.one
         a resume FD#2 HC_OK 1
         a fd-wait d 2 1 = HC_PENDING",
    );
    edge(&mut rig, &known, 7, false, true);
    same(&rig.log(), "");
    edge(&mut rig, &known, 7, true, true);
    assert!(rig.log().starts_with("a resume FD#2 HC_OK 1"));
    // The edge for writing came while nobody waited: it is latched, once.
    rig.request("fd-wait d 1 2; fd-wait d 0 2; fd-remove d; fd-remove d; fd-wait d 1 1; respond 200; done");
    let log = rig.log();
    let answers: Vec<_> = log.lines().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
    assert_eq!(answers, ["HC_OK", "HC_PENDING", "HC_OK", "HC_E_GONE", "HC_E_GONE", "HC_OK"], "{log}");
    assert!(known.0.borrow().is_empty());
    rig.end();
}

#[test]
fn an_edge_that_brings_the_end_is_told_twice() {
    let ended = |rig: &mut Rig, known: &Known| {
        let key = known.0.borrow()[&7];
        rig.worker.descriptor_ready(key, true, true, true);
        rig.run();
    };
    // Somebody waits: the event, and one more.
    let (mut rig, known) = rig(&Plan::default());
    rig.request("fd-add raw7 d; fd-wait d 0 1; fd-wait d 0 2; fd-wait d 1 1; yield | fd-wait d 1 1; fd-wait d 0 1; respond 200; done");
    rig.log();
    ended(&mut rig, &known);
    same(
        &rig.log_of(&["a"]),
        "a resume FD#1 HC_OK 1
         a fd-wait d 1 1 = HC_OK
         a fd-wait d 0 1 = HC_PENDING
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    // Nobody waits: two, for reading only.
    ended(&mut rig, &known);
    rig.request(
        "fd-wait d 0 1; fd-wait d 0 1; fd-wait d 0 1; fd-wait d 0 2; fd-wait d 0 2; respond 200; done",
    );
    let log = rig.log();
    let answers: Vec<_> = log.lines().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
    let expect = ["HC_OK", "HC_OK", "HC_PENDING", "HC_OK", "HC_PENDING", "HC_OK"];
    assert_eq!(answers, expect, "{log}");
    rig.end();
}

#[test]
fn who_ends_while_it_waits_makes_place_for_another() {
    let (mut rig, known) = rig(&Plan::default());
    rig.request("fd-add raw7 d; fd-wait d 0 1; fd-wait d 4 1; respond 200; done");
    rig.request("fd-wait d 5 1; yield | respond 200; done");
    edge(&mut rig, &known, 7, true, false);
    let log = rig.log();
    assert!(log.contains("a fd-wait d 5 1 = HC_PENDING") && log.contains("a resume FD#5 HC_OK 1"), "{log}");
    rig.end();
}

#[test]
fn removing_ends_waits_and_an_unseen_edge_is_latched_again() {
    let (mut rig, known) = rig(&Plan::default());
    rig.request("fd-add raw7 d; fd-wait d 0 1; fd-wait d 4 1; yield | respond 200; done");
    rig.request("fd-remove d; respond 200; done");
    assert!(rig.log().contains("a resume FD#4 HC_E_CANCELLED 1"));
    let (_, task) = rig.request("fd-add raw7 d; fd-wait d 0 1; fd-wait d 5 1; yield");
    let key = known.0.borrow()[&7];
    rig.worker.descriptor_ready(key, true, false, false);
    rig.container.request_cancel(task, http_container_abi::Status::CANCELLED_MODULE);
    rig.run();
    assert!(rig.log().contains("a finish HC_CANCELLED_MODULE unseen FD#5 HC_OK 1"));
    rig.request("fd-wait d 1 1; respond 200; done");
    assert!(rig.log().contains("a fd-wait d 1 1 = HC_OK"), "the edge is not lost");
    // The key of a registration that ended is one of nobody.
    rig.request("fd-remove d; fd-add raw8 d; fd-wait d 0 1; fd-wait d 9 1; timer 1 0; yield | cancel 9; respond 200; done");
    rig.worker.descriptor_ready(key, true, true, false);
    assert!(!rig.log().contains("FD#9"));
    rig.end();
    assert!(known.0.borrow().is_empty(), "what remained was ended with the instance");
}

#[test]
fn what_cannot_be_registered() {
    let mut plan = Plan::default();
    plan.limits.descriptors_per_worker = 1;
    let (mut rig, known) = rig(&plan);
    rig.request("fd-add raw90 d; fd-add raw91 d; fd-add raw92 d; fd-add raw7 d; fd-add raw8 e; refusal; respond 200; done");
    let log = rig.log();
    let answers: Vec<_> = log.lines().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
    let expect = ["HC_E_INVALID", "HC_E_INVALID", "HC_E_IO", "HC_OK", "HC_E_LIMIT", "fd.add.limit", "HC_OK"];
    assert_eq!(answers, expect, "{log}");
    // The module closed it first: the number comes back as another descriptor.
    known.0.borrow_mut().remove(&7);
    let host = rig.world.host("a");
    let (other, registered) = (rig.world.host("b"), rig.world.handle("d"));
    rig.world.probe("p", Box::new(move |_, _| assert!(other.fd().unwrap().remove(registered).is_error())));
    rig.request("probe p; respond 200; done");
    assert!(host.fd().unwrap().add(7).is_err(), "outside a callback");
    rig.end();
}

#[test]
fn a_registration_belongs_to_its_worker() {
    let (mut rig, _) = rig(&Plan { workers: 2, ..Plan::default() });
    rig.world.script("work", "fd-wait d 1 1; fd-remove d; refusal; done");
    rig.request("fd-add raw7 d; spawn 1 work t; respond 200; done");
    let container = Arc::clone(&rig.container);
    let other = std::thread::spawn(move || {
        let worker = hc_host::Worker::enter(container, 1, Box::new(support::NoPoller));
        worker.turn(worker.now_ns());
        worker.run(9);
        worker.leave(http_container_abi::Status::CANCELLED_DRAIN);
    });
    other.join().unwrap();
    let log = rig.log();
    assert!(
        log.contains("a fd-wait d 1 1 = HC_E_THREAD\na fd-remove d = HC_E_THREAD\na refusal = fd.wait.gone"),
        "{log}"
    );
    rig.end();
}

#[test]
fn a_real_pipe_wakes_its_task() {
    let (mut rig, known) = rig(&Plan::default());
    let (mut reader, mut writer) = io::pipe().unwrap();
    rig.world.keep("pipe", reader.as_raw_fd() as u64);
    rig.request("fd-add pipe d; fd-wait d 0 1; fd-wait d 1 1; yield | fd-remove d; respond 200; done");
    writer.write_all(b"x").unwrap();
    // The stand-in for a poll: blocks until the pipe is readable, as the event loop's poll does.
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    edge(&mut rig, &known, reader.as_raw_fd(), true, false);
    assert!(rig.log().contains("a resume FD#1 HC_OK 1\na fd-remove d = HC_OK"));
    rig.end();
}
