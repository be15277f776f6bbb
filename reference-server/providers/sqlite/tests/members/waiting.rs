//! Those who have to wait: for their turn to write, and for locks of other processes.

use std::time::Duration;

use http_container::sql::{Database, SqlError};
use http_container::{Error, Status, ctx, params, sleep, timeout};

use crate::{Play, Stage, container};

/// Adds to a number, with a pause in the middle of the transaction.
struct Counter;

impl Play for Counter {
    async fn play(database: Database, path: String) -> Result<String, Error> {
        let mut sql = database.acquire().await?;
        let (what, pause_ms) = path[1..].split_once('/').unwrap_or((&path[1..], "0"));
        let pause = Duration::from_millis(pause_ms.parse()?);
        let number = match what {
            "make" => {
                sql.script("CREATE TABLE t (a); INSERT INTO t VALUES (0)").await?;
                0
            }
            "read" => sql.query_one("SELECT a FROM t", &[]).await?.get(0)?,
            "write" => match sql.execute("UPDATE t SET a = a + 1", &[]).await {
                Ok(count) => count.cast_signed(),
                Err(error) => return Ok(said(&error)),
            },
            _ => {
                let mut transaction = match sql.transaction().await {
                    Ok(transaction) => transaction,
                    Err(error) => return Ok(said(&error)),
                };
                let before: i64 = transaction.query_one("SELECT a FROM t", &[]).await?.get(0)?;
                sleep(pause).await;
                transaction.execute("UPDATE t SET a = $1", params![before + 1]).await?;
                transaction.commit().await?;
                before + 1
            }
        };
        Ok(number.to_string())
    }
}

fn said(error: &SqlError) -> String {
    format!("{} {}", error.status().name(), error.code())
}

#[test]
fn writers_have_their_turns_in_the_order_in_which_they_came() {
    let file = Stage::new::<Counter>(8, "");
    let memory = container::<Counter>(8, r#"{"url":"sqlite::memory:"}"#);
    for mut container in [file.container, memory] {
        container.get("/make");
        let exchanges: Vec<_> = (0..8)
            .map(|_| {
                let exchange = container.open(http_container::Request::get("/add/20"));
                container.end_body(exchange);
                exchange
            })
            .collect();
        container.run();
        let mut numbers: Vec<i64> =
            exchanges.iter().map(|exchange| container.answer(*exchange).text().parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
        assert_eq!(container.get("/read").text(), "8");
        container.close();
    }
}

/// Holds the turn to write with one connection, and wants it with another.
struct Both;

impl Play for Both {
    async fn play(database: Database, path: String) -> Result<String, Error> {
        let (mut one, mut two) = (database.acquire().await?, database.acquire().await?);
        let insert = "INSERT INTO t VALUES (1)";
        one.script("CREATE TABLE IF NOT EXISTS t (a)").await?;
        let begin = ctx().now();
        let mut transaction = one.transaction().await?;
        transaction.execute(insert, &[]).await?;
        let said = match path.as_str() {
            "/refused" => {
                let error = two.execute(insert, &[]).await.unwrap_err();
                assert!(ctx().now() - begin >= Duration::from_millis(200));
                said(&error)
            }
            _ => {
                assert!(timeout(Duration::from_millis(10), two.execute(insert, &[])).await.is_err());
                "gone".into()
            }
        };
        transaction.commit().await?;
        drop((one, two));
        let (mut one, mut two) = (database.acquire().await?, database.acquire().await?);
        assert_eq!(
            one.execute(insert, &[]).await? + two.execute(insert, &[]).await?,
            2,
            "the turn is free again"
        );
        Ok(said)
    }
}

#[test]
fn who_has_waited_for_long_enough_is_refused() {
    let mut stage = Stage::new::<Both>(2, r#","busy_timeout_ms":200"#);
    for _ in 0..3 {
        assert_eq!(stage.container.get("/refused").text(), "HC_E_FAILED 55P03");
    }
    stage.container.close();
}

#[test]
fn who_gives_up_is_passed_over() {
    let mut stage = Stage::new::<Both>(2, "");
    for _ in 0..3 {
        assert_eq!(stage.container.get("/gone").text(), "gone");
    }
    stage.container.close();
}

#[test]
fn the_lock_of_another_process_is_waited_for_and_not_for_ever() {
    let mut stage = Stage::new::<Counter>(2, "");
    stage.container.get("/make");
    let other = stage.elsewhere();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE t SET a = 10").unwrap();
    for path in ["/write", "/add/0"] {
        assert_eq!(stage.container.get(path).text(), "HC_E_FAILED 55P03", "{path}");
    }
    let (one, two) = (stage.open("/write"), stage.open("/add/0"));
    stage.container.run_ready();
    other.execute_batch("COMMIT").unwrap();
    stage.container.run();
    assert_eq!(stage.container.answer(one).text(), "1");
    assert!(["11", "12"].contains(&stage.container.answer(two).text().as_str()));
    assert_eq!(stage.container.get("/read").text(), "12");
    stage.container.close();
}

#[test]
fn who_leaves_the_queue_is_passed_over() {
    let mut stage = Stage::new::<Counter>(3, "");
    stage.container.get("/make");
    let (slow, gone, last) = (stage.open("/add/50"), stage.open("/add/0"), stage.open("/add/0"));
    stage.container.run_ready();
    stage.container.cancel(gone, Status::CANCELLED_PEER);
    stage.container.run();
    let outcome = stage.container.answer(gone).outcome;
    assert_eq!(outcome, Some(Status::CANCELLED_PEER));
    for exchange in [slow, last] {
        assert_eq!(stage.container.answer(exchange).outcome, Some(Status::OK));
    }
    assert_eq!(stage.container.get("/read").text(), "2");
    assert_eq!(stage.container.get("/write").text(), "1");
    stage.container.close();
}
