//! Panics wherever an author's code runs: each becomes a status, is logged, and leaves everything in order.

use std::time::Duration;

use http_container::testing::{Answer, Container};
use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, Status, ctx, sleep};

struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// The first request takes the path; the second one shows that the module still serves.
fn run(target: &str) -> (Answer, Vec<String>) {
    async fn handler(request: Request<Body>) -> Response<Body> {
        match request.uri().path() {
            "/at-once" => panic!("at once"),
            "/later" => {
                sleep(Duration::from_secs(1)).await;
                panic!("later");
            }
            "/drop" => drop(Bomb("in a destructor")),
            "/drop-after" => {
                let _bomb = Bomb("at the end");
                sleep(Duration::from_secs(1)).await;
                return Response::new("answered".into());
            }
            "/twice" => {
                let _bomb = PolitelyTwice;
                sleep(Duration::from_secs(1)).await;
                panic!("first");
            }
            "/stream" => {
                return Response::new(Body::stream(|mut body| async move {
                    body.write("some").await?;
                    panic!("while streaming");
                }));
            }
            _ => {}
        }
        Response::new("fine".into())
    }
    let mut container = Container::handler(handler);
    let answer = container.get(target);
    assert_eq!(container.get("/").text(), "fine");
    let log = container.log().into_iter().filter(|line| line.level == 1).map(|line| line.text).collect();
    (answer, log)
}

/// Logs while the panic unwinds.
struct PolitelyTwice;

impl Drop for PolitelyTwice {
    fn drop(&mut self) {
        http_container::error!("dropped in task {}", ctx().task() != 0);
    }
}

#[test]
fn in_the_handler() {
    for (target, message) in [
        ("/at-once", "at once"),
        ("/later", "later"),
        ("/drop", "in a destructor"),
        ("/drop-after", "at the end"),
        ("/stream", "while streaming"),
        ("/twice", "first"),
    ] {
        let (answer, log) = run(target);
        assert_eq!((answer.outcome, answer.is_whole), (Some(Status::E_PANIC), false), "{target}");
        assert!(log.iter().any(|line| line.contains(message)), "{target}: {log:?}");
    }
}

#[test]
fn destructors_run_in_the_task_s_context_while_it_unwinds() {
    let (_, log) = run("/twice");
    assert_eq!(log.iter().filter(|line| line.contains("dropped in task true")).count(), 1, "{log:?}");
}

#[test]
fn in_a_destructor_while_the_task_is_cancelled() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let _bomb = Bomb("boom");
        sleep(Duration::from_secs(1)).await;
        Response::new(())
    });
    let exchange = container.open(Request::get("/"));
    container.run_ready();
    container.cancel(exchange, Status::CANCELLED_PEER);
    container.run_ready();
    assert_eq!(container.answer(exchange).outcome, Some(Status::CANCELLED_PEER));
    assert!(container.log().iter().any(|line| line.text.contains("boom")));
    assert_eq!(container.counts().operations, 0);
}

struct Failing;

impl App for Failing {
    type Config = NoConfig;
    type Worker = Bomb;

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        if setup.worker_count() == 2 {
            panic!("in create");
        }
        Ok(Self)
    }

    fn worker(&self, _: u32) -> Result<Bomb, Error> {
        Ok(Bomb("in worker_stop"))
    }

    async fn handle(_: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        Ok(Response::new("served".into()))
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        panic!("in destroy");
    }
}

#[test]
fn at_the_beginning_and_the_end_of_an_instance() {
    let refused = Container::new(2).add_app::<Failing>("{}").err().unwrap();
    assert_eq!(refused.status, Status::E_PANIC);
    assert!(refused.log.iter().any(|line| line.text.contains("in create")));
    // The panics of worker_stop and destroy are caught at the boundary, or this test would not end well.
    let mut container = Container::app::<Failing>("{}").unwrap();
    assert_eq!(container.get("/").text(), "served");
    container.close();
}
