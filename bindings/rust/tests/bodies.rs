//! Request bodies: what is read, how much at a time, and how they end.

use std::cell::Cell;
use std::rc::Rc;

use http_container::testing::Container;
use http_container::{Body, Error, HeaderMap, Request, Response, Status, StatusCode, spawn, yield_now};

#[test]
fn chunks_come_as_they_are_fed_and_trailers_after_them() {
    let mut container = Container::handler(async |request: Request<Body>| {
        let mut body = request.into_body();
        let mut sizes = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            sizes.push(chunk.len().to_string());
        }
        let trailer = body.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        Ok::<_, Error>(Response::new(format!("{} {trailer:?}", sizes.join(" "))))
    });
    let exchange = container.open(Request::post("/"));
    for size in [1, 2, 3] {
        container.nudge(exchange);
        container.run_ready();
        container.feed(exchange, vec![b'x'; size]);
    }
    container
        .end_body_with(exchange, &HeaderMap::from_iter([("x-sum".parse().unwrap(), "6".parse().unwrap())]));
    container.run();
    assert_eq!(container.answer(exchange).text(), "1 2 3 Some(\"6\")");
}

#[test]
fn a_collected_body_has_a_limit() {
    let handler = async |request: Request<Body>| {
        let body = request.into_body().collect(8).await?;
        Ok::<_, Error>(Response::new(body))
    };
    let mut container = Container::handler(handler);
    assert_eq!(container.send(Request::post("/").body("12345678").unwrap()).text(), "12345678");
    assert_eq!(
        container.send(Request::post("/").body("123456789").unwrap()).status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    for sizes in [&[9][..], &[4, 5], &[1, 1, 7]] {
        let exchange = container.open(Request::post("/"));
        for &size in sizes {
            container.feed(exchange, vec![b'x'; size]);
        }
        container.end_body(exchange);
        container.run();
        assert_eq!(container.answer(exchange).status(), StatusCode::PAYLOAD_TOO_LARGE, "{sizes:?}");
    }
}

#[test]
fn a_body_that_is_cut_or_too_long_fails_with_its_status() {
    for status in [Status::E_PEER, Status::E_LIMIT] {
        let mut container = Container::handler(async |request: Request<Body>| {
            let body = request.into_body().collect(100).await?;
            Ok::<_, Error>(Response::new(body))
        });
        let exchange = container.open(Request::post("/"));
        container.feed(exchange, "half");
        container.run_ready();
        container.cut_body(exchange, status);
        container.run();
        let answer = container.answer(exchange);
        assert_eq!((answer.status, answer.outcome), (None, Some(status)), "the container answers 400 or 413");
    }
}

#[test]
fn a_fast_peer_does_not_hold_the_worker() {
    let mut container = Container::handler(async |request: Request<Body>| {
        let turns = Rc::new(Cell::new(0));
        let counter = Rc::clone(&turns);
        let other = spawn(async move {
            loop {
                counter.update(|turns| turns + 1);
                yield_now().await;
            }
        });
        let mut body = request.into_body();
        let mut chunks = 0;
        while body.chunk().await?.is_some() {
            chunks += 1;
        }
        let turns = turns.get();
        other.abort();
        Ok::<_, Error>(Response::new(format!("{chunks} {}", turns >= 9)))
    });
    let exchange = container.open(Request::post("/"));
    for _ in 0..640 {
        container.feed(exchange, "x");
    }
    container.end_body(exchange);
    container.run();
    assert_eq!(container.answer(exchange).text(), "640 true");
}

#[test]
fn a_body_read_by_another_task_ends_with_its_own() {
    let mut container = Container::handler(async |request: Request<Body>| {
        let mut body = request.into_body();
        let reader = spawn(async move {
            let first = body.chunk().await;
            (first, body.chunk().await)
        });
        let report = spawn(async move {
            let (first, second) = reader.await.unwrap();
            assert_eq!(first.unwrap().unwrap(), "first");
            assert_eq!(second.unwrap_err().status(), Status::E_GONE, "never a whole body");
        });
        for _ in 0..5 {
            yield_now().await;
        }
        drop(report);
        Response::new("early")
    });
    let exchange = container.open(Request::post("/"));
    container.feed(exchange, "first");
    container.run();
    assert_eq!(container.answer(exchange).text(), "early");
    assert!(!container.log().iter().any(|line| line.level == 1), "{:?}", container.log());
}
