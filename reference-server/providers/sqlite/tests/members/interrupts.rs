//! Requests that are cancelled in the middle of a statement: it ends, and the connection serves the next one.

use std::time::Duration;

use http_container::sql::Database;
use http_container::{Error, Status, timeout};

use crate::{Play, Stage};

const FOREVER: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

struct Endless;

impl Play for Endless {
    async fn play(database: Database, path: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        match &path[1..] {
            "read" => {
                sql.query(FOREVER, &[]).await?;
            }
            "write" => {
                sql.script("CREATE TABLE IF NOT EXISTS t (a)").await?;
                sql.execute(&format!("INSERT INTO t {FOREVER}"), &[]).await?;
            }
            "transaction" => {
                let mut transaction = sql.transaction().await?;
                transaction.execute("CREATE TABLE u (a)", &[]).await?;
                transaction.execute(&format!("INSERT INTO u {FOREVER}"), &[]).await?;
            }
            "script" => sql.script(&format!("CREATE TABLE IF NOT EXISTS t (a); {FOREVER}")).await?,
            "timeout" => {
                assert!(timeout(Duration::from_millis(10), sql.query(FOREVER, &[])).await.is_err());
                assert_eq!(sql.query("SELECT 1", &[]).await.unwrap_err().status(), Status::E_STATE);
                return Ok("poisoned".into());
            }
            _ => {
                let text = "SELECT count(*) FROM sqlite_schema WHERE name = 'u'";
                return Ok(sql.query_one(text, &[]).await?.get::<i64>(0)?.to_string());
            }
        }
        panic!("it does not end by itself")
    }
}

#[test]
fn a_statement_ends_with_its_request() {
    let mut stage = Stage::new::<Endless>(1, "");
    for path in ["/read", "/write", "/transaction", "/script"] {
        for steps in [4, 8, 12, 100] {
            let exchange = stage.open(path);
            for _ in 0..steps {
                stage.container.run_ready();
            }
            stage.container.cancel(exchange, Status::CANCELLED_PEER);
            assert_eq!(stage.container.get("/next").text(), "0", "{path} after {steps}");
            assert_eq!(stage.container.answer(exchange).outcome, Some(Status::CANCELLED_PEER));
        }
    }
    stage.container.close();
}

#[test]
fn a_statement_that_is_given_up_poisons_the_lease_and_frees_the_connection() {
    let mut stage = Stage::new::<Endless>(1, "");
    for _ in 0..3 {
        assert_eq!(stage.container.get("/timeout").text(), "poisoned");
        assert_eq!(stage.container.get("/next").text(), "0");
    }
    stage.container.close();
}

#[test]
fn a_member_closes_in_the_middle_of_a_statement() {
    let mut stage = Stage::new::<Endless>(2, "");
    for path in ["/read", "/transaction"] {
        stage.open(path);
    }
    stage.container.run_ready();
    // Shutting down cancels the requests and closes the members, and checks that everything came back.
    stage.container.close();
}
