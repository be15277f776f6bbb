//! A cancellation at every step of what a handler does with its resources: nothing is left, and the next request has all it
//! needs.

use std::time::Duration;

use http_container::testing::{Container, FakeDatabase, FakeStore, SqlAnswer};
use http_container::{Body, Error, Request, Response, Status, ctx, module, offload, params, sleep, timeout};

module! { id: "org.example.user", sql: ["db"], kv: ["cache"], limit: ["few"], handler: handler }

async fn handler(request: Request<Body>) -> Result<Response<String>, Error> {
    let sum = match request.uri().path() {
        "/rows" => {
            let mut sql = ctx().sql("db").await?;
            let mut rows = sql.query("many", params![1]).await?;
            let mut sum = 0;
            while let Some(row) = rows.next().await? {
                sum += row.get::<i64>("n")?;
            }
            sum
        }
        "/transaction" => {
            let mut sql = ctx().sql("db").await?;
            let mut transaction = sql.transaction().await?;
            let count = transaction.execute("change", &[]).await?;
            sleep(Duration::from_millis(1)).await;
            transaction.commit().await?;
            i64::try_from(count)?
        }
        "/impatient" => {
            let mut sql = ctx().sql("db").await?;
            let waited = timeout(Duration::from_millis(1), sql.query("slow", &[])).await;
            waited.is_err().into()
        }
        "/store" => {
            let permit = ctx().permit("few").await?;
            let mut kv = ctx().kv("cache").await?;
            kv.set("n", "5").await?;
            let sum = kv.add("n", 2).await?;
            let mut subscription = kv.subscribe("channel").await?;
            let _ = timeout(Duration::from_millis(1), subscription.next()).await;
            subscription.end().await?;
            drop(permit);
            sum
        }
        _ => offload(|| 9).await?,
    };
    Ok(Response::new(sum.to_string()))
}

fn container() -> (Container, FakeDatabase) {
    let database = FakeDatabase::new(|statement| match statement.text() {
        "many" => (0..400).fold(SqlAnswer::rows(&["n"]), |answer, n: i64| answer.row(&[&n])),
        "slow" => SqlAnswer::rows(&["n"]).after(Duration::from_secs(3600)),
        _ => SqlAnswer::affected(3),
    });
    let container = Container::new(2)
        .with_database("db", 1, &database)
        .with_store("cache", 1, &FakeStore::new())
        .with_permits("few", 1);
    (container.add_app::<HandlerApp>("{}").unwrap(), database)
}

#[test]
fn a_cancellation_at_any_step_leaves_nothing() {
    for (path, answer) in
        [("/rows", "79800"), ("/transaction", "3"), ("/impatient", "1"), ("/store", "7"), ("/offload", "9")]
    {
        let mut steps = 0;
        loop {
            let (mut container, database) = container();
            let exchange = container.open(Request::get(path));
            container.end_body(exchange);
            let has_gone_on = (0..steps).all(|_| {
                container.step() || {
                    container.advance(Duration::from_millis(1));
                    container.answer(exchange).outcome.is_none()
                }
            });
            container.cancel(exchange, Status::CANCELLED_PEER);
            container.run();
            let outcome = container.answer(exchange).outcome;
            assert!(
                matches!(outcome, Some(Status::OK | Status::CANCELLED_PEER)),
                "{path} {steps}: {outcome:?}"
            );
            assert_eq!(container.counts().leases, 0, "{path} {steps}");
            assert_eq!(container.get(path).text(), answer, "{path} after a cancellation at step {steps}");
            let asked = database.asked();
            let count = |what: &str| asked.iter().filter(|asked| *asked == what).count();
            assert!(count("COMMIT") >= 1 || path != "/transaction", "{asked:?}");
            container.close();
            // When a thread is done is not the test's to say.
            if outcome == Some(Status::OK) || !has_gone_on || path == "/offload" && steps > 8 {
                break;
            }
            steps += 1;
            assert!(steps < 200, "{path} never ends");
        }
    }
}
