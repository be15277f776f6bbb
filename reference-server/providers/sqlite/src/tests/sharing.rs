//! Several sessions of one database: turns to write, locks of other processes, interrupts.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use http_container::provider::TransactionKind;

use super::{Place, ask, begin, commit, failed, failure, rows, run};
use crate::failure::Kind;
use crate::row_queue::{Limits, RowQueue};
use crate::row_writer::RowWriter;
use crate::session::Stop;

const FOREVER: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[test]
fn who_writes_without_a_turn_is_told_to_wait_for_it() {
    let place = Place::file("");
    let (mut one, mut two) = (place.session(), place.session());
    run(&mut one, "CREATE TABLE t (a)");
    begin(&mut one);
    for text in ["INSERT INTO t VALUES (1)", "BEGIN IMMEDIATE", "CREATE TABLE u (a)"] {
        assert_eq!(ask(&mut two, text, &[]), Err(Stop::Turn), "{text}");
    }
    assert_eq!(two.transact(TransactionKind::Begin), Err(Stop::Turn));
    assert_eq!(two.script("INSERT INTO t VALUES (1)"), Err(Stop::Turn));
    assert_eq!(rows(&mut two, "SELECT count(*) FROM t"), ["Int64(0)"], "readers need none");
    two.transact(TransactionKind::BeginRead).unwrap();
    commit(&mut two);
    commit(&mut one);
    run(&mut two, "INSERT INTO t VALUES (1)");
    // A turn ends with the statement, or with the transaction.
    run(&mut one, "INSERT INTO t VALUES (2)");
    two.turn.give(place.gate.try_enter().unwrap());
    run(&mut two, "INSERT INTO t VALUES (3)");
    assert!(place.gate.try_enter().is_some());
}

#[test]
fn in_memory_all_take_turns() {
    let place = Place::memory();
    let (mut one, mut two) = (place.session(), place.session());
    run(&mut one, "CREATE TABLE t (a)");
    for begins in [TransactionKind::Begin, TransactionKind::BeginRead] {
        one.transact(begins).unwrap();
        assert_eq!(ask(&mut two, "SELECT count(*) FROM t", &[]), Err(Stop::Turn));
        assert_eq!(two.transact(TransactionKind::BeginRead), Err(Stop::Turn));
        assert_eq!(two.script("SELECT 1"), Err(Stop::Turn));
        two.check().unwrap();
        assert!(!two.is_dirty());
        commit(&mut one);
        assert_eq!(rows(&mut two, "SELECT count(*) FROM t"), ["Int64(0)"]);
        assert!(place.gate.try_enter().is_some());
    }
}

#[test]
fn the_lock_of_another_process_is_busy_and_may_be_tried_again() {
    let place = Place::file("");
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a)");
    let mut other = place.elsewhere("");
    begin(&mut other);
    let busy = [
        failure(&mut session, "INSERT INTO t VALUES (1)"),
        failed(session.transact(TransactionKind::Begin)),
        failed(session.script("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")),
    ];
    for failure in busy {
        assert_eq!((failure.kind, failure.code), (Kind::Busy, "55P03"), "{failure}");
    }
    assert!(!session.is_dirty() && place.gate.try_enter().is_some());
    commit(&mut other);
    run(&mut session, "INSERT INTO t VALUES (1)");
}

