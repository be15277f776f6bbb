//! `hc.kv/1`: operations, replies, subscriptions and messages.

use crate::support::{Plan, Rig, same};
use http_container_abi::constants::{kv_flag, kv_operation};
use http_container_abi::{HostRef, KvRequestView, Status};
use std::sync::Arc;

fn store() -> Plan {
    let mut plan = Plan::with(&[("kv", "kv")]);
    plan.first().max = 1;
    plan
}

/// A task that holds the one member and does that.
fn holding(script: &str) -> Rig {
    let mut rig = Rig::ahead(&store());
    rig.request("acquire 1 kv none K; yield | release K clean; respond 200; done");
    rig.log();
    rig.request(&format!("acquire 1 kv 0 K; {script}"));
    rig
}

#[test]
fn an_operation_is_handed_on_with_what_it_uses_and_nothing_else() {
    for (operation, told) in [
        ("get", "kv 1 0 key [] [] 0 0"),
        ("set", "kv 2 0 key [value] [] 0 9"),
        ("set-if", "kv 2 4 key [value] [expected] 0 9"),
        ("set-keep", "kv 2 8 key [value] [] 0 0"),
        ("add", "kv 3 0 key [] [] 7 9"),
        ("publish", "kv 6 0 key [value] [] 0 0"),
        ("subscribe", "kv 7 0 key [] [] 0 0"),
    ] {
        let mut rig =
            holding(&format!("kv 2 K {operation} key; yield | reply K; release K clean; respond 200; done"));
        let log = rig.log_of(&["a", "kv1"]);
        assert!(log.contains(&format!("kv1 < {told}\n")), "{operation}: {log}");
        assert!(log.contains("a resume KV#2 HC_OK 0\na reply K = 0 [] 0 0"), "{operation}: {log}");
        rig.end();
    }
}

#[test]
fn what_an_operation_does_not_have_is_refused() {
    let long = "k".repeat(513);
    let mut rig = holding(&format!(
        "kv 2 K get-if key; refusal; kv 2 K set-both key; kv 2 K set-what key; kv 2 K what key; kv 2 K get {long}; kv 0 K get key;
         release K clean; respond 200; done"
    ));
    let log = rig.log_of(&["a", "kv1"]);
    let answers: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("a kv"))
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(
        answers,
        ["HC_E_INVALID", "HC_E_INVALID", "HC_E_UNSUPPORTED", "HC_E_INVALID", "HC_E_INVALID", "HC_E_TOKEN"]
    );
    assert!(!log.contains("kv1 <"), "{log}");
    rig.end();
}

#[test]
fn values_may_be_of_a_mebibyte() {
    let mut rig = Rig::ahead(&store());
    let world = Arc::clone(&rig.world);
    let set = move |host: &HostRef, task| {
        let (kv, lease) = (host.kv().unwrap(), world.handle("K"));
        let large = vec![b'v'; (1 << 20) + 1];
        let request = |value, expected| KvRequestView {
            operation: kv_operation::SET,
            flags: kv_flag::IF_EQUAL,
            key: b"key",
            value,
            expected,
            number: 0,
            ttl_ms: 0,
        };
        assert_eq!(kv.run(task, lease, 2, &request(&large, b"")), Status::E_LIMIT);
        assert_eq!(kv.run(task, lease, 2, &request(b"", &large)), Status::E_LIMIT);
        assert_eq!(kv.run(task, lease, 2, &request(&large[1..], &large[1..])), Status::PENDING);
    };
    rig.world.probe("set", Box::new(set));
    rig.request("acquire 1 kv none K; yield | probe set; yield | release K clean; respond 200; done");
    assert!(rig.log_of(&["a"]).contains("a resume KV#2 HC_OK 0"));
    rig.end();
}

#[test]
fn the_reply_is_that_of_the_last_operation() {
    let mut rig = holding(
        "reply K; kv 2 K get key; reply K; kv 3 K get key; yield
         | reply K; reply K; kv 2 K get key; reply K; yield | reply K; release K clean; respond 200; done",
    );
    rig.world.script("kv", "found:1,text,-4,77");
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 kv 0 K = HC_OK
         a reply K = HC_E_STATE
         a kv 2 K get key = HC_PENDING
         a reply K = HC_E_STATE
         a kv 3 K get key = HC_E_BUSY
         a resume KV#2 HC_OK 0
         a reply K = 0 [] 0 0
         a reply K = 0 [] 0 0
         a kv 2 K get key = HC_PENDING
         a reply K = HC_E_STATE
         a resume KV#2 HC_OK 0
         a reply K = 0 [] 0 0
         a release K clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.request("acquire 1 kv 0 K; kv 2 K get key; yield | reply K; probe fail; kv 2 K get key; yield | reply K; release K clean; respond 200; done");
    let log = rig.log_of(&["a"]);
    assert!(log.contains("a reply K = 1 [text] -4 77"), "{log}");
    rig.world.script("kv", "fail:,full");
    rig.request("acquire 1 kv 0 K; kv 2 K get key; yield | reply K; release K clean; respond 200; done");
    assert!(rig.log_of(&["a"]).contains("a resume KV#2 HC_E_FAILED 0\na reply K = HC_E_STATE"));
    rig.end();
}

