//! Work on the container's threads, and permits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use http_container::limit::Permits;
use http_container::testing::Container;
use http_container::{
    App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, Status, completion, ctx, offload,
    sleep,
};

#[test]
fn the_result_comes_back_to_the_worker() {
    async fn handler(_: Request<Body>) -> Result<Response<String>, Error> {
        let here = std::thread::current().id();
        let there = offload(move || std::thread::current().id()).await?;
        assert_ne!(here, there);
        let all = [offload(|| 1), offload(|| 2), offload(|| 3)];
        let mut sum = 0;
        for work in all {
            sum += work.await?;
        }
        Ok(Response::new(sum.to_string()))
    }
    assert_eq!(Container::handler(handler).get("/").text(), "6");
}

#[test]
fn a_panic_is_the_waiters_error() {
    async fn handler(_: Request<Body>) -> Result<Response<String>, Error> {
        let error = offload(|| panic!("far away")).await.unwrap_err();
        assert_eq!(error.status(), Status::E_PANIC);
        Ok(Response::new(error.to_string()))
    }
    let mut container = Container::handler(handler);
    assert!(container.get("/").text().contains("panic"));
    assert!(container.log().iter().any(|line| line.text.contains("far away")));
}

struct Witness(Arc<AtomicBool>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn work_that_nobody_awaits_any_more_is_run_to_its_end_and_freed() {
    let is_freed = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel::<()>();
    let shared = std::sync::Mutex::new(Some((Witness(Arc::clone(&is_freed)), receiver)));
    let mut container = Container::handler(move |_: Request<Body>| {
        let taken = shared.lock().unwrap().take().unwrap();
        async move {
            let (completer, has_begun) = completion();
            let (witness, receiver) = taken;
            let mut work = Box::pin(offload(move || {
                let _ = completer.complete(());
                receiver.recv().unwrap();
                witness
            }));
            assert!(futures::poll!(&mut work).is_pending());
            has_begun.await?;
            drop(work);
            Ok::<_, Error>(Response::new("gone"))
        }
    });
    assert_eq!(container.get("/").text(), "gone");
    assert!(!is_freed.load(Ordering::SeqCst));
    sender.send(()).unwrap();
    container.close();
    assert!(is_freed.load(Ordering::SeqCst));
}

static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// Lets two in at once.
struct Narrow {
    permits: Permits,
}

impl App for Narrow {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { permits: setup.limit("two")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let permit = match request.uri().path() {
            "/name" => ctx().permit("two").await?,
            "/busy" => state.permits.acquire_within(Duration::from_millis(1)).await?,
            _ => state.permits.acquire().await?,
        };
        assert!(INSIDE.fetch_add(1, Ordering::SeqCst) < 2);
        sleep(Duration::from_secs(1)).await;
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        drop(permit);
        Ok(Response::new("through".into()))
    }
}

#[test]
fn permits_bound_how_many_are_inside() {
    let mut container = Container::new(1).with_permits("two", 2).add_app::<Narrow>("{}").unwrap();
    let all = ["/", "/name", "/", "/", "/busy"].map(|path| container.open(Request::get(path)));
    container.run();
    for exchange in &all[..4] {
        assert_eq!(container.answer(*exchange).text(), "through");
    }
    // It waited too long, and nothing of it is left in the queue.
    assert_eq!(container.answer(all[4]).outcome, Some(Status::E_TIMEOUT));
    assert_eq!(container.lease_ends(), [LeaseEnd::Clean; 4]);
}
