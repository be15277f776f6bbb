//! Transactions, and what a reset leaves of a session.

use hc_services::Postgres;
use http_container::provider::TransactionKind::{Begin, BeginRead, Commit, Rollback};

use super::{rows, run, value, with_session};

#[test]
fn transactions_begin_and_end() {
    let Some(server) = Postgres::start("transactions") else { return };
    with_session(&server, |session| async move {
        run(&session, "CREATE TABLE t (a int)").await;
        session.reset().await.unwrap();
        session.transaction(Begin).await.unwrap();
        assert!(session.is_dirty());
        run(&session, "INSERT INTO t VALUES (1)").await;
        assert_eq!(session.transaction(Begin).await.unwrap_err().code, "25001");
        session.transaction(Commit).await.unwrap();
        assert!(!session.is_dirty());
        assert_eq!(session.transaction(Commit).await.unwrap_err().code, "25P01");
        session.transaction(Begin).await.unwrap();
        run(&session, "INSERT INTO t VALUES (2)").await;
        session.transaction(Rollback).await.unwrap();
        session.transaction(BeginRead).await.unwrap();
        assert_eq!(rows(&session, "INSERT INTO t VALUES (3)", &[]).await.unwrap_err().code, "25006");
        // It has failed, so there is nothing to be committed, and that must not look like success.
        assert_eq!(rows(&session, "SELECT 1", &[]).await.unwrap_err().code, "25P02");
        assert_eq!(session.transaction(Commit).await.unwrap_err().code, "40000");
        assert!(!session.is_dirty());
        assert_eq!(value(&session, "SELECT count(*) FROM t", &[]).await.unwrap(), "Int64(1)");
    });
}

#[test]
fn a_transaction_is_known_however_it_began() {
    let Some(server) = Postgres::start("begun") else { return };
    with_session(&server, |session| async move {
        session.run_script("SELECT 1; BEGIN; SELECT 2").await.unwrap();
        assert!(session.is_dirty());
        run(&session, "COMMIT").await;
        assert!(!session.is_dirty());
        run(&session, "  start /* a */ transaction").await;
        assert!(session.is_dirty());
        assert!(rows(&session, "SELECT 1 / 0", &[]).await.is_err());
        session.reset().await.unwrap();
        assert!(!session.is_dirty());
        assert_eq!(value(&session, "SELECT 1", &[]).await.unwrap(), "Int64(1)");
    });
}

#[test]
fn a_reset_leaves_nothing_of_the_last_holder() {
    let Some(server) = Postgres::start("reset") else { return };
    with_session(&server, |session| async move {
        let changes = [
            "SET search_path = nowhere",
            "SET SESSION AUTHORIZATION hc",
            "SET ROLE pg_monitor",
            "CREATE TEMPORARY TABLE mine (a int)",
            "PREPARE \"my own\" AS SELECT 1",
            "LISTEN news",
            "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        ];
        let kept = "SELECT 'kept'";
        value(&session, kept, &[]).await.unwrap();
        for change in changes {
            assert!(!session.is_dirty());
            run(&session, change).await;
            assert!(session.is_dirty(), "{change}");
            session.reset().await.unwrap();
        }
        for change in changes {
            run(&session, change).await;
        }
        run(&session, "SELECT pg_advisory_lock(7)").await;
        session.reset().await.unwrap();
        for (left, expected) in [
            ("SHOW search_path", "Text(\"\\\"$user\\\", public\")"),
            ("SELECT current_user::text", "Text(\"hc\")"),
            ("SELECT to_regclass('mine') IS NULL", "Bool(true)"),
            ("SELECT count(*) FROM pg_prepared_statements WHERE from_sql", "Int64(0)"),
            ("SELECT count(*) FROM pg_listening_channels()", "Int64(0)"),
            ("SELECT count(*) FROM pg_cursors WHERE name = 'c'", "Int64(0)"),
            ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "Int64(0)"),
            ("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT ''kept'''", "Int64(1)"),
            ("SHOW application_name", "Text(\"http-container\")"),
        ] {
            assert_eq!(value(&session, left, &[]).await.expect(left), expected, "{left}");
        }
        session.check().await.unwrap();
    });
}
