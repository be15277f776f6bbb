//! Middleware: what goes down to the child, what comes back, and what happens when either side ends early.

use std::time::Duration;

use bytes::Bytes;
use http_container::testing::Container;
use http_container::{
    Body, Error, HeaderMap, Request, Response, Status, StatusCode, dispatch, dispatch_route, sleep, spawn,
    timeout,
};

/// Answers with what it was asked.
async fn mirror(request: Request<Body>) -> Result<Response<String>, Error> {
    let (head, body) = request.into_parts();
    let length = head.headers.get("content-length").map_or("-", |value| value.to_str().unwrap()).to_owned();
    let body = body.collect(1 << 20).await?;
    let text = format!("{} {} {length} {}", head.method, head.uri, String::from_utf8_lossy(&body));
    Ok(Response::builder().status(202).header("x-child", "1").body(text)?)
}

fn chain<F>(parent: impl Fn(Request<Body>) -> F + Send + Sync + 'static) -> Container
where
    F: Future<Output: http_container::IntoResponse> + 'static,
{
    Container::handler(parent).add_handler(mirror)
}

#[test]
fn a_request_passes_as_it_came() {
    for is_touched in [false, true] {
        let mut container =
            chain(move |request: Request<Body>| async move { dispatch(is_touched.then_some(request)).await });
        let answer =
            container.send(Request::put("/a?b=c").header("content-length", "4").body("body").unwrap());
        assert_eq!((answer.status().as_u16(), answer.header("x-child")), (202, Some("1")));
        assert_eq!(answer.text(), "PUT /a?b=c 4 body", "touched: {is_touched}");
        assert_eq!(container.counts().children, 0);
    }
}

#[test]
fn head_and_body_may_be_others() {
    let mut container = chain(async |mut request: Request<Body>| {
        let body = std::mem::take(request.body_mut()).collect(100).await?;
        *request.body_mut() = Body::from(Bytes::from([&body[..], b"!"].concat()));
        *request.uri_mut() = "/other?x".parse()?;
        let mut response = dispatch(Some(request)).await?;
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().remove("x-child");
        Ok::<_, Error>(response)
    });
    let answer = container.send(Request::post("/a").header("content-length", "4").body("body").unwrap());
    assert_eq!((answer.status().as_u16(), answer.header("x-child")), (200, None));
    assert_eq!(answer.text(), "POST /other?x 5 body!");
}

#[test]
fn a_half_read_body_cannot_be_handed_over() {
    let mut container = chain(async |mut request: Request<Body>| {
        request.body_mut().chunk().await?;
        let error = dispatch(Some(request)).await.unwrap_err();
        Ok::<_, Error>(Response::new(error.message().to_owned()))
    });
    let answer = container.send(Request::post("/").body("body").unwrap());
    assert!(answer.text().contains("collect it first"));
}

#[test]
fn the_end_of_the_chain_and_too_deep_a_chain_are_errors() {
    let mut container = Container::handler(async |request| dispatch(Some(request)).await);
    let answer = container.get("/");
    assert_eq!((answer.status, answer.outcome), (None, Some(Status::E_RESOURCE)));
    assert!(container.log().iter().any(|line| line.text.contains("[dispatch.open.none]")));
    let mut container = Container::handler(async |request| dispatch_route(Some(request)).await);
    assert_eq!(
        container.get("/").outcome,
        Some(Status::E_FAILED),
        "the deepest was refused, and all above it failed"
    );
    assert!(container.log().iter().any(|line| line.text.contains("[dispatch.open.depth]")));
}

#[test]
fn a_child_that_fails_is_an_error_before_its_head_and_a_cut_body_after() {
    let child = async |request: Request<Body>| match request.uri().path() {
        "/before" => Err(Error::new("no head")),
        _ => Ok(Response::new(Body::stream(|mut body| async move {
            body.write("half").await?;
            sleep(Duration::from_secs(1)).await;
            Err(Error::new("no more"))
        }))),
    };
    let parent = async |request: Request<Body>| match dispatch(Some(request)).await {
        Ok(response) => Ok(response),
        Err(error) if error.status() == Status::E_FAILED => {
            Err(Error::http(StatusCode::BAD_GATEWAY, "sorry"))
        }
        Err(error) => Err(error),
    };
    let mut container = Container::handler(parent).add_handler(child);
    let answer = container.get("/before");
    assert_eq!((answer.status().as_u16(), answer.text().as_str()), (502, "sorry"));
    let answer = container.get("/after");
    assert_eq!((&answer.body[..], answer.is_whole, answer.is_aborted), (&b"half"[..], false, true));
}

#[test]
fn a_child_streams_with_back_pressure_and_trailers() {
    const SIZE: usize = 1 << 20;
    let child = async |_: Request<Body>| {
        Response::new(Body::stream(|mut body| async move {
            for _ in 0..SIZE / 1024 {
                body.write(vec![b'x'; 1024]).await?;
            }
            body.set_trailers(HeaderMap::from_iter([("x-end".parse()?, "1".parse()?)]));
            Ok(())
        }))
    };
    let mut container = Container::handler(async |request| dispatch(Some(request)).await).add_handler(child);
    let exchange = container.open(Request::get("/"));
    container.end_body(exchange);
    container.set_room(exchange, Some(1000));
    container.run_ready();
    let before = container.counts();
    assert_eq!(container.answer(exchange).body.len(), 1000);
    assert!(!container.run_ready(), "the child waits for its parent, and the parent for the peer");
    assert_eq!(container.counts().tasks, before.tasks);
    container.set_room(exchange, None);
    container.run();
    let answer = container.answer(exchange);
    assert_eq!((answer.body.len(), answer.trailers.get("x-end").is_some()), (SIZE, true));
}

#[test]
fn a_parent_that_has_enough_ends_its_child() {
    let child = async |_: Request<Body>| {
        spawn(async {}).await?;
        sleep(Duration::from_secs(3600)).await;
        Ok::<_, Error>(Response::new("too late"))
    };
    let parent = async |request: Request<Body>| {
        let elapsed = timeout(Duration::from_secs(1), dispatch(Some(request))).await.is_err();
        sleep(Duration::from_secs(1)).await;
        Response::new(elapsed.to_string())
    };
    let mut container = Container::handler(parent).add_handler(child);
    let exchange = container.open(Request::get("/"));
    container.end_body(exchange);
    container.advance(Duration::from_millis(1500));
    assert_eq!(
        (container.counts().tasks, container.counts().children),
        (1, 0),
        "the child is gone, the parent not"
    );
    container.run();
    assert_eq!(container.answer(exchange).text(), "true");
}
