//! Cancellation at every suspension point: the future is dropped once, and nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_container::testing::{Container, Exchange};
use http_container::{
    Body, Error, Notice, Request, Response, Status, cancelled, completion, ctx, dispatch, notices, sleep,
    spawn, timeout, yield_now,
};

/// Counts how often it is made and dropped, and as what the task ended.
#[derive(Clone, Default)]
struct Witness {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

struct Guard(Witness, Option<Status>);

impl Witness {
    fn guard(&self, expected: Option<Status>) -> Guard {
        self.made.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone(), expected)
    }

    fn check(&self, when: &str) {
        let (made, dropped) = (self.made.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed));
        assert_eq!(made, dropped, "futures made and dropped, {when}");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Dropped in its task's context.
        assert!(ctx().task() != 0);
        if ctx().outcome().is_some() {
            assert_eq!(ctx().outcome(), self.1);
        }
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits for everything that there is to wait for.
async fn all(witness: Witness, request: Request<Body>) -> Result<Response<Body>, Error> {
    let _guard = witness.guard(Some(Status::CANCELLED_PEER));
    let mut advice = notices(Notice::DRAIN);
    let mut body = request.into_body();
    let first = body.chunk().await?;
    sleep(Duration::from_millis(5)).await;
    yield_now().await;
    let (sender, receiver) = futures::channel::oneshot::channel();
    let inner = witness.clone();
    let other = spawn(async move {
        let _guard = inner.guard(Some(Status::CANCELLED_DRAIN));
        sleep(Duration::from_millis(1)).await;
        let _ = sender.send(());
        yield_now().await;
        7
    });
    receiver.await?;
    assert_eq!(other.await?, 7);
    assert!(timeout(Duration::from_millis(3), advice.next()).await.is_err());
    assert!(timeout(Duration::from_millis(3), cancelled()).await.is_err());
    futures::join!(sleep(Duration::from_millis(1)), sleep(Duration::from_millis(2)), yield_now());
    let (completer, value) = completion();
    spawn(async move { completer.complete(1) });
    value.await?;
    let second = body.chunk().await?;
    let inner = witness.clone();
    Ok(Response::new(Body::stream(move |mut writer| async move {
        let _guard = inner.guard(Some(Status::CANCELLED_PEER));
        for chunk in [first, second].into_iter().flatten() {
            writer.write(chunk).await?;
        }
        while let Some(chunk) = body.chunk().await? {
            writer.write(chunk).await?;
        }
        Ok(())
    })))
}

/// Opens an exchange whose answer is the 10 bytes of its body; the peer takes them in pieces.
fn open(container: &mut Container) -> Exchange {
    let exchange = container.open(Request::post("/"));
    container.set_room(exchange, Some(3));
    for chunk in ["one", "two", "last"] {
        container.feed(exchange, chunk);
    }
    exchange
}

/// Lets the exchange go on by one step, or what it takes to get one.
fn go_on(container: &mut Container, exchange: Exchange, turn: usize) {
    if container.step() {
        return;
    }
    container.advance(Duration::from_micros(500));
    container.set_room(exchange, Some(2));
    if turn.is_multiple_of(3) {
        container.end_body(exchange);
    }
}

fn cancelled_everywhere(make: impl Fn(&Witness) -> Container) {
    let witness = Witness::default();
    for stop in 0.. {
        let mut container = make(&witness);
        let exchange = open(&mut container);
        let mut turn = 0;
        while turn < stop && container.answer(exchange).outcome.is_none() {
            go_on(&mut container, exchange, turn);
            turn += 1;
        }
        if container.answer(exchange).outcome.is_some() {
            let answer = container.answer(exchange);
            assert_eq!((answer.outcome, answer.text().as_str()), (Some(Status::OK), "onetwolast"));
            container.close();
            witness.check("in the run that was left alone");
            assert!(stop >= 15, "only {stop} suspension points");
            return;
        }
        container.cancel(exchange, Status::CANCELLED_PEER);
        container.run_ready();
        assert_eq!(container.answer(exchange).outcome, Some(Status::CANCELLED_PEER), "stopped after {stop}");
        // Background tasks go on by themselves, or end with the container.
        container.close();
        witness.check(&format!("stopped after {stop}"));
    }
}

#[test]
fn at_every_suspension_point() {
    cancelled_everywhere(|witness| {
        let witness = witness.clone();
        Container::handler(move |request| all(witness.clone(), request))
    });
}

#[test]
fn at_every_suspension_point_of_a_parent() {
    cancelled_everywhere(|witness| {
        let (outer, inner) = (witness.clone(), witness.clone());
        let parent = move |request: Request<Body>| {
            let witness = outer.clone();
            async move {
                let _guard = witness.guard(Some(Status::CANCELLED_PEER));
                dispatch(Some(request)).await
            }
        };
        let child = move |request: Request<Body>| {
            let witness = inner.clone();
            async move {
                let _guard = witness.guard(Some(Status::CANCELLED_PARENT));
                // The body goes through the child.
                let mut body = request.into_body();
                let first = body.chunk().await?;
                for _ in 0..5 {
                    sleep(Duration::from_millis(1)).await;
                }
                Ok::<_, Error>(Response::new(Body::stream(move |mut writer| async move {
                    if let Some(first) = first {
                        writer.write(first).await?;
                    }
                    while let Some(chunk) = body.chunk().await? {
                        yield_now().await;
                        writer.write(chunk).await?;
                    }
                    Ok(())
                })))
            }
        };
        Container::handler(parent).add_handler(child)
    });
}

#[test]
fn calls_that_would_wait_are_refused_during_the_last_step() {
    // The task asks for its own end, goes on, and learns nothing: it is dropped at its next await.
    let mut container = Container::handler(async |_: Request<Body>| {
        let me = ctx().task();
        let cancel = spawn(async move { me });
        assert_eq!(cancel.await.unwrap(), me);
        sleep(Duration::from_secs(1)).await;
        Response::new(())
    });
    let exchange = container.open(Request::get("/"));
    container.run_ready();
    container.cancel(exchange, Status::CANCELLED_DEADLINE);
    container.cancel(exchange, Status::CANCELLED_PEER);
    container.run();
    assert_eq!(
        container.answer(exchange).outcome,
        Some(Status::CANCELLED_DEADLINE),
        "the first reason counts"
    );
}

#[test]
fn advice_ends_nothing() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let mut drain = notices(Notice::DRAIN | Notice::RELOAD);
        let mut peer = notices(Notice::PEER);
        let first = futures::future::select(Box::pin(drain.next()), Box::pin(peer.next())).await;
        let said = matches!(first, futures::future::Either::Left((Notice::DRAIN, _)));
        drop(first);
        drop(drain);
        let second = peer.next().await;
        Response::new(format!("{said} {}", second.has(Notice::PEER)))
    });
    let exchange = container.open(Request::get("/"));
    container.run_ready();
    container.notify(exchange, Notice::DEADLINE);
    container.run_ready();
    assert_eq!(container.answer(exchange).outcome, None, "nobody asked for that");
    container.drain();
    container.run_ready();
    container.drain();
    container.run_ready();
    assert_eq!(container.answer(exchange).outcome, None);
    container.notify(exchange, Notice::PEER);
    container.run_ready();
    assert_eq!(container.answer(exchange).text(), "true true");
}
