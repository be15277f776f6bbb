//! The life of instances: created, replaced when one has panicked, refused, unusable on a worker; and modules that block.

mod support;

use hc_host::{Limits, Worker};
use http_container_abi::Status;
use std::sync::Arc;
use support::script::BLOCKING;
use support::{NoPoller, Plan, Rig, balanced, same};

fn told(rig: &Rig) {
    for callback in ["create", "worker_start", "worker_stop", "destroy"] {
        rig.world.script(&format!("{callback}-a"), "");
    }
}

#[test]
fn a_panic_brings_a_fresh_instance_and_the_old_one_ends_last() {
    let mut rig = Rig::new(&Plan::default());
    told(&rig);
    rig.world.script("work", "notices 4; completion 3 w; yield | done");
    rig.container.create_instances().unwrap();
    rig.request(
        "spawn self work t; completion 1 c; notices 4; yield | timer 5 1; yield | respond 200 old; done",
    );
    same(
        &rig.log(),
        "a create
         a worker_start
         a start
         a spawn self work t = HC_OK
         a completion 1 c = HC_OK
         a notices 4 = HC_OK
         a start
         a notices 4 = HC_OK
         a completion 3 w = HC_OK",
    );
    rig.request("panic");
    same(&rig.log(), "a start\n2 > refuse 500\na finish HC_E_PANIC\n2 > ended HC_E_PANIC");
    assert_eq!(rig.bell.attends.load(std::sync::atomic::Ordering::SeqCst), 1);
    rig.container.maintain();
    rig.run();
    same(
        &rig.log(),
        "a create
         a resume NOTICE#0 HC_OK 4
         a timer 5 1 = HC_PENDING
         a resume NOTICE#0 HC_OK 4
         a finish HC_OK",
    );
    rig.request("respond 200 new; done");
    same(
        &rig.log(),
        "a worker_start\na start\n3 > 200 \"new\"\na respond 200 new = HC_OK\na finish HC_OK\n3 > ended HC_OK",
    );
    rig.pass(3);
    same(
        &rig.log(),
        "a resume TIMER#5 HC_OK 0
         > 200 \"old\"
         a respond 200 old = HC_OK
         a finish HC_OK
         > ended HC_OK
         a worker_stop",
    );
    rig.container.maintain();
    same(&rig.log(), "a destroy");
    rig.end();
    same(&rig.log(), "a worker_stop\na destroy");
}

#[test]
fn replacing_is_bounded_in_time_and_goes_on_when_create_refuses() {
    let limits = Limits { replace_interval_ns: u64::MAX / 4, ..Plan::default().limits };
    let mut rig = Rig::created(&Plan { limits, ..Plan::default() });
    rig.request("panic");
    rig.world.script("create-a", "fail");
    assert!(rig.container.maintain().is_some(), "to be tried again");
    rig.log();
    rig.request("respond 200; done");
    assert!(rig.log().contains("finish HC_OK"), "the failed one goes on serving");
    rig.world.script("create-a", "");
    assert!(rig.container.maintain().is_some(), "not before the interval has passed");
    rig.end();
}

#[test]
fn tasks_of_a_failed_instance_end_when_their_time_is_over() {
    let limits = Limits { retired_instance_ns: 0, ..Plan::default().limits };
    let mut rig = Rig::created(&Plan { limits, ..Plan::default() });
    let (exchange, _) = rig.request("completion 1 c; yield");
    rig.request("panic");
    rig.container.maintain();
    rig.run();
    assert_eq!((exchange.status(), exchange.ended()), (Some(500), Some(Status::CANCELLED_FAULT)));
    rig.end();
}

#[test]
fn what_an_old_instance_spawned_is_told_that_it_is_old() {
    let mut rig = Rig::created(&Plan::default());
    rig.world.script("work", "notices 4; completion 2 w; yield | done");
    rig.request("timer 1 500; yield | spawn any work t; respond 200; done");
    rig.request("panic");
    rig.container.maintain();
    rig.run();
    rig.log();
    rig.pass(501);
    assert!(rig.log().contains("a completion 2 w = HC_OK\na resume NOTICE#0 HC_OK 4\na finish HC_OK"));
    rig.end();
}

#[test]
fn what_an_old_instance_spawned_too_late_ends_with_its_first_step() {
    let limits = Limits { retired_instance_ns: 0, ..Plan::default().limits };
    let mut rig = Rig::created(&Plan { limits, ..Plan::default() });
    let old = rig.world.host("a");
    rig.request("completion 1 c; yield");
    rig.request("panic");
    let script = "completion 2 w; yield | done".to_owned();
    assert!(old.spawn(u32::MAX, Box::new(script)).is_ok());
    // Its time is over before any worker has seen it.
    rig.container.maintain();
    rig.worker.turn(rig.now_ns);
    rig.log();
    rig.run();
    let log = rig.log();
    let expect = "a start\na completion 2 w = HC_E_CANCELLED\na finish HC_CANCELLED_FAULT";
    assert!(log.starts_with(expect), "{log}");
    rig.end();
}

