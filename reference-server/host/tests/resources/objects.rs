//! `hc.pool/1`: what a member is, and for how long it is valid.

use crate::support::{Far, Plan, Rig, same};
use http_container_abi::{HostRef, Status};
use std::sync::Arc;

fn objects(max: u32) -> Rig {
    let mut plan = Plan::with(&[("ob", "pool")]);
    plan.first().max = max;
    let rig = Rig::ahead(&plan);
    rig.world.script("member-ob", "be thing 64; ready; serve");
    rig
}

#[test]
fn the_object_is_had_by_its_type_while_the_lease_is_held() {
    let mut rig = objects(1);
    rig.world.script("finish-a", "object O thing");
    rig.request(
        "acquire 1 ob none O; object O thing; yield
         | object O thing; object O thin; refusal; object O things; query 2 O ok; columns O; kv 2 O get k; reply O;
           respond 200; done",
    );
    same(
        &rig.log_of(&["a", "ob1"]),
        "a start
         a acquire 1 ob none O = HC_PENDING
         a object O thing = HC_E_GONE
         ob1 start
         ob1 be thing 64 = HC_OK
         ob1 ready = HC_OK
         a resume ACQUIRE#1 HC_OK 0
         a object O thing = 64
         a object O thin = HC_E_UNSUPPORTED
         a refusal = pool.object
         a object O things = HC_E_UNSUPPORTED
         a query 2 O ok = HC_E_GONE
         a columns O = HC_E_GONE
         a kv 2 O get k = HC_E_GONE
         a reply O = HC_E_GONE
         a respond 200 = HC_OK
         a finish HC_OK
         a object O thing = 64
         ob1 resume MEMBER#101 HC_OK 0
         ob1 < reset
         ob1 ok = HC_OK",
    );
    rig.end();
}

#[test]
fn a_member_says_what_it_is_before_it_is_ready() {
    let mut rig = objects(1);
    rig.world.script(
        "member-ob",
        "ready; refusal; be thing 0; refusal; be thing 64; be other 72; ready; be thing 64; c 0 n; r 0 1; m 0 c v; serve",
    );
    rig.request("acquire 1 ob none O; yield | object O other; release O clean; respond 200; done");
    same(
        &rig.log_of(&["a", "ob1"]),
        "a start
         a acquire 1 ob none O = HC_PENDING
         ob1 start
         ob1 ready = HC_E_STATE
         ob1 refusal = provider.object
         ob1 be thing 0 = HC_E_INVALID
         ob1 refusal = provider.object
         ob1 be thing 64 = HC_OK
         ob1 be other 72 = HC_OK
         ob1 ready = HC_OK
         ob1 be thing 64 = HC_E_STATE
         ob1 c 0 n = HC_E_STATE
         ob1 r 0 1 = HC_E_STATE 0
         ob1 m 0 c v = HC_E_STATE
         a resume ACQUIRE#1 HC_OK 0
         a object O other = 72
         a release O clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn the_finish_of_a_members_task_waits_for_the_end_of_the_lease() {
    for how in ["clean", "dirty", "broken"] {
        let mut rig = objects(1);
        rig.world.script("member-ob", "be thing 64; ready; next 1; completion 5 c; yield | lost");
        rig.request(&format!(
            "acquire 1 ob none O; yield | completion 9 go; yield
             | object O thing; release O {how}; object O thing; respond 200; done"
        ));
        rig.request(
            "name next; acquire 1 ob none P; yield | object P thing; release P clean; respond 200; done",
        );
        rig.log();
        rig.world.complete(&rig.world.host("ob"), "c", 5, Status::OK, 0);
        rig.run();
        // The step has ended the task, which has not finished; nor does it begin another step.
        same(&rig.log_of(&["ob1", "ob2", "next"]), "ob1 resume COMPLETION#5 HC_OK 0");
        rig.container.request_cancel(rig.world.handle("ob1"), Status::CANCELLED_MODULE);
        rig.run();
        assert_eq!(rig.log(), "", "not even when it is cancelled");
        rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
        rig.run();
        same(
            &rig.log_of(&["a", "ob1", "ob2", "next"]),
            &format!(
                "a resume COMPLETION#9 HC_OK 0
                 a object O thing = HC_E_RESOURCE
                 a release O {how} = HC_OK
                 a object O thing = HC_E_GONE
                 a respond 200 = HC_OK
                 a finish HC_OK
                 ob1 finish HC_E_RESOURCE
                 ob2 start
                 ob2 be thing 64 = HC_OK
                 ob2 ready = HC_OK
                 ob2 next 1 = HC_PENDING
                 ob2 completion 5 c = HC_OK
                 next resume ACQUIRE#1 HC_OK 0
                 next object P thing = 64
                 next release P clean = HC_OK
                 next respond 200 = HC_OK
                 next finish HC_OK"
            ),
        );
        rig.end();
    }
}

#[test]
fn the_end_of_the_holders_task_lets_the_members_finish() {
    let mut rig = objects(1);
    rig.request("keep me; acquire 1 ob none O; yield | completion 9 go; yield");
    rig.container.request_cancel(rig.world.handle("ob1"), Status::CANCELLED_MODULE);
    rig.run();
    rig.log();
    rig.container.request_cancel(rig.world.handle("me"), Status::CANCELLED_PEER);
    rig.run();
    same(
        &rig.log_of(&["a", "ob1"]),
        "a finish HC_CANCELLED_PEER
         ob1 finish HC_CANCELLED_MODULE",
    );
    rig.end();
}

#[test]
fn a_member_elsewhere_waits_for_its_holder_when_the_container_stops() {
    let mut plan = Plan { workers: 2, ..Plan::with(&[("ob", "pool")]) };
    plan.first().max = 1;
    let mut rig = Rig::ahead(&plan);
    rig.world.script("member-ob", "be thing 64; ready; serve");
    let far = Far::enter(&rig.container, 1);
    // The member is here; who holds it is there, and in the midst of a step while this worker leaves.
    rig.request("acquire 1 ob none O; yield | release O clean; respond 200; done");
    rig.spawn(1, "name far; acquire 1 ob 0 O; probe stop; object O thing; completion 9 c; yield");
    let (entered, inside) = std::sync::mpsc::channel::<()>();
    let entered = std::sync::Mutex::new(entered);
    let world = Arc::clone(&rig.world);
    let stop = move |host: &HostRef, task| {
        entered.lock().unwrap().send(()).unwrap();
        // Until the other worker has begun to leave.
        let ask = || host.acquire(task, 77, &[world.handle("ob") as u32], 0, &mut [0]);
        while ask() != Status::E_DRAINING {
            std::thread::yield_now();
        }
        // And for a while more, in which it would end the member if it did not wait.
        (0..1_000).for_each(|_| std::thread::yield_now());
    };
    rig.world.probe("stop", Box::new(stop));
    rig.log();
    let elsewhere = Arc::clone(&far);
    let now_ns = rig.now_ns;
    let there = std::thread::spawn(move || {
        elsewhere.run(now_ns);
        elsewhere.leave();
    });
    inside.recv().unwrap();
    rig.end_with(|| there.join().unwrap());
    let log = rig.log();
    let (used, finished) = (log.find("far object O thing = 64").unwrap(), log.find("ob1 finish").unwrap());
    assert!(used < finished, "{log}");
}
