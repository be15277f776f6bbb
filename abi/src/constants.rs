//! The constants of the header by idea, as plain numbers of the type in which they cross the boundary. The names are those
//! of the header; what each means is said there. Must not hold a constant that the header does not.

use crate::raw;

/// The major version of the ABI: same major works together, in both directions.
pub const ABI_MAJOR: u16 = raw::HC_ABI_MAJOR as u16;
/// The minor version of the ABI.
pub const ABI_MINOR: u16 = raw::HC_ABI_MINOR as u16;

/// `HC_LENGTH_UNKNOWN`: a length that is not known beforehand.
pub const LENGTH_UNKNOWN: u64 = u64::MAX;
/// `HC_NO_DEADLINE`: nanoseconds on the clock of `now` that never come.
pub const NO_DEADLINE: u64 = u64::MAX;

/// `HC_WORKER_ANY`: any worker may start the task.
pub const WORKER_ANY: u32 = raw::HC_WORKER_ANY;
/// `HC_WORKER_SELF`: the worker of the calling step.
pub const WORKER_SELF: u32 = raw::HC_WORKER_SELF;
/// `HC_WORKER_NONE`: the answer of `worker_index` outside every worker.
pub const WORKER_NONE: u32 = raw::HC_WORKER_NONE;

macro_rules! numbers {
    ($(#[$note:meta])* $module:ident: $type:ty { $($(#[$each:meta])* $name:ident = $raw:ident),* $(,)? }) => {
        $(#[$note])*
        pub mod $module {
            $($(#[$each])* #[doc = concat!("`", stringify!($raw), "`.")]
              pub const $name: $type = crate::raw::$raw as $type;)*
        }
    };
}

numbers! {
    /// `enum hc_event_kind`: the kinds of events.
    event_kind: u32 {
        BODY = HC_EVENT_BODY, WRITE = HC_EVENT_WRITE, TIMER = HC_EVENT_TIMER, COMPLETION = HC_EVENT_COMPLETION,
        ACQUIRE = HC_EVENT_ACQUIRE, NOTICE = HC_EVENT_NOTICE, FD = HC_EVENT_FD, CHILD_HEAD = HC_EVENT_CHILD_HEAD,
        CHILD_BODY = HC_EVENT_CHILD_BODY, OFFLOAD = HC_EVENT_OFFLOAD, SQL = HC_EVENT_SQL, SQL_ROWS = HC_EVENT_SQL_ROWS,
        KV = HC_EVENT_KV, KV_MESSAGE = HC_EVENT_KV_MESSAGE, MEMBER = HC_EVENT_MEMBER,
        MEMBER_ROOM = HC_EVENT_MEMBER_ROOM,
    }
}

numbers! {
    /// `enum hc_notice`: bits of `notices`, and the value of a notice event.
    notice: u32 {
        PEER = HC_NOTICE_PEER, DRAIN = HC_NOTICE_DRAIN, RELOAD = HC_NOTICE_RELOAD, DEADLINE = HC_NOTICE_DEADLINE,
    }
}

numbers! {
    /// `enum hc_task_kind`: why a task was started.
    task_kind: u32 {
        REQUEST = HC_TASK_REQUEST, BACKGROUND = HC_TASK_BACKGROUND, CHILD = HC_TASK_CHILD, MEMBER = HC_TASK_MEMBER,
    }
}

numbers! {
    /// `enum hc_module_flag`: what a module declares about itself.
    module_flag: u32 {
        THREAD_BOUND = HC_MODULE_THREAD_BOUND, MIGRATES = HC_MODULE_MIGRATES, BLOCKING = HC_MODULE_BLOCKING,
    }
}

numbers! {
    /// `enum hc_log_level`: how much a log line matters.
    log_level: u32 {
        ERROR = HC_LOG_ERROR, WARN = HC_LOG_WARN, INFO = HC_LOG_INFO, DEBUG = HC_LOG_DEBUG, TRACE = HC_LOG_TRACE,
    }
}

numbers! {
    /// `enum hc_limit`: limits that a module may ask for.
    limit: u32 {
        OPERATIONS = HC_LIMIT_OPERATIONS, RESPOND_BYTES = HC_LIMIT_RESPOND_BYTES, HEAD_BYTES = HC_LIMIT_HEAD_BYTES,
        BODY_BYTES = HC_LIMIT_BODY_BYTES, TASKS = HC_LIMIT_TASKS, DISPATCH_DEPTH = HC_LIMIT_DISPATCH_DEPTH,
    }
}

numbers! {
    /// `enum hc_lease_end`: how a lease is given back.
    lease_end: u32 { CLEAN = HC_LEASE_CLEAN, DIRTY = HC_LEASE_DIRTY, BROKEN = HC_LEASE_BROKEN }
}

numbers! {
    /// `enum hc_address_family`: what an address is of.
    address_family: u16 {
        UNKNOWN = HC_ADDRESS_UNKNOWN, UNIX = HC_ADDRESS_UNIX, IPV4 = HC_ADDRESS_IPV4, IPV6 = HC_ADDRESS_IPV6,
    }
}

numbers! {
    /// `enum hc_fd_interest`: what is awaited of a descriptor (hc.fd/1).
    fd_interest: u32 { READ = HC_FD_READ, WRITE = HC_FD_WRITE }
}

numbers! {
    /// `enum hc_dispatch_flag`: how a child is opened (hc.dispatch/1).
    dispatch_flag: u32 { ROUTE = HC_DISPATCH_ROUTE, BODY = HC_DISPATCH_BODY }
}

numbers! {
    /// `enum hc_sql_type`: the type of a value (hc.sql/1).
    sql_type: u32 {
        NULL = HC_SQL_NULL, BOOL = HC_SQL_BOOL, INT64 = HC_SQL_INT64, FLOAT64 = HC_SQL_FLOAT64, TEXT = HC_SQL_TEXT,
        BYTES = HC_SQL_BYTES,
    }
}

numbers! {
    /// `enum hc_sql_flag`: how a statement is run (hc.sql/1).
    sql_flag: u32 { ONCE = HC_SQL_ONCE, SCRIPT = HC_SQL_SCRIPT }
}

numbers! {
    /// `enum hc_sql_transaction`: how a transaction is begun or ended (hc.sql/1).
    sql_transaction: u32 {
        BEGIN = HC_SQL_BEGIN, BEGIN_READ = HC_SQL_BEGIN_READ, COMMIT = HC_SQL_COMMIT, ROLLBACK = HC_SQL_ROLLBACK,
    }
}

numbers! {
    /// `enum hc_kv_operation`: what is done with a key or a channel (hc.kv/1).
    kv_operation: u32 {
        GET = HC_KV_GET, SET = HC_KV_SET, ADD = HC_KV_ADD, DELETE = HC_KV_DELETE, EXPIRE = HC_KV_EXPIRE,
        PUBLISH = HC_KV_PUBLISH, SUBSCRIBE = HC_KV_SUBSCRIBE, UNSUBSCRIBE = HC_KV_UNSUBSCRIBE,
    }
}

numbers! {
    /// `enum hc_kv_flag`: on what condition, and with which time to live (hc.kv/1).
    kv_flag: u32 {
        IF_ABSENT = HC_KV_IF_ABSENT, IF_PRESENT = HC_KV_IF_PRESENT, IF_EQUAL = HC_KV_IF_EQUAL,
        KEEP_TTL = HC_KV_KEEP_TTL,
    }
}

numbers! {
    /// `enum hc_member_request_kind`: what a member is asked to do (hc.provider/1).
    member_request: u32 {
        STATEMENT = HC_MEMBER_STATEMENT, TRANSACTION = HC_MEMBER_TRANSACTION, KV = HC_MEMBER_KV,
        RESET = HC_MEMBER_RESET, CHECK = HC_MEMBER_CHECK, INTERRUPT = HC_MEMBER_INTERRUPT, CLOSE = HC_MEMBER_CLOSE,
    }
}

numbers! {
    /// `enum hc_member_flag`: in what state a request left a member (hc.provider/1).
    member_flag: u32 { BROKEN = HC_MEMBER_BROKEN, DIRTY = HC_MEMBER_DIRTY }
}

/// Every module flag that this version knows; a module with another one is not loaded.
pub const KNOWN_MODULE_FLAGS: u32 = module_flag::THREAD_BOUND | module_flag::MIGRATES | module_flag::BLOCKING;

/// The extension id `hc.fd/1`.
pub const FD_ID: &str = "hc.fd/1";
/// The extension id `hc.dispatch/1`.
pub const DISPATCH_ID: &str = "hc.dispatch/1";
/// The extension id `hc.sql/1`.
pub const SQL_ID: &str = "hc.sql/1";
/// The extension id `hc.kv/1`.
pub const KV_ID: &str = "hc.kv/1";
/// The extension id `hc.pool/1`.
pub const POOL_ID: &str = "hc.pool/1";
/// The extension id `hc.limit/1`.
pub const LIMIT_ID: &str = "hc.limit/1";
/// The extension id `hc.offload/1`.
pub const OFFLOAD_ID: &str = "hc.offload/1";
/// The extension id `hc.provider/1`.
pub const PROVIDER_ID: &str = "hc.provider/1";

/// The name of the one symbol that a module exports.
pub const ENTRY_NAME: &str = "hc_module_entry";
/// The section of the ELF note.
pub const NOTE_SECTION: &str = ".note.http_container";
/// The owner of the ELF note, not terminated.
pub const NOTE_OWNER: &str = "HTTP-Container";
/// The type of the ELF note.
pub const NOTE_TYPE: u32 = raw::HC_NOTE_TYPE;
