//! Transactions through leases: kept, undone, and forgotten.

use http_container::sql::Database;
use http_container::{Error, params};

use crate::{Play, Stage, container};

struct Transactions;

impl Play for Transactions {
    async fn play(database: Database, path: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        match &path[1..] {
            "make" => sql.script("CREATE TABLE t (a UNIQUE)").await?,
            "commit" => {
                let mut transaction = sql.transaction().await?;
                transaction.execute("INSERT INTO t VALUES ($1)", params![1]).await?;
                assert!(transaction.execute("INSERT INTO t VALUES ($1)", params![1]).await.is_err());
                transaction.commit().await?;
            }
            "rollback" => {
                let mut transaction = sql.transaction().await?;
                transaction.execute("INSERT INTO t VALUES ($1)", params![2]).await?;
                transaction.rollback().await?;
            }
            "forget" => {
                let mut transaction = sql.transaction().await?;
                transaction.execute("INSERT INTO t VALUES ($1)", params![3]).await?;
            }
            "by-hand" => {
                sql.execute("BEGIN", &[]).await?;
                sql.execute("INSERT INTO t VALUES (4)", &[]).await?;
            }
            "read" => {
                let mut transaction = sql.read_transaction().await?;
                let error = transaction.execute("INSERT INTO t VALUES (5)", &[]).await.unwrap_err();
                assert_eq!(error.code(), "25006");
                transaction.commit().await?;
            }
            "alter" => {
                sql.execute("PRAGMA foreign_keys = off", &[]).await?;
                sql.script("CREATE TEMP TABLE t (a)").await?;
            }
            _ => {}
        }
        if path == "/make" {
            return Ok("made".into());
        }
        drop(sql);
        let mut sql = database.acquire().await?;
        assert_eq!(sql.query_one("SELECT * FROM pragma_foreign_keys", &[]).await?.get::<i64>(0)?, 1);
        let mut all = sql.query("SELECT a FROM t ORDER BY a", &[]).await?;
        let mut text = String::new();
        while let Some(row) = all.next().await? {
            text.push_str(&row.get::<i64>(0)?.to_string());
        }
        Ok(text)
    }
}

#[test]
fn the_next_holder_sees_what_was_committed_and_nothing_else() {
    let file = Stage::new::<Transactions>(1, "");
    let memory = container::<Transactions>(1, r#"{"url":"sqlite::memory:"}"#);
    let several = container::<Transactions>(3, r#"{"url":"sqlite::memory:"}"#);
    for mut container in [file.container, memory, several] {
        container.get("/make");
        for path in ["/commit", "/rollback", "/forget", "/by-hand", "/read", "/alter"] {
            assert_eq!(container.get(path).text(), "1", "{path}");
        }
        container.close();
    }
}
