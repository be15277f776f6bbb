//! Random programs under random schedules: whatever a handler awaits, in whatever order the container does its part, the
//! answer is the one that the program says, and a cancellation anywhere leaves nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use futures::stream::{FuturesUnordered, StreamExt};
use http_container::testing::{Container, Exchange};
use http_container::{Body, Error, Request, Response, Status, completion, sleep, spawn, timeout, yield_now};
use proptest::prelude::*;

/// A program: what a handler does. Its value does not depend on the schedule.
#[derive(Clone, Debug)]
enum Program {
    Number(u64),
    Sleep(u64),
    Yield(u8),
    WakeOneself(u16),
    Thread(u64),
    Chunk,
    Sequence(Vec<Program>),
    Join(Vec<Program>),
    Unordered(Vec<Program>),
    Spawn(Box<Program>),
    /// The program against a timer that is far away.
    Within(Box<Program>),
    /// A timer against one that is far away.
    First(u64),
    /// Begun, polled once, and dropped.
    Abandon(Box<Program>),
}

fn programs() -> impl Strategy<Value = Program> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(|n| Program::Number(n.into())),
        (0..2_000_000_u64).prop_map(Program::Sleep),
        (0..4_u8).prop_map(Program::Yield),
        (0..40_u16).prop_map(Program::WakeOneself),
        any::<u8>().prop_map(|n| Program::Thread(n.into())),
        Just(Program::Chunk),
        (0..2_000_000_u64).prop_map(Program::First),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several().prop_map(Program::Sequence),
            several().prop_map(Program::Join),
            several().prop_map(Program::Unordered),
            inner.clone().prop_map(|program| Program::Spawn(Box::new(program))),
            inner.clone().prop_map(|program| Program::Within(Box::new(program))),
            inner.prop_map(|program| Program::Abandon(Box::new(program))),
        ]
    })
}

const FAR: Duration = Duration::from_secs(3600);

/// What the program is worth.
fn value(program: &Program) -> u64 {
    match program {
        Program::Number(n) | Program::Thread(n) => *n,
        Program::Sleep(_) | Program::Yield(_) | Program::WakeOneself(_) | Program::First(_) => 1,
        Program::Chunk | Program::Abandon(_) => 0,
        Program::Sequence(all) | Program::Join(all) | Program::Unordered(all) => all.iter().map(value).sum(),
        Program::Spawn(program) | Program::Within(program) => value(program),
    }
}

/// A body that many branches of a program may read, in turn.
type Shared = std::rc::Rc<futures::lock::Mutex<Body>>;
/// Live futures of programs.
type Live = Arc<AtomicUsize>;

struct Count(Live);

