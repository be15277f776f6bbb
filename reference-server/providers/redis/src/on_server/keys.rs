//! Each operation on keys, beside a plain client of the same server.

use std::time::Duration;

use bytes::Bytes;
use hc_services::{Redis, RedisSession, Reply as Plain};
use http_container::Status;
use http_container::provider::{Condition, KvRequest, Lifetime, Reply};

use super::{perform, with_session};
use crate::session::Session;

const KEY: &[u8] = b"a key\r\nwith\0bytes";
const HOUR: Duration = Duration::from_secs(3600);

fn set(value: &'static [u8], condition: Condition, lifetime: Lifetime) -> KvRequest {
    KvRequest::Set { key: KEY.into(), value: value.into(), condition, lifetime }
}

fn add(number: i64, ttl: Option<Duration>) -> KvRequest {
    KvRequest::Add { key: KEY.into(), number, ttl }
}

fn equal(value: &'static [u8]) -> Condition {
    Condition::IfEqual(value.into())
}

async fn get(session: &mut Session) -> Reply {
    perform(session, KvRequest::Get { key: KEY.into() }).await.unwrap()
}

async fn is_done(session: &mut Session, request: KvRequest) -> bool {
    perform(session, request).await.unwrap().found
}

/// What the next test finds: nothing.
fn clear(server: &Redis) {
    server.session().run(&["FLUSHALL"]);
}

fn has_hours(ttl: Option<Duration>) -> bool {
    ttl.is_some_and(|ttl| ttl <= HOUR && ttl > HOUR / 2)
}

#[test]
fn values_are_stored_under_conditions() {
    for server in Redis::start_each("conditions", &[]) {
        with_session(&server.url(), |mut session| async move {
            let session = &mut session;
            assert_eq!(get(session).await, Reply::default());
            let always = |value| set(value, Condition::Always, Lifetime::Forever);
            assert!(!is_done(session, set(b"0", Condition::IfPresent, Lifetime::Forever)).await);
            assert!(!is_done(session, set(b"0", equal(b""), Lifetime::Forever)).await);
            assert!(is_done(session, set(b"1", Condition::IfAbsent, Lifetime::Forever)).await);
            assert!(!is_done(session, set(b"0", Condition::IfAbsent, Lifetime::Forever)).await);
            assert_eq!(get(session).await, Reply::value(Bytes::from_static(b"1"), None));
            assert!(is_done(session, set(b"\0\r\n", Condition::IfPresent, Lifetime::Forever)).await);
            assert!(!is_done(session, set(b"0", equal(b"1"), Lifetime::Forever)).await);
            assert!(is_done(session, set(b"2", equal(b"\0\r\n"), Lifetime::Forever)).await);
            assert_eq!(get(session).await, Reply::value(Bytes::from_static(b"2"), None));
            assert!(is_done(session, always(b"")).await);
            assert_eq!(get(session).await, Reply::value(Bytes::new(), None));
            let delete = |expected: Option<&'static [u8]>| KvRequest::Delete {
                key: KEY.into(),
                expected: expected.map(Bytes::from_static),
            };
            assert!(!is_done(session, delete(Some(b"x"))).await);
            assert!(is_done(session, delete(Some(b""))).await);
            assert!(!is_done(session, delete(None)).await);
            assert!(is_done(session, always(b"3")).await);
            assert!(is_done(session, delete(None)).await);
        });
        clear(&server);
    }
}

#[test]
fn values_live_as_long_as_they_should() {
    for server in Redis::start_each("lifetimes", &[]) {
        with_session(&server.url(), |mut session| async move {
            let session = &mut session;
            let hour = Lifetime::For(HOUR);
            for condition in [Condition::Always, Condition::IfPresent, equal(b"1")] {
                assert!(is_done(session, set(b"1", Condition::Always, hour)).await);
                assert!(has_hours(get(session).await.ttl));
                assert!(is_done(session, set(b"1", condition.clone(), Lifetime::Keep)).await);
                assert!(has_hours(get(session).await.ttl), "{condition:?}");
                assert!(is_done(session, set(b"1", condition.clone(), Lifetime::Forever)).await);
                assert_eq!(get(session).await.ttl, None, "{condition:?}");
                assert!(is_done(session, set(b"1", condition.clone(), hour)).await);
                assert!(has_hours(get(session).await.ttl), "{condition:?}");
            }
            let expire = |ttl| KvRequest::Expire { key: KEY.into(), ttl };
            assert!(is_done(session, expire(None)).await);
            assert_eq!(get(session).await.ttl, None);
            assert!(is_done(session, expire(None)).await);
            assert!(is_done(session, expire(Some(Duration::MAX))).await);
            assert!(get(session).await.ttl > Some(HOUR));
            assert!(is_done(session, expire(Some(Duration::from_millis(1)))).await);
            while get(session).await.found {}
            assert!(!is_done(session, expire(None)).await);
            assert!(!is_done(session, expire(Some(HOUR))).await);
        });
        clear(&server);
    }
}