#[test]
fn what_create_spawns_waits_for_it_or_is_dropped() {
    let mut rig = Rig::new(&Plan::default());
    rig.world.script("work", "index; done");
    rig.world.script("create-a", "spawn any work t; spawn 0 work u; spawn self work v; index; respond 200");
    rig.container.create_instances().unwrap();
    rig.run();
    same(
        &rig.log(),
        "a create
         a spawn any work t = HC_OK
         a spawn 0 work u = HC_OK
         a spawn self work v = HC_E_THREAD
         a index = 4294967293
         a respond 200 = HC_E_THREAD
         a start\na index = 0\na finish HC_OK
         a start\na index = 0\na finish HC_OK",
    );
    rig.end();
    let mut rig = Rig::new(&Plan::default());
    rig.world.script("work", "done");
    rig.world.script("create-a", "spawn 0 work t; fail");
    let refused = rig.container.create_instances().unwrap_err();
    assert_eq!((refused.module.as_str(), refused.status), ("a", Status::E_FAILED));
    assert!(refused.to_string().contains("HC_E_FAILED"));
    rig.log();
    rig.end();
    same(&rig.log(), "");
}

#[test]
fn an_instance_that_is_unusable_everywhere_answers_500() {
    let mut rig = Rig::new(&Plan::default());
    rig.world.script("worker_start-a", "fail");
    rig.world.script("create-a", "spawn 0 work t");
    rig.world.script("work", "done");
    rig.container.create_instances().unwrap();
    let (exchange, _) = rig.request("respond 200; done");
    assert_eq!((exchange.status(), exchange.ended()), (Some(500), Some(Status::E_FAILED)));
    assert!(rig.rules.take().contains(&"module.worker-start.failed"));
    rig.request("respond 200; done");
    assert_eq!(rig.log().matches("worker_start").count(), 1, "it is not tried again");
    rig.end();
}

#[test]
fn a_task_is_started_where_worker_start_succeeds() {
    let mut rig = Rig::new(&Plan { workers: 2, ..Plan::default() });
    rig.container.create_instances().unwrap();
    rig.world.script("worker_start-a", "fail");
    let (exchange, _) = rig.request("index; respond 200; done");
    assert_eq!(exchange.ended(), None, "it waits for the other worker");
    rig.world.script("worker_start-a", "");
    let container = Arc::clone(&rig.container);
    let other = std::thread::spawn(move || {
        let worker = Worker::enter(container, 1, Box::new(NoPoller));
        worker.turn(worker.now_ns());
        worker.run(10);
        worker.leave(Status::CANCELLED_DRAIN);
    });
    other.join().unwrap();
    assert_eq!(exchange.ended(), Some(Status::OK));
    assert!(rig.log().contains("a index = 1"));
    rig.end();
}

#[test]
fn modules_that_block_run_on_threads_of_their_own() {
    let mut plan = Plan { modules: vec![("a", &BLOCKING), ("b", &BLOCKING)], ..Plan::default() };
    plan.limits.blocking_threads = 2;
    let mut rig = Rig::created(&plan);
    let served = std::thread::current().id();
    let (sender, receiver) = std::sync::mpsc::channel();
    let gate = Arc::new((std::sync::Mutex::new(false), std::sync::Condvar::new()));
    let opened = Arc::clone(&gate);
    rig.world.probe(
        "block",
        Box::new(move |host, _| {
            sender.send((std::thread::current().id(), host.worker_index(), host.worker_count())).unwrap();
            let guard = opened.0.lock().unwrap();
            drop(opened.1.wait_while(guard, |open| !*open).unwrap());
        }),
    );
    let slow = [
        rig.request("probe block; respond 200 slow; done"),
        rig.request("probe block; respond 200 slow; done"),
    ];
    let seen = [receiver.recv().unwrap(), receiver.recv().unwrap()];
    assert_ne!(seen[0].0, seen[1].0);
    assert!(seen.iter().all(|(thread, index, count)| *thread != served && *index < 2 && *count == 2));
    // Both threads are taken: a third one waits, and its deadline holds all the same.
    let (third, _) = rig.request("respond 200; done");
    assert_eq!(third.ended(), None);
    rig.pass(61_000);
    assert_eq!((third.status(), third.ended()), (Some(503), Some(Status::CANCELLED_DEADLINE)));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    rig.worker.leave(Status::CANCELLED_DRAIN);
    rig.container.destroy_instances();
    assert!(slow.iter().all(|(exchange, _)| exchange.body() == b"slow"));
    balanced(&rig.container, &rig.world);
}

#[test]
fn a_task_of_a_module_that_blocks_parks_and_wakes() {
    let plan = Plan { modules: vec![("a", &BLOCKING), ("b", &support::script::SCRIPTED)], ..Plan::default() };
    let mut rig = Rig::created(&plan);
    let (sender, receiver) = std::sync::mpsc::channel();
    rig.world.probe("tell", Box::new(move |_, _| sender.send(()).unwrap()));
    let script = "has-fd; open 1 0 kid; yield | head kid; completion 2 c; timer 3 1; probe tell; yield | probe tell; yield
                  | respond 200 blocked; done";
    let exchange = rig.exchange("GET", &[("a", script), ("b", "respond 202; done")]);
    let task = rig.open_exchange(&exchange);
    rig.worker.start(task);
    // The child is of a module that does not block: it runs here.
    while receiver.try_recv().is_err() {
        rig.run();
        std::thread::yield_now();
    }
    receiver.recv().unwrap();
    let host = rig.world.host("a");
    assert_eq!(rig.world.complete(&host, "c", 2, Status::OK, 7), Status::OK);
    while exchange.ended().is_none() {
        std::thread::yield_now();
    }
    let log = rig.log();
    assert!(log.contains("a has-fd = false"), "{log}");
    assert!(log.contains("a head kid = 202") && log.contains("a resume COMPLETION#2 HC_OK 7"), "{log}");
    rig.end();
}
