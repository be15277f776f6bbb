//! The resource extensions as a Rust module calls them, through the real vtables: each call arrives as it was made, its answer
//! comes back, and what is borrowed cannot be ended while it is looked at. No unsafe code is needed for it.
#![forbid(unsafe_code)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_container_abi::constants::{
    kv_flag, kv_operation, lease_end, member_flag, sql_flag, sql_transaction,
};
use http_container_abi::{
    ExtensionTable, HostRef, HostTable, KvRequestView, MemberRequest, Opaque, ReplyView, ResultView,
    SqlValue, Status, kv_table, sql_table,
};
use support::fake_host::FakeHost;
use support::recorder::{instance, table};

/// A call by the name that the fake host writes down, and what the module was answered, as text.
type Call = (&'static str, fn(HostRef) -> String, &'static str);

const REQUEST: KvRequestView<'static> = KvRequestView {
    operation: kv_operation::SET,
    flags: kv_flag::IF_EQUAL,
    key: b"k",
    value: b"v",
    expected: b"e",
    number: -3,
    ttl_ms: 4,
};

/// Calls, and what is answered when the host says `HC_OK`.
const CALLS: &[Call] = &[
    (
        r#"sql_query(1, 2, 3, 1, SELECT $1, [Int64(-1), Text("t"), Null])"#,
        |host| {
            let values = [SqlValue::Int64(-1), SqlValue::Text("t"), SqlValue::Null];
            format!("{:?}", host.sql().unwrap().query(1, 2, 3, sql_flag::ONCE, "SELECT $1", &values))
        },
        "HC_OK(0)",
    ),
    (
        "sql_columns(1, 2)",
        |host| format!("{:?}", host.sql().unwrap().columns(1, 2, |names| format!("{names:?}"))),
        r#"Ok("[\"id\", \"name\"]")"#,
    ),
    (
        "sql_rows(1, 2, 3)",
        |host| format!("{:?}", host.sql().unwrap().rows(1, 2, 3, |values| values.iter().count())),
        "Ok(4)",
    ),
    (
        "sql_outcome(1, 2)",
        |host| {
            let look = host.sql().unwrap().outcome(1, 2, |outcome| (outcome.affected, outcome.code.to_vec()));
            format!("{look:?}")
        },
        "Ok((3, [50, 51, 53, 48, 53]))",
    ),
    (
        "sql_transaction(1, 2, 3, 3)",
        |host| format!("{:?}", host.sql().unwrap().transaction(1, 2, 3, sql_transaction::COMMIT)),
        "HC_OK(0)",
    ),
    (
        "kv_run(1, 2, 3, 2, 4, k, v, e, -3, 4)",
        |host| format!("{:?}", host.kv().unwrap().run(1, 2, 3, &REQUEST)),
        "HC_OK(0)",
    ),
    (
        "kv_reply(1, 2)",
        |host| {
            let look = |reply: ReplyView<'_>| (reply.found, reply.value.len(), reply.number, reply.ttl_ms);
            format!("{:?}", host.kv().unwrap().reply(1, 2, look))
        },
        "Ok((1, 6, -7, 9))",
    ),
    (
        "kv_message(1, 2, 3)",
        |host| {
            let look = |channel: &[u8], value: &[u8]| (channel.len(), value.to_vec());
            format!("{:?}", host.kv().unwrap().message(1, 2, 3, look))
        },
        "Ok((4, [116, 111, 108, 100]))",
    ),
    (
        "pool_object(1, 2, org.example/1)",
        |host| {
            let object = host.pool().unwrap().object(1, 2, c"org.example/1");
            format!("{:?}", object.map(Opaque::number))
        },
        "Ok(4096)",
    ),
    (
        "limit_usage(5)",
        |host| format!("{:?}", host.limit_extension().unwrap().usage(5).map(|usage| usage.in_use)),
        "Ok(3)",
    ),
    (
        "provider_offer(hc.sql/1)",
        |host| format!("{:?}", host.provider().unwrap().offer(c"hc.sql/1")),
        "HC_OK(0)",
    ),
    ("provider_ready(1)", |host| format!("{:?}", host.provider().unwrap().ready(1)), "HC_OK(0)"),
    (
        "provider_explain(1, why)",
        |host| format!("{:?}", host.provider().unwrap().explain(1, "why")),
        "HC_OK(0)",
    ),
    (
        "provider_object(1, t, 9)",
        |host| format!("{:?}", host.provider().unwrap().object(1, c"t", Opaque::of_number(9))),
        "HC_OK(0)",
    ),
    (
        "provider_next(1, 2)",
        |host| {
            let look = |request: MemberRequest<'_>| match request {
                MemberRequest::Statement(statement) => {
                    format!("{} {} {:?}", statement.flags, statement.text, statement.values)
                }
                other => format!("{other:?}"),
            };
            format!("{:?}", host.provider().unwrap().next(1, 2, look))
        },
        r#"Ok("1 SELECT $1, $2 [Bool(true), Text(\"v\")]")"#,
    ),
    (
        r#"provider_columns(1, ["a", "b"])"#,
        |host| format!("{:?}", host.provider().unwrap().columns(1, &["a", "b"])),
        "HC_OK(0)",
    ),
    (
        "provider_rows(1, 2, [Int64(7), Bool(false)])",
        |host| {
            let values = [SqlValue::Int64(7), SqlValue::Bool(false)];
            format!("{:?}", host.provider().unwrap().rows(1, 2, &values))
        },
        "(HC_OK(0), 1)",
    ),
    (
        "provider_message(1, news, told)",
        |host| format!("{:?}", host.provider().unwrap().message(1, b"news", b"told")),
        "HC_OK(0)",
    ),
    (
        r#"provider_done(1, HC_E_FAILED(-1), 2, 5, 23505, no, Some((1, "v", 6, 7)))"#,
        |host| {
            let reply = ReplyView { found: 1, value: b"v", number: 6, ttl_ms: 7 };
            let result = ResultView {
                status: Status::E_FAILED,
                flags: member_flag::DIRTY,
                affected: 5,
                code: b"23505",
                message: b"no",
                reply: Some(reply),
            };
            format!("{:?}", host.provider().unwrap().done(1, &result))
        },
        "HC_OK(0)",
    ),
];

