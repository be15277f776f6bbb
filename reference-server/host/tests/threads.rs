//! Several threads at once: two workers that start each other's tasks, signals and completions from a third.

mod support;

use hc_host::Worker;
use http_container_abi::Status;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use support::{NoPoller, Plan, balanced};

const REQUESTS: usize = 400;

/// One worker's loop over tasks that any worker may start.
fn serve(container: &Arc<hc_host::Container>, index: u32, shared: &Mutex<Vec<u64>>, stop: &AtomicBool) {
    let worker = Worker::enter(Arc::clone(container), index, Box::new(NoPoller));
    while !stop.load(Ordering::SeqCst) {
        worker.turn(container.now_ns());
        let mut fresh = Vec::new();
        worker.take_fresh(&mut fresh);
        shared.lock().unwrap().append(&mut fresh);
        let next = shared.lock().unwrap().pop();
        next.into_iter().for_each(|task| worker.start(task));
        worker.run(8);
        std::thread::yield_now();
    }
    worker.leave(Status::CANCELLED_DRAIN);
}

#[test]
fn tasks_are_started_anywhere_and_signalled_from_everywhere() {
    let (container, world, _, _) = support::container(&Plan { workers: 2, ..Plan::default() });
    container.create_instances().unwrap();
    world.script("work", "timer 1 1; yield | done");
    let (shared, stop, answered) = (Mutex::new(Vec::new()), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let (container, shared, stop) = (&container, &shared, &stop);
        let workers: Vec<_> =
            (0..2).map(|index| scope.spawn(move || serve(container, index, shared, stop))).collect();
        let host = world.host("a");
        for index in 0..REQUESTS {
            let script = format!(
                "spawn any work t; completion {} c{index}; yield | timer 2 0; yield | done",
                index + 10
            );
            let spawned = host.spawn(u32::MAX, Box::new(script));
            assert!(spawned.is_ok());
        }
        let mut left: Vec<usize> = (0..REQUESTS).collect();
        while !left.is_empty() {
            left.retain(|index| {
                let token = *index as u64 + 10;
                let done = world.complete(&host, &format!("c{index}"), token, Status::OK, 1) == Status::OK;
                if done {
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                !done
            });
            std::thread::yield_now();
        }
        while container.totals().live_tasks() > 0 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::SeqCst);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    container.destroy_instances();
    assert_eq!(answered.load(Ordering::SeqCst), REQUESTS);
    balanced(&container, &world);
}
