//! A C program prints every size, alignment, offset and constant of the header, and the Rust side has to agree with each.
//! Whatever is in raw.rs and not in the lists here is a failure too.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::mem::{align_of, offset_of, size_of};
use std::process::Command;

use http_container_abi::constants;
use http_container_abi::raw::*;

/// The headers of the extensions, by name.
const EXTENSIONS: [&str; 8] = ["fd", "dispatch", "offload", "sql", "kv", "pool", "limit", "provider"];

type Facts = BTreeMap<String, i128>;

macro_rules! structures {
    ($facts:ident; $($type:ident { $($member:ident),* $(,)? })*) => {$(
        $facts.insert(concat!("size ", stringify!($type)).into(), size_of::<$type>() as i128);
        $facts.insert(concat!("align ", stringify!($type)).into(), align_of::<$type>() as i128);
        $($facts.insert(
            concat!("offset ", stringify!($type), ".", stringify!($member)).into(),
            offset_of!($type, $member) as i128,
        );)*
    )*};
}

macro_rules! constants {
    ($facts:ident; $($name:ident),* $(,)?) => {
        $($facts.insert(concat!("const ", stringify!($name)).into(), $name as i128);)*
    };
}

fn structure_facts(facts: &mut Facts) {
    structures! { facts;
        hc_bytes { data, size }
        hc_field { name, value }
        hc_address { ip, port, family }
        hc_event { token, value, status, kind }
        hc_tls { size, version, cipher, server_name, protocol, certificate }
        hc_request {
            size, version, id, method, target, scheme, authority, path, query, protocol, fields, field_count,
            content_length, deadline_ns, peer, local, tls,
        }
        hc_response { size, status, fields, field_count, body, content_length }
        hc_host {
            size, abi_major, abi_minor, extension, log, now, worker_index, worker_count, limit, refusal, body_read,
            body_trailers, respond, inform, response_start, response_write, response_end, abort, completion, complete,
            timer, cancel, notices, spawn, task_cancel, resource, acquire, release, lease_interface,
        }
        hc_start { size, kind, request, arg, leases, lease_count }
        hc_module {
            size, abi_major, abi_minor, flags, reserved, id, version, description, config_schema, create, destroy,
            worker_start, worker_stop, start, resume, finish,
        }
        hc_fd { size, reserved, add, wait, remove }
        hc_dispatch_options { size, flags, request, body }
        hc_dispatch { size, reserved, open, head, read, trailers, close }
    }
    resource_structure_facts(facts);
    for (name, size, align) in [
        ("hc_status", size_of::<hc_status>(), align_of::<hc_status>()),
        ("hc_task", size_of::<hc_task>(), align_of::<hc_task>()),
        ("hc_completion", size_of::<hc_completion>(), align_of::<hc_completion>()),
        ("hc_lease", size_of::<hc_lease>(), align_of::<hc_lease>()),
        ("hc_resource", size_of::<hc_resource>(), align_of::<hc_resource>()),
        ("hc_token", size_of::<hc_token>(), align_of::<hc_token>()),
        ("hc_fd_handle", size_of::<hc_fd_handle>(), align_of::<hc_fd_handle>()),
    ] {
        facts.insert(format!("size {name}"), size as i128);
        facts.insert(format!("align {name}"), align as i128);
    }
}

fn resource_structure_facts(facts: &mut Facts) {
    structures! { facts;
        hc_work { size, reserved, run, drop, arg }
        hc_offload { size, reserved, run }
        hc_sql_value { type_, reserved, integer, real, bytes }
        hc_sql_statement { size, flags, text, values, value_count }
        hc_sql_rows { size, reserved, values, row_count, column_count }
        hc_sql_outcome { size, status, affected, code, message }
        hc_sql { size, reserved, query, columns, rows, outcome, transaction }
        hc_kv_request { size, operation, flags, reserved, key, value, expected, number, ttl_ms }
        hc_kv_reply { size, found, value, number, ttl_ms }
        hc_kv_message { size, reserved, channel, value }
        hc_kv { size, reserved, run, reply, message }
        hc_pool { size, reserved, object }
        hc_usage { size, max, in_use, idle, waiting, available }
        hc_limit_table { size, reserved, usage }
        hc_member_request { size, kind, statement, kv, transaction, reserved }
        hc_member_result { size, status, flags, reserved, affected, code, message, reply }
        hc_provider { size, reserved, offer, ready, explain, object, next, columns, rows, message, done }
    }
}

