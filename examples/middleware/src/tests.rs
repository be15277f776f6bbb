//! The guard before a handler: who passes, and what the peer is told.

use std::time::Duration;

use http_container::testing::Container;
use http_container::{Body, Request, Response, sleep};

use crate::Guard;

async fn next(request: Request<Body>) -> Response<Body> {
    assert!(!request.headers().contains_key("authorization"), "the token stays with the guard");
    sleep(Duration::from_millis(250)).await;
    Response::new(request.into_body())
}

fn container() -> Container {
    Container::app::<Guard>(r#"{ "token": "secret" }"#).unwrap().add_handler(next)
}

#[test]
fn a_token_opens_and_the_time_is_told() {
    let mut container = container();
    let request = Request::post("/").header("authorization", "Bearer secret").body("through both").unwrap();
    let answer = container.send(request);
    assert_eq!((answer.status().as_u16(), answer.text().as_str()), (200, "through both"));
    assert_eq!(answer.header("server-timing"), Some("next;dur=250.000"));
    assert_eq!(container.counts().children, 0);
}

#[test]
fn without_the_token_the_next_module_sees_nothing() {
    let mut container = container();
    for given in ["Bearer secreT", "Bearer secret2", "Bearer", "secret"] {
        let answer = container.send(Request::get("/").header("authorization", given).body("").unwrap());
        assert_eq!(
            (answer.status().as_u16(), answer.header("www-authenticate")),
            (401, Some("Bearer")),
            "{given}"
        );
    }
    assert_eq!(container.get("/").status().as_u16(), 401);
    assert_eq!(container.counts().steps, 5, "one step each, none of the next module");
}

#[test]
fn an_empty_token_is_refused() {
    let refused = Container::app::<Guard>(r#"{ "token": "" }"#).err().unwrap();
    assert!(refused.log[0].text.contains("every request would pass"));
}