#[test]
fn a_commit_that_readers_hold_up_may_be_tried_again() {
    let place = Place::file(r#","journal_mode":"delete""#);
    let (mut writer, mut reader) = (place.session(), place.session());
    run(&mut writer, "CREATE TABLE t (a)");
    reader.transact(TransactionKind::BeginRead).unwrap();
    rows(&mut reader, "SELECT * FROM t");
    begin(&mut writer);
    assert_eq!(ask(&mut writer, "INSERT INTO t VALUES (1)", &[]).unwrap().affected, 1);
    assert_eq!(failed(writer.transact(TransactionKind::Commit)).kind, Kind::Busy);
    assert!(writer.is_dirty());
    commit(&mut reader);
    commit(&mut writer);
    assert_eq!(rows(&mut reader, "SELECT count(*) FROM t"), ["Int64(1)"]);
}

#[test]
fn an_old_snapshot_cannot_be_written_to() {
    let place = Place::file("");
    let (mut one, mut two) = (place.session(), place.session());
    run(&mut one, "CREATE TABLE t (a)");
    run(&mut one, "BEGIN");
    rows(&mut one, "SELECT * FROM t");
    // The turn of `one` began when its script did, and goes on with the transaction.
    one.turn.end();
    run(&mut two, "INSERT INTO t VALUES (1)");
    let failure = failure(&mut one, "INSERT INTO t VALUES (2)");
    assert_eq!((failure.kind, failure.code), (Kind::Refused, "40001"), "{failure}");
}

#[test]
fn an_interrupt_ends_what_runs_and_what_is_about_to() {
    let place = Place::memory();
    let mut session = place.session();
    for is_early in [true, false] {
        let interrupt = session.interrupt.clone();
        interrupt.forget();
        if is_early {
            interrupt.ask();
        }
        // A row shows that the statement runs.
        let text = format!("SELECT 1 UNION ALL SELECT * FROM ({FOREVER})");
        let limits = Limits { buffer_bytes: 1, spill_bytes: 0, spill_directory: None };
        let writer = RowWriter::new(RowQueue::new(limits));
        let failure = thread::scope(|scope| {
            let (started, wait) = channel();
            let session = &mut session;
            let work = scope.spawn(move || {
                started.send(()).unwrap();
                failed(session.query(&text, &[], false, writer))
            });
            wait.recv().unwrap();
            // Before it runs or while it does: it ends in any case.
            interrupt.ask();
            work.join().unwrap()
        });
        assert_eq!((failure.kind, failure.code), (Kind::Interrupted, "57014"));
    }
    session.interrupt.forget();
    assert_eq!(rows(&mut session, "SELECT 1"), ["Int64(1)"], "the next request is not struck");
}

#[test]
fn an_interrupt_ends_a_script_and_leaves_the_rest() {
    let place = Place::memory();
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a)");
    let interrupt = session.interrupt.clone();
    let failure = thread::scope(|scope| {
        let session = &mut session;
        let work =
            scope.spawn(move || failed(session.script(&format!("{FOREVER}; INSERT INTO t VALUES (1)"))));
        interrupt.ask();
        work.join().unwrap()
    });
    assert_eq!(failure.kind, Kind::Interrupted);
    session.interrupt.forget();
    session.reset().unwrap();
    assert_eq!(rows(&mut session, "SELECT count(*) FROM t"), ["Int64(0)"]);
}

#[test]
fn an_interrupt_of_a_write_in_a_transaction_fails_the_transaction() {
    let place = Place::file("");
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a)");
    begin(&mut session);
    let interrupt = session.interrupt.clone();
    let text = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 100000000";
    let failure = thread::scope(|scope| {
        let session = &mut session;
        let work = scope.spawn(move || failure(session, text));
        interrupt.ask();
        work.join().unwrap()
    });
    assert_eq!(failure.kind, Kind::Interrupted);
    session.interrupt.forget();
    assert!(session.is_dirty());
    session.reset().unwrap();
    assert!(!session.is_dirty());
    assert_eq!(rows(&mut session, "SELECT count(*) FROM t"), ["Int64(0)"]);
}

/// Many threads write to one database, each waiting for its turn as a member does, without ever meeting a lock.
#[test]
fn those_who_keep_to_their_turns_never_meet_a_lock() {
    let place = Place::file("");
    run(&mut place.session(), "CREATE TABLE t (a); INSERT INTO t VALUES (0)");
    thread::scope(|scope| {
        for mut session in [place.session(), place.session(), place.session(), place.session()] {
            let place = &place;
            scope.spawn(move || {
                for _ in 0..50 {
                    let permit = loop {
                        match place.gate.try_enter() {
                            Some(permit) => break permit,
                            None => thread::yield_now(),
                        }
                    };
                    session.turn.give(permit);
                    begin(&mut session);
                    run(&mut session, "UPDATE t SET a = a + 1");
                    commit(&mut session);
                }
            });
        }
    });
    assert_eq!(rows(&mut place.session(), "SELECT a FROM t"), ["Int64(200)"]);
    assert_eq!(Arc::strong_count(&place.gate), 1);
}
