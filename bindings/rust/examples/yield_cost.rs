//! What the SDK adds to one yield and wake: the same steps in the same fake container, once by a hand-written module and
//! once by an async handler. `cargo run --release -p http-container --example yield_cost --features testing`

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use http_container::abi::{Event, HostRef, Module, Start};
use http_container::testing::Container;
use http_container::{Body, Request, Response, Status, spawn, yield_now};

const YIELDS: u32 = 1_000_000;
const REQUESTS: u32 = 300_000;
const ROUNDS: usize = 7;

/// The same by hand: yields so often, then answers.
struct ByHand {
    host: HostRef,
    yields: u32,
}

impl ByHand {
    fn go_on(&self, task: u64, left: &mut u32) -> Status {
        if *left == 0 {
            let response = http_container::abi::Response { status: 200, ..Default::default() };
            return self.host.respond(task, &response);
        }
        *left -= 1;
        self.host.timer(task, 1, 0)
    }
}

impl Module for ByHand {
    type Worker = ();
    type Task = u32;

    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status> {
        let yields = std::str::from_utf8(config).ok().and_then(|text| text.parse().ok());
        Ok(Self { host, yields: yields.ok_or(Status::E_CONFIG)? })
    }

    fn worker_start(&self, _: u32) -> Result<(), Status> {
        Ok(())
    }

    fn start(&self, (): &(), task: u64, _: Start<'_>) -> (Status, Option<Box<u32>>) {
        let mut left = Box::new(self.yields);
        (self.go_on(task, &mut left), Some(left))
    }

    fn resume(&self, (): &(), task: u64, left: &mut u32, _: &[Event]) -> Status {
        self.go_on(task, left)
    }
}

fn by_hand(yields: u32) -> Container {
    Container::new(1).add_module::<ByHand>(&yields.to_string()).expect("a number")
}

fn by_sdk(yields: u32) -> Container {
    Container::handler(move |_: Request<Body>| async move {
        for _ in 0..yields {
            yield_now().await;
        }
        Response::new(())
    })
}

/// Two tasks of one worker that wake each other: each wake crosses to the container and back.
fn ping_pong() -> Container {
    Container::handler(async |_: Request<Body>| {
        let wakers: Rc<RefCell<[Option<Waker>; 2]>> = Rc::default();
        let left = Rc::new(Cell::new(YIELDS));
        let side = |me: usize| {
            let (wakers, left) = (Rc::clone(&wakers), Rc::clone(&left));
            std::future::poll_fn(move |context| {
                let other = wakers.borrow_mut()[1 - me].take();
                other.into_iter().for_each(Waker::wake);
                if left.get() == 0 {
                    return Poll::Ready(());
                }
                left.set(left.get() - 1);
                wakers.borrow_mut()[me] = Some(context.waker().clone());
                Poll::Pending
            })
        };
        let other = spawn(side(1));
        side(0).await;
        drop(other);
        Response::new(())
    })
}

fn time(mut container: Container, requests: u32) -> Duration {
    let begin = Instant::now();
    for _ in 0..requests {
        container.get("/");
    }
    let elapsed = begin.elapsed();
    container.close();
    elapsed
}

/// The median of some rounds, in ns for each of `count`.
fn median(count: u32, run: impl Fn() -> Duration) -> f64 {
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| run().as_secs_f64() * 1e9 / f64::from(count)).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    let hand = median(YIELDS, || time(by_hand(YIELDS), 1));
    let sdk = median(YIELDS, || time(by_sdk(YIELDS), 1));
    println!("yield by hand {hand:.0} ns, by SDK {sdk:.0} ns: the SDK adds {:.0} ns", sdk - hand);
    println!("wake by another task {:.0} ns", median(YIELDS, || time(ping_pong(), 1)));
    let hand = median(REQUESTS, || time(by_hand(0), REQUESTS / 10) * 10);
    let sdk = median(REQUESTS, || time(by_sdk(0), REQUESTS / 10) * 10);
    println!("request by hand {hand:.0} ns, by SDK {sdk:.0} ns: the SDK adds {:.0} ns", sdk - hand);
}
