//! The provider in a container, over the real boundary: every operation, as a module asks for it. Must not know the store.

use std::time::Duration;

use hc_provider_memory::Memory;
use http_container::kv::{Condition, Lifetime, Received, Store};
use http_container::testing::Container;
use http_container::{App, Body, Bytes, Error, NoConfig, Request, Response, Setup, State, Status, sleep};

/// What a path does with the store.
struct Cache {
    store: Store,
}

impl App for Cache {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { store: setup.kv("cache")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let text = match request.uri().path() {
            "/values" => values(&state.store).await?,
            "/times" => times(&state.store).await?,
            "/numbers" => numbers(&state.store).await?,
            "/fill" => fill(&state.store).await?,
            "/listen" => listen(&state.store, false).await?,
            "/leave" => listen(&state.store, true).await?,
            "/flood" => flood(&state.store).await?,
            path => {
                let value = path.trim_start_matches('/').to_owned();
                let count = state.store.acquire().await?.publish("news", value).await?;
                format!("{count}")
            }
        };
        Ok(Response::new(text.into()))
    }
}

async fn values(store: &Store) -> Result<String, Error> {
    let mut kv = store.acquire().await?;
    assert_eq!(kv.get("a").await?, None);
    kv.set("a", "").await?;
    assert_eq!(kv.get("a").await?, Some(Bytes::new()));
    assert!(!kv.set_if_absent("a", "1", Lifetime::Forever).await?);
    let equal = |value: &'static str| Condition::IfEqual(Bytes::from_static(value.as_bytes()));
    assert!(!kv.set_where("a", "1", equal("x"), Lifetime::Forever).await?);
    assert!(!kv.set_where("b", "1", equal(""), Lifetime::Forever).await?, "what is not there equals nothing");
    assert!(!kv.set_where("b", "1", Condition::IfPresent, Lifetime::Forever).await?);
    assert!(kv.set_where("a", "1", equal(""), Lifetime::Forever).await?);
    drop(kv);

    let mut another = store.acquire().await?;
    assert_eq!(another.get("a").await?.unwrap(), "1");
    assert!(!another.delete_if_equal("a", "2").await?);
    assert!(another.delete_if_equal("a", "1").await?);
    assert!(!another.delete("a").await?);
    Ok("done".into())
}

async fn times(store: &Store) -> Result<String, Error> {
    let mut kv = store.acquire().await?;
    let second = Duration::from_secs(1);
    kv.set_for("a", "1", second).await?;
    kv.set("b", "1").await?;
    assert_eq!(kv.get_with_ttl("a").await?.unwrap().1, Some(second));
    assert_eq!(kv.get_with_ttl("b").await?.unwrap().1, None);
    sleep(second / 2).await;
    kv.set_where("a", "2", Condition::Always, Lifetime::Keep).await?;
    kv.add_for("a", 1, second * 9).await?;
    let (value, left) = kv.get_with_ttl("a").await?.unwrap();
    assert_eq!((&*value, left), (&b"3"[..], Some(second / 2)));
    assert!(kv.expire("b", Some(second / 2)).await?);
    assert!(!kv.expire("c", Some(second)).await?);
    kv.set_for("d", "", second / 2).await?;
    assert!(kv.expire("d", None).await?);
    sleep(second / 2).await;
    for gone in ["a", "b"] {
        assert_eq!(kv.get(gone).await?, None);
        assert!(!kv.expire(gone, None).await? && !kv.delete(gone).await?);
    }
    assert!(kv.get("d").await?.is_some());
    assert_eq!(kv.add_for("a", 7, second).await?, 7, "a counter begins anew");
    assert_eq!(kv.get_with_ttl("a").await?.unwrap().1, Some(second));
    Ok("done".into())
}

async fn numbers(store: &Store) -> Result<String, Error> {
    let mut kv = store.acquire().await?;
    assert_eq!(kv.add("n", 5).await?, 5);
    assert_eq!(kv.add("n", -7).await?, -2);
    assert_eq!(kv.get("n").await?.unwrap(), "-2");
    for value in ["two", "", "9223372036854775807"] {
        kv.set("x", value).await?;
        assert_eq!(kv.add("x", 1).await.unwrap_err().status(), Status::E_FAILED, "{value}");
        assert_eq!(kv.get("x").await?.unwrap(), value);
    }
    Ok("done".into())
}

