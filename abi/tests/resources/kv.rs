//! hc.kv/1, hc.pool/1 and hc.limit/1: requests and replies, messages, objects, how much is in use.

use std::ptr::{null, null_mut};

use crate::c_module::{
    BROKEN, CModule, INVALID, NONE, OK, UNSUPPORTED, bytes, call, options_sizes, output_sizes,
};
use crate::support::fake_host::FakeHost;
use http_container_abi::raw::*;
use http_container_abi::{Status, kv_table, limit_table, pool_table};

const RUN: &str = "hc.kv/1 run";

fn request(operation: u32, flags: u32, key: &[u8]) -> hc_kv_request {
    let size = size_of::<hc_kv_request>() as u32;
    let key = hc_bytes::of(key);
    hc_kv_request {
        size,
        operation,
        flags,
        reserved: 0,
        key,
        value: NONE,
        expected: NONE,
        number: 0,
        ttl_ms: 0,
    }
}

fn run(module: &CModule, request: &hc_kv_request) -> i32 {
    call!(module, kv_table.run(1, 2, 3, &raw const *request))
}

#[test]
fn a_request_arrives_whole() {
    let module = CModule::new();
    let whole = hc_kv_request {
        value: hc_bytes::of(b"\0v"),
        expected: hc_bytes::of(b"old"),
        number: -5,
        ttl_ms: u64::MAX,
        ..request(HC_KV_SET, HC_KV_IF_EQUAL | HC_KV_KEEP_TTL, b"k\xff")
    };
    let call = "kv_run(1, 2, 3, 2, 12, k\\xff, \\x00v, old, -5, 18446744073709551615)";
    module.saw(run(&module, &whole), call);
    for operation in HC_KV_GET..=HC_KV_UNSUBSCRIBE {
        let call = format!("kv_run(1, 2, 3, {operation}, 0, k, , , 0, 0)");
        module.saw(run(&module, &request(operation, 0, b"k")), &call);
    }
}

#[test]
fn a_request_that_breaks_a_rule_is_refused() {
    let module = CModule::new();
    let refused = |request: &hc_kv_request, status, rule| {
        module.refused(run(&module, request), status, RUN, rule);
    };
    for operation in [0, 9, u32::MAX] {
        refused(&request(operation, 0, b"k"), INVALID, "kv.run");
    }
    for flags in [16, 1 << 31, 24] {
        refused(&request(HC_KV_SET, flags, b"k"), UNSUPPORTED, "kv.run");
    }
    for flags in [3, 5, 6, 7, 11] {
        refused(&request(HC_KV_SET, flags, b"k"), INVALID, "kv.condition");
    }
    let good = request(HC_KV_GET, 0, b"k");
    refused(&hc_kv_request { reserved: 1, ..good }, INVALID, "version.reserved");
    refused(&hc_kv_request { key: BROKEN, ..good }, INVALID, "host.call.null");
    refused(&hc_kv_request { value: BROKEN, ..good }, INVALID, "host.call.null");
    refused(&hc_kv_request { expected: BROKEN, ..good }, INVALID, "host.call.null");
}

#[test]
fn a_key_has_1_to_512_bytes() {
    let module = CModule::new();
    let long = [b'k'; 513];
    for (length, answer) in [(0, INVALID), (1, OK), (512, OK), (513, INVALID)] {
        let found = run(&module, &request(HC_KV_GET, 0, &long[..length]));
        assert_eq!(found, answer, "{length}");
        match answer {
            OK => assert_eq!(module.fake().take_calls().len(), 1),
            _ => module.refused(found, INVALID, RUN, "kv.key"),
        }
    }
}

#[test]
fn sizes_of_the_structures() {
    let module = CModule::new();
    let known = request(HC_KV_GET, 0, b"k");
    options_sizes(&module, known, RUN, |given| call!(module, kv_table.run(1, 2, 3, given)));
    let reply = hc_kv_reply { size: 0, found: 0, value: NONE, number: 0, ttl_ms: 0 };
    output_sizes(&module, reply, "hc.kv/1 reply", |place| call!(module, kv_table.reply(1, 2, place)));
    let message = hc_kv_message { size: 0, reserved: 0, channel: NONE, value: NONE };
    output_sizes(&module, message, "hc.kv/1 message", |place| {
        call!(module, kv_table.message(1, 2, 3, place))
    });
    let usage = hc_usage { size: 0, max: 0, in_use: 0, idle: 0, waiting: 0, available: 0 };
    output_sizes(&module, usage, "hc.limit/1 usage", |place| call!(module, limit_table.usage(4, place)));
}

