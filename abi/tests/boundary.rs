//! What a module written in C can get wrong with pointers and sizes: each wrong argument is refused with its rule before the
//! host sees it, and nothing is written. This test plays the C module, so it calls the vtable itself.

mod support;

use std::ffi::c_void;
use std::mem::size_of;
use std::ptr::{null, null_mut};
use std::sync::Arc;

use http_container_abi::raw::*;
use http_container_abi::{HostTable, Status, dispatch_table};
use support::fake_host::FakeHost;

const OK: i32 = 0;
const INVALID: i32 = -4;
const LIMIT: i32 = -9;
const UNSUPPORTED: i32 = -10;

fn host() -> (Arc<HostTable<FakeHost>>, *const hc_host) {
    let table = HostTable::new(FakeHost::new());
    let pointer = table.as_ptr().as_ptr();
    (table, pointer)
}

/// Calls a function of the vtable at `$host`.
macro_rules! call {
    ($host:expr, $function:ident($($argument:expr),*)) => {{
        // SAFETY: the host is alive, and each argument is NULL or points at what lives here.
        unsafe { ((*$host).$function.unwrap())($host, $($argument),*) }
    }};
}

fn response() -> hc_response {
    let none = hc_bytes { data: null(), size: 0 };
    let size = size_of::<hc_response>() as u32;
    hc_response { size, status: 200, fields: null(), field_count: 0, body: none, content_length: 0 }
}

/// The call was refused with `rule`, and the host saw nothing of it.
fn check(table: &HostTable<FakeHost>, answer: i32, status: i32, task: u64, call: &str, rule: &str) {
    assert_eq!(answer, status, "{call} [{rule}]");
    assert_eq!(table.host().take_calls(), [format!("refused {task} {call} [{rule}]")]);
}

#[test]
fn null_where_a_pointer_is_needed() {
    let (table, host) = host();
    let mut number = 7;
    let mut handle = 7_u64;
    let mut data: *const hc_field = null();
    let name = c"name".as_ptr();
    let broken = hc_bytes { data: null(), size: 3 };
    let refused = |answer, task, call| check(&table, answer, INVALID, task, call, "host.call.null");
    refused(call!(host, body_read(1, 2, null_mut())), 1, "body_read");
    refused(call!(host, body_trailers(1, null_mut(), &raw mut number)), 1, "body_trailers");
    refused(call!(host, body_trailers(1, &raw mut data, null_mut())), 1, "body_trailers");
    refused(call!(host, respond(1, null())), 1, "respond");
    refused(call!(host, inform(1, 103, null(), 1)), 1, "inform");
    refused(call!(host, response_start(1, null())), 1, "response_start");
    refused(call!(host, response_write(1, 2, hc_bytes::of(b"a"), null_mut())), 1, "response_write");
    refused(call!(host, response_write(1, 2, broken, &raw mut number)), 1, "response_write");
    refused(call!(host, response_end(1, null(), 2)), 1, "response_end");
    refused(call!(host, completion(1, 2, null_mut())), 1, "completion");
    let mut found = 7;
    refused(call!(host, resource(null(), name, &raw mut found)), 0, "resource");
    refused(call!(host, resource(name, null(), &raw mut found)), 0, "resource");
    refused(call!(host, resource(name, name, null_mut())), 0, "resource");
    refused(call!(host, acquire(1, 2, null(), 1, 0, &raw mut handle)), 1, "acquire");
    refused(call!(host, acquire(1, 2, &raw const found, 1, 0, null_mut())), 1, "acquire");
    assert!(call!(host, extension(null())).is_null());
    refused(INVALID, 0, "extension");
    assert_eq!((number, handle, found), (7, 7, 7), "a refused call writes nothing");
}

#[test]
fn null_where_it_is_allowed() {
    let (table, host) = host();
    assert_eq!(call!(host, cancel(1, 2, null_mut())), OK);
    assert_eq!(call!(host, spawn(0, null_mut(), null_mut())), OK);
    assert_eq!(call!(host, refusal(null_mut(), null_mut())), Status::END.0);
    assert_eq!(call!(host, inform(1, 103, null(), 0)), OK);
    assert_eq!(call!(host, response_end(1, null(), 0)), OK);
    let bare = response();
    assert_eq!(call!(host, respond(1, &raw const bare)), OK);
    let mut accepted = 9;
    assert_eq!(call!(host, response_write(1, 2, hc_bytes { data: null(), size: 0 }, &raw mut accepted)), OK);
    assert_eq!((accepted, table.host().take_calls().len()), (0, 6));
}

