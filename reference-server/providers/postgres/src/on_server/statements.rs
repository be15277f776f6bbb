//! Prepared statements that are kept, and scripts.

use hc_services::Postgres;
use http_container::provider::SqlValue;

use super::{rows, run, value, with_session};
use crate::failure::FailureKind;

const PREPARED: &str = "SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql";

#[test]
fn a_statement_is_prepared_once() {
    let Some(server) = Postgres::start("prepared") else { return };
    with_session(&server, |session| async move {
        for _ in 0..3 {
            value(&session, "SELECT 1", &[]).await.unwrap();
            let mut once = session.run("SELECT 2", std::iter::empty(), true).await.unwrap();
            while once.fetch().await.unwrap() {}
            drop(once);
            // This one and `SELECT 1`.
            assert_eq!(value(&session, PREPARED, &[]).await.unwrap(), "Int64(2)");
        }
        for number in 0..600 {
            value(&session, &format!("SELECT {number}"), &[]).await.unwrap();
        }
        let text = "SELECT count(*) BETWEEN 250 AND 257 FROM pg_prepared_statements";
        assert_eq!(value(&session, text, &[]).await.unwrap(), "Bool(true)");
    });
}

#[test]
fn a_statement_that_became_stale_is_prepared_again() {
    let Some(server) = Postgres::start("stale") else { return };
    with_session(&server, |session| async move {
        session.run_script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").await.unwrap();
        let star = "SELECT * FROM t";
        assert_eq!(rows(&session, star, &[]).await.unwrap(), [["Int64(1)"]]);
        session.run_script("ALTER TABLE t ADD b text DEFAULT 'x'").await.unwrap();
        assert_eq!(rows(&session, star, &[]).await.unwrap(), [["Int64(1)", "Text(\"x\")"]]);
        // Within a transaction it cannot be tried again, since that has failed; after it, it can.
        session.run_script("BEGIN; ALTER TABLE t DROP b").await.unwrap();
        assert_eq!(rows(&session, star, &[]).await.unwrap_err().code, "0A000");
        session.run_script("ROLLBACK").await.unwrap();
        assert_eq!(rows(&session, star, &[]).await.unwrap().len(), 1);
        session.run_script("DEALLOCATE ALL").await.unwrap();
        assert_eq!(rows(&session, star, &[]).await.unwrap().len(), 1);
        session.run_script("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$").await.unwrap();
        assert_eq!(rows(&session, star, &[]).await.unwrap().len(), 1);
    });
}

#[test]
fn statements_count_what_they_change_or_find() {
    let Some(server) = Postgres::start("affected") else { return };
    with_session(&server, |session| async move {
        assert_eq!(run(&session, "CREATE TABLE t (a int PRIMARY KEY)").await, 0);
        assert_eq!(run(&session, "INSERT INTO t SELECT generate_series(1, 1000)").await, 1000);
        assert_eq!(run(&session, "SELECT a FROM t WHERE a > 500").await, 500);
        assert_eq!(run(&session, "DELETE FROM t WHERE a > 500 RETURNING a").await, 500);
        let changed = session.run_script("UPDATE t SET a = -a; ; INSERT INTO t VALUES (1), (2)").await;
        assert_eq!(changed.unwrap(), 2);
        let failure = rows(&session, "INSERT INTO t VALUES ($1)", &[SqlValue::Int64(1)]).await.unwrap_err();
        let expected =
            "duplicate key value violates unique constraint \"t_pkey\"\nDETAIL: Key (a)=(1) already exists.";
        assert_eq!((failure.code.as_str(), failure.message.as_str()), ("23505", expected));
        let failure = rows(&session, "SELECT nothing", &[]).await.unwrap_err();
        assert_eq!(failure.message, "column \"nothing\" does not exist at character 8");
        assert_eq!(failure.kind, FailureKind::Refused);
        let failure = session.run_script("INSERT INTO t VALUES (3); SELECT 1 / 0").await.unwrap_err();
        assert_eq!(failure.code, "22012");
        // A script without a transaction of its own is one.
        assert_eq!(value(&session, "SELECT count(*) FROM t WHERE a = 3", &[]).await.unwrap(), "Int64(0)");
    });
}

#[test]
fn a_conversation_is_no_statement() {
    let Some(server) = Postgres::start("copy") else { return };
    for text in ["COPY t FROM STDIN", "COPY t TO STDOUT"] {
        with_session(&server, move |session| async move {
            session.run_script("CREATE TABLE IF NOT EXISTS t (a int)").await.unwrap();
            let mut answer = session.run(text, std::iter::empty(), false).await.unwrap();
            let failure = answer.fetch().await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Broken, "{failure:?}");
            assert!(failure.message.contains("COPY"), "{failure:?}");
        });
    }
}
