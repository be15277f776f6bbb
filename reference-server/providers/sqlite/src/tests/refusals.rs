//! Why statements fail: codes, words, and what is refused before SQLite sees it.

use http_container::provider::SqlValue;

use super::{Place, ask, failed, failure, run};
use crate::failure::Kind;

#[test]
fn failures_have_the_codes_of_other_databases() {
    let place = Place::memory();
    let mut session = place.session();
    run(
        &mut session,
        "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, age INTEGER CHECK (age >= 0));
         CREATE TABLE c (p INTEGER NOT NULL REFERENCES p (id)) STRICT;
         CREATE TRIGGER no BEFORE DELETE ON c BEGIN SELECT RAISE(ABORT, 'never'); END;
         INSERT INTO p VALUES (1, 'a', 1); INSERT INTO c VALUES (1);",
    );
    for (text, code, words) in [
        ("INSERT INTO p VALUES (1, 'b', 1)", "23505", "UNIQUE constraint failed: p.id"),
        ("INSERT INTO p VALUES (2, 'a', 1)", "23505", "UNIQUE constraint failed: p.name"),
        ("INSERT INTO p VALUES (2, NULL, 1)", "23502", "NOT NULL constraint failed: p.name"),
        ("INSERT INTO p VALUES (2, 'b', -1)", "23514", "CHECK constraint failed"),
        ("INSERT INTO c VALUES (7)", "23503", "FOREIGN KEY constraint failed"),
        ("INSERT INTO c VALUES ('x')", "42804", "cannot store TEXT value"),
        ("DELETE FROM c", "P0001", "never"),
        ("SELEC 1", "42601", "syntax error"),
        ("SELECT (", "42601", "incomplete input"),
        ("SELECT 1 #", "42601", "unrecognized token"),
        ("SELECT * FROM nowhere", "42P01", "no such table: nowhere"),
        ("SELECT missing FROM p", "42703", "no such column: missing"),
        ("SELECT \"missing\" FROM p", "42703", "no such column"),
        ("INSERT INTO p (missing) VALUES (1)", "42703", "no column named missing"),
        ("SELECT id FROM p JOIN p AS q", "42702", "ambiguous column name"),
        ("SELECT missing()", "42883", "no such function"),
        ("SELECT abs()", "42883", "wrong number of arguments"),
        ("CREATE TABLE p (a)", "42P07", "already exists"),
        ("CREATE TABLE q (a, a)", "42701", "duplicate column name"),
        ("INSERT INTO p VALUES (1)", "42601", "3 columns"),
        ("SELECT abs(-9223372036854775808)", "22003", "integer overflow"),
        ("SELECT json('{')", "22032", "malformed JSON"),
        ("RELEASE missing", "3B001", "no such savepoint"),
        ("", "42601", "no statement"),
        ("SELECT 1; SELECT 2", "42601", "several statements"),
    ] {
        let failure = failure(&mut session, text);
        assert_eq!((failure.kind, failure.code), (Kind::Refused, code), "{text}: {failure}");
        assert!(failure.message.contains(words), "{text}: {failure}");
    }
    assert!(!session.is_dirty(), "nothing of that changes the connection");
}

#[test]
fn values_and_placeholders_must_agree() {
    let place = Place::memory();
    let mut session = place.session();
    let one = SqlValue::Int64(1);
    for (text, values, code) in [
        ("SELECT $1", &[][..], "07001"),
        ("SELECT $2", &[one], "07001"),
        ("SELECT $1", &[one, one], "07001"),
        ("SELECT 1", &[one], "07001"),
        ("SELECT ?", &[one], "42P02"),
        ("SELECT ?1", &[one], "42P02"),
        ("SELECT :one", &[one], "42P02"),
        ("SELECT $one", &[one], "42P02"),
        ("SELECT $0", &[one], "42P02"),
        ("SELECT $01", &[one], "42P02"),
        ("SELECT $1", &[SqlValue::Float64(f64::NAN)], "22003"),
    ] {
        let failure = failed(ask(&mut session, text, values));
        assert_eq!((failure.kind, failure.code), (Kind::Refused, code), "{text}: {failure}");
    }
    assert_eq!(failed(session.script("SELECT $1")).code, "42P02");
}

#[test]
fn a_database_that_is_read_only_says_so() {
    let place = Place::file("");
    run(&mut place.session(), "CREATE TABLE t (a)");
    let mut session = place.elsewhere(r#","mode":"ro""#);
    assert_eq!(failure(&mut session, "INSERT INTO t VALUES (1)").code, "25006");
    assert_eq!(super::rows(&mut session, "SELECT count(*) FROM t"), ["Int64(0)"]);
}

#[test]
fn a_database_that_is_full_says_so() {
    let place = Place::file("");
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a); PRAGMA max_page_count = 10");
    assert_eq!(failure(&mut session, "INSERT INTO t VALUES (zeroblob(1000000))").code, "53100");
}

#[test]
fn a_file_that_is_no_longer_a_database_breaks_the_connection() {
    let place = Place::file(r#","journal_mode":"delete""#);
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a)");
    std::fs::write(place.folder.path().join("test.db"), [b'x'; 8192]).unwrap();
    let failure = failure(&mut session, "SELECT * FROM t");
    assert_eq!((failure.kind, failure.code), (Kind::Broken, "XX001"), "{failure}");
}
