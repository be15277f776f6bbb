//! hc.sql/1: statements and values, rows and outcomes, transactions.

use std::ptr::{null, null_mut};

use crate::c_module::{
    BROKEN, CModule, INVALID, LIMIT, NONE, OK, UNSUPPORTED, bad_values, bytes, call, options_sizes,
    output_sizes, value,
};
use crate::support::fake_host::FakeHost;
use http_container_abi::raw::*;
use http_container_abi::{Status, sql_table};

const QUERY: &str = "hc.sql/1 query";

fn statement(text: &[u8], flags: u32, values: &[hc_sql_value]) -> hc_sql_statement {
    let (data, value_count) = (if values.is_empty() { null() } else { values.as_ptr() }, values.len());
    let size = size_of::<hc_sql_statement>() as u32;
    hc_sql_statement { size, flags, text: hc_bytes::of(text), values: data, value_count }
}

fn query(module: &CModule, statement: &hc_sql_statement) -> i32 {
    call!(module, sql_table.query(1, 2, 3, &raw const *statement))
}

#[test]
fn a_statement_arrives_with_its_values() {
    let module = CModule::new();
    let values = [
        value(HC_SQL_NULL, 9, 9.0, b"ignored"),
        value(HC_SQL_BOOL, 1, 0.0, b""),
        value(HC_SQL_BOOL, 0, 0.0, b""),
        value(HC_SQL_INT64, i64::MIN, 0.0, b""),
        value(HC_SQL_FLOAT64, 0, -0.5, b""),
        value(HC_SQL_TEXT, 0, 0.0, "gr\u{fc}n\0".as_bytes()),
        value(HC_SQL_BYTES, 0, 0.0, b"\xff\0"),
        hc_sql_value { bytes: NONE, ..value(HC_SQL_TEXT, 0, 0.0, b"") },
    ];
    module.saw(
        query(&module, &statement("SELECT '\u{fc}'".as_bytes(), HC_SQL_ONCE, &values)),
        "sql_query(1, 2, 3, 1, SELECT '\u{fc}', [Null, Bool(true), Bool(false), Int64(-9223372036854775808), \
         Float64(-0.5), Text(\"gr\u{fc}n\\0\"), Bytes([255, 0]), Text(\"\")])",
    );
    let script = statement(b"A; B", HC_SQL_SCRIPT | HC_SQL_ONCE, &[]);
    module.saw(query(&module, &script), "sql_query(1, 2, 3, 3, A; B, [])");
    module.fake().answer(Status::PENDING);
    assert_eq!(query(&module, &script), 1);
}

#[test]
fn a_statement_that_breaks_a_rule_is_refused() {
    let module = CModule::new();
    let refused = |statement: &hc_sql_statement, status, rule| {
        module.refused(query(&module, statement), status, QUERY, rule);
    };
    refused(&statement(b"SELECT\0", 0, &[]), INVALID, "sql.query");
    refused(&statement(b"SELECT \xe9", 0, &[]), INVALID, "sql.query");
    refused(&hc_sql_statement { text: BROKEN, ..statement(b"", 0, &[]) }, INVALID, "host.call.null");
    for flags in [4, 5, 1 << 31] {
        refused(&statement(b"SELECT 1", flags, &[]), UNSUPPORTED, "sql.query");
    }
    let one = [value(HC_SQL_INT64, 1, 0.0, b"")];
    refused(&statement(b"SELECT $1", HC_SQL_SCRIPT, &one), INVALID, "sql.script");
    for (bad, rule, what) in bad_values() {
        let statement = statement(b"SELECT $1, $2", 0, &[one[0], bad]);
        let answer = query(&module, &statement);
        assert_eq!(answer, INVALID, "{what}");
        module.refused(answer, INVALID, QUERY, rule);
    }
}

#[test]
fn a_statement_has_a_thousand_values_at_most() {
    let module = CModule::new();
    let values = [value(HC_SQL_NULL, 0, 0.0, b""); 1001];
    assert_eq!(query(&module, &statement(b"S", 0, &values[..1000])), OK);
    assert_eq!(module.fake().take_calls().len(), 1);
    let many = statement(b"S", 0, &values);
    module.refused(query(&module, &many), LIMIT, QUERY, "sql.query.values");
    let absurd = hc_sql_statement { value_count: usize::MAX, ..many };
    module.refused(query(&module, &absurd), LIMIT, QUERY, "sql.query.values");
    let nowhere = hc_sql_statement { values: null(), ..statement(b"S", 0, &values[..1]) };
    module.refused(query(&module, &nowhere), INVALID, QUERY, "host.call.null");
    let odd = hc_sql_statement { values: values.as_ptr().wrapping_byte_add(1), ..nowhere };
    module.refused(query(&module, &odd), INVALID, QUERY, "overview.undefined");
}

#[test]
fn sizes_of_the_structures() {
    let module = CModule::new();
    let known = statement(b"S", 0, &[]);
    options_sizes(&module, known, QUERY, |given| call!(module, sql_table.query(1, 2, 3, given)));
    let rows = hc_sql_rows { size: 0, reserved: 0, values: null(), row_count: 0, column_count: 0 };
    output_sizes(&module, rows, "hc.sql/1 rows", |place| call!(module, sql_table.rows(1, 2, 3, place)));
    let outcome = hc_sql_outcome { size: 0, status: 0, affected: 0, code: NONE, message: NONE };
    output_sizes(&module, outcome, "hc.sql/1 outcome", |place| call!(module, sql_table.outcome(1, 2, place)));
}