#[test]
fn a_field_with_a_null_view_is_refused() {
    let (table, host) = host();
    let good = hc_bytes::of(b"x");
    let broken = hc_bytes { data: null(), size: 1 };
    let absurd = hc_bytes { size: usize::MAX, ..good };
    for (name, value) in [(broken, good), (good, broken), (absurd, good), (good, absurd)] {
        let field = hc_field { name, value };
        let answer = response();
        let answer = hc_response { fields: &raw const field, field_count: 1, ..answer };
        check(&table, call!(host, respond(1, &raw const answer)), INVALID, 1, "respond", "host.call.null");
    }
    let answer = hc_response { body: broken, ..response() };
    check(&table, call!(host, respond(1, &raw const answer)), INVALID, 1, "respond", "host.call.null");
    let field = hc_field { name: good, value: good };
    let answer = hc_response { fields: &raw const field, field_count: usize::MAX / 2, ..response() };
    check(&table, call!(host, respond(1, &raw const answer)), INVALID, 1, "respond", "host.call.null");
}

/// A response of a later version, with a tail that this one does not know.
#[repr(C)]
struct LaterResponse {
    known: hc_response,
    tail: [u8; 8192],
}

#[test]
fn sizes_of_options_structures() {
    let (table, host) = host();
    let known = size_of::<hc_response>() as u32;
    let mut later = LaterResponse { known: response(), tail: [0; 8192] };
    let mut answer = |size: u32, tail: &[(usize, u8)]| {
        later.known.size = size;
        later.tail = [0; 8192];
        tail.iter().for_each(|&(at, byte)| later.tail[at] = byte);
        call!(host, respond(1, (&raw const later).cast()))
    };
    for size in [0, 4, known - 1] {
        check(&table, answer(size, &[]), INVALID, 1, "respond", "version.size.options-too-small");
    }
    for (size, tail) in [(known + 1, (0, 1)), (known + 8, (7, 1)), (4096, (4095 - known as usize, 0x80))] {
        check(&table, answer(size, &[tail]), UNSUPPORTED, 1, "respond", "version.size.options-tail");
    }
    check(&table, answer(4097, &[]), UNSUPPORTED, 1, "respond", "version.size.limit");
    for (size, tail) in [(known, (0, 1)), (known + 8, (8, 1)), (4096, (4096, 1))] {
        assert_eq!(
            answer(size, &[tail]),
            OK,
            "size {size}: zeros within the size, and what lies beyond is not looked at"
        );
        assert_eq!(table.host().take_calls().len(), 1);
    }
}

#[test]
fn an_output_structure_keeps_its_size_and_its_unknown_members_become_zero() {
    let (table, host) = host();
    let dispatch = dispatch_table::<FakeHost>();
    let mut later = LaterResponse { known: response(), tail: [0xee; 8192] };
    let mut head = |size: u32| {
        later.known.size = size;
        later.tail.fill(0xee);
        // SAFETY: the host is alive, and the structure is as large as its size says.
        let status = unsafe { (dispatch.head.unwrap())(host, 1, 2, (&raw mut later).cast()) };
        (status, later.known.size, later.known.status, later.known.content_length, later.tail)
    };
    let known = size_of::<hc_response>() as u32;
    let (status, size, code, length, tail) = head(known + 5);
    assert_eq!((status, size, code, length), (OK, known + 5, 203, 5));
    assert_eq!(tail[..6], [0, 0, 0, 0, 0, 0xee]);
    table.host().take_calls();
    let status = head(known - 1).0;
    check(&table, status, INVALID, 1, "hc.dispatch/1 head", "version.size.options-too-small");
}