/// Puts values in until one is refused; answers how many are there.
async fn fill(store: &Store) -> Result<String, Error> {
    let mut kv = store.acquire().await?;
    let mut refused = None;
    for key in 0..50_u8 {
        if let Err(error) = kv.set([b'k', key], [key; 800]).await {
            refused.get_or_insert(error.status());
        }
    }
    assert_eq!(kv.set("large", [0; 20_000]).await.unwrap_err().status(), Status::E_LIMIT);
    let mut found = Vec::new();
    for key in 0..50_u8 {
        if kv.get([b'k', key]).await?.is_some() {
            found.push(key);
        }
    }
    Ok(format!("{refused:?} {:?} {:?} {}", found.first(), found.last(), found.len()))
}

/// Takes three messages of two channels.
async fn listen(store: &Store, leaves: bool) -> Result<String, Error> {
    let mut kv = store.acquire().await?;
    let mut subscription = kv.subscribe("news").await?;
    subscription.add("news").await?;
    let mut text = String::new();
    while text.len() < 3 {
        match subscription.next().await? {
            Received::Message(message) => text.push_str(std::str::from_utf8(&message.value)?),
            Received::Lost => text.push('!'),
        }
    }
    if leaves {
        subscription.end().await?;
        kv.set("after", "1").await?;
    }
    Ok(text)
}

/// Subscribes, has many messages sent, and only then looks.
async fn flood(store: &Store) -> Result<String, Error> {
    let (mut reader, mut writer) = (store.acquire().await?, store.acquire().await?);
    let mut subscription = reader.subscribe("news").await?;
    for _ in 0..500 {
        assert_eq!(writer.publish("news", "x").await?, 1);
    }
    let mut taken = 0;
    while let Received::Message(_) = subscription.next().await? {
        taken += 1;
    }
    subscription.end().await?;
    Ok(format!("{}", (1..500).contains(&taken)))
}

fn container(members: usize, config: &str) -> Container {
    let entry = hc_provider_memory::entry();
    let container = Container::new(2).with_provider_entry("cache", members, entry, config).unwrap();
    container.add_app::<Cache>("{}").unwrap()
}

#[test]
fn values_conditions_times_and_numbers() {
    for path in ["/values", "/times", "/numbers"] {
        assert_eq!(container(1, "{}").get(path).text(), "done", "{path}");
    }
}

#[test]
fn a_full_store_evicts_or_refuses() {
    let evicts = container(1, r#"{"max_bytes":10240}"#).get("/fill");
    assert_eq!(evicts.text(), "None Some(40) Some(49) 10");
    let refuses = container(1, r#"{"max_bytes":10240,"when_full":"refuse"}"#).get("/fill");
    assert_eq!(refuses.text(), "Some(HC_E_LIMIT(-9)) Some(0) Some(9) 10");
}

#[test]
fn messages_reach_subscribers_on_every_worker() {
    let mut container = container(3, "{}");
    let (one, two) = (container.open(Request::get("/listen")), container.open(Request::get("/leave")));
    for exchange in [one, two] {
        container.end_body(exchange);
    }
    container.run_ready();
    for value in ["a", "b", "c"] {
        assert_eq!(container.get(&format!("/{value}")).text(), "2");
    }
    container.run();
    for exchange in [one, two] {
        assert_eq!(container.answer(exchange).text(), "abc");
    }
    assert_eq!(container.get("/d").text(), "0", "who was released subscribed is reset");
    container.close();
}

#[test]
fn a_reader_that_is_too_slow_is_told_that_messages_are_lost() {
    assert_eq!(container(2, "{}").get("/flood").text(), "true");
}

#[test]
fn a_configuration_with_a_mistake_is_refused() {
    assert!(Container::new(1).with_provider::<Memory>("cache", 1, r#"{"url":"redis://x"}"#).is_err());
    assert!(Container::new(1).with_provider::<Memory>("cache", 1, r#"{"size":1}"#).is_err());
}
