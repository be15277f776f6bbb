//! Several leases at once, and those with which a request of a gated route starts.

use std::time::Duration;

use http_container::sql::Database;
use http_container::testing::{Container, FakeDatabase, SqlAnswer};
use http_container::{App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, acquire, ctx};

const CLEAN: LeaseEnd = LeaseEnd::Clean;
const DIRTY: LeaseEnd = LeaseEnd::Dirty;

/// Two databases at once, and the leases of gates.
struct Both {
    first: Database,
    second: Database,
}

impl App for Both {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { first: setup.sql("first")?, second: setup.sql("second")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let long = Duration::from_secs(3600);
        let mut text = String::new();
        match request.uri().path() {
            "/both" => {
                for lease in acquire(&[state.first.resource(), state.second.resource()], long).await? {
                    let mut sql = lease.sql().unwrap();
                    text += &sql.query_one("name", &[]).await?.get::<String>(0)?;
                }
            }
            "/gate" => {
                let mut sql = ctx().gate_sql().unwrap();
                text = sql.query_one("name", &[]).await?.get(0)?;
            }
            "/gates" => {
                let kinds = ctx().gate_leases().into_iter().map(|lease| lease.sql().is_ok().to_string());
                text = kinds.collect::<Vec<_>>().join(" ");
                assert!(ctx().gate_sql().is_none() && ctx().gate_kv().is_none());
            }
            _ => {}
        }
        let usage = state.first.usage()?;
        assert_eq!((usage.max, usage.waiting, usage.available), (2, 0, true));
        Ok(Response::new(text.into()))
    }
}

fn named(name: &'static str) -> FakeDatabase {
    FakeDatabase::new(move |_| SqlAnswer::rows(&["name"]).row(&[&name]))
}

fn both() -> Container {
    Container::new(1).with_database("first", 2, &named("first")).with_database("second", 2, &named("second"))
}

#[test]
fn two_databases_are_had_at_once() {
    let mut container = both().add_app::<Both>("{}").unwrap();
    assert_eq!(container.get("/both").text(), "firstsecond");
    assert_eq!(container.lease_ends(), [CLEAN, CLEAN]);
}

#[test]
fn leases_of_gates_are_taken_or_given_back_clean() {
    let container = both().with_permits("some", 1).with_gate("some").with_gate("second");
    let mut container = container.add_app::<Both>("{}").unwrap();
    assert_eq!(container.get("/gate").text(), "second");
    assert_eq!(container.get("/gates").text(), "false true");
    let all: Vec<_> = (0..3).map(|_| container.open(Request::get("/nothing"))).collect();
    container.run();
    assert!(all.iter().all(|exchange| container.answer(*exchange).is_whole));
    let mut ends = container.lease_ends();
    ends.sort_by_key(|end| *end == DIRTY);
    // Of the permit in `/gates`, which is no database, the lease was dropped as it was: dirty.
    assert_eq!(ends, [[CLEAN; 9].as_slice(), &[DIRTY]].concat());
    assert_eq!(container.counts().leases, 0);
}
