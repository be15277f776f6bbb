//! hc.provider/1: what a provider tells of itself and of its members, the requests to them, and their answers.

use std::ptr::{null, null_mut};

use crate::c_module::{
    BROKEN, CModule, INVALID, NONE, UNSUPPORTED, bad_values, bytes, call, options_sizes, value,
};
use crate::support::fake_host::FakeHost;
use http_container_abi::constants::{kv_flag, kv_operation, member_request, sql_transaction};
use http_container_abi::raw::*;
use http_container_abi::{KvRequestView, MemberRequestStorage, Status, provider_table};

const ROWS: &str = "hc.provider/1 rows";
const DONE: &str = "hc.provider/1 done";

fn result(status: Status) -> hc_member_result {
    let size = size_of::<hc_member_result>() as u32;
    hc_member_result {
        size,
        status: status.0,
        flags: 0,
        reserved: 0,
        affected: 0,
        code: NONE,
        message: NONE,
        reply: null(),
    }
}

fn done(module: &CModule, result: &hc_member_result) -> i32 {
    call!(module, provider_table.done(1, &raw const *result))
}

#[test]
fn a_provider_tells_of_itself_and_of_its_members() {
    let module = CModule::new();
    let null_refused = |answer, call: &str| {
        module.refused(answer, INVALID, &format!("hc.provider/1 {call}"), "host.call.null");
    };
    module.saw(call!(module, provider_table.offer(c"hc.sql/1".as_ptr())), "provider_offer(hc.sql/1)");
    null_refused(call!(module, provider_table.offer(null())), "offer");
    module.saw(call!(module, provider_table.ready(1)), "provider_ready(1)");
    let reason = hc_bytes::of(b"no route\xff");
    module.saw(call!(module, provider_table.explain(1, reason)), "provider_explain(1, no route\\xff)");
    module.saw(call!(module, provider_table.explain(1, NONE)), "provider_explain(1, )");
    null_refused(call!(module, provider_table.explain(1, BROKEN)), "explain");
    let object = std::ptr::without_provenance_mut(64);
    let answer = call!(module, provider_table.object(1, c"a/1".as_ptr(), object));
    module.saw(answer, "provider_object(1, a/1, 64)");
    null_refused(call!(module, provider_table.object(1, null(), object)), "object");
}

#[test]
fn names_of_columns_arrive() {
    let module = CModule::new();
    let names = [hc_bytes::of(b"id"), NONE, hc_bytes::of("gr\u{f6}\u{df}e".as_bytes())];
    let answer = call!(module, provider_table.columns(1, names.as_ptr(), 3));
    module.saw(answer, "provider_columns(1, [\"id\", \"\", \"gr\u{f6}\u{df}e\"])");
    module.saw(call!(module, provider_table.columns(1, null(), 0)), "provider_columns(1, [])");
    let refused = |names: *const hc_bytes, count, rule| {
        let answer = call!(module, provider_table.columns(1, names, count));
        module.refused(answer, INVALID, "hc.provider/1 columns", rule);
    };
    refused(null(), 1, "host.call.null");
    refused(names.as_ptr(), usize::MAX / 2, "host.call.null");
    refused([names[0], BROKEN].as_ptr(), 2, "host.call.null");
    refused(names.as_ptr().wrapping_byte_add(1), 1, "overview.undefined");
}

