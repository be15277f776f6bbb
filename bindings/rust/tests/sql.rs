//! Databases from a handler: statements, typed rows, transactions, in which state a connection is given back, and what a
//! statement that is given up leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_container::sql::{Database, Row, Sql, SqlError};
use http_container::testing::{Container, FakeDatabase, SqlAnswer};
use http_container::{
    App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, Status, ctx, params, sleep,
    timeout,
};

const CLEAN: LeaseEnd = LeaseEnd::Clean;
const DIRTY: LeaseEnd = LeaseEnd::Dirty;

struct Paths {
    database: Database,
}

impl App for Paths {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        assert_eq!(setup.kv("db").unwrap_err().status(), Status::E_UNSUPPORTED);
        assert_eq!(setup.sql("other").unwrap_err().status(), Status::E_RESOURCE);
        Ok(Self { database: setup.sql("db")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let mut sql = state.database.acquire().await?;
        let text = match request.uri().path() {
            "/one" => one(&mut sql).await?,
            "/types" => types(&mut sql).await?,
            "/many" => many(&mut sql).await?,
            "/execute" => {
                let count = sql.execute("DELETE FROM t WHERE a = $1", params![1_i64]).await?;
                sql.script("CREATE TABLE a; CREATE TABLE b").await?;
                count.to_string()
            }
            "/failed" => failed(&mut sql).await,
            "/unread" => unread(&mut sql).await?,
            "/commit" => commit(&mut sql).await?,
            "/forgotten" => forgotten(&mut sql).await?,
            "/left-open" => left_open(&mut sql).await?,
            "/too-slow" => {
                let waited = timeout(Duration::from_secs(1), sql.query("slow", &[])).await;
                assert!(waited.is_err());
                let error = sql.query("more", &[]).await.unwrap_err();
                assert_eq!(error.status(), Status::E_STATE);
                error.to_string()
            }
            "/slow" => sql.query_one("slow", &[]).await?.get("a")?,
            "/set" => {
                sql.execute("SET x", &[]).await?;
                sql.set_dirty();
                String::new()
            }
            "/patient" => patient(&mut sql).await?,
            "/named" => {
                drop(sql);
                ctx().sql("db").await?.query_one("one", &[]).await?.get(0)?
            }
            "/unknown-name" => ctx().sql("x").await.map(|_| String::new())?,
            _ => String::new(),
        };
        Ok(Response::new(text.into()))
    }
}

async fn one(sql: &mut Sql) -> Result<String, SqlError> {
    let row = sql.query_one("one", params![7, "x", None::<bool>, [1_u8, 2]]).await?;
    assert_eq!(row.columns().collect::<Vec<_>>(), ["a"]);
    let text: String = row.get("a")?;
    assert_eq!(row.get::<&str>(0)?, text);
    assert_eq!(sql.query_optional("none", &[]).await?.map(|row| row.len()), None);
    assert!(sql.query_one("none", &[]).await.is_err());
    assert!(sql.query_one("two", &[]).await.is_err());
    assert_eq!(one_text(sql).await?, text);
    Ok(text)
}

async fn types(sql: &mut Sql) -> Result<String, SqlError> {
    let row = sql.query_one("types", &[]).await?;
    assert!(row.get::<bool>("bool")?);
    assert_eq!((row.get::<i16>("int")?, row.get::<i32>("int")?, row.get::<i64>("int")?), (300, 300, 300));
    assert_eq!((row.get::<f64>("real")?, row.get::<f64>("int")?), (1.5, 300.0));
    assert_eq!((row.get::<&str>("text")?, row.get::<String>("text")?), ("t", "t".into()));
    assert_eq!((row.get::<&[u8]>("bytes")?, row.get::<Vec<u8>>("bytes")?), (&[0, 255][..], vec![0, 255]));
    assert_eq!((row.get::<Option<i64>>("null")?, row.get::<Option<i64>>("int")?), (None, Some(300)));
    let refused: [Result<(), SqlError>; 4] = [
        row.get::<i64>("null").map(drop),
        row.get::<u32>("text").map(drop),
        row.get::<bool>("int").map(drop),
        row.get::<i64>("nothing").map(drop),
    ];
    Ok(refused.map(|refused| refused.unwrap_err().to_string()).join("\n"))
}

async fn many(sql: &mut Sql) -> Result<String, SqlError> {
    let mut rows = sql.query("many", &[]).await?;
    let mut sum = 0;
    let mut kept: Vec<Row> = Vec::new();
    while let Some(row) = rows.next().await? {
        sum += row.get::<i64>("n")?;
        kept.extend((kept.len() < 3).then_some(row));
    }
    assert!(rows.next().await?.is_none());
    // Rows are whole, whatever became of the rest.
    assert_eq!(kept[2].get::<&str>("text")?, "row 2");
    let all = sql.query("many", &[]).await?.all().await?;
    Ok(format!("{sum} {}", all.len()))
}

async fn failed(sql: &mut Sql) -> String {
    let error = sql.execute("failed", &[]).await.unwrap_err();
    assert_eq!((error.status(), error.code(), error.message()), (Status::E_FAILED, "23505", "taken"));
    error.to_string()
}

async fn unread(sql: &mut Sql) -> Result<String, SqlError> {
    let mut rows = sql.query("many", &[]).await?;
    rows.next().await?;
    drop(rows);
    // The rest is read first.
    one_text(sql).await
}

async fn one_text(sql: &mut Sql) -> Result<String, SqlError> {
    sql.query_one("one", &[]).await?.get("a")
}

async fn commit(sql: &mut Sql) -> Result<String, SqlError> {
    let mut transaction = sql.transaction().await?;
    let text = one_text(&mut transaction).await?;
    assert_eq!(transaction.transaction().await.unwrap_err().status(), Status::E_STATE);
    transaction.commit().await?;
    sql.read_transaction().await?.rollback().await?;
    Ok(text)
}

async fn forgotten(sql: &mut Sql) -> Result<String, SqlError> {
    drop(sql.transaction().await?);
    one_text(sql).await
}

async fn left_open(sql: &mut Sql) -> Result<String, SqlError> {
    let mut transaction = sql.transaction().await?;
    one_text(&mut transaction).await
}

/// Waits for a row three times, and gives up twice.
async fn patient(sql: &mut Sql) -> Result<String, SqlError> {
    let mut rows = sql.query("late", &[]).await?;
    for _ in 0..2 {
        assert!(timeout(Duration::from_millis(10), rows.next()).await.is_err());
    }
    let row = rows.next().await?.expect("a row comes");
    assert!(rows.next().await?.is_none());
    row.get("a")
}

fn database() -> FakeDatabase {
    FakeDatabase::new(|statement| match statement.text() {
        "one" => SqlAnswer::rows(&["a"]).row(&[&"first"]),
        "none" => SqlAnswer::rows(&["a"]),
        "two" => SqlAnswer::rows(&["a"]).row(&[&1]).row(&[&2]),
        "types" => SqlAnswer::rows(&["bool", "int", "real", "text", "bytes", "null"]).row(&[
            &true,
            &300,
            &1.5,
            &"t",
            &[0_u8, 255],
            &None::<i64>,
        ]),
        "many" => (0..1000)
            .fold(SqlAnswer::rows(&["n", "text"]), |answer, n| answer.row(&[&n, &format!("row {n}")])),
        "failed" => SqlAnswer::failed("23505", "taken"),
        "slow" | "late" => SqlAnswer::rows(&["a"]).row(&[&"slow"]).after(Duration::from_secs(60)),
        "lost" => SqlAnswer::lost("the cable"),
        _ => SqlAnswer::affected(5),
    })
}

fn container(connections: usize, database: &FakeDatabase) -> Container {
    Container::new(1).with_database("db", connections, database).add_app::<Paths>("{}").unwrap()
}

/// Sends one request to a fresh container: its text, what the database was asked, and how the lease ended.
fn ask(path: &str) -> (String, Vec<String>, Vec<LeaseEnd>) {
    let database = database();
    let mut container = container(1, &database);
    let answer = container.get(path);
    assert_eq!(answer.outcome, Some(Status::OK), "{:?}", container.log());
    let ends = container.lease_ends();
    container.close();
    (answer.text(), database.asked(), ends)
}

#[test]
fn rows_and_their_values_are_typed() {
    let (text, asked, ends) = ask("/one");
    assert_eq!((text.as_str(), ends), ("first", vec![CLEAN]));
    assert_eq!(asked[0], r#"one [Int64(7), Text("x"), Null, Bytes([1, 2])]"#);
    let (text, ..) = ask("/types");
    assert_eq!(
        text,
        "the column `null`: NULL is no whole number\nthe column `text`: a text is no 32-bit whole number without \
         sign\nthe column `int`: a whole number is no truth value\nthe answer has no column `nothing`"
    );
}

#[test]
fn many_rows_come_in_batches() {
    let (text, _, ends) = ask("/many");
    assert_eq!((text.as_str(), ends), ("499500 1000", vec![CLEAN]));
}

#[test]
fn what_was_changed_is_counted() {
    let (text, asked, ends) = ask("/execute");
    assert_eq!((text.as_str(), ends), ("5", vec![CLEAN]));
    assert_eq!(asked, ["DELETE FROM t WHERE a = $1 [Int64(1)]", "CREATE TABLE a; CREATE TABLE b"]);
}

#[test]
fn a_refusal_is_told_and_leaves_the_connection_clean() {
    let (text, _, ends) = ask("/failed");
    assert_eq!((text.as_str(), ends), ("taken (SQLSTATE 23505)", vec![CLEAN]));
}

#[test]
fn what_is_left_unread_is_read_by_the_next_statement() {
    let (text, asked, ends) = ask("/unread");
    assert_eq!((text.as_str(), ends), ("first", vec![CLEAN]));
    assert_eq!(asked, ["many", "one"]);
}

#[test]
fn a_transaction_ends_as_it_is_told_or_is_rolled_back() {
    let (_, asked, ends) = ask("/commit");
    assert_eq!(asked, ["BEGIN", "one", "COMMIT", "BEGIN READ", "ROLLBACK"]);
    assert_eq!(ends, [CLEAN]);
    let (_, asked, ends) = ask("/forgotten");
    assert_eq!(asked, ["BEGIN", "ROLLBACK", "one"]);
    assert_eq!(ends, [CLEAN]);
    let (_, asked, ends) = ask("/left-open");
    assert_eq!(asked, ["BEGIN", "one", "(reset)"]);
    assert_eq!(ends, [DIRTY]);
}

#[test]
fn a_statement_that_is_given_up_poisons_the_lease() {
    let (text, asked, ends) = ask("/too-slow");
    assert_eq!(text, "a statement was given up in its middle: the lease is poisoned, acquire another one");
    assert_eq!(asked, ["slow", "(interrupt)", "(reset)"]);
    assert_eq!(ends, [DIRTY]);
}

#[test]
fn a_session_that_was_changed_is_given_back_dirty() {
    let (_, asked, ends) = ask("/set");
    assert_eq!((asked, ends), (vec!["SET x".to_owned(), "(reset)".to_owned()], vec![DIRTY]));
}

#[test]
fn a_database_is_found_by_name() {
    let (text, _, ends) = ask("/named");
    assert_eq!((text.as_str(), ends), ("first", vec![CLEAN, CLEAN]));
    let mut container = container(1, &database());
    assert_eq!(container.get("/unknown-name").outcome, Some(Status::E_FAILED));
}

#[test]
fn a_cancelled_task_interrupts_its_statement() {
    let database = database();
    let mut container = container(1, &database);
    let exchange = container.open(Request::get("/slow"));
    container.run_ready();
    assert_eq!(container.counts().leases, 1);
    container.cancel(exchange, Status::CANCELLED_PEER);
    container.run_ready();
    assert_eq!(database.asked(), ["slow", "(interrupt)", "(reset)"]);
    assert_eq!((container.lease_ends(), container.counts().leases), (vec![DIRTY], 0));
    assert_eq!(container.get("/one").text(), "first");
}

#[test]
fn one_connection_serves_in_turn() {
    let database = database();
    let mut container = container(1, &database);
    let all: Vec<_> = (0..5).map(|_| container.open(Request::get("/one"))).collect();
    container.run();
    assert!(all.iter().all(|exchange| container.answer(*exchange).text() == "first"));
    assert_eq!(container.counts().members, 1);
}

#[test]
fn a_database_that_cannot_be_reached_fails_the_task_as_unavailable() {
    let database = database();
    database.set_unreachable(Some("connection refused"));
    let mut container = container(2, &database);
    let answer = container.get("/one");
    assert_eq!((answer.outcome, answer.is_aborted), (Some(Status::E_RESOURCE), true));
    database.set_unreachable(None);
    assert_eq!(container.get("/one").text(), "first");
}

#[test]
fn a_lost_connection_fails_the_task_as_unavailable() {
    let database = FakeDatabase::script([
        ("slow", SqlAnswer::lost("the cable")),
        ("slow", SqlAnswer::rows(&["a"]).row(&[&"again"])),
    ]);
    let mut container = container(1, &database);
    assert_eq!(container.get("/slow").outcome, Some(Status::E_RESOURCE));
    assert_eq!(container.get("/slow").text(), "again");
}

#[test]
fn waiting_for_a_row_may_be_given_up_and_taken_up_again() {
    // The columns come at once, and the row an hour later: a provider of its own.
    let mut container =
        Container::new(1).with_provider::<late::Late>("db", 1, "{}").unwrap().add_app::<Paths>("{}").unwrap();
    assert_eq!(container.get("/patient").text(), "at last");
    assert_eq!(container.lease_ends(), [CLEAN]);
}

mod late {
    //! A database that is slow to give a row.

    use super::*;
    use http_container::provider::{Member, Outcome, Provider, Request, SqlValue};

    pub struct Late;

    impl Provider for Late {
        const INTERFACE: &'static str = "hc.sql/1";
        type Config = NoConfig;

        fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
            Ok(Self)
        }

        async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
            member.ready()?;
            loop {
                match member.next().await {
                    Request::Statement(_) => {
                        member.columns(&["a"])?;
                        sleep(Duration::from_secs(3600)).await;
                        member.rows(&[SqlValue::Text("at last")]).await?;
                        member.done(Outcome::ok());
                    }
                    Request::Close => return Ok(()),
                    _ => member.done(Outcome::ok()),
                }
            }
        }
    }
}

#[test]
fn an_answer_may_look_at_what_was_asked() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let database = FakeDatabase::new(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        SqlAnswer::rows(&["a"]).row(&[&"x"])
    });
    container(1, &database).get("/slow");
    assert_eq!(count.load(Ordering::Relaxed), 1);
}
