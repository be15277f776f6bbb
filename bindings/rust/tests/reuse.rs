//! What a worker uses again for a later request: no request sees anything of another one, whatever ended before it.

use std::cell::RefCell;
use std::time::Duration;

use http_container::testing::Container;
use http_container::{Body, Error, Request, Response, Status, StatusCode, sleep};

thread_local! {
    static KEPT: RefCell<Vec<http::request::Parts>> = const { RefCell::new(Vec::new()) };
}

/// Says which request it answers, from all that a head has.
fn told(head: &http::request::Parts) -> String {
    let fields: Vec<_> =
        head.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
    format!("{} {} {:?} {}", head.method, head.uri, head.version, fields.join(" "))
}

async fn handler(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (head, _) = request.into_parts();
    let text = told(&head);
    match head.uri.path() {
        "/keep" => KEPT.with_borrow_mut(|kept| kept.push(head)),
        "/wait" => sleep(Duration::from_secs(1)).await,
        "/fail" => return Err(Error::new("failed")),
        "/refuse" => return Err(Error::http(StatusCode::IM_A_TEAPOT, text)),
        "/panic" => panic!("panicked"),
        "/stream" => {
            return Ok(Response::new(Body::stream(|mut body| async move { body.write(text).await })));
        }
        _ => {}
    }
    Ok(Response::builder().header("x-answer", "1").body(text.into())?)
}

fn request(method: &str, path: &str, number: usize) -> http::request::Builder {
    let mut head =
        Request::builder().method(method).uri(format!("{path}?n={number}")).header("host", "example.org");
    for field in 0..number % 7 {
        head = head.header(format!("x-{field}"), format!("{number}-{field}"));
    }
    head
}

fn expected(method: &str, path: &str, number: usize) -> String {
    let fields: String = (0..number % 7).map(|field| format!(" x-{field}={number}-{field}")).collect();
    format!("{method} {path}?n={number} HTTP/1.1 host=example.org{fields}")
}

#[test]
fn every_request_sees_its_own_head_after_every_ending() {
    let mut container = Container::handler(handler);
    let endings = ["/", "/wait", "/fail", "/refuse", "/panic", "/stream", "/keep"];
    for number in 0..endings.len() * endings.len() {
        // Each ending follows each other one.
        let (before, after) = (endings[number / endings.len()], endings[number % endings.len()]);
        for (method, path) in [("POST", before), ("GET", after)] {
            let answer = container.send(request(method, path, number).body("").unwrap());
            let expect = expected(method, path, number);
            match path {
                "/fail" => assert_eq!(answer.outcome, Some(Status::E_FAILED)),
                "/panic" => assert_eq!(answer.outcome, Some(Status::E_PANIC)),
                _ => assert_eq!(
                    (answer.outcome, answer.text()),
                    (Some(Status::OK), expect),
                    "{before} {after}"
                ),
            }
        }
    }
}

#[test]
fn a_head_that_was_kept_stays_as_it_was() {
    let mut container = Container::handler(handler);
    for number in 0..40 {
        container.send(request("GET", "/keep", number).body("").unwrap());
        container.send(request("PUT", "/other", number + 1).body("").unwrap());
    }
    let kept = KEPT.take();
    assert_eq!(kept.len(), 40);
    for (number, head) in kept.iter().enumerate() {
        assert_eq!(told(head), expected("GET", "/keep", number));
    }
}

#[test]
fn a_task_that_was_cancelled_serves_again() {
    let mut container = Container::handler(handler);
    for number in 0..5 {
        assert_eq!(container.get("/").status(), StatusCode::OK);
        let waiting = container.open(request("GET", "/wait", number));
        container.cancel(waiting, Status::E_PEER);
        container.run();
        assert_eq!(container.answer(waiting).outcome, Some(Status::E_PEER));
    }
    assert_eq!(container.get("/last").text(), "GET /last HTTP/1.1 host=test.example");
}

#[test]
fn large_heads_and_root_targets_are_whole() {
    let mut container = Container::handler(handler);
    for size in [1, 2047, 2048, 2049, 9000, 10] {
        let value = "v".repeat(size);
        let answer = container.send(Request::get("/").header("x-large", &value).body("").unwrap());
        assert_eq!(answer.text(), format!("GET / HTTP/1.1 x-large={value} host=test.example"));
    }
}
