//! The echo: it begins early, waits for room, and never looks whole when it is not.

use http_container::testing::Container;
use http_container::{Request, Status};

#[test]
fn the_answer_begins_before_the_body_is_whole_and_waits_for_room() {
    let mut container = Container::handler(crate::echo);
    let exchange = container.open(Request::put("/any"));
    container.set_room(exchange, Some(3));
    container.feed(exchange, "hello ");
    container.run_ready();
    assert_eq!(container.answer(exchange).status().as_u16(), 200);
    container.feed(exchange, "world");
    container.run_ready();
    assert_eq!(container.answer(exchange).body, "hel", "no more than the peer takes");
    container.set_room(exchange, None);
    container.run_ready();
    assert_eq!(container.answer(exchange).body, "hello world");
    assert!(!container.answer(exchange).is_whole);
    container.end_body(exchange);
    container.run();
    assert_eq!(container.answer(exchange).text(), "hello world");
}

#[test]
fn a_cut_body_is_never_echoed_as_whole() {
    let mut container = Container::handler(crate::echo);
    let exchange = container.open(Request::post("/").header("content-length", "10"));
    container.feed(exchange, "hello");
    container.cut_body(exchange, Status::E_PEER);
    container.run();
    let answer = container.answer(exchange);
    assert_eq!((&answer.body[..], answer.content_length), (&b"hello"[..], Some(10)));
    assert_eq!((answer.is_whole, answer.is_aborted), (false, true));
}

#[test]
fn any_method_and_size() {
    let mut container = Container::handler(crate::echo);
    for (method, size) in [("GET", 0), ("POST", 1), ("QUERY", 3 << 20)] {
        let body = vec![b'x'; size];
        let answer = container.send(Request::builder().method(method).uri("/").body(body.clone()).unwrap());
        assert_eq!((answer.body.len(), answer.is_whole), (size, true), "{method}");
        assert!(answer.body == body);
    }
}