#[test]
fn rows_arrive_and_those_accepted_are_told() {
    let module = CModule::new();
    let values = [value(HC_SQL_INT64, 1, 0.0, b""), value(HC_SQL_TEXT, 0, 0.0, b"one")];
    let mut accepted = 9;
    let rows = |values: *const hc_sql_value, count, accepted| {
        call!(module, provider_table.rows(1, 2, values, count, accepted))
    };
    let answer = rows(values.as_ptr(), 2, &raw mut accepted);
    module.saw(answer, "provider_rows(1, 2, [Int64(1), Text(\"one\")])");
    assert_eq!(accepted, 1);
    for status in [Status::PENDING, Status::DISCARDED] {
        (accepted, *module.fake().status.lock().unwrap()) = (9, status);
        assert_eq!((rows(values.as_ptr(), 2, &raw mut accepted), accepted), (status.0, 1));
    }
    (accepted, *module.fake().status.lock().unwrap()) = (9, Status::E_STATE);
    assert_eq!((rows(values.as_ptr(), 2, &raw mut accepted), accepted), (Status::E_STATE.0, 9));
    module.fake().answer(Status::OK);
    module.fake().take_calls();
    module.saw(rows(null(), 0, &raw mut accepted), "provider_rows(1, 2, [])");
    accepted = 9;
    module.refused(rows(values.as_ptr(), 2, null_mut()), INVALID, ROWS, "host.call.null");
    module.refused(rows(null(), 2, &raw mut accepted), INVALID, ROWS, "host.call.null");
    module.refused(rows(values.as_ptr(), usize::MAX / 8, &raw mut accepted), INVALID, ROWS, "host.call.null");
    for (bad, rule, what) in bad_values() {
        let answer = rows([values[0], bad].as_ptr(), 2, &raw mut accepted);
        assert_eq!(answer, INVALID, "{what}");
        module.refused(answer, INVALID, ROWS, rule);
    }
    assert_eq!(accepted, 9, "a refused call writes nothing");
}

#[test]
fn a_message_arrives() {
    let module = CModule::new();
    let (news, told) = (hc_bytes::of(b"news"), hc_bytes::of(b"told"));
    module.saw(call!(module, provider_table.message(1, news, told)), "provider_message(1, news, told)");
    for (channel, value) in [(BROKEN, told), (news, BROKEN)] {
        let answer = call!(module, provider_table.message(1, channel, value));
        module.refused(answer, INVALID, "hc.provider/1 message", "host.call.null");
    }
}

#[test]
fn a_result_arrives() {
    let module = CModule::new();
    module.saw(done(&module, &result(Status::OK)), "provider_done(1, HC_OK(0), 0, 0, , , None)");
    let failed = hc_member_result {
        flags: HC_MEMBER_BROKEN | HC_MEMBER_DIRTY,
        affected: 4,
        code: hc_bytes::of(b"23505"),
        message: hc_bytes::of(b"no"),
        ..result(Status::E_FAILED)
    };
    module.saw(done(&module, &failed), "provider_done(1, HC_E_FAILED(-1), 3, 4, 23505, no, None)");
    let size = size_of::<hc_kv_reply>() as u32;
    let reply = hc_kv_reply { size, found: 1, value: hc_bytes::of(b"v"), number: -1, ttl_ms: 5 };
    let replied = hc_member_result { reply: &raw const reply, ..result(Status::OK) };
    let call = "provider_done(1, HC_OK(0), 0, 0, , , Some((1, \"v\", -1, 5)))";
    module.saw(done(&module, &replied), call);
}

#[test]
fn a_result_that_breaks_a_rule_is_refused() {
    let module = CModule::new();
    let good = result(Status::OK);
    let refused = |result: &hc_member_result, status, rule| {
        module.refused(done(&module, result), status, DONE, rule);
    };
    for flags in [4, 7, 1 << 31] {
        refused(&hc_member_result { flags, ..good }, UNSUPPORTED, "provider.done");
    }
    refused(&hc_member_result { reserved: 1, ..good }, INVALID, "version.reserved");
    refused(&hc_member_result { code: BROKEN, ..good }, INVALID, "host.call.null");
    refused(&hc_member_result { message: BROKEN, ..good }, INVALID, "host.call.null");
    let size = size_of::<hc_kv_reply>() as u32;
    let reply = hc_kv_reply { size, found: 1, value: BROKEN, number: 0, ttl_ms: 0 };
    refused(&hc_member_result { reply: &raw const reply, ..good }, INVALID, "host.call.null");
    let small = hc_kv_reply { size: size - 1, value: NONE, ..reply };
    refused(&hc_member_result { reply: &raw const small, ..good }, INVALID, "version.size.options-too-small");
}

#[test]
fn sizes_of_the_structures() {
    let module = CModule::new();
    options_sizes(&module, result(Status::OK), DONE, |given| call!(module, provider_table.done(1, given)));
    let reply = hc_kv_reply { size: 0, found: 0, value: NONE, number: 0, ttl_ms: 0 };
    options_sizes(&module, reply, DONE, |reply| {
        // Without a reply the result is whole, so a NULL is told by a result that is not there.
        let whole = hc_member_result { reply, ..result(Status::OK) };
        call!(module, provider_table.done(1, if reply.is_null() { null() } else { &raw const whole }))
    });
}