#[test]
fn counters_count_exactly() {
    for server in Redis::start_each("counters", &[]) {
        with_session(&server.url(), |mut session| async move {
            let session = &mut session;
            for ttl in [None, Some(HOUR)] {
                let sum = async |session: &mut Session, number| perform(session, add(number, ttl)).await;
                assert_eq!(sum(session, 3).await.unwrap().number, 3);
                assert_eq!(sum(session, -5).await.unwrap().number, -2);
                assert_eq!(has_hours(get(session).await.ttl), ttl.is_some());
                // More than a number of Lua's can hold.
                assert_eq!(sum(session, i64::MAX - 1).await.unwrap().number, i64::MAX - 3);
                let failure = sum(session, i64::MAX).await.unwrap_err();
                assert!(failure.message.contains("overflow"), "{failure:?}");
                assert_eq!(get(session).await.value, (i64::MAX - 3).to_string());
                assert!(is_done(session, set(b"x", Condition::Always, Lifetime::Forever)).await);
                let failure = sum(session, 1).await.unwrap_err();
                assert!(failure.message.contains("not an integer"), "{failure:?}");
                assert!(is_done(session, KvRequest::Delete { key: KEY.into(), expected: None }).await);
                assert_eq!(sum(session, i64::MIN).await.unwrap().number, i64::MIN);
                assert!(is_done(session, KvRequest::Delete { key: KEY.into(), expected: None }).await);
            }
            // A counter that is there keeps the time it has.
            assert_eq!(perform(session, add(1, None)).await.unwrap().number, 1);
            assert_eq!(perform(session, add(1, Some(HOUR))).await.unwrap().number, 2);
            assert_eq!(get(session).await.ttl, None);
        });
        clear(&server);
    }
}

#[test]
fn what_is_no_value_is_refused() {
    for server in Redis::start_each("types", &[]) {
        let mut plain: RedisSession = server.session();
        plain.run(&["LPUSH", "list", "x"]);
        with_session(&server.url(), |mut session| async move {
            let key = Bytes::from_static(b"list");
            let requests = [
                KvRequest::Get { key: key.clone() },
                KvRequest::Add { key: key.clone(), number: 1, ttl: None },
                KvRequest::Add { key: key.clone(), number: 1, ttl: Some(HOUR) },
                KvRequest::Delete { key: key.clone(), expected: Some(key.clone()) },
            ];
            for request in requests {
                let failure = perform(&mut session, request.clone()).await.unwrap_err();
                assert!(failure.message.contains("WRONGTYPE"), "{request:?}: {failure:?}");
                assert_eq!(failure.into_outcome().status(), Status::E_FAILED);
            }
        });
        assert_eq!(plain.run(&["LLEN", "list"]), Plain::Number(1));
    }
}

#[test]
fn a_full_server_is_told_from_a_refusal() {
    for server in Redis::start_each("full", &["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) {
        with_session(&server.url(), |mut session| async move {
            let hour = Lifetime::For(HOUR);
            for request in [
                set(b"1", Condition::Always, Lifetime::Forever),
                set(b"1", Condition::IfAbsent, hour),
                add(1, None),
                add(1, Some(HOUR)),
            ] {
                let failure = perform(&mut session, request.clone()).await.unwrap_err();
                assert_eq!(
                    failure.clone().into_outcome().status(),
                    Status::E_LIMIT,
                    "{request:?}: {failure:?}"
                );
            }
        });
    }
}

#[test]
fn large_values_come_whole() {
    for server in Redis::start_each("large", &[]) {
        with_session(&server.url(), |mut session| async move {
            let value = Bytes::from(vec![b'\n'; 8 << 20]);
            let request = KvRequest::Set {
                key: KEY.into(),
                value: value.clone(),
                condition: Condition::Always,
                lifetime: Lifetime::Forever,
            };
            assert!(is_done(&mut session, request).await);
            assert!(get(&mut session).await.value == value);
        });
    }
}
