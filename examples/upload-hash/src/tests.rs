//! Known hashes, however the body is split.

use http_container::testing::Container;
use http_container::{Request, Status};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const MILLION_A: &str = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

#[test]
fn known_hashes() {
    let mut container = Container::handler(crate::hash);
    for (body, expect) in
        [("".to_owned(), EMPTY), ("abc".to_owned(), ABC), ("a".repeat(1_000_000), MILLION_A)]
    {
        assert_eq!(container.send(Request::post("/").body(body).unwrap()).text(), expect);
    }
}

#[test]
fn the_split_does_not_matter() {
    let mut container = Container::handler(crate::hash);
    let exchange = container.open(Request::post("/"));
    for byte in ["a", "b", "c"] {
        container.feed(exchange, byte);
        container.run_ready();
    }
    container.end_body(exchange);
    container.run();
    assert_eq!(container.answer(exchange).text(), ABC);
}

#[test]
fn a_cut_upload_has_no_hash() {
    let mut container = Container::handler(crate::hash);
    let exchange = container.open(Request::post("/"));
    container.feed(exchange, "abc");
    container.cut_body(exchange, Status::E_PEER);
    container.run();
    let answer = container.answer(exchange);
    assert_eq!((answer.status, answer.outcome), (None, Some(Status::E_PEER)));
}
