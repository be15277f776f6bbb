//! Native objects: lent, given back, and kept as long as somebody may use them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_container::pool::Pool;
use http_container::provider::{Member, Opaque, Outcome, Provider, Request as Asked};
use http_container::testing::Container;
use http_container::{App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, Status, sleep};

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(3600);

/// Objects that are numbers.
struct Numbers {
    next: AtomicUsize,
}

impl Provider for Numbers {
    const INTERFACE: &'static str = "hc.pool/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self { next: AtomicUsize::new(1) })
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        member.object("org.example.number/1", Opaque::of_number(number))?;
        member.ready()?;
        loop {
            match member.next().await {
                Asked::Close => return Ok(()),
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

struct User {
    right: Pool,
    wrong: Pool,
}

impl App for User {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self {
            right: setup.pool("numbers", "org.example.number/1")?,
            wrong: setup.pool("numbers", "org.example.text/1")?,
        })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        assert_eq!(state.wrong.acquire().await.unwrap_err().status(), Status::E_UNSUPPORTED);
        let (first, second) = (state.right.acquire().await?, state.right.acquire().await?);
        assert_eq!(state.right.acquire_within(SHORT).await.unwrap_err().status(), Status::E_TIMEOUT);
        assert_eq!(state.right.acquire_within(Duration::ZERO).await.unwrap_err().status(), Status::E_TIMEOUT);
        assert_eq!(state.right.usage()?.in_use, 2);
        let mut numbers = [first.object().number(), second.object().number()];
        numbers.sort_unstable();
        first.clean();
        second.broken();
        let third = state.right.acquire().await?;
        assert_eq!(third.object().number(), numbers[0]);
        Ok(Response::new(format!("{numbers:?}").into()))
    }
}

#[test]
fn objects_are_lent() {
    let container = Container::new(1).with_provider::<Numbers>("numbers", 2, "{}").unwrap();
    let mut container = container.add_app::<User>("{}").unwrap();
    assert_eq!(container.get("/").text(), "[1, 2]");
    assert_eq!(container.lease_ends(), [LeaseEnd::Clean, LeaseEnd::Clean, LeaseEnd::Broken, LeaseEnd::Dirty]);
}

/// Lends what it keeps, and ends while it is lent.
struct Keeper;

static KEPT: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Provider for Keeper {
    const INTERFACE: &'static str = "hc.pool/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self)
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        KEPT.fetch_add(1, Ordering::SeqCst);
        let session = Arc::new(Counted);
        member.object("org.example.number/1", Opaque::new(Arc::as_ptr(&session).cast_mut().cast()))?;
        member.keep(session);
        member.ready()?;
        let mut end = pin!(sleep(LONG));
        loop {
            match member.next_unless(end.as_mut()).await {
                Ok(Asked::Close) | Err(()) => return Ok(()),
                Ok(_) => member.done(Outcome::ok()),
            }
        }
    }
}

struct Borrower {
    pool: Pool,
}

impl App for Borrower {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { pool: setup.pool("numbers", "org.example.number/1")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        let lent = state.pool.acquire().await?;
        assert!(!lent.object().is_null());
        sleep(2 * LONG).await;
        // Its member has ended meanwhile.
        let kept = KEPT.load(Ordering::SeqCst);
        drop(lent);
        Ok(Response::new(kept.to_string().into()))
    }
}

#[test]
fn what_is_lent_is_kept_until_it_is_given_back() {
    let container = Container::new(1).with_provider::<Keeper>("numbers", 1, "{}").unwrap();
    let mut container = container.add_app::<Borrower>("{}").unwrap();
    assert_eq!(container.get("/").text(), "1");
    assert_eq!(KEPT.load(Ordering::SeqCst), 0);
}
