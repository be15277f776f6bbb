//! `hc.offload/1`: functions on threads of the container's pool, and who owns what they were given, whatever happens.

mod support;

use http_container_abi::constants::WORKER_NONE;
use http_container_abi::{HostRef, OffloadWork, Status};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use support::{Plan, Rig, World, same};

/// What became of pieces of work: how many were run, and how many were dropped without that or after it.
#[derive(Default)]
struct Fates {
    run: AtomicUsize,
    dropped: AtomicUsize,
    entered: (Mutex<usize>, Condvar),
    open: (Mutex<bool>, Condvar),
}

/// Is dropped with its work.
struct Owned(Arc<Fates>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Fates {
    fn set(world: &World) -> Arc<Fates> {
        let fates = Arc::new(Fates::default());
        let of = |fates: &Arc<Fates>, work: fn(&Fates) -> (Status, u64)| {
            let fates = Arc::clone(fates);
            move || -> OffloadWork {
                let owned = Owned(Arc::clone(&fates));
                Box::new(move || {
                    let owned = owned;
                    owned.0.run.fetch_add(1, Ordering::SeqCst);
                    work(&owned.0)
                })
            }
        };
        world.set_work("quick", Box::new(of(&fates, |_| (Status::OK, 7))));
        world.set_work("failing", Box::new(of(&fates, |_| (Status::E_IO, 9))));
        world.set_work("odd", Box::new(of(&fates, |_| (Status(-77), 1))));
        world.set_work("own", Box::new(of(&fates, |_| (Status(-4_000), 1))));
        world.set_work("cancelled", Box::new(of(&fates, |_| (Status::CANCELLED_PEER, 1))));
        world.set_work("held", Box::new(of(&fates, |fates| (fates.hold(), 5))));
        fates
    }

    /// Runs until the test opens the door.
    fn hold(&self) -> Status {
        *self.entered.0.lock().unwrap() += 1;
        self.entered.1.notify_all();
        let mut open = self.open.0.lock().unwrap();
        while !*open {
            open = self.open.1.wait(open).unwrap();
        }
        Status::OK
    }

    /// Waits until so many functions run.
    fn await_entered(&self, count: usize) {
        let mut entered = self.entered.0.lock().unwrap();
        while *entered < count {
            entered = self.entered.1.wait(entered).unwrap();
        }
    }

    fn let_go(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }

    fn counts(&self) -> (usize, usize) {
        (self.run.load(Ordering::SeqCst), self.dropped.load(Ordering::SeqCst))
    }

    /// Waits until so many were dropped.
    fn await_dropped(&self, count: usize) {
        while self.dropped.load(Ordering::SeqCst) < count {
            std::thread::yield_now();
        }
    }
}

fn rig(threads: u32, queue: usize) -> (Rig, Arc<Fates>) {
    let mut plan = Plan::default();
    (plan.limits.offload_threads, plan.limits.offload_queue) = (threads, queue);
    let rig = Rig::created(&plan);
    let fates = Fates::set(&rig.world);
    (rig, fates)
}

/// Runs what is ready until the log says that.
fn run_until(rig: &mut Rig, line: &str) -> String {
    let mut log = String::new();
    let mut seen = rig.bell.rung();
    loop {
        rig.run();
        log += &rig.log();
        log += "\n";
        if log.contains(line) {
            return log;
        }
        seen = rig.bell.wait(seen);
    }
}

#[test]
fn a_function_runs_elsewhere_and_its_answer_is_an_event() {
    let (mut rig, fates) = rig(2, 10);
    rig.request("offload 1 quick; refusal; offload 1 quick; offload 0 quick; yield | respond 200; done");
    let log = run_until(&mut rig, "a finish");
    let lines: Vec<&str> = log.lines().filter(|line| !line.is_empty()).collect();
    same(
        &lines.join("\n"),
        "a start
         a offload 1 quick = HC_PENDING
         a refusal = none
         a offload 1 quick = HC_E_TOKEN
         a offload 0 quick = HC_E_TOKEN
         a resume OFFLOAD#1 HC_OK 7
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    assert_eq!(fates.counts(), (1, 3), "one ran, two were the caller's again");
    rig.end();
}

#[test]
fn statuses_are_told_as_they_are_where_a_function_may_give_them() {
    let (mut rig, _fates) = rig(1, 10);
    for (work, told) in [
        ("failing", "HC_E_IO 9"),
        ("odd", "HC_E_FAILED 1"),
        ("cancelled", "HC_E_FAILED 1"),
        ("own", "HC_? 1"),
    ] {
        rig.request(&format!("offload 1 {work}; yield | respond 200; done"));
        let log = run_until(&mut rig, "a finish");
        assert!(log.contains(&format!("a resume OFFLOAD#1 {told}")), "{work}: {log}");
    }
    rig.end();
}

#[test]
fn a_panic_in_a_function_is_its_answer() {
    let (mut rig, _fates) = rig(1, 10);
    std::panic::set_hook(Box::new(|_| ()));
    rig.world.set_work("panics", Box::new(|| Box::new(|| panic!("as it says"))));
    rig.request("offload 1 panics; yield | respond 200; done");
    let log = run_until(&mut rig, "a finish");
    let _ = std::panic::take_hook();
    assert!(log.contains("a resume OFFLOAD#1 HC_E_PANIC 0"), "{log}");
    rig.end();
}

#[test]
fn no_more_waits_than_the_operator_allows_and_the_oldest_is_next() {
    let (mut rig, fates) = rig(1, 2);
    rig.request("offload 1 held; offload 2 quick; offload 3 quick; completion 9 c; yield | again; yield");
    fates.await_entered(1);
    rig.log();
    // One is being run, two wait: that is the bound, at any moment.
    rig.request("offload 1 quick; refusal; status -5");
    same(
        &rig.log(),
        "a start
         a offload 1 quick = HC_E_BUSY
         a refusal = offload.bound
         2 > refuse 503
         a finish HC_E_BUSY
         2 > ended HC_E_BUSY",
    );
    assert_eq!(rig.totals().refused_calls, 0, "to be short is no fault");
    fates.let_go();
    let log = run_until(&mut rig, "OFFLOAD#3");
    let at = |token: &str| log.find(&format!("OFFLOAD#{token} ")).unwrap();
    assert!(at("1") < at("2") && at("2") < at("3"), "{log}");
    rig.end();
}

#[test]
fn the_bound_holds_before_a_thread_has_come_to_its_work() {
    // Threads are idle, and take what is queued at some later time: they do not make room for more.
    let (mut rig, fates) = rig(2, 1);
    for round in 0..20 {
        let script = (1..=8).map(|token| format!("offload {token} held; ")).collect::<String>();
        rig.request(&format!("{script} completion 99 c; yield | again; yield"));
        let log = rig.log();
        let taken = log.matches("held = HC_PENDING").count();
        assert_eq!(taken, 3, "round {round}: two for the threads, one waits: {log}");
        fates.let_go();
        let mut log = String::new();
        for token in 1..=3 {
            let line = format!("OFFLOAD#{token}");
            while !log.contains(&line) {
                log += &run_until(&mut rig, "OFFLOAD#");
            }
        }
        *fates.open.0.lock().unwrap() = false;
    }
    rig.end();
}

#[test]
fn work_that_is_withdrawn_before_it_runs_is_dropped_and_never_run() {
    let (mut rig, fates) = rig(1, 10);
    rig.request(
        "offload 1 held; offload 2 quick; cancel 2; offload 2 quick; cancel 2; yield | respond 200; done",
    );
    fates.await_entered(1);
    fates.let_go();
    run_until(&mut rig, "a finish HC_OK");
    fates.await_dropped(3);
    assert_eq!(fates.counts(), (1, 3));
    rig.end();
}

#[test]
fn work_that_is_withdrawn_while_it_runs_goes_on_and_is_dropped_when_it_has_returned() {
    let (mut rig, fates) = rig(1, 10);
    rig.world.probe("entered", {
        let fates = Arc::clone(&fates);
        Box::new(move |_: &HostRef, _| fates.await_entered(1))
    });
    rig.request("offload 1 held; probe entered; cancel 1; cancel 1; respond 200; done");
    let log = rig.log();
    assert!(log.contains("a cancel 1 = HC_OK\na cancel 1 = HC_E_GONE"), "{log}");
    assert!(log.contains("a finish HC_OK"), "nobody waits for it: {log}");
    fates.let_go();
    fates.await_dropped(1);
    assert_eq!(fates.counts(), (1, 1));
    rig.end();
}

#[test]
fn a_task_that_ends_leaves_its_work_behind() {
    // Queued, and running.
    let (mut rig, fates) = rig(1, 10);
    let (exchange, task) = rig.request("offload 1 held; offload 2 quick; yield");
    fates.await_entered(1);
    exchange.leave(&rig.container, task);
    rig.run();
    assert!(rig.log().contains("a finish HC_CANCELLED_PEER\n> ended HC_CANCELLED_PEER"), "promptly");
    fates.let_go();
    fates.await_dropped(2);
    assert_eq!(fates.counts(), (1, 2));
    rig.end();
}

#[test]
fn an_answer_that_came_is_the_modules_in_finish() {
    let (mut rig, fates) = rig(1, 10);
    let (exchange, task) = rig.request("offload 1 held; yield");
    fates.await_entered(1);
    rig.log();
    // The function returns, its event is latched, and before the task is resumed the peer leaves.
    let seen = rig.bell.rung();
    fates.let_go();
    rig.bell.wait(seen);
    exchange.leave(&rig.container, task);
    rig.run();
    same(
        &rig.log(),
        "> abort
         a finish HC_CANCELLED_PEER unseen OFFLOAD#1 HC_OK 5
         > ended HC_CANCELLED_PEER",
    );
    rig.end();
}

#[test]
fn an_answer_is_taken_by_cancel_or_withdrawn_whichever_comes_first() {
    const ROUNDS: usize = 300;
    let (mut rig, fates) = rig(2, ROUNDS);
    for _ in 0..ROUNDS {
        rig.request("offload 1 quick; cancel 1; cancel 1; respond 200; done");
    }
    let log = rig.log();
    let (withdrawn, taken) =
        (log.matches("a cancel 1 = HC_OK").count(), log.matches("a cancel 1 = HC_E_TOO_LATE").count());
    assert_eq!(withdrawn + taken, ROUNDS);
    assert_eq!(log.matches("a cancel 1 = HC_E_GONE").count(), ROUNDS, "one or the other, once");
    fates.await_dropped(ROUNDS);
    assert!(fates.counts().0 >= taken && !log.contains("unseen"));
    rig.end();
}

#[test]
fn every_function_has_returned_and_every_drop_was_called_before_destroy() {
    let (mut rig, fates) = rig(2, 10);
    rig.world.script("destroy-a", "");
    rig.request("offload 1 held; offload 2 held; offload 3 quick; offload 4 quick; yield");
    fates.await_entered(2);
    rig.world.probe("count", {
        let (fates, world) = (Arc::clone(&fates), Arc::clone(&rig.world));
        Box::new(move |_: &HostRef, _| world.note(&format!("destroyed after {:?}", fates.counts())))
    });
    rig.world.script("destroy-a", "probe count");
    let opener = {
        let (fates, world) = (Arc::clone(&fates), Arc::clone(&rig.world));
        std::thread::spawn(move || {
            // The instance must not be destroyed before this.
            (0..1_000).for_each(|_| std::thread::yield_now());
            world.note("let go");
            fates.let_go();
        })
    };
    rig.end();
    opener.join().unwrap();
    let log = rig.log();
    assert!(log.find("let go").unwrap() < log.find("destroyed after (2, 4)").unwrap(), "{log}");
}

#[test]
fn an_instance_that_was_replaced_ends_when_its_work_has() {
    let mut plan = Plan::default();
    plan.limits.replace_interval_ns = 0;
    let mut rig = Rig::created(&plan);
    let fates = Fates::set(&rig.world);
    rig.world.script("destroy-a", "");
    rig.request("offload 1 held; yield");
    fates.await_entered(1);
    std::panic::set_hook(Box::new(|_| ()));
    rig.request("panic");
    let _ = std::panic::take_hook();
    rig.container.maintain();
    rig.run();
    rig.container.request_cancel(rig.world.handle("none"), Status::CANCELLED_MODULE);
    rig.log();
    rig.world.script("destroy-a", "");
    rig.run();
    rig.container.maintain();
    assert!(!rig.log().contains("destroy"), "its function runs still");
    fates.let_go();
    let mut log = String::new();
    while !log.contains("a destroy") {
        rig.run();
        rig.container.maintain();
        log += &rig.log();
        std::thread::yield_now();
    }
    rig.end();
}

#[test]
fn functions_run_where_no_worker_is_and_may_make_calls_of_any_thread() {
    let (mut rig, _fates) = rig(1, 10);
    let world = Arc::clone(&rig.world);
    let make = move || -> OffloadWork {
        let world = Arc::clone(&world);
        Box::new(move || {
            let host = world.host("a");
            let thread = std::thread::current();
            assert!(thread.name().unwrap().starts_with("hc-offload"), "{thread:?}");
            assert_eq!(host.worker_index(), WORKER_NONE);
            let task = world.handle("me");
            assert_eq!(host.timer(task, 5, 1), Status::E_THREAD);
            assert_eq!(
                host.offload().unwrap().run(task, 6, Box::new(|| (Status::OK, 0))).unwrap_err().0,
                Status::E_THREAD
            );
            host.log(task, 3, "from the pool");
            assert_eq!(world.complete(&host, "c", 2, Status::OK, 4), Status::OK);
            (Status::OK, 0)
        })
    };
    rig.world.set_work("looks", Box::new(make));
    rig.request("keep me; completion 2 c; offload 1 looks; yield | yield | respond 200; done");
    let log = run_until(&mut rig, "OFFLOAD#1");
    assert!(log.contains("OFFLOAD#1 HC_OK 0"), "{log}");
    rig.end();
}