fn constant_facts(facts: &mut Facts) {
    constants! { facts;
        HC_ABI_MAJOR, HC_ABI_MINOR, HC_WORKER_ANY, HC_WORKER_SELF, HC_WORKER_NONE, HC_NOTE_TYPE,
        HC_OK, HC_PENDING, HC_END, HC_DISCARDED, HC_E_FAILED, HC_E_GONE, HC_E_STATE, HC_E_INVALID, HC_E_BUSY,
        HC_E_TOKEN, HC_E_TIMEOUT, HC_E_CANCELLED, HC_E_LIMIT, HC_E_UNSUPPORTED, HC_E_THREAD, HC_E_DRAINING, HC_E_PEER,
        HC_E_LOST, HC_E_TOO_LATE, HC_E_RESOURCE, HC_E_MEMORY, HC_E_FIELD, HC_E_PANIC, HC_E_VERSION, HC_E_CONFIG,
        HC_E_IO, HC_CANCELLED_PEER, HC_CANCELLED_DEADLINE, HC_CANCELLED_DRAIN, HC_CANCELLED_RELOAD,
        HC_CANCELLED_PARENT, HC_CANCELLED_MODULE, HC_CANCELLED_FAULT,
        HC_ADDRESS_UNKNOWN, HC_ADDRESS_UNIX, HC_ADDRESS_IPV4, HC_ADDRESS_IPV6,
        HC_EVENT_BODY, HC_EVENT_WRITE, HC_EVENT_TIMER, HC_EVENT_COMPLETION, HC_EVENT_ACQUIRE, HC_EVENT_NOTICE,
        HC_EVENT_FD, HC_EVENT_CHILD_HEAD, HC_EVENT_CHILD_BODY, HC_EVENT_OFFLOAD, HC_EVENT_SQL, HC_EVENT_SQL_ROWS,
        HC_EVENT_KV, HC_EVENT_KV_MESSAGE, HC_EVENT_MEMBER, HC_EVENT_MEMBER_ROOM,
        HC_NOTICE_PEER, HC_NOTICE_DRAIN, HC_NOTICE_RELOAD, HC_NOTICE_DEADLINE,
        HC_LOG_ERROR, HC_LOG_WARN, HC_LOG_INFO, HC_LOG_DEBUG, HC_LOG_TRACE,
        HC_LEASE_CLEAN, HC_LEASE_DIRTY, HC_LEASE_BROKEN,
        HC_LIMIT_OPERATIONS, HC_LIMIT_RESPOND_BYTES, HC_LIMIT_HEAD_BYTES, HC_LIMIT_BODY_BYTES, HC_LIMIT_TASKS,
        HC_LIMIT_DISPATCH_DEPTH,
        HC_TASK_REQUEST, HC_TASK_BACKGROUND, HC_TASK_CHILD, HC_TASK_MEMBER,
        HC_MODULE_THREAD_BOUND, HC_MODULE_MIGRATES, HC_MODULE_BLOCKING,
        HC_FD_READ, HC_FD_WRITE, HC_DISPATCH_ROUTE, HC_DISPATCH_BODY,
        HC_SQL_NULL, HC_SQL_BOOL, HC_SQL_INT64, HC_SQL_FLOAT64, HC_SQL_TEXT, HC_SQL_BYTES, HC_SQL_ONCE, HC_SQL_SCRIPT,
        HC_SQL_BEGIN, HC_SQL_BEGIN_READ, HC_SQL_COMMIT, HC_SQL_ROLLBACK,
        HC_KV_GET, HC_KV_SET, HC_KV_ADD, HC_KV_DELETE, HC_KV_EXPIRE, HC_KV_PUBLISH, HC_KV_SUBSCRIBE, HC_KV_UNSUBSCRIBE,
        HC_KV_IF_ABSENT, HC_KV_IF_PRESENT, HC_KV_IF_EQUAL, HC_KV_KEEP_TTL,
        HC_MEMBER_STATEMENT, HC_MEMBER_TRANSACTION, HC_MEMBER_KV, HC_MEMBER_RESET, HC_MEMBER_CHECK,
        HC_MEMBER_INTERRUPT, HC_MEMBER_CLOSE, HC_MEMBER_BROKEN, HC_MEMBER_DIRTY,
    }
    // What bindgen does not translate, and what is given by hand.
    facts.insert("const HC_LENGTH_UNKNOWN".into(), constants::LENGTH_UNKNOWN.into());
    facts.insert("const HC_NO_DEADLINE".into(), constants::NO_DEADLINE.into());
    facts.insert("const HC_DONE".into(), http_container_abi::Status::DONE.0.into());
    facts.insert("const HC_YIELD".into(), http_container_abi::Status::YIELD.0.into());
    facts.insert("const HC_FAIL".into(), http_container_abi::Status::FAIL.0.into());
    for row in http_container_abi::Status::TABLE {
        let before = facts.insert(format!("const {}", row.name), row.status.0.into());
        assert_eq!(before, Some(row.status.0.into()), "{}", row.name);
    }
}

