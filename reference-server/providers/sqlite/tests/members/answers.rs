//! Statements and what they answer: values, errors, answers of any length.

use http_container::provider::SqlValue;
use http_container::sql::Database;
use http_container::testing::Container;
use http_container::{Error, Status, params, yield_now};

use hc_provider_sqlite::Sqlite;

use crate::{Play, Stage, container};

const NUMBERS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT $1) SELECT i, 'text ' || i FROM n";

struct Values;

impl Play for Values {
    async fn play(database: Database, _: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        sql.script(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a BOOLEAN, b REAL, c TEXT, d BLOB); CREATE TABLE u (a)",
        )
        .await?;
        let insert = "INSERT INTO t (a, b, c, d) VALUES ($1, $2, $3, $4), ($1, $2, $3, NULL)";
        assert_eq!(sql.execute(insert, params![true, 1.5, "text", [0_u8, 255]]).await?, 2);
        let row = sql.query_one("SELECT a, b, c, d FROM t WHERE id = $1", params![1]).await?;
        assert_eq!(row.columns().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        let expect = [
            SqlValue::Bool(true),
            SqlValue::Float64(1.5),
            SqlValue::Text("text"),
            SqlValue::Bytes(&[0, 255]),
        ];
        assert_eq!(row.values().collect::<Vec<_>>(), expect);
        assert_eq!(sql.query("SELECT * FROM u", &[]).await?.all().await?.len(), 0);
        assert_eq!(sql.query_once("SELECT * FROM t", &[]).await?.all().await?.len(), 2);
        assert_eq!(sql.execute("DELETE FROM t", &[]).await?, 2);
        Ok("done".into())
    }
}

#[test]
fn values_go_in_and_come_out() {
    assert_eq!(Stage::new::<Values>(1, "").container.get("/").text(), "done");
    assert_eq!(container::<Values>(1, r#"{"url":"sqlite::memory:"}"#).get("/").text(), "done");
}

struct Failures;

impl Play for Failures {
    async fn play(database: Database, _: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        sql.script("CREATE TABLE t (a UNIQUE)").await?;
        sql.execute("INSERT INTO t VALUES ($1)", params![1]).await?;
        for (text, code, words) in [
            ("INSERT INTO t VALUES (1)", "23505", "UNIQUE constraint failed: t.a"),
            ("SELECT a FROM nowhere", "42P01", "no such table: nowhere"),
            ("SELECT $1", "07001", "0 values"),
        ] {
            let error = sql.execute(text, &[]).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (Status::E_FAILED, code), "{error}");
            assert!(error.message().contains(words), "{error}");
        }
        // The failure comes after rows, so the answer is known as one and then breaks off.
        let text = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) \
                    SELECT abs(CASE i WHEN 50000 THEN -9223372036854775808 ELSE i END) FROM n";
        let mut rows = sql.query(text, &[]).await?;
        let mut count = 0;
        let error = loop {
            match rows.next().await {
                Ok(Some(_)) => count += 1,
                Ok(None) => panic!("it ended well"),
                Err(error) => break error,
            }
        };
        assert_eq!((count, error.code()), (49_999, "22003"));
        assert_eq!(sql.query("SELECT 1", &[]).await?.all().await?.len(), 1, "and the connection goes on");
        Ok("done".into())
    }
}

#[test]
fn failures_tell_why() {
    assert_eq!(Stage::new::<Failures>(1, "").container.get("/").text(), "done");
}

/// Reads an answer as slowly as the path says, and checks that it is whole.
struct Long;

impl Play for Long {
    async fn play(database: Database, path: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        let count = 100_000_i64;
        let mut rows = sql.query(NUMBERS, params![count]).await?;
        let mut next = 1;
        loop {
            match rows.next().await {
                Ok(None) => break,
                Ok(Some(row)) => {
                    assert_eq!(row.get::<i64>(0)?, next);
                    assert_eq!(row.get::<&str>(1)?, format!("text {next}"));
                    next += 1;
                }
                Err(error) => return Ok(format!("{} {}", error.status().name(), error.code())),
            }
            if path == "/slow" && next % 200 == 0 {
                yield_now().await;
            }
        }
        Ok(format!("{}", rows.finish().await? == 100_000 && next - 1 == count))
    }
}

#[test]
fn a_long_answer_comes_whole_whether_it_fits_into_memory_or_not() {
    for options in ["", r#","buffer_bytes":1"#, r#","buffer_bytes":100000"#] {
        let mut stage = Stage::new::<Long>(1, options);
        for path in ["/quick", "/slow"] {
            assert_eq!(stage.container.get(path).text(), "true", "{path} {options}");
        }
    }
}

#[test]
fn an_answer_for_which_there_is_no_room_breaks_off_and_says_so() {
    let mut stage = Stage::new::<Long>(1, r#","buffer_bytes":1,"spill_bytes":100000"#);
    let exchange = stage.open("/slow");
    stage.container.run();
    let answer = stage.container.answer(exchange);
    // A reader may be quick enough after all; but then nothing is missing.
    assert!(["HC_E_LIMIT 54000", "true"].contains(&answer.text().as_str()), "{}", answer.text());
    let mut stage = Stage::new::<Long>(1, r#","buffer_bytes":1,"spill_bytes":0"#);
    assert!(["HC_E_LIMIT 54000", "true"].contains(&stage.container.get("/slow").text().as_str()));
}

/// Leaves an answer unread.
struct Unread;

impl Play for Unread {
    async fn play(database: Database, path: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        if path == "/leave" {
            let mut rows = sql.query(NUMBERS, params![10_000_000]).await?;
            let first = rows.next().await?.unwrap();
            return Ok(first.get::<i64>(0)?.to_string());
        }
        Ok(sql.query_one("SELECT 7", &[]).await?.get::<i64>(0)?.to_string())
    }
}

#[test]
fn an_answer_that_nobody_reads_to_its_end_is_ended() {
    let mut stage = Stage::new::<Unread>(1, r#","buffer_bytes":1000"#);
    for _ in 0..3 {
        assert_eq!(stage.container.get("/leave").text(), "1");
        assert_eq!(stage.container.get("/next").text(), "7");
    }
    stage.container.close();
}

struct Opens;

impl Play for Opens {
    async fn play(database: Database, _: String) -> Result<String, Error> {
        let error = database.acquire().await.unwrap_err();
        Ok(format!("{:?}", error.status()))
    }
}

#[test]
fn what_cannot_be_opened_or_configured_is_refused() {
    let mut closed = container::<Opens>(1, r#"{"url":"sqlite:nowhere/at/all.db"}"#);
    assert!(closed.get("/").text().contains("HC_E_RESOURCE"));
    for config in
        ["{}", r#"{"url":"notes.db"}"#, r#"{"url":"sqlite:x","pool":1}"#, r#"{"url":"sqlite:x?pool=1"}"#]
    {
        assert!(Container::new(1).with_provider::<Sqlite>("db", 1, config).is_err(), "{config}");
    }
}
