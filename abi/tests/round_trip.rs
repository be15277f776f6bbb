//! A module's callbacks through the real vtables, in one process: what the container says arrives in the safe trait `Module`,
//! and what the module answers arrives at the container. No unsafe code is needed for it.
#![forbid(unsafe_code)]

mod support;

use http_container_abi::constants::{event_kind, task_kind};
use http_container_abi::{Event, HostTable, Opaque, StartArgs, Status};
use support::fake_host::FakeHost;
use support::recorder::{instance, request, table, take_seen};

#[test]
fn a_task_lives_and_ends() {
    let (_host, made, _) = instance("{}");
    let worker = table().worker_start(made, 5).unwrap();
    let request = request();
    let args =
        StartArgs { kind: task_kind::REQUEST, request: Some(&request), arg: Opaque::NULL, leases: &[8, 9] };
    let (status, state) = table().start(made, worker, 11, &args);
    assert_eq!(status, Status::YIELD);
    let events = [Event::timer(21, 1), Event::ready(event_kind::BODY, 22)];
    assert_eq!(table().resume(made, worker, 11, state, &events), Status::DONE);
    table().finish(made, worker, 11, state, Status::CANCELLED_PEER, &[Event::notice(1)]);
    table().worker_stop(made, worker);
    table().destroy(made);
    assert_eq!(
        take_seen(),
        [
            "create {}",
            "worker_start 5",
            "start worker 5 11 1 Some(request 42: GET /a?b [host: h]) None [8, 9]",
            "resume worker 5 11 [11, 21, 22]",
            "finish worker 5 11 Some([11, 21, 22]) HC_CANCELLED_PEER(-101) [6]",
            "worker_stop worker 5",
            "destroy",
        ]
    );
}

#[test]
fn the_entry_tells_about_the_module() {
    let info = table().info();
    assert_eq!((info.id, info.version, info.abi), ("org.example.recorder", "1.2.3", (1, 0)));
    assert_eq!((info.description, info.config_schema), (Some("Writes down what happens"), None));
    assert_eq!(
        info.flags,
        http_container_abi::constants::module_flag::THREAD_BOUND,
        "states need not be Send"
    );
    assert!(table().has_resume());
}

#[test]
fn a_panic_in_any_callback_becomes_its_closed_value() {
    let logged = |host: &HostTable<FakeHost>, name: &str, task: u64| {
        let expect = format!("log({task}, 1, panic in {name}: told to panic in {name})");
        assert_eq!(host.host().take_calls(), [expect]);
    };
    let host = HostTable::new(FakeHost::new());
    assert_eq!(table().create(host.as_ptr(), b"create"), Err(Status::E_PANIC));
    logged(&host, "create", 0);

    let (host, made, _) = instance("worker_start");
    assert_eq!(table().worker_start(made, 0), Err(Status::E_PANIC));
    logged(&host, "worker_start", 0);
    table().destroy(made);

    for name in ["start", "resume", "finish", "worker_stop", "destroy"] {
        let (host, made, _) = instance(name);
        let worker = table().worker_start(made, 0).unwrap();
        let args = StartArgs { kind: task_kind::REQUEST, request: None, arg: Opaque::NULL, leases: &[] };
        let (status, state) = table().start(made, worker, 6, &args);
        assert_eq!(status, if name == "start" { Status::E_PANIC } else { Status::YIELD });
        if name != "start" {
            let status = table().resume(made, worker, 6, state, &[Event::timer(1, 1)]);
            assert_eq!(status, if name == "resume" { Status::E_PANIC } else { Status::DONE });
        }
        table().finish(made, worker, 6, state, status, &[]);
        table().worker_stop(made, worker);
        table().destroy(made);
        let task = if matches!(name, "start" | "resume" | "finish") { 6 } else { 0 };
        logged(&host, name, task);
    }
}

#[test]
fn a_refusal_in_create_is_told_and_is_never_ok() {
    let host = HostTable::new(FakeHost::new());
    assert_eq!(table().create(host.as_ptr(), b"refuse"), Err(Status::E_CONFIG));
    assert_eq!(table().create(host.as_ptr(), b"refuse with ok"), Err(Status::E_FAILED));
}

#[test]
fn a_task_without_a_state_is_not_resumed() {
    let (_host, made, _) = instance("{}");
    let worker = table().worker_start(made, 0).unwrap();
    let args = StartArgs { kind: task_kind::MEMBER, request: None, arg: Opaque::NULL, leases: &[] };
    assert_eq!(table().start(made, worker, 1, &args), (Status::E_UNSUPPORTED, Opaque::NULL));
    assert_eq!(table().resume(made, worker, 1, Opaque::NULL, &[Event::timer(1, 1)]), Status::E_INVALID);
    table().finish(made, worker, 1, Opaque::NULL, Status::E_UNSUPPORTED, &[]);
    assert_eq!(take_seen().last().unwrap(), "finish worker 0 1 None HC_E_UNSUPPORTED(-10) []");
    table().worker_stop(made, worker);
    table().destroy(made);
}

#[test]
fn what_is_spawned_arrives_once_and_comes_back_when_refused() {
    let (host, made, host_ref) = instance("{}");
    assert_eq!(host_ref.spawn(2, Box::new("first".to_owned())).unwrap(), 601);
    host.host().answer(Status::E_LIMIT);
    let (status, back) = host_ref.spawn(2, Box::new("second".to_owned())).unwrap_err();
    assert_eq!((status, back.downcast_ref::<String>().unwrap().as_str()), (Status::E_LIMIT, "second"));

    let arg = host.host().spawned.lock().unwrap().pop().unwrap();
    let worker = table().worker_start(made, 0).unwrap();
    let args = StartArgs { kind: task_kind::BACKGROUND, request: None, arg, leases: &[] };
    let (_, state) = table().start(made, worker, 601, &args);
    assert_eq!(take_seen().last().unwrap(), "start worker 0 601 2 None Some(\"first\") []");
    table().finish(made, worker, 601, state, Status::OK, &[]);
    table().worker_stop(made, worker);
    table().destroy(made);
}