/// What `next` answered, as a provider in C reads it.
fn next(module: &CModule) -> hc_member_request {
    let mut request = null();
    module.saw(call!(module, provider_table.next(1, 2, &raw mut request)), "provider_next(1, 2)");
    // SAFETY: the fake host keeps the request.
    unsafe { *request }
}

#[test]
fn a_statement_is_handed_to_the_member() {
    let module = CModule::new();
    let request = next(&module);
    assert_eq!((request.kind, request.transaction, request.reserved), (HC_MEMBER_STATEMENT, 0, 0));
    assert_eq!((request.size as usize, request.kv), (size_of::<hc_member_request>(), null()));
    // SAFETY: the fake host keeps the statement.
    let statement = unsafe { *request.statement };
    assert_eq!((statement.size as usize, statement.flags), (size_of::<hc_sql_statement>(), HC_SQL_ONCE));
    assert_eq!((bytes(statement.text), statement.value_count), (&b"SELECT $1, $2"[..], 2));
    // SAFETY: there are two.
    let values = unsafe { std::slice::from_raw_parts(statement.values, 2) };
    assert_eq!((values[0].type_, values[0].integer), (HC_SQL_BOOL, 1));
    assert_eq!((values[1].type_, bytes(values[1].bytes)), (HC_SQL_TEXT, &b"v"[..]));
}

#[test]
fn without_a_request_nothing_is_written() {
    let module = CModule::new();
    let answer = call!(module, provider_table.next(1, 2, null_mut()));
    module.refused(answer, INVALID, "hc.provider/1 next", "host.call.null");
    module.fake().answer(Status::PENDING);
    let mut request = null();
    assert_eq!(call!(module, provider_table.next(1, 2, &raw mut request)), Status::PENDING.0);
    assert!(request.is_null());
}

/// The request after the storage was set to another.
fn next_of(module: &CModule, set: impl FnOnce(&mut MemberRequestStorage)) -> hc_member_request {
    set(&mut module.fake().answers.request.lock().unwrap());
    next(module)
}

#[test]
fn a_storage_is_used_for_one_request_after_another() {
    let module = CModule::new();
    let wish = KvRequestView {
        operation: kv_operation::SET,
        flags: kv_flag::IF_EQUAL,
        key: b"key",
        value: b"value",
        expected: b"",
        number: -3,
        ttl_ms: 8,
    };
    let request = next_of(&module, |storage| storage.set_kv(&wish));
    assert_eq!((request.kind, request.statement, request.transaction), (HC_MEMBER_KV, null(), 0));
    // SAFETY: the fake host keeps the request.
    let kv = unsafe { *request.kv };
    assert_eq!(
        (kv.size as usize, kv.operation, kv.flags),
        (size_of::<hc_kv_request>(), HC_KV_SET, HC_KV_IF_EQUAL)
    );
    assert_eq!((bytes(kv.key), bytes(kv.value), bytes(kv.expected)), (&b"key"[..], &b"value"[..], &b""[..]));
    assert_eq!((kv.reserved, kv.number, kv.ttl_ms), (0, -3, 8));

    let request = next_of(&module, |storage| storage.set_transaction(sql_transaction::COMMIT));
    assert_eq!(request.kind, HC_MEMBER_TRANSACTION);
    assert_eq!((request.statement, request.kv, request.transaction), (null(), null(), HC_SQL_COMMIT));

    let request = next_of(&module, |storage| storage.set_plain(member_request::CHECK));
    assert_eq!(request.kind, HC_MEMBER_CHECK);
    assert_eq!((request.statement, request.kv, request.transaction), (null(), null(), 0));

    let request =
        next_of(&module, |storage| *storage = MemberRequestStorage::new_statement("ROLLBACK", 0, &[]));
    // SAFETY: the fake host keeps the statement.
    let statement = unsafe { *request.statement };
    assert_eq!(
        (bytes(statement.text), statement.values, statement.value_count),
        (&b"ROLLBACK"[..], null(), 0)
    );
}
