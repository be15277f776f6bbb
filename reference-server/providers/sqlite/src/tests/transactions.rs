//! Transactions: who may begin and end them, what is left when one fails, and what a reset undoes.

use http_container::provider::TransactionKind;

use super::{Place, begin, commit, failed, failure, rows, run};
use crate::session::Session;

fn table(place: &Place) -> Session {
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (0)");
    session
}

#[test]
fn a_commit_keeps_and_a_rollback_undoes() {
    let place = Place::memory();
    let mut session = table(&place);
    begin(&mut session);
    run(&mut session, "INSERT INTO t VALUES (1)");
    assert!(session.is_dirty());
    commit(&mut session);
    assert!(!session.is_dirty());
    begin(&mut session);
    run(&mut session, "INSERT INTO t VALUES (2)");
    session.transact(TransactionKind::Rollback).unwrap();
    assert!(!session.is_dirty());
    assert_eq!(rows(&mut session, "SELECT a FROM t"), ["Int64(0)", "Int64(1)"]);
}

#[test]
fn begins_and_ends_must_alternate() {
    let place = Place::memory();
    let mut session = table(&place);
    for end in [TransactionKind::Commit, TransactionKind::Rollback] {
        assert_eq!(failed(session.transact(end)).code, "25P01");
        begin(&mut session);
        for again in [TransactionKind::Begin, TransactionKind::BeginRead] {
            assert_eq!(failed(session.transact(again)).code, "25001");
        }
        session.transact(end).unwrap();
    }
    run(&mut session, "BEGIN");
    assert_eq!(failed(session.transact(TransactionKind::Begin)).code, "25001");
    commit(&mut session);
}

#[test]
fn a_transaction_for_reading_refuses_what_writes() {
    let place = Place::memory();
    let mut session = table(&place);
    session.transact(TransactionKind::BeginRead).unwrap();
    assert_eq!(failure(&mut session, "INSERT INTO t VALUES (1)").code, "25006");
    assert_eq!(failed(session.script("SELECT 1; DELETE FROM t")).code, "25006");
    assert_eq!(rows(&mut session, "SELECT a FROM t"), ["Int64(0)"]);
    commit(&mut session);
    run(&mut session, "INSERT INTO t VALUES (1)");
}

#[test]
fn a_reader_sees_one_state_while_others_write() {
    let place = Place::file("");
    let mut writer = table(&place);
    let mut reader = place.session();
    reader.transact(TransactionKind::BeginRead).unwrap();
    assert_eq!(rows(&mut reader, "SELECT count(*) FROM t"), ["Int64(1)"]);
    run(&mut writer, "INSERT INTO t VALUES (1)");
    assert_eq!(rows(&mut reader, "SELECT count(*) FROM t"), ["Int64(1)"]);
    commit(&mut reader);
    assert_eq!(rows(&mut reader, "SELECT count(*) FROM t"), ["Int64(2)"]);
}

#[test]
fn a_commit_that_fails_leaves_no_transaction() {
    let place = Place::memory();
    let mut session = table(&place);
    run(&mut session, "CREATE TABLE c (t REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)");
    begin(&mut session);
    run(&mut session, "INSERT INTO c VALUES (77)");
    assert_eq!(failed(session.transact(TransactionKind::Commit)).code, "23503");
    assert!(!session.is_dirty());
    assert_eq!(rows(&mut session, "SELECT count(*) FROM c"), ["Int64(0)"]);
}

#[test]
fn a_failed_statement_leaves_the_transaction_as_it_was() {
    let place = Place::memory();
    let mut session = table(&place);
    begin(&mut session);
    run(&mut session, "INSERT INTO t VALUES (1)");
    assert_eq!(failure(&mut session, "INSERT INTO t VALUES (1)").code, "23505");
    commit(&mut session);
    assert_eq!(rows(&mut session, "SELECT count(*) FROM t"), ["Int64(2)"]);
}

#[test]
fn nothing_is_done_outside_of_a_transaction_that_sqlite_has_rolled_back() {
    let place = Place::memory();
    let mut session = table(&place);
    let roll_back = "INSERT OR ROLLBACK INTO t VALUES (0)";
    begin(&mut session);
    assert_eq!(failure(&mut session, roll_back).code, "23505");
    assert!(session.is_dirty());
    assert_eq!(failure(&mut session, "INSERT INTO t VALUES (1)").code, "25P02");
    assert_eq!(failed(session.script("INSERT INTO t VALUES (1)")).code, "25P02");
    assert_eq!(failed(session.transact(TransactionKind::Begin)).code, "25P02");
    assert_eq!(failed(session.transact(TransactionKind::Commit)).code, "40000");
    assert!(!session.is_dirty());

    begin(&mut session);
    failure(&mut session, roll_back);
    session.transact(TransactionKind::Rollback).unwrap();
    begin(&mut session);
    failure(&mut session, roll_back);
    assert!(rows(&mut session, " rollback ; ").is_empty());
    assert!(!session.is_dirty());
    assert_eq!(rows(&mut session, "SELECT a FROM t"), ["Int64(0)"]);
}

#[test]
fn a_reset_rolls_back_whoever_began() {
    let place = Place::file("");
    let mut session = table(&place);
    for text in ["", "BEGIN", "SAVEPOINT s"] {
        match text {
            "" => begin(&mut session),
            text => assert!(rows(&mut session, text).is_empty()),
        }
        run(&mut session, "INSERT INTO t VALUES (1)");
        assert!(session.is_dirty(), "{text}");
        session.reset().unwrap();
        assert!(!session.is_dirty(), "{text}");
        assert_eq!(rows(&mut session, "SELECT a FROM t"), ["Int64(0)"], "{text}");
        // Its turn to write is over, too.
        run(&mut place.session(), "INSERT INTO t VALUES (2); DELETE FROM t WHERE a = 2");
    }
}

#[test]
fn a_reset_undoes_what_was_set() {
    let place = Place::file("");
    let mut session = table(&place);
    let attached = format!("ATTACH '{}' AS more", place.folder.path().join("more.db").display());
    let statements = [
        ("PRAGMA foreign_keys = off", "SELECT * FROM pragma_foreign_keys", "Int64(1)"),
        ("PRAGMA cache_size(7)", "SELECT cache_size <> 7 FROM pragma_cache_size", "Int64(1)"),
        ("CREATE TEMP TABLE mine (a)", "SELECT count(*) FROM temp.sqlite_schema", "Int64(0)"),
        ("CREATE TEMP VIEW mine AS SELECT 1", "SELECT count(*) FROM temp.sqlite_schema", "Int64(0)"),
        (attached.as_str(), "SELECT count(*) FROM pragma_database_list WHERE name = 'more'", "Int64(0)"),
    ];
    for (alters, looks, expect) in statements {
        for is_script in [false, true] {
            match is_script {
                true => run(&mut session, alters),
                false => assert!(super::ask(&mut session, alters, &[]).is_ok()),
            }
            assert_ne!(rows(&mut session, looks), [expect], "{alters}");
            assert!(session.is_dirty(), "{alters}");
            session.reset().unwrap();
            assert_eq!(rows(&mut session, looks), [expect], "{alters}");
            assert!(!session.is_dirty(), "{alters}");
        }
    }
    for harmless in [
        "PRAGMA table_info(t)",
        "PRAGMA user_version = 3",
        "PRAGMA foreign_keys",
        "CREATE VIEW v AS SELECT 1",
    ] {
        super::ask(&mut session, harmless, &[]).unwrap();
        assert!(!session.is_dirty(), "{harmless}");
    }
}
