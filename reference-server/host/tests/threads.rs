//! Several threads at once: two workers that start each other's tasks, signals and completions from a third.

mod support;

use hc_host::{Exchange, Opening, Worker};
use http_container_abi::Status;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use support::{MS, Memory, NoPoller, Plan, balanced, request};

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

/// Begins a body, a response, and enough else to wait for in every step; `N` is the number of the request.
const EXCHANGING: &str = "read 1; completion 2 cN; yield
    | read 3; timer 4 1; yield
    | start 200; write 5 40; timer 6 0; yield
    | write 7 8; timer 8 0; yield
    | end; done";

#[test]
fn a_request_that_another_worker_took_hears_its_exchange() {
    const COUNT: usize = 300;
    let (container, world, _, _) = support::container(&Plan { workers: 3, ..Plan::default() });
    container.create_instances().unwrap();
    let exchanges: Vec<Arc<Memory>> = (0..COUNT)
        .map(|index| {
            let script = EXCHANGING.replace('N', &index.to_string());
            let head = request("POST", "/", &[("a", &script)], index as u64, u64::MAX);
            Memory::new(head, &index.to_string(), &world)
        })
        .collect();
    let (shared, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (container, shared, stop) = (&container, &shared, &stop);
        let workers: Vec<_> =
            (0..2).map(|index| scope.spawn(move || serve(container, index, shared, stop))).collect();
        // The third worker opens all requests and starts none.
        let opener = Worker::enter(Arc::clone(container), 2, Box::new(NoPoller));
        let deadline_ns = container.now_ns() + 60_000 * MS;
        let tasks: Vec<u64> = exchanges
            .iter()
            .map(|exchange| {
                let exchange = Arc::clone(exchange) as Arc<dyn Exchange>;
                let opening = Opening { exchange, route: 0, request_id: 1, deadline_ns };
                let task = opener.open(opening).unwrap();
                shared.lock().unwrap().push(task);
                task
            })
            .collect();
        let host = world.host("a");
        while exchanges.iter().any(|exchange| exchange.ended().is_none()) {
            for (index, exchange) in exchanges.iter().enumerate() {
                exchange.feed(container, b"body");
                exchange.give_room(container, 10);
                world.complete(&host, &format!("c{index}"), 2, Status::OK, 1);
                if index % 7 == 0 {
                    exchange.leave(container, tasks[index]);
                }
            }
            std::thread::yield_now();
        }
        stop.store(true, Ordering::SeqCst);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        opener.leave(Status::CANCELLED_DRAIN);
    });
    container.destroy_instances();
    balanced(&container, &world);
    for (index, exchange) in exchanges.iter().enumerate() {
        // Who ends while a write waits breaks the response off: E_STATE.
        let outcome = exchange.ended().unwrap();
        let may_be_cancelled = index % 7 == 0 && outcome == Status::CANCELLED_PEER;
        assert!(may_be_cancelled || [Status::OK, Status::E_STATE].contains(&outcome), "{index}: {outcome:?}");
        assert_eq!(Arc::strong_count(exchange), 1, "nobody keeps the exchange");
    }
}