fn rust_facts() -> Facts {
    let mut facts = Facts::new();
    structure_facts(&mut facts);
    constant_facts(&mut facts);
    facts
}

/// A C99 program that prints the same facts. Enumeration constants and macros alike are widened by their sign.
fn probe_source(facts: &Facts) -> String {
    let mut source = String::from("#include <stdio.h>\n#include \"http_container.h\"\n");
    for extension in EXTENSIONS {
        writeln!(source, "#include \"http_container/ext/{extension}.h\"").unwrap();
    }
    source.push_str(
        "#define NUMBER(name) ((name) < 1 ? printf(\"const %s %lld\\n\", #name, (long long)(name)) \\\n\
         \x20                              : printf(\"const %s %llu\\n\", #name, (unsigned long long)(name)))\n\
         int main(void) {\n",
    );
    for fact in facts.keys() {
        let (kind, what) = fact.split_once(' ').unwrap();
        let line = match kind {
            "size" => format!("printf(\"{fact} %zu\\n\", sizeof({what}));"),
            "align" => format!(
                "{{ struct p {{ char c; {what} t; }}; printf(\"{fact} %zu\\n\", offsetof(struct p, t)); }}"
            ),
            "offset" => {
                let (structure, member) = what.split_once('.').unwrap();
                // bindgen gives a member whose name is a keyword of Rust an underscore at its end.
                let member = member.trim_end_matches('_');
                format!("printf(\"{fact} %zu\\n\", offsetof({structure}, {member}));")
            }
            _ => format!("NUMBER({what});"),
        };
        writeln!(source, "  {line}").unwrap();
    }
    source + "  return 0;\n}\n"
}

#[test]
fn c_and_rust_agree_on_every_size_offset_and_constant() {
    let facts = rust_facts();
    let program = support::scratch("probe").join("probe");
    support::cc(&probe_source(&facts), &program, &["-Wno-type-limits"]);
    let run = Command::new(&program).output().expect("the probe runs");
    assert!(run.status.success());
    let printed = String::from_utf8(run.stdout).unwrap();
    let found: Facts = printed
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(fact, number)| (fact.to_owned(), number.parse().unwrap()))
        .collect();
    assert_eq!(found, facts);
}

#[test]
fn the_lists_leave_nothing_out() {
    let facts = rust_facts();
    let mut structure = String::new();
    let (mut members, mut numbers) = (0, 0);
    for line in include_str!("../src/raw.rs").lines() {
        if let Some(name) = line.strip_prefix("pub struct ") {
            structure = name.trim_end_matches(" {").to_owned();
            assert!(facts.contains_key(&format!("size {structure}")), "{structure} is in no list");
        } else if let Some(rest) = line.strip_prefix("    pub ") {
            let member = rest.split(':').next().unwrap();
            assert!(
                facts.contains_key(&format!("offset {structure}.{member}")),
                "{structure}.{member} is in no list"
            );
            members += 1;
        } else if let Some(rest) = line.strip_prefix("pub const ").filter(|rest| !rest.contains("CStr")) {
            let name = rest.split(':').next().unwrap();
            assert!(facts.contains_key(&format!("const {name}")), "{name} is in no list");
            numbers += 1;
        }
    }
    assert!(
        members > 80 && numbers > 80,
        "raw.rs was not understood: {members} members, {numbers} constants"
    );
}

#[test]
fn texts_of_the_header_are_those_of_rust() {
    let texts = [
        (HC_MODULE_ENTRY_NAME, constants::ENTRY_NAME),
        (HC_NOTE_SECTION, constants::NOTE_SECTION),
        (HC_NOTE_OWNER, constants::NOTE_OWNER),
        (HC_FD_ID, constants::FD_ID),
        (HC_DISPATCH_ID, constants::DISPATCH_ID),
        (HC_OFFLOAD_ID, constants::OFFLOAD_ID),
        (HC_SQL_ID, constants::SQL_ID),
        (HC_KV_ID, constants::KV_ID),
        (HC_POOL_ID, constants::POOL_ID),
        (HC_LIMIT_ID, constants::LIMIT_ID),
        (HC_PROVIDER_ID, constants::PROVIDER_ID),
    ];
    for (raw, ours) in texts {
        assert_eq!(raw.to_str(), Ok(ours));
    }
    assert_eq!(include_str!("../src/raw.rs").matches("CStr =").count(), texts.len(), "a text is in no list");
}
