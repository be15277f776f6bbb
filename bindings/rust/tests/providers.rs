//! Providers: what works inside a member, requests that are not lost, interrupts, back-pressure, and how a member ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures::future::{Either, select};
use http_container::net::TcpStream;
use http_container::provider::{Member, Outcome, Provider, Race, Request as Asked, SqlValue, Taken};
use http_container::sql::Database;
use http_container::testing::Container;
use http_container::{
    App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, Status, params, sleep, spawn,
    timeout,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(3600);

/// Runs the path of the request as a statement, with the query as its value, and answers the first column of all rows.
struct Runner {
    database: Database,
}

impl App for Runner {
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
        let rows = sql.query(&request.uri().path()[1..], params![request.uri().query()]).await?;
        let mut text = String::new();
        for row in rows.all().await? {
            text += row.get(0)?;
        }
        Ok(Response::new(text.into()))
    }
}

fn container<P: Provider>(members: usize, config: &str) -> Container {
    Container::new(1).with_provider::<P>("db", members, config).unwrap().add_app::<Runner>("{}").unwrap()
}

/// Answers one row with one text.
async fn answer(member: &Member, text: &str) -> Result<Outcome, Error> {
    member.columns(&["text"])?;
    member.rows(&[SqlValue::Text(text)]).await?;
    Ok(Outcome::ok().affected(1))
}

#[derive(serde::Deserialize)]
struct Address {
    url: SocketAddr,
}

/// Sends each statement over a connection, and answers what comes back. A subtask writes.
struct Remote {
    address: SocketAddr,
}

impl Provider for Remote {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = Address;

    fn create(config: Address, _: &Setup) -> Result<Self, Error> {
        Ok(Self { address: config.url })
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        let mut stream = timeout(LONG, TcpStream::connect(self.address)).await??;
        sleep(SHORT).await;
        member.ready()?;
        loop {
            match member.next().await {
                Asked::Statement(statement) => {
                    stream.write_all(format!("{}\n", statement.text()).as_bytes()).await?;
                    let mut buffer = [0; 64];
                    let size = stream.read(&mut buffer).await?;
                    if size == 0 {
                        return Err(Error::new("the other end hung up"));
                    }
                    let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
                    let shouting = spawn(async move { text.to_uppercase() });
                    let outcome = answer(&member, shouting.await?.trim()).await?;
                    member.done(outcome);
                }
                Asked::Close => return Ok(()),
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

/// A server that answers so many lines on each connection, one connection after another.
fn echo(lines: usize, connections: usize) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!(r#"{{"url":"{}"}}"#, listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            for _ in 0..lines {
                let mut buffer = [0; 64];
                let size = stream.read(&mut buffer).unwrap();
                stream.write_all(&buffer[..size]).unwrap();
            }
        }
    });
    (config, server)
}

#[test]
fn sockets_timers_and_tasks_work_inside_a_member() {
    let (config, server) = echo(2, 1);
    let mut container = container::<Remote>(1, &config);
    assert_eq!(container.get("/hello").text(), "HELLO");
    assert_eq!(container.get("/again").text(), "AGAIN");
    container.close();
    server.join().unwrap();
}

#[test]
fn a_member_that_is_lost_is_opened_again_for_the_next_task() {
    let (config, server) = echo(1, 2);
    let mut container = container::<Remote>(1, &config);
    assert_eq!(container.get("/first").text(), "FIRST");
    assert_eq!(container.get("/lost").outcome, Some(Status::E_RESOURCE));
    assert_eq!(container.get("/second").text(), "SECOND");
    container.close();
    server.join().unwrap();
}

