//! What statements answer: values of all types, names, numbers of rows.

use http_container::provider::SqlValue;

use super::{Place, ask, rows, run};

#[test]
fn all_types_go_in_and_come_out() {
    let place = Place::memory();
    let mut session = place.session();
    let values = [
        SqlValue::Null,
        SqlValue::Bool(true),
        SqlValue::Int64(i64::MIN),
        SqlValue::Float64(0.5),
        SqlValue::Text("a\0b \u{e4}"),
        SqlValue::Bytes(b"\xff\0"),
        SqlValue::Text(""),
        SqlValue::Bytes(b""),
    ];
    let answer = ask(&mut session, "SELECT $1, $2, $3, $4, $5 AS text, $6, $7, $8", &values).unwrap();
    let expect = "Null Int64(1) Int64(-9223372036854775808) Float64(0.5) Text(\"a\\0b \u{e4}\") Bytes([255, 0]) \
                  Text(\"\") Bytes([])";
    assert_eq!(answer.rows, [expect]);
    assert_eq!((answer.columns[0].as_str(), answer.columns[4].as_str(), answer.affected), ("$1", "text", 1));
}

#[test]
fn columns_that_are_declared_boolean_answer_truth_values() {
    let place = Place::memory();
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a BOOLEAN, b bool, c INTEGER)");
    let values = [SqlValue::Bool(true), SqlValue::Bool(false)];
    ask(&mut session, "INSERT INTO t VALUES ($1, $2, $1)", &values).unwrap();
    ask(&mut session, "INSERT INTO t VALUES (2, NULL, $1)", &[SqlValue::Text("x")]).unwrap();
    let expect = ["Bool(true) Bool(false) Int64(1)", "Int64(2) Null Text(\"x\")"];
    assert_eq!(rows(&mut session, "SELECT * FROM t"), expect);
    assert_eq!(
        rows(&mut session, "SELECT a AND b FROM t LIMIT 1"),
        ["Int64(0)"],
        "an expression declares nothing"
    );
}

#[test]
fn placeholders_go_by_their_number() {
    let place = Place::memory();
    let mut session = place.session();
    let mut check = |text: &str, count: i64, expect: &str| {
        let values: Vec<_> = (1..=count).map(|number| SqlValue::Int64(number * 10)).collect();
        assert_eq!(ask(&mut session, text, &values).unwrap().rows, [expect], "{text}");
    };
    check("SELECT $2, $1", 2, "Int64(20) Int64(10)");
    check("SELECT $1, $1 + $2, $1", 2, "Int64(10) Int64(30) Int64(10)");
    check("SELECT $10, $1, $2 -- $11", 10, "Int64(100) Int64(10) Int64(20)");
    check("SELECT '$2', $1, \"$3\" FROM (SELECT 7 AS \"$3\") /* $4 */", 1, "Text(\"$2\") Int64(10) Int64(7)");
    check("SELECT 1", 0, "Int64(1)");
}

#[test]
fn a_text_that_is_none_comes_as_bytes() {
    let place = Place::memory();
    let mut session = place.session();
    assert_eq!(rows(&mut session, "SELECT CAST(x'ff61' AS TEXT)"), ["Bytes([255, 97])"]);
}

#[test]
fn affected_says_what_changed_or_was_answered() {
    let place = Place::memory();
    let mut session = place.session();
    let mut check = |text: &str, affected: u64, row_count: usize| {
        let answer = ask(&mut session, text, &[]).unwrap();
        assert_eq!((answer.affected, answer.rows.len()), (affected, row_count), "{text}");
    };
    check("CREATE TABLE t (a)", 0, 0);
    check("INSERT INTO t VALUES (1), (2), (3)", 3, 0);
    check("CREATE TABLE u (a)", 0, 0);
    check("UPDATE t SET a = a + 1 WHERE a > 1", 2, 0);
    check("UPDATE t SET a = 0 WHERE a > 100", 0, 0);
    check("DELETE FROM t WHERE a = 1 RETURNING a", 1, 1);
    check("DELETE FROM t WHERE a = 1 RETURNING a", 0, 0);
    check("SELECT a FROM t", 2, 2);
    check("SELECT a FROM t WHERE a > 100", 0, 0);
    check("BEGIN", 0, 0);
    check("INSERT INTO u SELECT a FROM t", 2, 0);
    check("COMMIT", 0, 0);
}

#[test]
fn an_empty_answer_has_columns() {
    let place = Place::memory();
    let mut session = place.session();
    let answer = ask(&mut session, "SELECT 1 AS a, 2 AS b WHERE 1 = 0", &[]).unwrap();
    assert_eq!((answer.columns, answer.rows.len()), (vec!["a".to_owned(), "b".to_owned()], 0));
    assert!(ask(&mut session, "CREATE TABLE t (a)", &[]).unwrap().columns.is_empty());
}

#[test]
fn a_statement_that_was_prepared_sees_a_column_that_another_connection_adds() {
    let place = Place::file("");
    let (mut one, mut two) = (place.session(), place.session());
    run(&mut one, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    assert_eq!(rows(&mut one, "SELECT * FROM t"), ["Int64(1)"]);
    run(&mut two, "ALTER TABLE t ADD COLUMN b BOOLEAN DEFAULT 1");
    let answer = ask(&mut one, "SELECT * FROM t", &[]).unwrap();
    assert_eq!((answer.columns.len(), answer.rows), (2, vec!["Int64(1) Bool(true)".to_owned()]));
}

#[test]
fn a_script_runs_up_to_the_first_failure() {
    let place = Place::memory();
    let mut session = place.session();
    let text = "CREATE TABLE t (a UNIQUE); -- one\n INSERT INTO t VALUES (1), (2); SELECT * FROM t; DELETE FROM t WHERE a = 1;";
    assert_eq!(session.script(text).unwrap(), 1, "that of the last one");
    assert_eq!(session.script("  -- nothing\n").unwrap(), 0);
    let text = "INSERT INTO t VALUES (5); INSERT INTO t VALUES (2); INSERT INTO t VALUES (6)";
    assert_eq!(super::failed(session.script(text)).code, "23505");
    assert_eq!(rows(&mut session, "SELECT a FROM t"), ["Int64(2)", "Int64(5)"]);
}