#[test]
fn a_child_request_of_a_later_version_is_read_as_far_as_it_is_known() {
    #[repr(C)]
    struct LaterRequest {
        known: hc_request,
        more: [u64; 4],
    }
    let (table, host) = host();
    let none = hc_bytes { data: null(), size: 0 };
    let mut request = LaterRequest { known: *http_container_abi::RequestStorage::new().view(), more: [9; 4] };
    request.known.size = size_of::<LaterRequest>() as u32;
    request.known.path = hc_bytes::of(b"/child");
    request.known.peer = null();
    let mut child = 0;
    let mut open = |request: *const hc_request, size: usize| {
        let options = hc_dispatch_options { size: size as u32, flags: 0, request, body: none };
        // SAFETY: the host is alive, and so is every argument.
        unsafe {
            (dispatch_table::<FakeHost>().open.unwrap())(host, 1, 2, &raw const options, &raw mut child)
        }
    };
    let known = size_of::<hc_dispatch_options>();
    assert_eq!(open((&raw const request).cast(), known), OK);
    assert_eq!(table.host().take_calls(), ["dispatch_open(1, 2, 0, Some(\"/child\"), )"]);
    let status = open((&raw const request).cast(), known - 8);
    check(&table, status, INVALID, 1, "hc.dispatch/1 open", "version.size.options-too-small");
    request.known.size = 8;
    let status = open((&raw const request).cast(), known);
    check(&table, status, INVALID, 1, "hc.dispatch/1 open", "version.size.options-too-small");
}

#[test]
fn acquire_names_one_to_sixteen() {
    let (table, host) = host();
    let wanted = [1_u32; 17];
    let mut leases = [7_u64; 17];
    let rule = "resource.acquire.count";
    let answer = call!(host, acquire(1, 2, wanted.as_ptr(), 0, 0, leases.as_mut_ptr()));
    check(&table, answer, INVALID, 1, "acquire", rule);
    let answer = call!(host, acquire(1, 2, wanted.as_ptr(), 17, 0, leases.as_mut_ptr()));
    check(&table, answer, LIMIT, 1, "acquire", rule);
    assert_eq!(leases, [7; 17]);
    assert_eq!(call!(host, acquire(1, 2, wanted.as_ptr(), 16, 0, leases.as_mut_ptr())), OK);
    assert_eq!((leases[0], leases[15], leases[16]), (800, 815, 7));
}

#[test]
fn what_stands_before_the_arguments_is_answered_first() {
    let (table, host) = host();
    *table.host().before.lock().unwrap() = Status::E_GONE;
    assert_eq!(call!(host, respond(1, null())), Status::E_GONE.0);
    assert_eq!(table.host().take_calls(), [""; 0]);
}

#[test]
fn a_pointer_that_is_no_host_is_refused() {
    let (table, host) = host();
    // A copy of the vtable, in a place as large as a host so that what lies behind it may be read.
    let mut place = vec![0_u64; size_of::<HostTable<FakeHost>>() / 8 + 1];
    // SAFETY: the vtable is alive and plain data, and the place is larger.
    unsafe { place.as_mut_ptr().cast::<hc_host>().copy_from_nonoverlapping(host, 1) };
    // SAFETY: the vtable is alive.
    let (abort, now, extension) = unsafe { ((*host).abort, (*host).now, (*host).extension) };
    for pointer in [null(), place.as_ptr().cast::<hc_host>(), host.wrapping_byte_add(1)] {
        // SAFETY: the functions find out that the pointer is no host, and read no further than the place goes.
        unsafe {
            assert_eq!(abort.unwrap()(pointer, 1), INVALID);
            assert_eq!(now.unwrap()(pointer), 0);
            assert_eq!(extension.unwrap()(pointer, c"hc.fd/1".as_ptr()), null::<c_void>());
        }
    }
    assert_eq!(table.host().take_calls(), [""; 0]);
}

#[test]
fn pointers_that_are_not_aligned_are_refused() {
    let (table, host) = host();
    let places = [0_u64; 16];
    let odd = places.as_ptr().wrapping_byte_add(1);
    let refused = |answer, call| check(&table, answer, INVALID, 1, call, "overview.undefined");
    refused(call!(host, respond(1, odd.cast())), "respond");
    refused(call!(host, completion(1, 2, odd.cast_mut())), "completion");
    refused(call!(host, acquire(1, 2, odd.cast(), 1, 0, null_mut::<u64>().wrapping_byte_add(8))), "acquire");
}
