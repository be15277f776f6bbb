//! Who wakes a task, and what it costs: own steps, other tasks, other threads, nobody.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use http_container::testing::{Container, Counts};
use http_container::{Body, Error, Request, Response, Status, completion, sleep, spawn, timeout, yield_now};

/// What one request costs: steps and host calls, beside the one that responds.
fn cost(container: &mut Container) -> (u64, u64) {
    let Counts { steps, calls, .. } = container.counts();
    assert_eq!(container.get("/").outcome, Some(Status::OK));
    let after = container.counts();
    (after.steps - steps, after.calls - calls - 1)
}

fn done() -> Response<()> {
    Response::new(())
}

#[test]
fn a_timer_is_one_call_and_no_wake_completion() {
    let mut container = Container::handler(async |_: Request<Body>| {
        sleep(Duration::from_secs(3600)).await;
        yield_now().await;
        done()
    });
    assert_eq!(cost(&mut container), (3, 2));
}

#[test]
fn a_dropped_timer_is_withdrawn() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let (long, short) = (pin!(sleep(Duration::from_secs(5))), pin!(sleep(Duration::from_secs(1))));
        assert!(matches!(select(long, short).await, Either::Right(_)));
        assert!(timeout(Duration::from_secs(1), pending::<()>()).await.is_err());
        assert_eq!(timeout(Duration::from_secs(1), async { 7 }).await, Ok(7));
        done()
    });
    // Two timers and one withdrawn; one timer; one timer and one withdrawn.
    assert_eq!(cost(&mut container), (3, 6));
}

#[test]
fn events_of_one_moment_come_in_one_step() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let second = Duration::from_secs(1);
        futures::join!(sleep(second), sleep(second), sleep(second));
        done()
    });
    assert_eq!(cost(&mut container), (2, 3));
}

#[test]
fn a_wake_inside_the_own_step_crosses_no_boundary() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let (sender, receiver) = oneshot::channel();
        let (first, ()) = futures::join!(receiver, async { sender.send(5).unwrap() });
        let mut unordered: FuturesUnordered<_> = (0..5).map(async |n| n).collect();
        let mut sum = first.unwrap();
        while let Some(n) = unordered.next().await {
            sum += n;
        }
        assert_eq!(sum, 15);
        done()
    });
    assert_eq!(cost(&mut container), (1, 0));
}

#[test]
fn a_held_waker_costs_one_completion_however_long_it_is_held() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let (_sender, mut receiver) = oneshot::channel::<()>();
        for _ in 0..10 {
            let sleep = pin!(sleep(Duration::from_millis(1)));
            assert!(matches!(select(&mut receiver, sleep).await, Either::Right(_)));
        }
        drop(receiver);
        yield_now().await;
        done()
    });
    // Ten timers, one completion, withdrawn once; and the yield.
    assert_eq!(cost(&mut container), (12, 13));
}

#[test]
fn another_task_wakes_through_one_completion() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let (sender, receiver) = oneshot::channel();
        let other = spawn(async move {
            sleep(Duration::from_millis(5)).await;
            sender.send(7).unwrap();
        });
        assert_eq!(receiver.await, Ok(7));
        other.await.unwrap();
        done()
    });
    assert_eq!(container.get("/").outcome, Some(Status::OK));
}

#[test]
fn other_threads_wake_at_any_moment() {
    let mut container = Container::handler(async |_: Request<Body>| {
        for round in 0..200_u32 {
            let (sender, receiver) = oneshot::channel();
            let (completer, value) = completion();
            let thread = thread::spawn(move || {
                if round % 3 == 0 {
                    thread::yield_now();
                }
                sender.send(round).unwrap();
                completer.complete(round).unwrap();
            });
            let (woken, completed) = futures::join!(receiver, value);
            assert_eq!((woken.unwrap(), completed?), (round, round));
            thread.join().unwrap();
        }
        Ok::<_, Error>(done())
    });
    assert_eq!(container.get("/").outcome, Some(Status::OK));
}

