//! The Redis server for tests: that it is one, and that it can be stopped in every way and started again.

use hc_services::{End, Redis, RedisSession, Reply};
use std::net::TcpStream;

#[test]
fn it_answers() {
    for redis in Redis::start_each("answers", &[]) {
        let mut session = redis.session();
        assert_eq!(session.run(&["SET", "a", "b\r\nc"]), Reply::Text("OK".into()), "{}", redis.kind);
        assert_eq!(session.run(&["GET", "a"]), Reply::bytes("b\r\nc"));
        assert_eq!(session.run(&["GET", "b"]), Reply::Bytes(None));
        assert_eq!(session.run(&["INCR", "n"]), Reply::Number(1));
        let list = [Reply::bytes("1"), Reply::Bytes(None)];
        assert_eq!(session.run(&["MGET", "n", "m"]), Reply::List(Some(list.into())));
        assert!(matches!(session.command(&["INCR", "a"]), Ok(Reply::Error(text)) if text.starts_with("ERR")));
        assert_eq!(redis.clients(), 1);
        assert_eq!(redis.url(), format!("redis://{}", redis.address()));
    }
}

#[test]
fn messages_are_seen() {
    let Some(redis) = Redis::start("messages") else { return };
    let mut listener = redis.session();
    listener.run(&["SUBSCRIBE", "news"]);
    assert_eq!(redis.session().run(&["PUBLISH", "news", "hello"]), Reply::Number(1));
    let message = ["message", "news", "hello"].map(Reply::bytes);
    assert_eq!(listener.reply().unwrap(), Reply::List(Some(message.into())));
}

#[test]
fn it_is_started_again_and_is_empty() {
    let Some(mut redis) = Redis::start("again") else { return };
    let address = redis.address();
    for end in [End::Orderly, End::Killed] {
        let mut open = redis.session();
        open.run(&["SET", "a", "b"]);
        redis.stop(end);
        assert!(TcpStream::connect(address).is_err());
        assert!(open.command(&["PING"]).is_err());
        redis.start_again();
        assert_eq!(redis.session().run(&["GET", "a"]), Reply::Bytes(None), "{end:?}");
    }
}

#[test]
fn options_are_passed_on() {
    let Some(redis) = Redis::start_with("password", &["--requirepass", "secret"]) else { return };
    let mut session = RedisSession::connect(redis.address()).unwrap();
    assert!(matches!(session.command(&["GET", "a"]), Ok(Reply::Error(text)) if text.starts_with("NOAUTH")));
    session.run(&["AUTH", "secret"]);
    assert_eq!(session.run(&["GET", "a"]), Reply::Bytes(None));
}