impl Count {
    fn new(live: &Live) -> Self {
        live.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(live))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A number that comes back from another thread, in both ways that there are.
async fn on_a_thread(n: u64) -> Result<u64, Error> {
    let (completer, number) = completion();
    let (sender, woken) = futures::channel::oneshot::channel();
    thread::spawn(move || {
        // Nobody may wait any more for either.
        let _ = completer.complete(n);
        let _ = sender.send(());
    });
    let number = number.await?;
    woken.await?;
    Ok(number)
}

fn run(program: Program, body: Shared, live: Live) -> Pin<Box<dyn Future<Output = Result<u64, Error>>>> {
    let all = |programs: Vec<Program>, body: &Shared, live: &Live| {
        programs.into_iter().map(|program| run(program, body.clone(), live.clone())).collect::<Vec<_>>()
    };
    let count = Count::new(&live);
    Box::pin(async move {
        let _count = count;
        Ok(match program {
            Program::Number(n) => n,
            Program::Sleep(nanoseconds) => {
                sleep(Duration::from_nanos(nanoseconds)).await;
                1
            }
            Program::Yield(times) => {
                for _ in 0..times {
                    yield_now().await;
                }
                1
            }
            Program::WakeOneself(mut times) => {
                std::future::poll_fn(|context| {
                    context.waker().wake_by_ref();
                    times = times.saturating_sub(1);
                    if times == 0 { Poll::Ready(1) } else { Poll::Pending }
                })
                .await
            }
            Program::Thread(n) => on_a_thread(n).await?,
            Program::Chunk => {
                body.lock().await.chunk().await?;
                0
            }
            Program::Sequence(programs) => {
                let mut sum = 0;
                for program in programs {
                    sum += run(program, body.clone(), live.clone()).await?;
                }
                sum
            }
            Program::Join(programs) => {
                let results = join_all(all(programs, &body, &live)).await;
                results.into_iter().sum::<Result<u64, Error>>()?
            }
            Program::Unordered(programs) => {
                let mut unordered: FuturesUnordered<_> = all(programs, &body, &live).into_iter().collect();
                let mut sum = 0;
                while let Some(next) = unordered.next().await {
                    sum += next?;
                }
                sum
            }
            Program::Spawn(program) => spawn(run(*program, body, live)).await??,
            Program::Within(program) => timeout(FAR, run(*program, body, live)).await??,
            Program::First(nanoseconds) => {
                let (near, far) = (sleep(Duration::from_nanos(nanoseconds)), sleep(FAR));
                matches!(select(far, near).await, Either::Right(_)).into()
            }
            Program::Abandon(program) => {
                let mut abandoned = run(*program, body, live);
                let _ = futures::poll!(&mut abandoned);
                0
            }
        })
    })
}

/// What the container does between steps.
#[derive(Clone, Debug)]
enum Act {
    Step,
    Feed(usize),
    Room(usize),
    Nudge,
    Advance(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => Just(Act::Step),
        2 => (1..40_usize).prop_map(Act::Feed),
        2 => (0..40_usize).prop_map(Act::Room),
        1 => Just(Act::Nudge),
        2 => (0..3_000_000_u64).prop_map(Act::Advance),
    ];
    prop::collection::vec(act, 0..40)
}

fn perform(container: &mut Container, exchange: Exchange, act: &Act) {
    match act {
        Act::Step => {
            container.step();
        }
        Act::Feed(size) => container.feed(exchange, vec![b'x'; *size]),
        Act::Room(size) => container.set_room(exchange, Some(*size)),
        Act::Nudge => container.nudge(exchange),
        Act::Advance(nanoseconds) => container.advance(Duration::from_nanos(*nanoseconds)),
    }
}

fn container(program: &Program, live: &Live) -> Container {
    let (program, live) = (program.clone(), live.clone());
    Container::handler(move |request: Request<Body>| {
        let (program, live) = (program.clone(), live.clone());
        async move {
            let body = std::rc::Rc::new(futures::lock::Mutex::new(request.into_body()));
            let value = run(program, body.clone(), live).await?;
            Ok::<_, Error>(Response::new(Body::stream(move |mut writer| async move {
                writer.write(format!("{value:04}\n")).await?;
                while let Some(chunk) = body.lock().await.chunk().await? {
                    writer.write(chunk).await?;
                }
                Ok(())
            })))
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_that_of_the_program(program in programs(), acts in acts()) {
        let live = Live::default();
        let mut container = container(&program, &live);
        let exchange = container.open(Request::post("/"));
        for act in &acts {
            perform(&mut container, exchange, act);
        }
        container.set_room(exchange, None);
        container.end_body(exchange);
        container.run();
        let answer = container.answer(exchange);
        prop_assert_eq!(answer.outcome, Some(Status::OK));
        let text = answer.text();
        let number = text.split_once('\n').unwrap().0;
        prop_assert_eq!(number, format!("{:04}", value(&program)));
        container.close();
        prop_assert_eq!(live.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_cancellation_anywhere_leaves_nothing(program in programs(), acts in acts()) {
        let live = Live::default();
        let mut container = container(&program, &live);
        let exchange = container.open(Request::post("/"));
        for act in &acts {
            perform(&mut container, exchange, act);
        }
        container.cancel(exchange, Status::CANCELLED_PEER);
        container.run_ready();
        let outcome = container.answer(exchange).outcome;
        prop_assert!(matches!(outcome, Some(Status::OK | Status::CANCELLED_PEER)), "{:?}", outcome);
        container.close();
        prop_assert_eq!(live.load(Ordering::Relaxed), 0);
    }
}
