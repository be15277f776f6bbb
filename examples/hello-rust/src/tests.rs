//! The greeting, for any path and method.

use http_container::Request;
use http_container::testing::Container;

#[test]
fn every_path_and_method_gets_the_greeting() {
    let mut container = Container::handler(crate::hello);
    for (method, target) in
        [("GET", "/"), ("POST", "/any/path?x=1"), ("DELETE", "/a"), ("OPTIONS", "*"), ("BREW", "/")]
    {
        let answer = container.send(Request::builder().method(method).uri(target).body("ignored").unwrap());
        assert_eq!((answer.status().as_u16(), answer.header("content-type")), (200, Some("text/plain")));
        assert_eq!(answer.text(), "Hello, World!", "{method} {target}");
    }
}