#[test]
fn columns_are_answered() {
    let module = CModule::new();
    let (mut names, mut count): (*const hc_bytes, usize) = (null(), 7);
    let columns = "hc.sql/1 columns";
    let answer = call!(module, sql_table.columns(1, 2, null_mut(), &raw mut count));
    module.refused(answer, INVALID, columns, "host.call.null");
    let answer = call!(module, sql_table.columns(1, 2, &raw mut names, null_mut()));
    module.refused(answer, INVALID, columns, "host.call.null");
    module.fake().answer(Status::E_STATE);
    assert_eq!(call!(module, sql_table.columns(1, 2, &raw mut names, &raw mut count)), Status::E_STATE.0);
    assert_eq!((names, count), (null(), 7), "a refused call writes nothing");
    module.fake().answer(Status::OK);
    module.fake().take_calls();
    module.saw(call!(module, sql_table.columns(1, 2, &raw mut names, &raw mut count)), "sql_columns(1, 2)");
    assert_eq!(count, 2);
    // SAFETY: the fake host keeps two names.
    let found = unsafe { std::slice::from_raw_parts(names, count) };
    assert_eq!((bytes(found[0]), bytes(found[1])), (&b"id"[..], &b"name"[..]));
}

#[test]
fn rows_are_answered() {
    let module = CModule::new();
    let size = size_of::<hc_sql_rows>() as u32;
    let empty = hc_sql_rows { size, reserved: 9, values: null(), row_count: 9, column_count: 9 };
    let mut rows = empty;
    for status in [Status::PENDING, Status::END, Status::E_RESOURCE] {
        module.fake().answer(status);
        assert_eq!(call!(module, sql_table.rows(1, 2, 3, &raw mut rows)), status.0);
        assert_eq!((rows.row_count, module.fake().take_calls().len()), (9, 1), "{status}");
    }
    module.fake().answer(Status::OK);
    module.saw(call!(module, sql_table.rows(1, 2, 3, &raw mut rows)), "sql_rows(1, 2, 3)");
    assert_eq!((rows.size, rows.reserved, rows.row_count, rows.column_count), (size, 0, 2, 2));
    // SAFETY: the fake host keeps four values.
    let values = unsafe { std::slice::from_raw_parts(rows.values, 4) };
    let types: Vec<u32> = values.iter().map(|value| value.type_).collect();
    assert_eq!(types, [HC_SQL_INT64, HC_SQL_TEXT, HC_SQL_NULL, HC_SQL_BYTES]);
    assert_eq!(
        (values[0].integer, bytes(values[1].bytes), bytes(values[3].bytes)),
        (1, &b"one"[..], &b"\xff"[..])
    );
    assert!(values[0].bytes.data.is_null() && values.iter().all(|value| value.reserved == 0));
}

#[test]
fn the_outcome_is_answered() {
    let module = CModule::new();
    let size = size_of::<hc_sql_outcome>() as u32;
    let mut outcome = hc_sql_outcome { size, status: 0, affected: 0, code: NONE, message: NONE };
    module.saw(call!(module, sql_table.outcome(1, 2, &raw mut outcome)), "sql_outcome(1, 2)");
    assert_eq!((outcome.size, outcome.status, outcome.affected), (size, Status::E_FAILED.0, 3));
    assert_eq!((bytes(outcome.code), bytes(outcome.message)), (&b"23505"[..], &b"there is one already"[..]));
}

#[test]
fn a_transaction_begins_or_ends() {
    let module = CModule::new();
    for what in [HC_SQL_BEGIN, HC_SQL_BEGIN_READ, HC_SQL_COMMIT, HC_SQL_ROLLBACK] {
        let answer = call!(module, sql_table.transaction(1, 2, 3, what));
        module.saw(answer, &format!("sql_transaction(1, 2, 3, {what})"));
    }
    for what in [0, 5, u32::MAX] {
        let answer = call!(module, sql_table.transaction(1, 2, 3, what));
        module.refused(answer, INVALID, "hc.sql/1 transaction", "sql.transaction");
    }
}

#[test]
fn the_lease_stands_before_the_arguments() {
    let module = CModule::new();
    *module.fake().before_lease.lock().unwrap() = Status::E_GONE;
    assert_eq!(call!(module, sql_table.query(1, 2, 3, null())), Status::E_GONE.0);
    assert_eq!(call!(module, sql_table.transaction(1, 2, 3, 77)), Status::E_GONE.0);
    assert_eq!(module.fake().take_calls(), [""; 0]);
}

#[test]
fn a_panic_of_the_host_is_answered_with_a_failure() {
    let module = CModule::new();
    *module.fake().panics_in.lock().unwrap() = "sql_query";
    assert_eq!(query(&module, &statement(b"S", 0, &[])), Status::E_FAILED.0);
    let calls = module.fake().take_calls();
    assert_eq!(calls[1], "panicked hc.sql/1 query: the fake host was told to panic in sql_query");
}