#[test]
fn a_reply_and_a_message_are_answered() {
    let module = CModule::new();
    let size = size_of::<hc_kv_reply>() as u32;
    let mut reply = hc_kv_reply { size, found: 0, value: NONE, number: 0, ttl_ms: 0 };
    module.saw(call!(module, kv_table.reply(1, 2, &raw mut reply)), "kv_reply(1, 2)");
    assert_eq!((reply.size, reply.found, reply.number, reply.ttl_ms), (size, 1, -7, 9));
    assert_eq!(bytes(reply.value), b"stored");
    let size = size_of::<hc_kv_message>() as u32;
    let mut message = hc_kv_message { size, reserved: 4, channel: NONE, value: NONE };
    module.saw(call!(module, kv_table.message(1, 2, 3, &raw mut message)), "kv_message(1, 2, 3)");
    assert_eq!((message.size, message.reserved), (size, 0));
    assert_eq!((bytes(message.channel), bytes(message.value)), (&b"news"[..], &b"told"[..]));
    module.fake().answer(Status::E_LIMIT);
    message.reserved = 4;
    assert_eq!(call!(module, kv_table.message(1, 2, 3, &raw mut message)), Status::E_LIMIT.0);
    assert_eq!(message.reserved, 4, "a refused call writes nothing");
}

#[test]
fn the_object_of_a_pool_is_answered() {
    let module = CModule::new();
    let mut object = null_mut();
    let (name, call_name) = (c"org.example.session/1".as_ptr(), "hc.pool/1 object");
    let answer = call!(module, pool_table.object(1, 2, null(), &raw mut object));
    module.refused(answer, INVALID, call_name, "host.call.null");
    let answer = call!(module, pool_table.object(1, 2, name, null_mut()));
    module.refused(answer, INVALID, call_name, "host.call.null");
    module.fake().answer(Status::E_UNSUPPORTED);
    assert_eq!(call!(module, pool_table.object(1, 2, name, &raw mut object)), UNSUPPORTED);
    assert!(object.is_null(), "a refused call writes nothing");
    module.fake().take_calls();
    module.fake().answer(Status::OK);
    let answer = call!(module, pool_table.object(1, 2, name, &raw mut object));
    module.saw(answer, "pool_object(1, 2, org.example.session/1)");
    assert_eq!(object.addr(), 4096);
}

#[test]
fn the_use_of_a_resource_is_answered() {
    let module = CModule::new();
    let size = size_of::<hc_usage>() as u32;
    let mut usage = hc_usage { size, max: 0, in_use: 0, idle: 0, waiting: 0, available: 0 };
    module.saw(call!(module, limit_table.usage(4, &raw mut usage)), "limit_usage(4)");
    let hc_usage { size: kept, max, in_use, idle, waiting, available } = usage;
    assert_eq!((kept, max, in_use, idle, waiting, available), (size, 4, 3, 1, 2, 1));
    module.fake().answer(Status::E_RESOURCE);
    assert_eq!(call!(module, limit_table.usage(5, &raw mut usage)), Status::E_RESOURCE.0);
}

#[test]
fn the_lease_stands_before_the_arguments() {
    let module = CModule::new();
    *module.fake().before_lease.lock().unwrap() = Status::E_GONE;
    assert_eq!(run(&module, &request(0, 0, b"")), Status::E_GONE.0);
    assert_eq!(call!(module, kv_table.reply(1, 2, null_mut())), Status::E_GONE.0);
    assert_eq!(call!(module, pool_table.object(1, 2, null(), null_mut())), Status::E_GONE.0);
    assert_eq!(module.fake().take_calls(), [""; 0]);
}
