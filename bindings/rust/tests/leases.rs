//! Leases: turns, all or nothing, how they are given back, and cancellation at every moment of a grant.

use std::time::Duration;

use futures::future::{Either, join, select};
use http_container::testing::{Container, Exchange};
use http_container::{
    App, Body, Error, LeaseEnd, NoConfig, Request, Resource, Response, Setup, State, Status, acquire, sleep,
};

const LONG: Duration = Duration::from_secs(3600);

struct Holder {
    first: Resource,
    second: Resource,
}

impl App for Holder {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        assert!(setup.resource("third", "hc.sql/1").is_err());
        Ok(Self { first: setup.resource("first", "hc.sql/1")?, second: setup.resource("second", "hc.kv/1")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        match request.uri().path() {
            "/both" => {
                for lease in acquire(&[state.first, state.second], LONG).await? {
                    lease.clean();
                }
            }
            "/hold" => {
                let mut lease = state.first.acquire(LONG).await?;
                sleep(Duration::from_millis(10)).await;
                lease.set_end(LeaseEnd::Clean);
            }
            // Two that wait at once ask one after the other; one that is given up lets the other ask.
            "/two" => {
                let (first, second) = join(state.first.acquire(LONG), state.second.acquire(LONG)).await;
                first?.clean();
                second?.clean();
            }
            "/given-up" => {
                let gives_up = async {
                    let first = Box::pin(state.first.acquire(LONG));
                    matches!(select(first, sleep(Duration::from_millis(1))).await, Either::Right(_))
                };
                let (is_given_up, second) = join(gives_up, state.second.acquire(LONG)).await;
                assert!(is_given_up, "it was held for longer");
                second?.clean();
            }
            "/broken" => state.first.acquire(LONG).await?.broken(),
            // The grant and the timer come in one batch: whichever wins, nothing is left.
            "/race" => match select(acquire(&[state.first], LONG), sleep(Duration::from_millis(10))).await {
                Either::Left((leases, _)) => leases?.into_iter().for_each(http_container::Lease::clean),
                Either::Right(((), _)) => {}
            },
            _ => {}
        }
        Ok(Response::new("done".into()))
    }
}

fn container() -> Container {
    Container::new(1).with_resource("first", 1).with_resource("second", 1).add_app::<Holder>("{}").unwrap()
}

fn open(container: &mut Container, path: &str) -> Exchange {
    let exchange = container.open(Request::get(path));
    container.end_body(exchange);
    exchange
}

#[test]
fn acquisitions_of_one_task_ask_one_after_the_other() {
    for path in ["/two", "/given-up"] {
        let mut container = container();
        let all = ["/hold", path, "/both"].map(|path| open(&mut container, path));
        container.run();
        for exchange in all {
            assert_eq!(container.answer(exchange).text(), "done", "{path}");
        }
        assert_eq!(container.counts().leases, 0, "{path}");
    }
}

#[test]
fn turns_are_taken_and_ends_are_told() {
    let mut container = container();
    let all = ["/hold", "/both", "/hold", "/broken"].map(|path| open(&mut container, path));
    container.run_ready();
    assert_eq!((container.counts().leases, container.counts().tasks), (1, 4));
    container.run();
    for exchange in all {
        assert_eq!(container.answer(exchange).text(), "done");
    }
    let clean = LeaseEnd::Clean;
    assert_eq!(container.lease_ends(), [clean, clean, clean, clean, LeaseEnd::Broken]);
}

#[test]
fn a_lease_dropped_in_its_use_is_dirty_and_an_undelivered_one_clean() {
    let mut container = container();
    let (holder, waiter) = (open(&mut container, "/hold"), open(&mut container, "/hold"));
    container.run_ready();
    // The holder ends in the middle; the waiter is granted the lease, and cancelled before it sees that.
    container.cancel(holder, Status::CANCELLED_PEER);
    container.step();
    container.cancel(waiter, Status::CANCELLED_PEER);
    container.run();
    assert_eq!(container.lease_ends(), [LeaseEnd::Dirty, LeaseEnd::Clean]);
    assert_eq!(container.counts().leases, 0);
}

#[test]
fn a_grant_and_a_timer_in_one_batch_leave_nothing() {
    for delay_ms in 8..=12 {
        let mut container = container();
        let holder = open(&mut container, "/hold");
        container.run_ready();
        container.advance(Duration::from_millis(delay_ms - 8));
        let racer = open(&mut container, "/race");
        container.run();
        assert_eq!(container.answer(holder).text(), "done");
        assert_eq!(container.answer(racer).text(), "done", "after {delay_ms} ms");
        assert_eq!(container.counts().leases, 0);
    }
}
