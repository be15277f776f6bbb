//! Members over the real boundary, in the fake container, with a real server: what a holder sees, and what the next one
//! finds.

use hc_provider_postgres::Postgres as Provider;
use hc_services::{End, Postgres, Proxy};
use http_container::provider::SqlValue;
use http_container::sql::{Database, Sql};
use http_container::testing::{Container, Exchange};
use http_container::{App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, Status, params};

/// Lines that no memory holds.
const ENDLESS: &str = "SELECT repeat('x', 1000), generate_series(1, 1000000000)";
const SLOW: &str = "SELECT pg_sleep(10000)";
/// Catches the first cancellation.
const STUBBORN: &str = "DO $$ BEGIN PERFORM pg_sleep(10000); \
    EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(10000); END $$";

/// Uses a database as the path says.
struct User {
    database: Database,
}

impl App for User {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { database: setup.sql("db")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let mut sql = state.database.acquire().await?;
        let text = match request.uri().path() {
            "/types" => types(&mut sql).await?,
            "/many" => many(&mut sql).await?,
            "/failures" => failures(&mut sql).await?,
            "/transactions" => transactions(&mut sql).await?,
            "/leave-open" => {
                sql.script("CREATE TABLE IF NOT EXISTS left_open (a int)").await?;
                sql.execute("BEGIN", &[]).await?;
                sql.execute("INSERT INTO left_open VALUES (1)", &[]).await?;
                String::new()
            }
            "/left-open" => sql.query_one("SELECT count(*)::text FROM left_open", &[]).await?.get(0)?,
            "/process" => sql.query_one("SELECT pg_backend_pid()::text", &[]).await?.get(0)?,
            "/drop-statements" => {
                sql.execute("DEALLOCATE ALL", &[]).await?;
                sql.query_one("SELECT pg_backend_pid()::text", &[]).await?.get(0)?
            }
            "/slow" => sql.query_one(SLOW, &[]).await?.get(0)?,
            "/stubborn" => sql.execute(STUBBORN, &[]).await?.to_string(),
            "/unread" => {
                let mut rows = sql.query(ENDLESS, &[]).await?;
                rows.next().await?;
                std::future::pending().await
            }
            "/killed" => {
                let error =
                    sql.execute("SELECT pg_terminate_backend(pg_backend_pid())", &[]).await.unwrap_err();
                format!("{} {}", error.status().name(), error.code())
            }
            other => return Err(Error::new(format!("no test has {other}"))),
        };
        Ok(Response::new(text.into()))
    }
}

async fn types(sql: &mut Sql) -> Result<String, Error> {
    let text = "SELECT $1::int8 AS a, $2::float8 AS b, $3::text AS c, $4::bytea AS d, $5::bool AS e, $6::numeric AS f, \
        NULL AS g, '{1,2}'::int[] AS h";
    let values = params![i64::MIN, 0.5, "ü", [0_u8, 255], true, 12];
    let row = sql.query_one(text, values).await?;
    assert_eq!(row.columns().collect::<String>(), "abcdefgh");
    assert_eq!((row.get::<i64>("a")?, row.get::<f64>("b")?, row.get::<&str>("c")?), (i64::MIN, 0.5, "ü"));
    assert_eq!(
        (row.get::<&[u8]>("d")?, row.get::<bool>("e")?, row.get::<&str>("f")?),
        (&[0, 255][..], true, "12")
    );
    assert_eq!((row.get::<Option<i64>>("g")?, row.get::<&str>("h")?), (None, "{1,2}"));
    // Rows without a column are rows all the same.
    assert_eq!(sql.execute("SELECT FROM generate_series(1, 3)", &[]).await?, 3);
    Ok("done".into())
}

async fn many(sql: &mut Sql) -> Result<String, Error> {
    let mut rows = sql.query("SELECT n, repeat('x', n % 100) FROM generate_series(1, 20000) n", &[]).await?;
    let mut expected = 0;
    while let Some(row) = rows.next().await? {
        expected += 1;
        assert_eq!((row.get::<i64>(0)?, row.get::<&str>(1)?.len() as i64), (expected, expected % 100));
    }
    // Rows before a failure are told before it.
    let mut rows = sql.query("SELECT 10 / (5 - n) FROM generate_series(1, 9) n", &[]).await?;
    let mut seen = 0;
    let error = loop {
        match rows.next().await {
            Ok(Some(_)) => seen += 1,
            Ok(None) => return Err(Error::new("it ended well")),
            Err(error) => break error,
        }
    };
    assert_eq!((seen, error.code()), (4, "22012"));
    Ok(expected.to_string())
}

