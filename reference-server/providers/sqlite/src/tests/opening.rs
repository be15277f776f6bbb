//! Opening, checking and closing: what is set up, and what is told when it cannot be.

use super::{Place, rows, run};
use crate::failure::Kind;
use crate::interrupt::Interrupt;
use crate::session::Session;

fn refused(place: &Place) -> crate::failure::Failure {
    match Session::open(&place.database, &place.gate, &Interrupt::default()) {
        Err(failure) => failure,
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn a_file_is_set_up_as_it_was_asked_for() {
    let mut session = Place::file("").session();
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_journal_mode"), ["Text(\"wal\")"]);
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_synchronous"), ["Int64(1)"]);
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_foreign_keys"), ["Int64(1)"]);

    let options = r#","journal_mode":"truncate","synchronous":"full","foreign_keys":false,"cache_kib":64"#;
    let mut session = Place::file(options).session();
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_journal_mode"), ["Text(\"truncate\")"]);
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_synchronous"), ["Int64(2)"]);
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_foreign_keys"), ["Int64(0)"]);
    assert_eq!(rows(&mut session, "SELECT * FROM pragma_cache_size"), ["Int64(-64)"]);
}

#[test]
fn a_database_in_memory_is_shared_by_its_members_and_by_nobody_else() {
    let place = Place::memory();
    let (mut one, mut two) = (place.session(), place.session());
    run(&mut one, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    assert_eq!(rows(&mut two, "SELECT a FROM t"), ["Int64(1)"]);
    drop(one);
    assert_eq!(rows(&mut two, "SELECT a FROM t"), ["Int64(1)"]);
    let mut other = Place::memory().session();
    assert_eq!(rows(&mut other, "SELECT count(*) FROM sqlite_schema"), ["Int64(0)"]);
    drop(two);
    let mut later = place.session();
    assert_eq!(
        rows(&mut later, "SELECT count(*) FROM sqlite_schema"),
        ["Int64(0)"],
        "it went with the last one"
    );
}

#[test]
fn what_cannot_be_opened_says_which_file_and_why() {
    let place = Place::at(r#"{"url":"sqlite:FOLDER/nowhere/x.db"}"#);
    let failure = refused(&place);
    assert!(failure.message.contains("nowhere/x.db: unable to open database file"), "{failure}");

    let place = Place::file(r#","mode":"rw""#);
    assert!(refused(&place).message.contains("test.db: unable to open database file"));

    let place = Place::file("");
    std::fs::write(place.folder.path().join("test.db"), [b'x'; 4096]).unwrap();
    let failure = refused(&place);
    assert_eq!(failure.kind, Kind::Broken);
    assert!(failure.message.contains("not a database"), "{failure}");
}

#[test]
fn names_that_sqlite_takes_for_something_else_are_files() {
    let place = Place::at(r#"{"url":"sqlite:FOLDER/a%3Fmode=memory%23%20b%25.db"}"#);
    run(&mut place.session(), "CREATE TABLE t (a)");
    assert!(place.folder.path().join("a?mode=memory# b%.db").exists());
}

#[test]
fn a_check_notices_that_the_file_is_another_one() {
    let place = Place::file("");
    let mut session = place.session();
    run(&mut session, "CREATE TABLE t (a)");
    session.check().unwrap();
    let path = place.folder.path().join("test.db");
    std::fs::rename(&path, place.folder.path().join("old.db")).unwrap();
    assert_eq!(session.check().unwrap_err().kind, Kind::Broken);
    std::fs::write(&path, []).unwrap();
    let failure = session.check().unwrap_err();
    assert!(failure.message.contains("another file"), "{failure}");

    let place = Place::memory();
    place.session().check().unwrap();
}
