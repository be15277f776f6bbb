//! Background tasks: results, ends, panics, limits, and tasks from elsewhere.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use http_container::testing::Container;
use http_container::{
    App, Body, Error, JoinHandle, Limit, NoConfig, Request, Response, Setup, Spawner, State, Status, ctx,
    sleep, spawn,
};

#[test]
fn a_task_outlives_its_request() {
    let (sender, receiver) = mpsc::channel();
    let mut container = Container::handler(move |_: Request<Body>| {
        let sender = sender.clone();
        async move {
            spawn(async move {
                sleep(Duration::from_secs(60)).await;
                sender.send(ctx().request_id()).unwrap();
            });
            Response::new("at once")
        }
    });
    let exchange = container.open(Request::get("/"));
    container.end_body(exchange);
    container.run_ready();
    assert_eq!(container.answer(exchange).text(), "at once");
    assert!(receiver.try_recv().is_err());
    container.run();
    assert_eq!(receiver.try_recv(), Ok(None), "a background task has no request");
}

#[test]
fn a_handle_tells_how_its_task_ended() {
    async fn outcome(handle: JoinHandle<()>) -> Status {
        handle.await.unwrap_err().status()
    }
    let mut container = Container::handler(async |_: Request<Body>| {
        let aborted = spawn(sleep(Duration::from_secs(60)));
        aborted.abort();
        aborted.abort();
        let lost = spawn(std::future::pending());
        let panicked = spawn(async { panic!("in the background") });
        let finished = spawn(async { Box::new(5) });
        let text = format!(
            "{:?} {:?} {:?} {}",
            outcome(aborted).await,
            outcome(lost).await,
            outcome(panicked).await,
            finished.await.unwrap()
        );
        Response::new(text)
    });
    let expect = format!("{:?} {:?} {:?} 5", Status::CANCELLED_MODULE, Status::E_LOST, Status::E_PANIC);
    assert_eq!(container.get("/").text(), expect);
    assert!(container.log().iter().any(|line| line.text.contains("in the background")));
}

#[test]
fn a_task_that_cannot_be_started_is_dropped_and_says_why() {
    let handler = async |_: Request<Body>| {
        let (sender, dropped) = futures::channel::oneshot::channel::<()>();
        let kept = spawn(sleep(Duration::from_millis(5)));
        let refused = spawn(async move {
            let _sender = sender;
            sleep(Duration::from_millis(5)).await;
        });
        assert!(refused.is_finished() && !kept.is_finished());
        assert!(dropped.await.is_err(), "its future was dropped");
        let status = refused.await.unwrap_err().status();
        kept.await.unwrap();
        Response::new(format!("{status:?}"))
    };
    let mut container = Container::new(1).with_limit(Limit::Tasks, 1).add_handler(handler);
    assert_eq!(container.get("/").text(), format!("{:?}", Status::E_LIMIT));
}

/// An application with a thread of its own, which spawns tasks on every worker.
struct Threaded {
    thread: Option<thread::JoinHandle<u32>>,
}

impl App for Threaded {
    type Config = NoConfig;
    type Worker = u32;

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        let (spawner, workers) = (setup.spawner(), setup.worker_count());
        let refused = setup.resource("db", "hc.sql/1").unwrap_err();
        assert_eq!(
            (refused.status(), refused.message()),
            (Status::E_RESOURCE, "there is no resource named `db`")
        );
        // A task that begins when the workers run.
        spawner.spawn(async || sleep(Duration::from_secs(1)).await);
        Ok(Self { thread: Some(thread::spawn(move || busy(&spawner, workers))) })
    }

    fn worker(&self, index: u32) -> Result<u32, Error> {
        Ok(index * 100)
    }

    async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        Ok(Response::new(format!("{} {}", ctx().worker(), state.worker()).into()))
    }
}

impl Drop for Threaded {
    fn drop(&mut self) {
        let started = self.thread.take().unwrap().join().unwrap();
        assert_eq!(started, 3);
    }
}

fn busy(spawner: &Spawner, workers: u32) -> u32 {
    let (sender, receiver) = mpsc::channel();
    for worker in 0..workers {
        let sender = sender.clone();
        spawner.spawn_on(worker, move || async move { sender.send((worker, ctx().worker())).unwrap() });
    }
    drop(sender);
    let mut started = 0;
    while let Ok((wanted, found)) = receiver.recv() {
        assert_eq!(wanted, found);
        started += 1;
    }
    started
}

#[test]
fn threads_and_workers_of_an_application() {
    let mut container = Container::new(3).add_app::<Threaded>("{}").unwrap();
    let answers: Vec<_> = (0..4).map(|_| container.get("/").text()).collect();
    for answer in &answers {
        assert!(["0 0", "1 100", "2 200"].contains(&answer.as_str()), "{answer}");
    }
    // The thread may be slower than the requests: run until its tasks had their turn.
    while container.counts().steps < 4 + 3 + 2 {
        container.run();
        thread::yield_now();
    }
}
