//! Makes each call of the table, with arguments with which it would be answered.

use crate::support::World;
use http_container_abi::constants::{kv_operation, sql_transaction};
use http_container_abi::{ChildOptions, HostRef, KvRequestView, Opaque, Response, ResultView, Status};

fn err(answer: Result<(), Status>) -> Status {
    answer.err().unwrap_or(Status::OK)
}

/// Makes that call; its answer, or `OK` for a call that answers no status. A call that answers NULL in place of a status
/// has answered `E_GONE`.
pub fn call(host: &HostRef, world: &World, name: &str, task: u64) -> Status {
    match name.split_once(' ') {
        None => call_core(host, world, name, task),
        Some(("hc.fd/1" | "hc.dispatch/1", _)) => call_of_task(host, world, name, task),
        Some(("hc.provider/1", call)) => call_as_member(host, call, task),
        Some(_) => call_on_lease(host, world, name, task),
    }
}

fn call_core(host: &HostRef, world: &World, name: &str, task: u64) -> Status {
    match name {
        "extension" | "log" | "now" | "worker_index" | "worker_count" | "limit" | "refusal" => {
            host.log(task, 5, "a line");
            let _ = (host.now(), host.worker_index(), host.worker_count(), host.limit(1), host.refusal());
            if host.fd().is_some() { Status::OK } else { Status::E_UNSUPPORTED }
        }
        "body_read" => err(host.body_read(task, 0, |_| ())),
        "body_trailers" => err(host.body_trailers(task, |_| ())),
        "respond" => host.respond(task, &Response { status: 200, ..Response::default() }),
        "inform" => host.inform(task, 103, &[]),
        "response_start" => host.response_start(task, &Response { status: 200, ..Response::default() }),
        "response_write" => host.response_write(task, 0, b"").0,
        "response_end" => host.response_end(task, &[]),
        "abort" => host.abort(task),
        "completion" => err(host.completion(task, 90).map(|_| ())),
        "complete" => host.complete(0, Status::OK, 0),
        "timer" => host.timer(task, 91, 5),
        "cancel" => host.cancel(task, 92).0,
        "notices" => host.notices(task, 1),
        "spawn" => {
            let done = Box::new("done".to_owned());
            err(host.spawn(u32::MAX, done).map(|_| ()).map_err(|(status, _)| status))
        }
        "task_cancel" => host.task_cancel(task),
        "resource" => err(host.resource(c"db", c"hc.sql/1").map(|_| ())),
        "acquire" => host.acquire(task, 93, &[world.handle("seats") as u32], 0, &mut [0]),
        "release" => host.release(task, world.handle("O"), 0),
        "lease_interface" => match host.lease_interface(task, world.handle("L")) {
            Some(_) => Status::OK,
            None => Status::E_GONE,
        },
        _ => panic!("the table has a call that this test does not know: {name}"),
    }
}

fn call_of_task(host: &HostRef, world: &World, name: &str, task: u64) -> Status {
    let (child, fd) = (world.handle("kid"), world.handle("registered"));
    match name {
        "hc.fd/1 add" => err(host.fd().unwrap().add(78).map(|_| ())),
        "hc.fd/1 wait" => host.fd().unwrap().wait(task, 94, fd, 1),
        "hc.fd/1 remove" => host.fd().unwrap().remove(fd),
        "hc.dispatch/1 open" => host.dispatch().unwrap().open(task, 95, &ChildOptions::default()).0,
        "hc.dispatch/1 head" => err(host.dispatch().unwrap().head(task, child, |_| ())),
        "hc.dispatch/1 read" => err(host.dispatch().unwrap().read(task, child, 0, |_| ())),
        "hc.dispatch/1 trailers" => err(host.dispatch().unwrap().trailers(task, child, |_| ())),
        "hc.dispatch/1 close" => host.dispatch().unwrap().close(task, child),
        _ => panic!("the table has a call that this test does not know: {name}"),
    }
}

fn call_on_lease(host: &HostRef, world: &World, name: &str, task: u64) -> Status {
    let (row, store, object) = (world.handle("L"), world.handle("K"), world.handle("O"));
    let (sql, kv) = (host.sql().unwrap(), host.kv().unwrap());
    let get = KvRequestView {
        operation: kv_operation::GET,
        flags: 0,
        key: b"key",
        value: b"",
        expected: b"",
        number: 0,
        ttl_ms: 0,
    };
    match name {
        "hc.offload/1 run" => {
            let work = Box::new(|| (Status::OK, 0));
            let queued = host.offload().unwrap().run(task, 96, work);
            queued.map_or_else(|(status, _)| status, |()| Status::PENDING)
        }
        "hc.sql/1 query" => sql.query(task, row, 97, 0, "ok", &[]),
        "hc.sql/1 columns" => err(sql.columns(task, row, |_| ())),
        "hc.sql/1 rows" => err(sql.rows(task, row, 97, |_| ())),
        "hc.sql/1 outcome" => err(sql.outcome(task, row, |_| ())),
        "hc.sql/1 transaction" => sql.transaction(task, row, 97, sql_transaction::BEGIN),
        "hc.kv/1 run" => kv.run(task, store, 98, &get),
        "hc.kv/1 reply" => err(kv.reply(task, store, |_| ())),
        "hc.kv/1 message" => err(kv.message(task, store, 98, |_, _| ())),
        "hc.pool/1 object" => err(host.pool().unwrap().object(task, object, c"thing").map(|_| ())),
        "hc.limit/1 usage" => {
            let usage = host.limit_extension().unwrap().usage(world.handle("seats") as u32);
            err(usage.map(|_| ()))
        }
        _ => panic!("the table has a call that this test does not know: {name}"),
    }
}

fn call_as_member(host: &HostRef, call: &str, task: u64) -> Status {
    let provider = host.provider().unwrap();
    let done = ResultView { status: Status::OK, flags: 0, affected: 0, code: b"", message: b"", reply: None };
    match call {
        "offer" => provider.offer(c"hc.sql/1"),
        "ready" => provider.ready(task),
        "explain" => provider.explain(task, "the reason"),
        "object" => provider.object(task, c"thing", Opaque::of_number(8)),
        "next" => err(provider.next(task, 99, |_| ())),
        "columns" => provider.columns(task, &["n"]),
        "rows" => provider.rows(task, 0, &[]).0,
        "message" => provider.message(task, b"channel", b"value"),
        "done" => provider.done(task, &done),
        _ => panic!("the table has a call that this test does not know: hc.provider/1 {call}"),
    }
}
