//! Proof at compile time that the Rust structures lie in memory as the header says: size, alignment and the offset of every
//! member, on 64-bit machines. Written by hand, so that a header that changes by mistake does not compile.

use std::mem::{align_of, offset_of, size_of};

use crate::bytes::Field;
use crate::event::Event;
use crate::raw::*;
use crate::status::Status;

macro_rules! layout {
    ($($type:ty: $size:literal / $align:literal { $($member:ident @ $offset:literal),* $(,)? })*) => {$(
        const _: () = {
            assert!(size_of::<$type>() == $size, concat!("the size of ", stringify!($type)));
            assert!(align_of::<$type>() == $align, concat!("the alignment of ", stringify!($type)));
            $(assert!(offset_of!($type, $member) == $offset, concat!(stringify!($type), ".", stringify!($member)));)*
        };
    )*};
}

#[cfg(target_pointer_width = "64")]
layout! {
    hc_bytes: 16 / 8 { data @ 0, size @ 8 }
    hc_field: 32 / 8 { name @ 0, value @ 16 }
    hc_address: 20 / 2 { ip @ 0, port @ 16, family @ 18 }
    hc_event: 24 / 8 { token @ 0, value @ 8, status @ 16, kind @ 20 }
    hc_tls: 72 / 8 { size @ 0, version @ 4, cipher @ 8, server_name @ 24, protocol @ 40, certificate @ 56 }
    hc_request: 184 / 8 {
        size @ 0, version @ 4, id @ 8, method @ 16, target @ 32, scheme @ 48, authority @ 64, path @ 80, query @ 96,
        protocol @ 112, fields @ 128, field_count @ 136, content_length @ 144, deadline_ns @ 152, peer @ 160, local @ 168,
        tls @ 176,
    }
    hc_response: 48 / 8 { size @ 0, status @ 4, fields @ 8, field_count @ 16, body @ 24, content_length @ 40 }
    hc_start: 40 / 8 { size @ 0, kind @ 4, request @ 8, arg @ 16, leases @ 24, lease_count @ 32 }
    hc_module: 104 / 8 {
        size @ 0, abi_major @ 4, abi_minor @ 6, flags @ 8, reserved @ 12, id @ 16, version @ 24, description @ 32,
        config_schema @ 40, create @ 48, destroy @ 56, worker_start @ 64, worker_stop @ 72, start @ 80, resume @ 88,
        finish @ 96,
    }
    hc_host: 216 / 8 {
        size @ 0, abi_major @ 4, abi_minor @ 6, extension @ 8, log @ 16, now @ 24, worker_index @ 32, worker_count @ 40,
        limit @ 48, refusal @ 56, body_read @ 64, body_trailers @ 72, respond @ 80, inform @ 88, response_start @ 96,
        response_write @ 104, response_end @ 112, abort @ 120, completion @ 128, complete @ 136, timer @ 144, cancel @ 152,
        notices @ 160, spawn @ 168, task_cancel @ 176, resource @ 184, acquire @ 192, release @ 200, lease_interface @ 208,
    }
    hc_fd: 32 / 8 { size @ 0, reserved @ 4, add @ 8, wait @ 16, remove @ 24 }
    hc_dispatch_options: 32 / 8 { size @ 0, flags @ 4, request @ 8, body @ 16 }
    hc_dispatch: 48 / 8 { size @ 0, reserved @ 4, open @ 8, head @ 16, read @ 24, trailers @ 32, close @ 40 }
    hc_work: 32 / 8 { size @ 0, reserved @ 4, run @ 8, drop @ 16, arg @ 24 }
    hc_offload: 16 / 8 { size @ 0, reserved @ 4, run @ 8 }
    hc_sql_value: 40 / 8 { type_ @ 0, reserved @ 4, integer @ 8, real @ 16, bytes @ 24 }
    hc_sql_statement: 40 / 8 { size @ 0, flags @ 4, text @ 8, values @ 24, value_count @ 32 }
    hc_sql_rows: 32 / 8 { size @ 0, reserved @ 4, values @ 8, row_count @ 16, column_count @ 24 }
    hc_sql_outcome: 48 / 8 { size @ 0, status @ 4, affected @ 8, code @ 16, message @ 32 }
    hc_sql: 48 / 8 {
        size @ 0, reserved @ 4, query @ 8, columns @ 16, rows @ 24, outcome @ 32, transaction @ 40,
    }
    hc_kv_request: 80 / 8 {
        size @ 0, operation @ 4, flags @ 8, reserved @ 12, key @ 16, value @ 32, expected @ 48, number @ 64, ttl_ms @ 72,
    }
    hc_kv_reply: 40 / 8 { size @ 0, found @ 4, value @ 8, number @ 24, ttl_ms @ 32 }
    hc_kv_message: 40 / 8 { size @ 0, reserved @ 4, channel @ 8, value @ 24 }
    hc_kv: 32 / 8 { size @ 0, reserved @ 4, run @ 8, reply @ 16, message @ 24 }
    hc_pool: 16 / 8 { size @ 0, reserved @ 4, object @ 8 }
    hc_usage: 24 / 4 { size @ 0, max @ 4, in_use @ 8, idle @ 12, waiting @ 16, available @ 20 }
    hc_limit_table: 16 / 8 { size @ 0, reserved @ 4, usage @ 8 }
    hc_member_request: 32 / 8 {
        size @ 0, kind @ 4, statement @ 8, kv @ 16, transaction @ 24, reserved @ 28,
    }
    hc_member_result: 64 / 8 {
        size @ 0, status @ 4, flags @ 8, reserved @ 12, affected @ 16, code @ 24, message @ 40, reply @ 56,
    }
    hc_provider: 80 / 8 {
        size @ 0, reserved @ 4, offer @ 8, ready @ 16, explain @ 24, object @ 32, next @ 40, columns @ 48, rows @ 56,
        message @ 64, done @ 72,
    }
}

// The types of this crate that are passed in place of those of the header.
const _: () = {
    assert!(size_of::<Status>() == size_of::<hc_status>() && align_of::<Status>() == align_of::<hc_status>());
    assert!(size_of::<Field<'static>>() == size_of::<hc_field>());
    assert!(align_of::<Field<'static>>() == align_of::<hc_field>());
    assert!(size_of::<Event>() == size_of::<hc_event>() && align_of::<Event>() == align_of::<hc_event>());
    assert!(offset_of!(Event, token) == offset_of!(hc_event, token));
    assert!(offset_of!(Event, value) == offset_of!(hc_event, value));
    assert!(offset_of!(Event, status) == offset_of!(hc_event, status));
    assert!(offset_of!(Event, kind) == offset_of!(hc_event, kind));
};