fn last(host: &HostTable<FakeHost>) -> String {
    host.host().take_calls().pop().unwrap_or_default()
}

#[test]
fn every_call_arrives_as_it_was_made_and_its_answer_comes_back() {
    let (host, made, calls) = instance("{}");
    for (recorded, call, answer) in CALLS {
        host.host().answer(Status::OK);
        assert_eq!(call(calls), *answer, "{recorded}");
        assert_eq!(last(&host), *recorded);
        host.host().answer(Status::E_GONE);
        assert!(call(calls).contains("HC_E_GONE"), "{recorded}");
    }
    table().destroy(made);
}

#[test]
fn what_is_looked_at_cannot_be_ended() {
    let (host, made, calls) = instance("{}");
    let (sql, kv, provider) = (calls.sql().unwrap(), calls.kv().unwrap(), calls.provider().unwrap());
    let refused = |host: &HostTable<FakeHost>| {
        host.host().take_calls();
        let result =
            ResultView { status: Status::OK, flags: 0, affected: 0, code: b"", message: b"", reply: None };
        let answers = [
            sql.query(1, 2, 3, 0, "", &[]),
            sql.transaction(1, 2, 3, 1),
            sql.rows(1, 2, 3, |_| ()).unwrap_err(),
            kv.run(1, 2, 3, &REQUEST),
            kv.message(1, 2, 3, |_, _| ()).unwrap_err(),
            calls.release(1, 2, lease_end::CLEAN),
            provider.next(1, 2, |_| ()).unwrap_err(),
            provider.done(1, &result),
        ];
        assert_eq!(answers, [Status::E_STATE; 8]);
        assert!(host.host().take_calls().is_empty());
    };
    sql.columns(1, 2, |_| refused(&host)).unwrap();
    sql.rows(1, 2, 3, |_| refused(&host)).unwrap();
    sql.outcome(1, 2, |_| refused(&host)).unwrap();
    kv.reply(1, 2, |_| refused(&host)).unwrap();
    kv.message(1, 2, 3, |_, _| refused(&host)).unwrap();
    provider.next(1, 2, |_| refused(&host)).unwrap();
    assert_eq!(calls.release(1, 2, lease_end::CLEAN), Status::OK);
    table().destroy(made);
}

#[test]
fn an_interface_is_known_by_its_table() {
    let (_host, made, calls) = instance("{}");
    let (sql, kv) = (calls.sql().unwrap(), calls.kv().unwrap());
    let tables = [ExtensionTable::of(sql_table::<FakeHost>()), ExtensionTable::of(kv_table::<FakeHost>())];
    assert_eq!(tables.map(|table| sql.is(table)), [true, false]);
    assert_eq!(tables.map(|table| kv.is(table)), [false, true]);
    table().destroy(made);
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn work_is_run_once_or_dropped_once() {
    let (host, made, calls) = instance("{}");
    let (offload, dropped) = (calls.offload().unwrap(), Arc::new(AtomicUsize::new(0)));
    let work = |answer: u64| {
        let counted = Counted(Arc::clone(&dropped));
        Box::new(move || {
            assert!(answer < 100, "the work was told to panic");
            drop(counted);
            (Status::E_IO, answer)
        })
    };
    let queue = |answer| {
        offload.run(1, 2, work(answer)).map_err(|(status, _)| status).unwrap();
        host.host().works.lock().unwrap().pop().unwrap()
    };
    let count = || dropped.load(Ordering::Relaxed);

    let mut delivered = queue(7);
    assert_eq!(delivered.run(), (Status::E_IO, 7));
    delivered.forget();
    assert_eq!(count(), 1);

    let mut withdrawn_late = queue(8);
    assert_eq!(withdrawn_late.run(), (Status::E_IO, 8));
    withdrawn_late.discard();
    assert_eq!(count(), 2);

    queue(9).discard();
    assert_eq!(count(), 3);

    let mut panicking = queue(100);
    assert_eq!(panicking.run(), (Status::E_PANIC, 0));
    assert_eq!(last(&host), "log(0, 1, panic in offloaded work: the work was told to panic)");
    panicking.discard();
    assert_eq!(count(), 4);

    host.host().answer(Status::E_BUSY);
    let (status, back) = offload.run(1, 2, work(10)).map(drop).unwrap_err();
    assert_eq!((status, back(), count()), (Status::E_BUSY, (Status::E_IO, 10), 5));
    table().destroy(made);
}