async fn failures(sql: &mut Sql) -> Result<String, Error> {
    sql.script("DROP TABLE IF EXISTS f; CREATE TABLE f (a int PRIMARY KEY, b int NOT NULL CHECK (b > 0))")
        .await?;
    let insert = "INSERT INTO f VALUES ($1, $2)";
    sql.execute(insert, params![1, 1]).await?;
    let mut codes = Vec::new();
    let statements: [(&str, &[SqlValue<'_>]); 6] = [
        (insert, params![1, 1]),
        (insert, params![2, None::<i64>]),
        (insert, params![2, 0]),
        (insert, params![2]),
        ("SELEC 1", params![]),
        ("SELECT * FROM nowhere", params![]),
    ];
    for (text, values) in statements {
        let error = sql.execute(text, values).await.unwrap_err();
        assert_eq!(error.status(), Status::E_FAILED);
        codes.push(error.code().to_owned());
    }
    Ok(codes.join(" "))
}

async fn transactions(sql: &mut Sql) -> Result<String, Error> {
    sql.script("DROP TABLE IF EXISTS t; CREATE TABLE t (a int)").await?;
    let mut transaction = sql.transaction().await?;
    transaction.execute("INSERT INTO t VALUES (1)", &[]).await?;
    transaction.commit().await?;
    let mut transaction = sql.transaction().await?;
    transaction.execute("INSERT INTO t VALUES (2)", &[]).await?;
    transaction.rollback().await?;
    let mut transaction = sql.transaction().await?;
    transaction.execute("INSERT INTO t VALUES (3)", &[]).await?;
    drop(transaction);
    let mut transaction = sql.transaction().await?;
    assert!(transaction.execute("SELECT 1 / 0", &[]).await.is_err());
    assert_eq!(transaction.commit().await.unwrap_err().code(), "40000");
    let mut transaction = sql.read_transaction().await?;
    assert_eq!(transaction.execute("INSERT INTO t VALUES (4)", &[]).await.unwrap_err().code(), "25006");
    drop(transaction);
    Ok(sql.query_one("SELECT string_agg(a::text, ' ') FROM t", &[]).await?.get(0)?)
}

fn container(url: &str) -> Container {
    let config = serde_json::json!({ "url": url }).to_string();
    let container = Container::new(1).with_provider::<Provider>("db", 1, &config);
    container.unwrap_or_else(|refused| panic!("{refused:?}")).add_app::<User>("{}").unwrap()
}

/// Begins a request, and runs until the server shows a backend of that sort.
fn begin(container: &mut Container, server: &Postgres, target: &str, condition: &str) -> Exchange {
    let exchange = container.open(Request::get(target));
    container.end_body(exchange);
    hc_services::wait_for(condition, || {
        container.run_ready();
        (server.backends(condition) == 1).then_some(exchange)
    })
}

#[test]
fn a_holder_uses_a_database() {
    let Some(server) = Postgres::start("members") else { return };
    let mut container = container(&server.url());
    assert_eq!(container.get("/types").text(), "done");
    assert_eq!(container.get("/many").text(), "20000");
    assert_eq!(container.get("/failures").text(), "23505 23502 23514 07001 42601 42P01");
    assert_eq!(container.get("/transactions").text(), "1");
    assert_eq!(server.backends("application_name = 'http-container'"), 1);
    container.close();
    server.wait_for_backends("true", 0);
    assert!(!server.log().contains("unexpected EOF"), "it left without a goodbye");
}

#[test]
fn what_a_holder_leaves_open_is_rolled_back() {
    let Some(server) = Postgres::start("left-open") else { return };
    let mut container = container(&server.url());
    let process = container.get("/process").text();
    container.get("/leave-open");
    assert_eq!(container.get("/left-open").text(), "0");
    assert_eq!(container.get("/process").text(), process);
    assert!(container.lease_ends().iter().all(|end| *end == LeaseEnd::Clean));
}

#[test]
fn a_connection_whose_statements_were_dropped_is_not_lent_again() {
    let Some(server) = Postgres::start("dropped") else { return };
    let mut container = container(&server.url());
    let process = container.get("/process").text();
    assert_eq!(container.get("/drop-statements").text(), process);
    assert_ne!(container.get("/process").text(), process);
}

#[test]
fn a_statement_that_nobody_waits_for_is_ended_at_the_server() {
    let Some(server) = Postgres::start("interrupt") else { return };
    let mut container = container(&server.url());
    let process = container.get("/process").text();
    for (target, condition) in [
        ("/slow", "wait_event = 'PgSleep'"),
        ("/stubborn", "wait_event = 'PgSleep'"),
        ("/unread", "wait_event = 'ClientWrite'"),
    ] {
        let exchange = begin(&mut container, &server, target, condition);
        container.cancel(exchange, Status::CANCELLED_PEER);
        container.run();
        server.wait_for_backends("state = 'active'", 0);
        // The same connection serves the next one.
        assert_eq!(container.get("/process").text(), process, "{target}");
    }
}

#[test]
fn what_cannot_be_interrupted_ends_with_its_connection() {
    let Some(server) = Postgres::start("no-interrupt") else { return };
    let mut proxy = Proxy::before(server.address());
    let mut container = container(&server.url_at(proxy.address()));
    let exchange = begin(&mut container, &server, "/slow", "wait_event = 'PgSleep'");
    proxy.refuse();
    container.cancel(exchange, Status::CANCELLED_PEER);
    container.run();
    assert_eq!(container.counts().descriptors, 0);
    assert_eq!(container.get("/process").outcome, Some(Status::E_RESOURCE));
    proxy.admit();
    assert!(!container.get("/process").text().is_empty());
}

#[test]
fn a_lost_connection_is_noticed_and_replaced() {
    let Some(mut server) = Postgres::start("lost") else { return };
    let mut container = container(&server.url());
    let process = container.get("/process").text();
    assert_eq!(container.get("/killed").text(), "HC_E_RESOURCE 57P01");
    assert_ne!(container.get("/process").text(), process);
    // While nobody uses it.
    assert_eq!(server.terminate_backends("true"), 1);
    hc_services::wait_for("the member ends", || {
        container.run_ready();
        (container.counts().descriptors == 0).then_some(())
    });
    assert!(!container.get("/process").text().is_empty());
    server.stop(End::Killed);
    hc_services::wait_for("the member ends", || {
        container.run_ready();
        (container.counts().descriptors == 0).then_some(())
    });
    assert_eq!(container.get("/process").outcome, Some(Status::E_RESOURCE));
    server.start_again();
    assert!(!container.get("/process").text().is_empty());
}

#[test]
fn a_connection_is_cut_in_the_middle_of_a_statement() {
    let Some(server) = Postgres::start("cut") else { return };
    let proxy = Proxy::before(server.address());
    let mut container = container(&server.url_at(proxy.address()));
    let exchange = begin(&mut container, &server, "/slow", "wait_event = 'PgSleep'");
    proxy.cut();
    container.run();
    assert_eq!(container.answer(exchange).outcome, Some(Status::E_RESOURCE));
    assert!(!container.get("/process").text().is_empty());
}

#[test]
fn a_name_is_looked_up() {
    let Some(server) = Postgres::start("name") else { return };
    let url = server.url().replace("127.0.0.1", "localhost");
    assert!(!container(&url).get("/process").text().is_empty());
    let url = server.url().replace("127.0.0.1", "nowhere.invalid");
    assert_eq!(container(&url).get("/process").outcome, Some(Status::E_RESOURCE));
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    for (config, reason) in [
        ("{}", "missing field `url`"),
        (r#"{"url":"mysql://x"}"#, "must begin with postgres://"),
        (r#"{"url":"postgres://me@db","pool":3}"#, "unknown field `pool`"),
        (r#"{"url":"postgres://me@db?sslmode=verify-full&sslrootcert=/nowhere"}"#, "/nowhere cannot be read"),
    ] {
        let refused = Container::new(1).with_provider::<Provider>("db", 1, config).err().expect(config);
        assert!(format!("{refused:?}").contains(reason), "{config}: {refused:?}");
    }
}