#[test]
fn a_wake_from_a_thread_during_the_poll_is_not_lost() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let mut polls = 0;
        poll_fn(move |context| {
            polls += 1;
            let waker = context.waker().clone();
            // The thread wakes, and lets its waker go, before the poll is over.
            thread::spawn(move || waker.wake()).join().unwrap();
            if polls == 5 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        done()
    });
    assert_eq!(cost(&mut container), (1, 0));
}

#[test]
fn many_threads_hammer_one_waker() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let receiver = std::sync::Arc::clone(&receiver);
                thread::spawn(move || {
                    loop {
                        let next = receiver.lock().unwrap().recv();
                        match next {
                            Ok(waker) => waker.wake(),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        for _ in 0..2_000 {
            let mut is_first = true;
            poll_fn(|context| {
                if !std::mem::take(&mut is_first) {
                    return Poll::Ready(());
                }
                sender.send(context.waker().clone()).unwrap();
                Poll::Pending
            })
            .await;
        }
        drop(sender);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        done()
    });
    assert_eq!(container.get("/").outcome, Some(Status::OK));
}

#[test]
fn a_task_that_waits_for_nothing_is_lost_at_once() {
    let forgotten = async |_: Request<Body>| {
        // A waker that was taken and let go again wakes nobody.
        poll_fn(|context| {
            drop(context.waker().clone());
            Poll::<()>::Pending
        })
        .await;
        done()
    };
    let mut container = Container::handler(forgotten);
    assert_eq!(container.get("/").outcome, Some(Status::E_LOST));
    let mut container = Container::handler(async |_: Request<Body>| {
        // It was armed before: the completion is withdrawn, and the task is lost all the same.
        let (_sender, mut receiver) = oneshot::channel::<()>();
        assert!(futures::poll!(&mut receiver).is_pending());
        yield_now().await;
        drop(receiver);
        pending::<Response<()>>().await
    });
    assert_eq!(container.get("/").outcome, Some(Status::E_LOST));
}

#[test]
fn a_task_that_wakes_itself_lets_others_run() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let ticks = Rc::new(Cell::new(0));
        let counter = Rc::clone(&ticks);
        let other = spawn(async move {
            loop {
                counter.set(counter.get() + 1);
                yield_now().await;
            }
        });
        let mut left = 1_000;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let turns = ticks.get();
        other.abort();
        assert!(other.await.unwrap_err().status() == Status::CANCELLED_MODULE);
        assert!((30..=1_000).contains(&turns), "the other task ran {turns} times");
        done()
    });
    assert_eq!(container.get("/").outcome, Some(Status::OK));
}

#[test]
fn wakers_and_completers_outlive_task_and_instance() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut container = Container::handler(move |_: Request<Body>| {
        let sender = sender.clone();
        async move {
            let (completer, value) = completion::<u8>();
            let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
            sender.send((waker, completer)).unwrap();
            drop(value);
            done()
        }
    });
    assert_eq!(container.get("/").outcome, Some(Status::OK));
    assert_eq!(container.get("/").outcome, Some(Status::OK));
    let kept: Vec<_> = receiver.try_iter().collect();
    kept[0].0.wake_by_ref();
    assert_eq!(container.get("/").outcome, Some(Status::OK), "a stale waker wakes nobody else");
    container.close();
    for (waker, completer) in kept {
        waker.wake();
        assert_eq!(completer.complete(7), Err(7), "what nobody takes comes back");
    }
}

#[test]
fn an_operation_may_change_tasks_and_outlive_its_own() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let (completer, value) = completion();
        let later = sleep(Duration::from_millis(5));
        let other = spawn(async move {
            later.await;
            completer.complete("from the other task").unwrap();
        });
        assert_eq!(value.await.unwrap(), "from the other task");
        other.await.unwrap();
        let (left, mine) = (sleep(Duration::from_millis(5)), completion::<()>());
        spawn(async move {
            // These belong to a task that is gone by then; they never fire, and their end harms nobody.
            assert!(timeout(Duration::from_millis(9), left).await.is_err());
            drop(mine);
        });
        done()
    });
    let exchange = container.open(Request::get("/"));
    container.end_body(exchange);
    container.advance(Duration::from_secs(10));
    assert_eq!(container.answer(exchange).outcome, Some(Status::OK));
}
