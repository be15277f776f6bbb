// Generated from spec/include by bindings/generate. Do not edit: change the header, then run
//     HC_BLESS=1 cargo test -p hc-generate
// SPDX-License-Identifier: MIT OR Apache-2.0

pub const HC_ABI_MAJOR: u32 = 1;
pub const HC_ABI_MINOR: u32 = 0;
pub const HC_WORKER_ANY: u32 = 4294967295;
pub const HC_WORKER_SELF: u32 = 4294967294;
pub const HC_WORKER_NONE: u32 = 4294967293;
pub const HC_MODULE_ENTRY_NAME: &::core::ffi::CStr = c"hc_module_entry";
pub const HC_NOTE_SECTION: &::core::ffi::CStr = c".note.http_container";
pub const HC_NOTE_OWNER: &::core::ffi::CStr = c"HTTP-Container";
pub const HC_NOTE_TYPE: u32 = 1;
pub const HC_FD_ID: &::core::ffi::CStr = c"hc.fd/1";
pub const HC_DISPATCH_ID: &::core::ffi::CStr = c"hc.dispatch/1";
pub const HC_OFFLOAD_ID: &::core::ffi::CStr = c"hc.offload/1";
pub const HC_SQL_ID: &::core::ffi::CStr = c"hc.sql/1";
pub const HC_KV_ID: &::core::ffi::CStr = c"hc.kv/1";
pub const HC_POOL_ID: &::core::ffi::CStr = c"hc.pool/1";
pub const HC_LIMIT_ID: &::core::ffi::CStr = c"hc.limit/1";
pub const HC_PROVIDER_ID: &::core::ffi::CStr = c"hc.provider/1";
pub type hc_status = i32;
pub const HC_OK: hc_status_code = 0;
pub const HC_PENDING: hc_status_code = 1;
pub const HC_END: hc_status_code = 2;
pub const HC_DISCARDED: hc_status_code = 3;
pub const HC_E_FAILED: hc_status_code = -1;
pub const HC_E_GONE: hc_status_code = -2;
pub const HC_E_STATE: hc_status_code = -3;
pub const HC_E_INVALID: hc_status_code = -4;
pub const HC_E_BUSY: hc_status_code = -5;
pub const HC_E_TOKEN: hc_status_code = -6;
pub const HC_E_TIMEOUT: hc_status_code = -7;
pub const HC_E_CANCELLED: hc_status_code = -8;
pub const HC_E_LIMIT: hc_status_code = -9;
pub const HC_E_UNSUPPORTED: hc_status_code = -10;
pub const HC_E_THREAD: hc_status_code = -11;
pub const HC_E_DRAINING: hc_status_code = -12;
pub const HC_E_PEER: hc_status_code = -13;
pub const HC_E_LOST: hc_status_code = -14;
pub const HC_E_TOO_LATE: hc_status_code = -15;
pub const HC_E_RESOURCE: hc_status_code = -16;
pub const HC_E_MEMORY: hc_status_code = -17;
pub const HC_E_FIELD: hc_status_code = -18;
pub const HC_E_PANIC: hc_status_code = -19;
pub const HC_E_VERSION: hc_status_code = -20;
pub const HC_E_CONFIG: hc_status_code = -21;
pub const HC_E_IO: hc_status_code = -22;
pub const HC_CANCELLED_PEER: hc_status_code = -101;
pub const HC_CANCELLED_DEADLINE: hc_status_code = -102;
pub const HC_CANCELLED_DRAIN: hc_status_code = -103;
pub const HC_CANCELLED_RELOAD: hc_status_code = -104;
pub const HC_CANCELLED_PARENT: hc_status_code = -105;
pub const HC_CANCELLED_MODULE: hc_status_code = -106;
pub const HC_CANCELLED_FAULT: hc_status_code = -107;
pub type hc_status_code = ::core::ffi::c_int;
pub type hc_task = u64;
pub type hc_completion = u64;
pub type hc_lease = u64;
pub type hc_resource = u32;
pub type hc_token = u64;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_bytes {
    pub data: *const ::core::ffi::c_char,
    pub size: usize,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_field {
    pub name: hc_bytes,
    pub value: hc_bytes,
}
pub const HC_ADDRESS_UNKNOWN: hc_address_family = 0;
pub const HC_ADDRESS_UNIX: hc_address_family = 1;
pub const HC_ADDRESS_IPV4: hc_address_family = 4;
pub const HC_ADDRESS_IPV6: hc_address_family = 6;
pub type hc_address_family = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_address {
    pub ip: [u8; 16usize],
    pub port: u16,
    pub family: u16,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_event {
    pub token: hc_token,
    pub value: u64,
    pub status: hc_status,
    pub kind: u32,
}
pub const HC_EVENT_BODY: hc_event_kind = 1;
pub const HC_EVENT_WRITE: hc_event_kind = 2;
pub const HC_EVENT_TIMER: hc_event_kind = 3;
pub const HC_EVENT_COMPLETION: hc_event_kind = 4;
pub const HC_EVENT_ACQUIRE: hc_event_kind = 5;
pub const HC_EVENT_NOTICE: hc_event_kind = 6;
pub const HC_EVENT_FD: hc_event_kind = 16;
pub const HC_EVENT_CHILD_HEAD: hc_event_kind = 17;
pub const HC_EVENT_CHILD_BODY: hc_event_kind = 18;
pub const HC_EVENT_OFFLOAD: hc_event_kind = 19;
pub const HC_EVENT_SQL: hc_event_kind = 20;
pub const HC_EVENT_SQL_ROWS: hc_event_kind = 21;
pub const HC_EVENT_KV: hc_event_kind = 22;
pub const HC_EVENT_KV_MESSAGE: hc_event_kind = 23;
pub const HC_EVENT_MEMBER: hc_event_kind = 24;
pub const HC_EVENT_MEMBER_ROOM: hc_event_kind = 25;
pub type hc_event_kind = ::core::ffi::c_uint;
pub const HC_NOTICE_PEER: hc_notice = 1;
pub const HC_NOTICE_DRAIN: hc_notice = 2;
pub const HC_NOTICE_RELOAD: hc_notice = 4;
pub const HC_NOTICE_DEADLINE: hc_notice = 8;
pub type hc_notice = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_tls {
    pub size: u32,
    pub version: u32,
    pub cipher: hc_bytes,
    pub server_name: hc_bytes,
    pub protocol: hc_bytes,
    pub certificate: hc_bytes,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_request {
    pub size: u32,
    pub version: u32,
    pub id: u64,
    pub method: hc_bytes,
    pub target: hc_bytes,
    pub scheme: hc_bytes,
    pub authority: hc_bytes,
    pub path: hc_bytes,
    pub query: hc_bytes,
    pub protocol: hc_bytes,
    pub fields: *const hc_field,
    pub field_count: usize,
    pub content_length: u64,
    pub deadline_ns: u64,
    pub peer: *const hc_address,
    pub local: *const hc_address,
    pub tls: *const hc_tls,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_response {
    pub size: u32,
    pub status: u32,
    pub fields: *const hc_field,
    pub field_count: usize,
    pub body: hc_bytes,
    pub content_length: u64,
}
pub const HC_LOG_ERROR: hc_log_level = 1;
pub const HC_LOG_WARN: hc_log_level = 2;
pub const HC_LOG_INFO: hc_log_level = 3;
pub const HC_LOG_DEBUG: hc_log_level = 4;
pub const HC_LOG_TRACE: hc_log_level = 5;
pub type hc_log_level = ::core::ffi::c_uint;
pub const HC_LEASE_CLEAN: hc_lease_end = 0;
pub const HC_LEASE_DIRTY: hc_lease_end = 1;
pub const HC_LEASE_BROKEN: hc_lease_end = 2;
pub type hc_lease_end = ::core::ffi::c_uint;
pub const HC_LIMIT_OPERATIONS: hc_limit = 1;
pub const HC_LIMIT_RESPOND_BYTES: hc_limit = 2;
pub const HC_LIMIT_HEAD_BYTES: hc_limit = 3;
pub const HC_LIMIT_BODY_BYTES: hc_limit = 4;
pub const HC_LIMIT_TASKS: hc_limit = 5;
pub const HC_LIMIT_DISPATCH_DEPTH: hc_limit = 6;
pub type hc_limit = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_host {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub extension: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            id: *const ::core::ffi::c_char,
        ) -> *const ::core::ffi::c_void,
    >,
    pub log: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            level: u32,
            text: hc_bytes,
        ),
    >,
    pub now: ::core::option::Option<unsafe extern "C" fn(H: *const hc_host) -> u64>,
    pub worker_index: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host) -> u32,
    >,
    pub worker_count: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host) -> u32,
    >,
    pub limit: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host, which: u32) -> u64,
    >,
    pub refusal: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            rule: *mut hc_bytes,
            text: *mut hc_bytes,
        ) -> hc_status,
    >,
    pub body_read: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            chunk: *mut hc_bytes,
        ) -> hc_status,
    >,
    pub body_trailers: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            fields: *mut *const hc_field,
            count: *mut usize,
        ) -> hc_status,
    >,
    pub respond: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            response: *const hc_response,
        ) -> hc_status,
    >,
    pub inform: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            status: u32,
            fields: *const hc_field,
            count: usize,
        ) -> hc_status,
    >,
    pub response_start: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            response: *const hc_response,
        ) -> hc_status,
    >,
    pub response_write: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            data: hc_bytes,
            accepted: *mut usize,
        ) -> hc_status,
    >,
    pub response_end: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            trailers: *const hc_field,
            count: usize,
        ) -> hc_status,
    >,
    pub abort: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host, task: hc_task) -> hc_status,
    >,
    pub completion: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            completion: *mut hc_completion,
        ) -> hc_status,
    >,
    pub complete: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            completion: hc_completion,
            status: hc_status,
            value: u64,
        ) -> hc_status,
    >,
    pub timer: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            delay_ns: u64,
        ) -> hc_status,
    >,
    pub cancel: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            latched: *mut hc_event,
        ) -> hc_status,
    >,
    pub notices: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host, task: hc_task, mask: u32) -> hc_status,
    >,
    pub spawn: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            worker: u32,
            arg: *mut ::core::ffi::c_void,
            task: *mut hc_task,
        ) -> hc_status,
    >,
    pub task_cancel: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host, task: hc_task) -> hc_status,
    >,
    pub resource: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            name: *const ::core::ffi::c_char,
            interface_id: *const ::core::ffi::c_char,
            resource: *mut hc_resource,
        ) -> hc_status,
    >,
    pub acquire: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            resources: *const hc_resource,
            count: usize,
            timeout_ns: u64,
            leases: *mut hc_lease,
        ) -> hc_status,
    >,
    pub release: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            how: u32,
        ) -> hc_status,
    >,
    pub lease_interface: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
        ) -> *const ::core::ffi::c_void,
    >,
}
pub const HC_TASK_REQUEST: hc_task_kind = 1;
pub const HC_TASK_BACKGROUND: hc_task_kind = 2;
pub const HC_TASK_CHILD: hc_task_kind = 3;
pub const HC_TASK_MEMBER: hc_task_kind = 4;
pub type hc_task_kind = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_start {
    pub size: u32,
    pub kind: u32,
    pub request: *const hc_request,
    pub arg: *mut ::core::ffi::c_void,
    pub leases: *const hc_lease,
    pub lease_count: usize,
}
pub const HC_MODULE_THREAD_BOUND: hc_module_flag = 1;
pub const HC_MODULE_MIGRATES: hc_module_flag = 2;
pub const HC_MODULE_BLOCKING: hc_module_flag = 4;
pub type hc_module_flag = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_module {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub flags: u32,
    pub reserved: u32,
    pub id: *const ::core::ffi::c_char,
    pub version: *const ::core::ffi::c_char,
    pub description: *const ::core::ffi::c_char,
    pub config_schema: *const ::core::ffi::c_char,
    pub create: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            config_json: hc_bytes,
            instance: *mut *mut ::core::ffi::c_void,
        ) -> hc_status,
    >,
    pub destroy: ::core::option::Option<
        unsafe extern "C" fn(instance: *mut ::core::ffi::c_void),
    >,
    pub worker_start: ::core::option::Option<
        unsafe extern "C" fn(
            instance: *mut ::core::ffi::c_void,
            worker: u32,
            worker_state: *mut *mut ::core::ffi::c_void,
        ) -> hc_status,
    >,
    pub worker_stop: ::core::option::Option<
        unsafe extern "C" fn(
            instance: *mut ::core::ffi::c_void,
            worker_state: *mut ::core::ffi::c_void,
        ),
    >,
    pub start: ::core::option::Option<
        unsafe extern "C" fn(
            instance: *mut ::core::ffi::c_void,
            worker_state: *mut ::core::ffi::c_void,
            task: hc_task,
            start: *const hc_start,
            task_state: *mut *mut ::core::ffi::c_void,
        ) -> hc_status,
    >,
    pub resume: ::core::option::Option<
        unsafe extern "C" fn(
            instance: *mut ::core::ffi::c_void,
            worker_state: *mut ::core::ffi::c_void,
            task: hc_task,
            task_state: *mut ::core::ffi::c_void,
            events: *const hc_event,
            count: usize,
        ) -> hc_status,
    >,
    pub finish: ::core::option::Option<
        unsafe extern "C" fn(
            instance: *mut ::core::ffi::c_void,
            worker_state: *mut ::core::ffi::c_void,
            task: hc_task,
            task_state: *mut ::core::ffi::c_void,
            outcome: hc_status,
            unseen: *const hc_event,
            count: usize,
        ),
    >,
}
pub type hc_fd_handle = u64;
pub const HC_FD_READ: hc_fd_interest = 1;
pub const HC_FD_WRITE: hc_fd_interest = 2;
pub type hc_fd_interest = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_fd {
    pub size: u32,
    pub reserved: u32,
    pub add: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            fd: ::core::ffi::c_int,
            handle: *mut hc_fd_handle,
        ) -> hc_status,
    >,
    pub wait: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            handle: hc_fd_handle,
            interest: u32,
        ) -> hc_status,
    >,
    pub remove: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host, handle: hc_fd_handle) -> hc_status,
    >,
}
pub const HC_DISPATCH_ROUTE: hc_dispatch_flag = 1;
pub const HC_DISPATCH_BODY: hc_dispatch_flag = 2;
pub type hc_dispatch_flag = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_dispatch_options {
    pub size: u32,
    pub flags: u32,
    pub request: *const hc_request,
    pub body: hc_bytes,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_dispatch {
    pub size: u32,
    pub reserved: u32,
    pub open: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            options: *const hc_dispatch_options,
            child: *mut hc_task,
        ) -> hc_status,
    >,
    pub head: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            child: hc_task,
            head: *mut hc_response,
        ) -> hc_status,
    >,
    pub read: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            child: hc_task,
            token: hc_token,
            chunk: *mut hc_bytes,
        ) -> hc_status,
    >,
    pub trailers: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            child: hc_task,
            fields: *mut *const hc_field,
            count: *mut usize,
        ) -> hc_status,
    >,
    pub close: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            child: hc_task,
        ) -> hc_status,
    >,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_work {
    pub size: u32,
    pub reserved: u32,
    pub run: ::core::option::Option<
        unsafe extern "C" fn(arg: *mut ::core::ffi::c_void, value: *mut u64) -> hc_status,
    >,
    pub drop: ::core::option::Option<
        unsafe extern "C" fn(arg: *mut ::core::ffi::c_void),
    >,
    pub arg: *mut ::core::ffi::c_void,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_offload {
    pub size: u32,
    pub reserved: u32,
    pub run: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            work: *const hc_work,
        ) -> hc_status,
    >,
}
pub const HC_SQL_NULL: hc_sql_type = 0;
pub const HC_SQL_BOOL: hc_sql_type = 1;
pub const HC_SQL_INT64: hc_sql_type = 2;
pub const HC_SQL_FLOAT64: hc_sql_type = 3;
pub const HC_SQL_TEXT: hc_sql_type = 4;
pub const HC_SQL_BYTES: hc_sql_type = 5;
pub type hc_sql_type = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_sql_value {
    pub type_: u32,
    pub reserved: u32,
    pub integer: i64,
    pub real: f64,
    pub bytes: hc_bytes,
}
pub const HC_SQL_ONCE: hc_sql_flag = 1;
pub const HC_SQL_SCRIPT: hc_sql_flag = 2;
pub type hc_sql_flag = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_sql_statement {
    pub size: u32,
    pub flags: u32,
    pub text: hc_bytes,
    pub values: *const hc_sql_value,
    pub value_count: usize,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_sql_rows {
    pub size: u32,
    pub reserved: u32,
    pub values: *const hc_sql_value,
    pub row_count: usize,
    pub column_count: usize,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_sql_outcome {
    pub size: u32,
    pub status: hc_status,
    pub affected: u64,
    pub code: hc_bytes,
    pub message: hc_bytes,
}
pub const HC_SQL_BEGIN: hc_sql_transaction = 1;
pub const HC_SQL_BEGIN_READ: hc_sql_transaction = 2;
pub const HC_SQL_COMMIT: hc_sql_transaction = 3;
pub const HC_SQL_ROLLBACK: hc_sql_transaction = 4;
pub type hc_sql_transaction = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_sql {
    pub size: u32,
    pub reserved: u32,
    pub query: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            token: hc_token,
            statement: *const hc_sql_statement,
        ) -> hc_status,
    >,
    pub columns: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            names: *mut *const hc_bytes,
            count: *mut usize,
        ) -> hc_status,
    >,
    pub rows: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            token: hc_token,
            rows: *mut hc_sql_rows,
        ) -> hc_status,
    >,
    pub outcome: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            outcome: *mut hc_sql_outcome,
        ) -> hc_status,
    >,
    pub transaction: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            token: hc_token,
            what: u32,
        ) -> hc_status,
    >,
}
pub const HC_KV_GET: hc_kv_operation = 1;
pub const HC_KV_SET: hc_kv_operation = 2;
pub const HC_KV_ADD: hc_kv_operation = 3;
pub const HC_KV_DELETE: hc_kv_operation = 4;
pub const HC_KV_EXPIRE: hc_kv_operation = 5;
pub const HC_KV_PUBLISH: hc_kv_operation = 6;
pub const HC_KV_SUBSCRIBE: hc_kv_operation = 7;
pub const HC_KV_UNSUBSCRIBE: hc_kv_operation = 8;
pub type hc_kv_operation = ::core::ffi::c_uint;
pub const HC_KV_IF_ABSENT: hc_kv_flag = 1;
pub const HC_KV_IF_PRESENT: hc_kv_flag = 2;
pub const HC_KV_IF_EQUAL: hc_kv_flag = 4;
pub const HC_KV_KEEP_TTL: hc_kv_flag = 8;
pub type hc_kv_flag = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_kv_request {
    pub size: u32,
    pub operation: u32,
    pub flags: u32,
    pub reserved: u32,
    pub key: hc_bytes,
    pub value: hc_bytes,
    pub expected: hc_bytes,
    pub number: i64,
    pub ttl_ms: u64,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_kv_reply {
    pub size: u32,
    pub found: u32,
    pub value: hc_bytes,
    pub number: i64,
    pub ttl_ms: u64,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_kv_message {
    pub size: u32,
    pub reserved: u32,
    pub channel: hc_bytes,
    pub value: hc_bytes,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_kv {
    pub size: u32,
    pub reserved: u32,
    pub run: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            token: hc_token,
            request: *const hc_kv_request,
        ) -> hc_status,
    >,
    pub reply: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            reply: *mut hc_kv_reply,
        ) -> hc_status,
    >,
    pub message: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            token: hc_token,
            message: *mut hc_kv_message,
        ) -> hc_status,
    >,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_pool {
    pub size: u32,
    pub reserved: u32,
    pub object: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            lease: hc_lease,
            type_: *const ::core::ffi::c_char,
            object: *mut *mut ::core::ffi::c_void,
        ) -> hc_status,
    >,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_usage {
    pub size: u32,
    pub max: u32,
    pub in_use: u32,
    pub idle: u32,
    pub waiting: u32,
    pub available: u32,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_limit_table {
    pub size: u32,
    pub reserved: u32,
    pub usage: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            resource: hc_resource,
            usage: *mut hc_usage,
        ) -> hc_status,
    >,
}
pub const HC_MEMBER_STATEMENT: hc_member_request_kind = 1;
pub const HC_MEMBER_TRANSACTION: hc_member_request_kind = 2;
pub const HC_MEMBER_KV: hc_member_request_kind = 3;
pub const HC_MEMBER_RESET: hc_member_request_kind = 4;
pub const HC_MEMBER_CHECK: hc_member_request_kind = 5;
pub const HC_MEMBER_INTERRUPT: hc_member_request_kind = 6;
pub const HC_MEMBER_CLOSE: hc_member_request_kind = 7;
pub type hc_member_request_kind = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_member_request {
    pub size: u32,
    pub kind: u32,
    pub statement: *const hc_sql_statement,
    pub kv: *const hc_kv_request,
    pub transaction: u32,
    pub reserved: u32,
}
pub const HC_MEMBER_BROKEN: hc_member_flag = 1;
pub const HC_MEMBER_DIRTY: hc_member_flag = 2;
pub type hc_member_flag = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_member_result {
    pub size: u32,
    pub status: hc_status,
    pub flags: u32,
    pub reserved: u32,
    pub affected: u64,
    pub code: hc_bytes,
    pub message: hc_bytes,
    pub reply: *const hc_kv_reply,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hc_provider {
    pub size: u32,
    pub reserved: u32,
    pub offer: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            interface_id: *const ::core::ffi::c_char,
        ) -> hc_status,
    >,
    pub ready: ::core::option::Option<
        unsafe extern "C" fn(H: *const hc_host, task: hc_task) -> hc_status,
    >,
    pub explain: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            reason: hc_bytes,
        ) -> hc_status,
    >,
    pub object: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            type_: *const ::core::ffi::c_char,
            object: *mut ::core::ffi::c_void,
        ) -> hc_status,
    >,
    pub next: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            request: *mut *const hc_member_request,
        ) -> hc_status,
    >,
    pub columns: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            names: *const hc_bytes,
            count: usize,
        ) -> hc_status,
    >,
    pub rows: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            token: hc_token,
            values: *const hc_sql_value,
            count: usize,
            accepted: *mut usize,
        ) -> hc_status,
    >,
    pub message: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            channel: hc_bytes,
            value: hc_bytes,
        ) -> hc_status,
    >,
    pub done: ::core::option::Option<
        unsafe extern "C" fn(
            H: *const hc_host,
            task: hc_task,
            result: *const hc_member_result,
        ) -> hc_status,
    >,
}