#[test]
fn a_lease_that_is_subscribed_does_nothing_else() {
    let rig = holding(
        "message 3 K; kv 2 K subscribe news; yield
         | kv 2 K get key; refusal; kv 2 K subscribe more; yield
         | kv 2 K unsubscribe news; yield | kv 2 K get key; message 3 K; kv 2 K unsubscribe more; yield
         | kv 2 K get key; message 4 K; yield | resume | release K clean; respond 200; done",
    );
    rig.world.script("kv", "ok");
    let log = rig.log_of(&["a"]);
    assert!(
        log.starts_with(
            "a start
a acquire 1 kv 0 K = HC_OK
a message 3 K = HC_E_STATE
a kv 2 K subscribe news = HC_PENDING
a resume KV#2 HC_OK 0
a kv 2 K get key = HC_E_STATE
a refusal = kv.subscribed
a kv 2 K subscribe more = HC_PENDING
a resume KV#2 HC_OK 0
a kv 2 K unsubscribe news = HC_PENDING
a resume KV#2 HC_OK 0
a kv 2 K get key = HC_E_STATE
a message 3 K = HC_PENDING
a kv 2 K unsubscribe more = HC_PENDING
a resume KV#2 HC_OK 0, KV_MESSAGE#3 HC_OK 0
a kv 2 K get key = HC_PENDING
a message 4 K = HC_E_STATE"
        ),
        "{log}"
    );
}

/// A member that sends messages whenever the completion `send` comes: the next of the lists.
fn with_messages(lists: &[&str], user: &str) -> Rig {
    let mut rig = Rig::ahead(&store());
    let mut script = "ready; next 1; yield | next 0; result dirty".to_owned();
    for list in lists {
        script += &format!("; completion 5 send; yield | {list}");
    }
    rig.world.script("member-kv", &format!("{script}; completion 5 send; yield | serve"));
    rig.request(&format!("acquire 1 kv none K; yield | kv 2 K subscribe c; yield | {user}"));
    rig.log();
    rig
}

fn send(rig: &mut Rig) {
    rig.world.complete(&rig.world.host("kv"), "send", 5, Status::OK, 0);
    rig.run();
}

