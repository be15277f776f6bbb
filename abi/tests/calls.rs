//! A module's calls through the real vtables, in one process: each arrives in the safe trait `Host` as it was made, and its
//! answer comes back. No unsafe code is needed for it.
#![forbid(unsafe_code)]

mod support;

use std::any::Any;

use http_container_abi::constants::{dispatch_flag, fd_interest, lease_end};
use http_container_abi::{ChildOptions, Event, Field, HostRef, HostTable, Response, Status};
use support::fake_host::FakeHost;
use support::recorder::{instance, request, table};

/// A host call by the name that the fake host writes down, and what the module was answered, as text.
type Call = (&'static str, fn(HostRef) -> String);

const FIELDS: &[Field<'static>] = &[Field::new(b"a", b"b")];
const RESPONSE: Response<'static> =
    Response { status: 200, fields: FIELDS, body: b"hi", content_length: Some(3) };

/// Calls that answer a status: recorded call, and the call.
const CALLS: &[Call] = &[
    ("body_read(1, 2)", |host| format!("{:?}", host.body_read(1, 2, <[u8]>::to_vec))),
    ("body_trailers(1)", |host| format!("{:?}", host.body_trailers(1, |fields| format!("{fields:?}")))),
    ("respond(1, 200 [a: b] \"hi\" 3)", |host| format!("{:?}", host.respond(1, &RESPONSE))),
    ("inform(1, 103, [a: b])", |host| format!("{:?}", host.inform(1, 103, FIELDS))),
    ("response_start(1, 204 [] \"\" 18446744073709551615)", |host| {
        format!("{:?}", host.response_start(1, &Response { status: 204, ..Response::default() }))
    }),
    ("response_write(1, 2, data)", |host| format!("{:?}", host.response_write(1, 2, b"data"))),
    ("response_end(1, [a: b])", |host| format!("{:?}", host.response_end(1, FIELDS))),
    ("abort(1)", |host| format!("{:?}", host.abort(1))),
    ("completion(1, 2)", |host| format!("{:?}", host.completion(1, 2))),
    ("complete(3, HC_E_IO(-22), 4)", |host| format!("{:?}", host.complete(3, Status::E_IO, 4))),
    ("timer(1, 2, 3)", |host| format!("{:?}", host.timer(1, 2, 3))),
    ("cancel(1, 2)", |host| format!("{:?}", host.cancel(1, 2).0)),
    ("notices(1, 3)", |host| format!("{:?}", host.notices(1, 3))),
    ("task_cancel(1)", |host| format!("{:?}", host.task_cancel(1))),
    ("resource(db, hc.sql/1)", |host| format!("{:?}", host.resource(c"db", c"hc.sql/1"))),
    ("acquire(1, 2, [4, 5], 6)", |host| {
        let mut leases = [1; 2];
        let status = host.acquire(1, 2, &[4, 5], 6, &mut leases);
        format!("{status:?} {leases:?}")
    }),
    ("release(1, 2, 1)", |host| format!("{:?}", host.release(1, 2, lease_end::DIRTY))),
    ("fd_add(7)", |host| format!("{:?}", host.fd().unwrap().add(7))),
    ("fd_wait(1, 2, 3, 2)", |host| format!("{:?}", host.fd().unwrap().wait(1, 2, 3, fd_interest::WRITE))),
    ("fd_remove(3)", |host| format!("{:?}", host.fd().unwrap().remove(3))),
    ("dispatch_open(1, 2, 1, None, body)", |host| {
        let options = ChildOptions { flags: dispatch_flag::ROUTE, request: None, body: b"body" };
        format!("{:?}", host.dispatch().unwrap().open(1, 2, &options))
    }),
    ("dispatch_open(1, 2, 0, Some(\"/a\"), )", |host| {
        let (request, flags) = (request(), 0);
        let options = ChildOptions { flags, request: Some(&request), body: b"" };
        format!("{:?}", host.dispatch().unwrap().open(1, 2, &options))
    }),
    ("dispatch_head(1, 2)", |host| {
        format!("{:?}", host.dispatch().unwrap().head(1, 2, |head| format!("{head:?}")))
    }),
    ("dispatch_read(1, 2, 3)", |host| {
        format!("{:?}", host.dispatch().unwrap().read(1, 2, 3, <[u8]>::to_vec))
    }),
    ("dispatch_trailers(1, 2)", |host| {
        format!("{:?}", host.dispatch().unwrap().trailers(1, 2, |fields| format!("{fields:?}")))
    }),
    ("dispatch_close(1, 2)", |host| format!("{:?}", host.dispatch().unwrap().close(1, 2))),
];

/// What the module is answered by each of `CALLS` when the host says HC_OK, where that is more than the status.
const ANSWERS: &[(&str, &str)] = &[
    ("body_read(1, 2)", "Ok([99, 104, 117, 110, 107])"),
    ("body_trailers(1)", "Ok(\"[x-one: 1, x-two: ]\")"),
    ("response_write(1, 2, data)", "(HC_OK(0), 4)"),
    ("completion(1, 2)", "Ok(501)"),
    ("resource(db, hc.sql/1)", "Ok(701)"),
    ("acquire(1, 2, [4, 5], 6)", "HC_OK(0) [800, 801]"),
    ("fd_add(7)", "Ok(901)"),
    ("dispatch_open(1, 2, 1, None, body)", "(HC_OK(0), 1001)"),
    ("dispatch_open(1, 2, 0, Some(\"/a\"), )", "(HC_OK(0), 1001)"),
    (
        "dispatch_head(1, 2)",
        "Ok(\"ChildHead { status: 203, fields: [x-one: 1, x-two: ], content_length: Some(5) }\")",
    ),
    ("dispatch_read(1, 2, 3)", "Ok([99, 104, 117, 110, 107])"),
    ("dispatch_trailers(1, 2)", "Ok(\"[x-one: 1, x-two: ]\")"),
];

fn recorded(host: &HostTable<FakeHost>) -> Vec<String> {
    let mut calls = host.host().take_calls();
    calls.retain(|call| !call.starts_with("extension("));
    calls
}

#[test]
fn every_call_arrives_and_its_answer_comes_back() {
    let (host, made, host_ref) = instance("{}");
    for (name, call) in CALLS {
        let answer = call(host_ref);
        assert_eq!(recorded(&host), [*name]);
        let expect = ANSWERS.iter().find(|(of, _)| of == name).map_or("HC_OK(0)", |(_, expect)| expect);
        assert_eq!(answer, expect, "{name}");
    }
    table().destroy(made);
}

#[test]
fn every_refusal_comes_back_and_writes_nothing() {
    let (host, made, host_ref) = instance("{}");
    host.host().answer(Status::E_BUSY);
    for (name, call) in CALLS {
        let answer = call(host_ref);
        assert_eq!(recorded(&host), [*name]);
        let expect = match name.split('(').next().unwrap() {
            "response_write" | "dispatch_open" => "(HC_E_BUSY(-5), 0)",
            "acquire" => "HC_E_BUSY(-5) [1, 1]",
            "body_read" | "body_trailers" | "completion" | "resource" | "fd_add" | "dispatch_head"
            | "dispatch_read" | "dispatch_trailers" => "Err(HC_E_BUSY(-5))",
            _ => "HC_E_BUSY(-5)",
        };
        assert_eq!(answer, expect, "{name}");
    }
    assert_eq!(host_ref.refusal(), Some(("a.rule".into(), "A sentence.".into())));
    table().destroy(made);
}

#[test]
fn a_panic_of_the_host_stays_on_its_side() {
    let (host, made, host_ref) = instance("{}");
    for (name, call) in CALLS {
        let function = name.split('(').next().unwrap();
        *host.host().panics_in.lock().unwrap() = function;
        let answer = call(host_ref);
        assert!(answer.contains("HC_E_FAILED(-1)"), "{name}: {answer}");
        let calls = recorded(&host);
        assert!(calls[1].ends_with(&format!(": the fake host was told to panic in {function}")), "{calls:?}");
        assert!(calls[1].starts_with("panicked "), "{calls:?}");
    }
    table().destroy(made);
}

#[test]
fn calls_without_a_status_answer_too() {
    let (host, made, host_ref) = instance("{}");
    host_ref.log(4, 2, "line");
    let answers = (host_ref.now(), host_ref.worker_index(), host_ref.worker_count(), host_ref.limit(1));
    assert_eq!(answers, (77, 3, 8, 64));
    assert_eq!(recorded(&host), ["log(4, 2, line)", "now()", "worker_index()", "worker_count()", "limit(1)"]);
    assert_eq!(host_ref.refusal(), None);
    host.host().answer(Status::E_TOO_LATE);
    assert_eq!(host_ref.cancel(1, 2), (Status::E_TOO_LATE, Some(Event::completion(2, Status::E_IO, 5))));
    table().destroy(made);
}

#[test]
fn no_read_begins_while_a_chunk_is_looked_at() {
    let (host, made, host_ref) = instance("{}");
    let dispatch = host_ref.dispatch().unwrap();
    let inner = host_ref.body_read(1, 2, |_| {
        let again = host_ref.body_read(1, 2, |_| ()).unwrap_err();
        let child = dispatch.read(1, 2, 3, |_| ()).unwrap_err();
        (again, child, dispatch.close(1, 2), host_ref.respond(1, &RESPONSE))
    });
    assert_eq!(inner, Ok((Status::E_STATE, Status::E_STATE, Status::E_STATE, Status::OK)));
    let unwound = std::panic::catch_unwind(|| host_ref.body_read(1, 2, |_| panic!("in the look")));
    assert_eq!(
        unwound.err().and_then(|payload: Box<dyn Any + Send>| payload.downcast().ok()),
        Some(Box::new("in the look"))
    );
    assert_eq!(host_ref.body_read(1, 2, <[u8]>::len), Ok(5), "the look ended with the panic");
    table().destroy(made);
    drop(host);
}
