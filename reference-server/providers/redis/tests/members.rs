//! Members over the real boundary, in the fake container, with a real server: what a holder sees, and what the next one
//! finds.

use std::time::Duration;

use bytes::Bytes;
use hc_provider_redis::Redis as Provider;
use hc_services::{End, Proxy, Redis, Reply};
use http_container::kv::{Condition, Kv, Lifetime, Received, Store};
use http_container::testing::Container;
use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, Status};

const HOUR: Duration = Duration::from_secs(3600);

/// Uses a store as the path says.
struct User {
    store: Store,
}

impl App for User {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { store: setup.kv("cache")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let mut kv = state.store.acquire().await?;
        let text = match request.uri().path() {
            "/keys" => keys(&mut kv).await?,
            "/listen" => listen(&mut kv).await?,
            "/publish" => kv.publish("news", "4").await?.to_string(),
            "/leave-subscribed" => {
                let subscription = kv.subscribe("news").await?;
                std::mem::forget(subscription);
                String::new()
            }
            "/count" => kv.add("count", 1).await?.to_string(),
            other => return Err(Error::new(format!("no test has {other}"))),
        };
        Ok(Response::new(text.into()))
    }
}

async fn keys(kv: &mut Kv) -> Result<String, Error> {
    kv.set("a", "1").await?;
    assert_eq!(kv.get("a").await?, Some(Bytes::from_static(b"1")));
    assert!(!kv.set_if_absent("a", "2", Lifetime::Forever).await?);
    assert!(kv.set_where("a", "2", Condition::IfEqual(Bytes::from_static(b"1")), Lifetime::For(HOUR)).await?);
    let (value, ttl) = kv.get_with_ttl("a").await?.expect("a value");
    assert!(value == "2" && ttl.is_some_and(|ttl| ttl <= HOUR));
    assert_eq!(kv.add("a", i64::MAX - 2).await?, i64::MAX);
    let error = kv.add("a", 1).await.unwrap_err();
    assert_eq!(error.status(), Status::E_FAILED);
    assert!(kv.expire("a", None).await?);
    assert!(!kv.delete_if_equal("a", "2").await?);
    assert!(kv.delete("a").await?);
    assert_eq!(kv.get("a").await?, None);
    Ok("done".into())
}

/// Listens until it was told to stop.
async fn listen(kv: &mut Kv) -> Result<String, Error> {
    let mut subscription = kv.subscribe("news").await?;
    let mut heard = String::new();
    loop {
        match subscription.next().await? {
            Received::Message(message) if message.value == "stop" => break,
            Received::Message(message) => heard += &String::from_utf8_lossy(&message.value),
            Received::Lost => heard += "?",
        }
    }
    subscription.end().await?;
    Ok(heard)
}

fn container(url: &str, members: usize) -> Container {
    let config = serde_json::json!({ "url": url }).to_string();
    let container = Container::new(1).with_provider::<Provider>("cache", members, &config);
    container.unwrap_or_else(|refused| panic!("{refused:?}")).add_app::<User>("{}").unwrap()
}

/// Runs the container until the server says so.
fn wait_until(container: &mut Container, what: &str, look: impl Fn(&Container) -> bool) {
    hc_services::wait_for(what, || {
        container.run_ready();
        look(container).then_some(())
    });
}

fn listeners(server: &Redis) -> Reply {
    let Reply::List(Some(mut reply)) = server.session().run(&["PUBSUB", "NUMSUB", "news"]) else {
        panic!("no list")
    };
    reply.remove(1)
}

#[test]
fn a_holder_uses_a_store() {
    for server in Redis::start_each("members", &[]) {
        let mut container = container(&server.url(), 1);
        assert_eq!(container.get("/keys").text(), "done");
        assert_eq!(container.get("/count").text(), "1");
        assert_eq!(container.get("/count").text(), "2");
        assert_eq!(server.clients(), 1);
        container.close();
        hc_services::wait_for("it leaves", || (server.clients() == 0).then_some(()));
    }
}

#[test]
fn a_holder_hears_messages() {
    for server in Redis::start_each("messages", &[]) {
        let mut container = container(&server.url(), 2);
        let exchange = container.open(Request::get("/listen"));
        container.end_body(exchange);
        wait_until(&mut container, "it listens", |_| listeners(&server) == Reply::Number(1));
        let mut session = server.session();
        for value in ["1", "2", "3"] {
            assert_eq!(session.run(&["PUBLISH", "news", value]), Reply::Number(1));
        }
        let publishing = container.open(Request::get("/publish"));
        container.end_body(publishing);
        wait_until(&mut container, "it is published", |container| {
            container.answer(publishing).outcome.is_some()
        });
        session.run(&["PUBLISH", "news", "stop"]);
        container.run();
        assert_eq!(container.answer(publishing).text(), "1");
        assert_eq!(container.answer(exchange).text(), "1234");
        assert_eq!(listeners(&server), Reply::Number(0));
    }
}

#[test]
fn what_a_holder_listened_to_is_forgotten() {
    for server in Redis::start_each("subscribed", &[]) {
        let mut container = container(&server.url(), 1);
        container.get("/leave-subscribed");
        assert_eq!(container.get("/count").text(), "1");
        assert_eq!(listeners(&server), Reply::Number(0));
        // A holder that leaves in the middle of listening.
        let exchange = container.open(Request::get("/listen"));
        container.end_body(exchange);
        wait_until(&mut container, "it listens", |_| listeners(&server) == Reply::Number(1));
        container.cancel(exchange, Status::CANCELLED_PEER);
        container.run();
        assert_eq!(container.get("/count").text(), "2");
        assert_eq!(listeners(&server), Reply::Number(0));
    }
}

#[test]
fn a_lost_connection_is_noticed_and_replaced() {
    for mut server in Redis::start_each("lost", &[]) {
        let mut container = container(&server.url(), 1);
        assert_eq!(container.get("/count").text(), "1");
        for end in [End::Orderly, End::Killed] {
            server.stop(end);
            wait_until(&mut container, "the member ends", |container| container.counts().descriptors == 0);
            assert_eq!(container.get("/count").outcome, Some(Status::E_RESOURCE));
            server.start_again();
            assert_eq!(container.get("/count").text(), "1");
        }
    }
}

#[test]
fn a_connection_is_cut_in_the_middle() {
    for server in Redis::start_each("cut", &[]) {
        let proxy = Proxy::before(server.address());
        let mut container = container(&Redis::url_at(proxy.address()), 1);
        assert_eq!(container.get("/count").text(), "1");
        proxy.hold();
        let exchange = container.open(Request::get("/count"));
        container.end_body(exchange);
        container.run_ready();
        proxy.cut();
        container.run();
        assert_eq!(container.answer(exchange).outcome, Some(Status::E_RESOURCE));
        proxy.pass();
        assert!(!container.get("/count").text().is_empty());
    }
}
