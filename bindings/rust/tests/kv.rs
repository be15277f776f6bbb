//! Stores from a handler: values, times to live, conditions, counters, messages, and in which state a connection is given
//! back.

use std::time::Duration;

use http_container::kv::{Condition, Kv, Lifetime, Received, Store};
use http_container::testing::{Container, FakeStore};
use http_container::{
    App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, Status, completion, ctx, sleep,
    spawn, timeout,
};

const CLEAN: LeaseEnd = LeaseEnd::Clean;
const DIRTY: LeaseEnd = LeaseEnd::Dirty;

struct Paths {
    store: Store,
}

impl App for Paths {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { store: setup.kv("cache")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let store = &state.store;
        let mut kv = store.acquire().await?;
        match request.uri().path() {
            "/values" => values(&mut kv).await?,
            "/conditions" => conditions(&mut kv).await?,
            "/lives" => lives(&mut kv).await?,
            "/counters" => counters(&mut kv).await?,
            "/messages" => messages(kv, store).await?,
            "/lost" => lost(kv, store).await?,
            "/ended" => {
                let mut subscription = kv.subscribe("a").await?;
                subscription.add("b").await?;
                subscription.end().await?;
                kv.set("free", "again").await?;
            }
            "/left-subscribed" => {
                let mut subscription = kv.subscribe("a").await?;
                assert!(timeout(Duration::from_secs(5), subscription.next()).await.is_err());
            }
            "/refused" => {
                let error = kv.get("").await.unwrap_err();
                assert_eq!(error.status(), Status::E_INVALID);
            }
            _ => {}
        }
        Ok(Response::new("done".into()))
    }
}

async fn values(kv: &mut Kv) -> Result<(), Error> {
    assert_eq!(kv.get("k").await?, None);
    kv.set("k", [0, 255]).await?;
    assert_eq!(kv.get(b"k").await?.as_deref(), Some(&[0, 255][..]));
    assert_eq!(kv.get("known").await?.as_deref(), Some(&b"value"[..]));
    assert!(kv.delete("k").await?);
    assert!(!kv.delete("k").await?);
    Ok(())
}

async fn conditions(kv: &mut Kv) -> Result<(), Error> {
    assert!(kv.set_if_absent("k", "1", Lifetime::Forever).await?);
    assert!(!kv.set_if_absent("k", "2", Lifetime::Forever).await?);
    assert!(kv.set_where("k", "3", Condition::IfEqual("1".into()), Lifetime::Forever).await?);
    assert!(!kv.set_where("k", "4", Condition::IfEqual("1".into()), Lifetime::Forever).await?);
    assert!(!kv.set_where("other", "5", Condition::IfPresent, Lifetime::Forever).await?);
    assert!(!kv.delete_if_equal("k", "1").await?);
    assert!(kv.delete_if_equal("k", "3").await?);
    Ok(())
}

async fn lives(kv: &mut Kv) -> Result<(), Error> {
    let minute = Duration::from_secs(60);
    kv.set_for("k", "1", minute).await?;
    sleep(Duration::from_secs(20)).await;
    kv.set_where("k", "2", Condition::Always, Lifetime::Keep).await?;
    let (value, ttl) = kv.get_with_ttl("k").await?.unwrap();
    assert_eq!((&value[..], ttl), (&b"2"[..], Some(Duration::from_secs(40))));
    sleep(Duration::from_secs(41)).await;
    assert_eq!(kv.get("k").await?, None);
    kv.set("k", "3").await?;
    assert!(kv.expire("k", Some(Duration::from_nanos(1))).await?);
    assert_eq!(kv.get_with_ttl("k").await?.unwrap().1, Some(Duration::from_millis(1)));
    assert!(kv.expire("k", None).await?);
    assert_eq!(kv.get_with_ttl("k").await?.unwrap().1, None);
    assert!(!kv.expire("none", None).await?);
    Ok(())
}

async fn counters(kv: &mut Kv) -> Result<(), Error> {
    assert_eq!(kv.add("n", 5).await?, 5);
    assert_eq!(kv.add("n", -7).await?, -2);
    assert_eq!(kv.add_for("m", 1, Duration::from_secs(1)).await?, 1);
    assert_eq!(kv.get_with_ttl("m").await?.unwrap().1, Some(Duration::from_secs(1)));
    let error = kv.add("known", 1).await.unwrap_err();
    assert_eq!(error.status(), Status::E_FAILED);
    Ok(())
}

async fn messages(mut kv: Kv, store: &Store) -> Result<(), Error> {
    let store = store.clone();
    let mut subscription = kv.subscribe("news").await?;
    let (completer, is_heard) = completion();
    let speaker = spawn(async move {
        let mut kv = store.acquire().await?;
        let counts = [kv.publish("news", "one").await?, kv.publish("other", "two").await?];
        is_heard.await?;
        kv.publish("news", "three").await?;
        Ok::<_, Error>(counts)
    });
    // Giving up the wait loses no message.
    let nothing = Duration::from_nanos(1);
    let first = loop {
        if let Ok(received) = timeout(nothing, subscription.next()).await {
            break received?;
        }
    };
    completer.complete(()).unwrap();
    let second = subscription.next().await?;
    for (received, value) in [(first, "one"), (second, "three")] {
        let Received::Message(message) = received else { panic!("nothing was lost") };
        assert_eq!((&message.channel[..], &message.value[..]), (&b"news"[..], value.as_bytes()));
    }
    subscription.end().await?;
    assert_eq!(speaker.await??, [1, 0]);
    Ok(())
}

async fn lost(mut kv: Kv, store: &Store) -> Result<(), Error> {
    let mut subscription = kv.subscribe("news").await?;
    let mut other = store.acquire().await?;
    for number in 0..100 {
        other.publish("news", number.to_string()).await?;
    }
    let mut count = 0;
    while let Received::Message(_) = subscription.next().await? {
        count += 1;
    }
    assert!((1..100).contains(&count));
    assert_eq!(ctx().kv("cache").await?.get("known").await?.as_deref(), Some(&b"value"[..]));
    subscription.end().await
}

fn ask(path: &str) -> (FakeStore, Vec<LeaseEnd>) {
    let store = FakeStore::new();
    store.set("known", "value");
    let mut container = Container::new(1).with_store("cache", 3, &store).add_app::<Paths>("{}").unwrap();
    let answer = container.get(path);
    assert_eq!(answer.outcome, Some(Status::OK), "{path}: {:?}", container.log());
    (store, container.lease_ends())
}

#[test]
fn operations_answer_as_they_say() {
    for path in ["/values", "/conditions", "/lives", "/counters"] {
        let (_, ends) = ask(path);
        assert_eq!(ends, [CLEAN], "{path}");
    }
    assert_eq!(ask("/counters").0.get("n").unwrap(), "-2");
}

#[test]
fn messages_come_to_who_is_subscribed() {
    assert_eq!(ask("/messages").1, [CLEAN, CLEAN]);
}

#[test]
fn a_subscriber_is_told_that_messages_were_lost() {
    assert_eq!(ask("/lost").1, [CLEAN, CLEAN, CLEAN]);
}

#[test]
fn a_subscription_that_ended_leaves_the_connection_clean() {
    let (store, ends) = ask("/ended");
    assert_eq!((store.get("free").unwrap(), ends), ("again".into(), vec![CLEAN]));
}

#[test]
fn a_subscription_that_was_dropped_leaves_it_dirty() {
    assert_eq!(ask("/left-subscribed").1, [DIRTY]);
}

#[test]
fn a_call_that_is_refused_is_an_error() {
    assert_eq!(ask("/refused").1, [DIRTY]);
}