#[test]
fn messages_come_each_once_and_in_order() {
    let mut rig = with_messages(
        &["m 0 c one; m 0 c two; m 0 d three"],
        "message 3 K; message 4 K; refusal; kv 2 K get key; yield | message 3 K; message 3 K; message 3 K; message 3 K; cancel 3; message 0 K; release K clean; respond 200; done",
    );
    send(&mut rig);
    same(
        &rig.log_of(&["a", "kv1"]),
        "kv1 resume COMPLETION#5 HC_OK 0
         kv1 m 0 c one = HC_OK
         kv1 m 0 c two = HC_OK
         kv1 m 0 d three = HC_OK
         kv1 completion 5 send = HC_OK
         a resume KV_MESSAGE#3 HC_OK 0
         a message 3 K = c: one
         a message 3 K = c: two
         a message 3 K = d: three
         a message 3 K = HC_PENDING
         a cancel 3 = HC_OK
         a message 0 K = HC_PENDING
         a release K clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn those_that_are_lost_are_told_of_in_their_place() {
    let mut rig = with_messages(
        &["probe flood", "m 0 c after"],
        "completion 7 go; yield | probe some; completion 7 go; yield | probe drain; release K clean; respond 200; done",
    );
    let flood = |host: &HostRef, task| {
        let provider = host.provider().unwrap();
        let kept = (0..3_000u32).take_while(|number| {
            provider.message(task, b"c", format!("{number:01024}").as_bytes()) == Status::OK
        });
        assert!(kept.count() >= 64, "[kv.message.lost]");
        assert_eq!(provider.message(task, b"c", b"lost"), Status::DISCARDED);
        assert_eq!(provider.message(task, b"c", b"lost, too"), Status::DISCARDED);
    };
    rig.world.probe("flood", Box::new(flood));
    let world = Arc::clone(&rig.world);
    let some = move |host: &HostRef, task| {
        let (kv, lease) = (host.kv().unwrap(), world.handle("K"));
        (0..10).for_each(|_| kv.message(task, lease, 0, |_, _| ()).unwrap());
    };
    rig.world.probe("some", Box::new(some));
    let world = Arc::clone(&rig.world);
    let drain = move |host: &HostRef, task| {
        let (kv, lease) = (host.kv().unwrap(), world.handle("K"));
        let mut said = Vec::new();
        loop {
            match kv.message(task, lease, 0, |_, value| value.len()) {
                Ok(1_024) => {}
                Ok(other) => said.push(format!("{other} bytes")),
                Err(Status::PENDING) => break,
                Err(status) => said.push(status.name().to_owned()),
            }
        }
        world.note(&format!("drained {}", said.join(", ")));
    };
    rig.world.probe("drain", Box::new(drain));
    send(&mut rig);
    // The holder reads some, so that there is room for one more behind the gap.
    rig.world.complete(&rig.world.host("a"), "go", 7, Status::OK, 0);
    rig.run();
    send(&mut rig);
    rig.world.complete(&rig.world.host("a"), "go", 7, Status::OK, 0);
    rig.run();
    let log = rig.log();
    assert!(log.contains("drained HC_E_LIMIT, 5 bytes"), "once, and before what came after: {log}");
    rig.end();
}

#[test]
fn those_that_the_provider_never_had_are_told_of_in_their_place() {
    let mut rig = with_messages(
        &["m 0 lost; m 0 lost; m 0 c after", "m 0 c one; m 0 lost"],
        "message 3 K; yield | message 3 K; message 3 K; message 3 K; yield
         | message 3 K; message 3 K; release K clean; respond 200; done",
    );
    send(&mut rig);
    send(&mut rig);
    let log = rig.log();
    let answers: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("a message 3 K = ")).collect();
    // A wait for a message ends with the loss; losses behind each other are one.
    let expect = ["HC_E_LIMIT", "c: after", "HC_PENDING", "c: one", "HC_E_LIMIT"];
    assert_eq!(answers, expect, "{log}");
    rig.end();
}

#[test]
fn messages_reach_the_holder_to_whom_they_were_sent_and_nobody_else() {
    // Without any operation of the holder, and when nobody holds the member.
    let mut rig = Rig::ahead(&store());
    rig.world.script(
        "member-kv",
        "ready; completion 5 send; yield | m 0 c early; completion 5 send; yield | m 0 c late; serve",
    );
    rig.request(
        "name one; acquire 1 kv none K; yield | completion 7 go; yield | release K clean; respond 200; done",
    );
    rig.world.complete(&rig.world.host("kv"), "send", 5, Status::OK, 0);
    rig.run();
    assert!(rig.log().contains("kv1 m 0 c early = HC_OK"));
    rig.world.complete(&rig.world.host("a"), "go", 7, Status::OK, 0);
    rig.run();
    rig.request("name two; acquire 1 kv 0 K; message 3 K; release K clean; respond 200; done");
    assert!(rig.log().contains("two message 3 K = HC_E_STATE"), "it was for another");
    rig.world.complete(&rig.world.host("kv"), "send", 5, Status::OK, 0);
    rig.run();
    assert!(rig.log().contains("kv1 m 0 c late = HC_DISCARDED"));
    rig.end();
}

#[test]
fn messages_that_came_are_read_after_the_member_has_ended() {
    let mut rig = Rig::ahead(&store());
    rig.world.script(
        "member-kv",
        "ready; next 1; yield | next 0; result dirty; completion 5 send; yield | m 0 c last; lost",
    );
    rig.request(
        "acquire 1 kv none K; yield | kv 2 K subscribe c; yield | completion 7 go; yield
         | message 3 K; message 3 K; message 3 K; kv 2 K unsubscribe c; release K clean; respond 200; done",
    );
    send(&mut rig);
    rig.log();
    rig.world.complete(&rig.world.host("a"), "go", 7, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["a"]),
        "a resume COMPLETION#7 HC_OK 0
         a message 3 K = c: last
         a message 3 K = HC_E_RESOURCE
         a message 3 K = HC_E_RESOURCE
         a kv 2 K unsubscribe c = HC_E_RESOURCE
         a release K clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn messages_and_operations_are_not_in_each_others_way() {
    let mut rig = Rig::ahead(&store());
    rig.world.script("kv", "hold/ok");
    rig.request(
        "acquire 1 kv none K; yield | kv 2 K subscribe c; yield
         | message 3 K; kv 2 K subscribe d; message 4 K; cancel 3; message 3 K; yield | release K clean; respond 200; done",
    );
    rig.world.complete(&rig.world.host("kv"), "hold-kv1", 103, Status::OK, 0);
    rig.run();
    rig.log();
    rig.world.complete(&rig.world.host("kv"), "hold-kv1", 103, Status::OK, 0);
    rig.run();
    assert!(rig.log_of(&["a"]).starts_with("a resume KV#2 HC_OK 0\na release K clean = HC_OK"));
    rig.end();
}

#[test]
fn an_operation_that_is_withdrawn_poisons_and_a_wait_for_messages_does_not() {
    let mut rig = with_messages(
        &["m 0 c x"],
        "message 3 K; cancel 3; message 3 K; kv 2 K unsubscribe c; cancel 2; message 4 K; reply K; kv 5 K get k; yield | release K clean; respond 200; done",
    );
    send(&mut rig);
    let log = rig.log_of(&["a", "kv1"]);
    assert!(log.contains("kv1 m 0 c x = HC_DISCARDED"), "{log}");
    rig.end();
}