#[test]
fn a_member_that_cannot_be_opened_is_an_unavailable_resource() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut container = container::<Remote>(1, &format!(r#"{{"url":"{closed}"}}"#));
    assert_eq!(container.get("/").outcome, Some(Status::E_RESOURCE));
    assert_eq!(container.counts().members, 0);
}

#[test]
fn a_configuration_that_is_wrong_refuses_the_provider() {
    let refused = Container::new(1).with_provider::<Remote>("db", 1, r#"{"url":"nowhere"}"#).err().unwrap();
    assert_eq!(refused.status, Status::E_CONFIG);
    assert!(refused.log[0].text.contains("`url`"), "{:?}", refused.log);
}

/// Waits for requests in every clumsy way.
struct Clumsy;

impl Provider for Clumsy {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self)
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        member.ready()?;
        let mut given_up = 0;
        loop {
            // A wait that is given up again and again, also when the request is there already.
            let asked = match select(pin!(member.next()), pin!(sleep(SHORT))).await {
                Either::Left((asked, _)) => asked,
                Either::Right(_) if given_up < 100 => {
                    given_up += 1;
                    continue;
                }
                Either::Right(_) => member.next().await,
            };
            match asked {
                Asked::Statement(statement) => {
                    let outcome = answer(&member, statement.text()).await?;
                    member.done(outcome);
                }
                Asked::Close => return Ok(()),
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

#[test]
fn no_request_is_lost_with_a_wait_that_is_given_up() {
    let mut container = container::<Clumsy>(1, "{}");
    let all: Vec<_> = (0..50).map(|number| container.open(Request::get(format!("/{number}")))).collect();
    for _ in 0..200 {
        container.advance(SHORT / 3);
    }
    container.run();
    for (number, exchange) in all.into_iter().enumerate() {
        assert_eq!(container.answer(exchange).text(), number.to_string());
    }
}

/// How a statement ends that is interrupted: its text says so.
struct Interruptible;

static STOPPED: AtomicUsize = AtomicUsize::new(0);

impl Provider for Interruptible {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self)
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        member.ready()?;
        loop {
            match member.next().await {
                Asked::Statement(statement) => {
                    let mut work = pin!(async {
                        sleep(LONG).await;
                        answer(&member, statement.text()).await
                    });
                    let outcome = loop {
                        match member.race(work.as_mut()).await {
                            Race::Done(outcome) => break outcome?,
                            Race::Interrupt if statement.text() == "stubborn" => {}
                            Race::Interrupt => break Outcome::interrupted(),
                            Race::Close => return Ok(()),
                        }
                    };
                    STOPPED.fetch_add((outcome.status() == Status::E_CANCELLED).into(), Ordering::Relaxed);
                    member.done(outcome);
                }
                Asked::Close => return Ok(()),
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

#[test]
fn an_interrupt_reaches_the_member_in_the_middle_of_its_work() {
    let mut container = container::<Interruptible>(1, "{}");
    for path in ["/stubborn", "/docile"] {
        let exchange = container.open(Request::get(path));
        container.run_ready();
        container.cancel(exchange, Status::CANCELLED_PEER);
        container.run();
    }
    assert_eq!(STOPPED.load(Ordering::Relaxed), 1);
    assert_eq!(container.get("/after").text(), "after");
    assert_eq!(container.lease_ends(), [LeaseEnd::Dirty, LeaseEnd::Dirty, LeaseEnd::Clean]);
    // Closed in the middle of its work.
    container.open(Request::get("/last"));
    container.run_ready();
    container.close();
}

/// Answers as many rows as its value says, one at a time.
struct Rows;

static GIVEN: AtomicUsize = AtomicUsize::new(0);

impl Provider for Rows {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self)
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        member.ready()?;
        loop {
            match member.next().await {
                Asked::Statement(statement) => {
                    let Some(SqlValue::Text(count)) = statement.values().next() else {
                        member.done(Outcome::failed("how many?").code("22023"));
                        continue;
                    };
                    member.columns(&["text", "number"])?;
                    let mut given = 0;
                    for number in 0..count.parse::<i64>()? {
                        let row = [SqlValue::Text("x"), SqlValue::Int64(number)];
                        if member.rows(&row).await? == Taken::Discarded {
                            break;
                        }
                        given += 1;
                        GIVEN.store(given, Ordering::Relaxed);
                    }
                    member.done(match statement.text() {
                        "late-failure" => Outcome::failed("after all"),
                        _ => Outcome::ok().affected(given as u64),
                    });
                }
                Asked::Close => return Ok(()),
                Asked::Interrupt => {}
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

#[test]
fn rows_are_held_back_while_nobody_reads_them() {
    let mut container = container::<Rows>(1, "{}");
    assert_eq!(container.get("/rows?5000").text(), "x".repeat(5000));
    let exchange = container.open(Request::get("/rows?100000"));
    container.run_ready();
    assert_eq!(container.answer(exchange).text().len(), 100_000);
    assert_eq!(container.get("/late-failure?10").outcome, Some(Status::E_FAILED));
    assert_eq!(container.get("/rows").outcome, Some(Status::E_FAILED));

    // A reader that leaves: the member is told that nobody wants the rest.
    GIVEN.store(0, Ordering::Relaxed);
    let exchange = container.open(Request::get("/rows?100000"));
    while GIVEN.load(Ordering::Relaxed) == 0 {
        assert!(container.step());
    }
    container.cancel(exchange, Status::CANCELLED_PEER);
    container.run_ready();
    assert!(GIVEN.load(Ordering::Relaxed) < 100_000);
    assert_eq!(container.get("/rows?1").text(), "x");
}

/// Ends in every bad way.
struct Faulty;

impl Provider for Faulty {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self)
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        member.ready()?;
        assert!(member.ready().is_err());
        loop {
            match member.next().await {
                Asked::Statement(statement) => match statement.text() {
                    "panic" => panic!("in a member"),
                    "done-twice" => {
                        member.done(Outcome::ok());
                        member.done(Outcome::ok());
                    }
                    "rows-first" => {
                        let refused = member.rows(&[SqlValue::Null]).await.unwrap_err();
                        member.done(Outcome::failed(refused.message()));
                    }
                    "silent" => return Ok(()),
                    other => {
                        let outcome = answer(&member, other).await?;
                        member.done(outcome.broken());
                    }
                },
                Asked::Close => return Ok(()),
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

#[test]
fn a_member_that_fails_harms_its_holder_only() {
    let mut container = container::<Faulty>(1, "{}");
    for (path, outcome) in [
        ("/panic", Status::E_RESOURCE),
        ("/silent", Status::E_RESOURCE),
        ("/rows-first", Status::E_FAILED),
        ("/done-twice", Status::OK),
        ("/broken", Status::OK),
    ] {
        assert_eq!(container.get(path).outcome, Some(outcome), "{path}");
    }
    assert!(container.log().iter().any(|line| line.text.contains("in a member")));
    assert!(container.log().iter().any(|line| line.text.contains("outcome of a request was refused")));
    assert_eq!(container.get("/after").text(), "after");
}
