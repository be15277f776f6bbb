//! Any order of what can happen to tasks: starts, bodies, room, time, completions from another thread, peers that leave,
//! cancels, a drain, panics, and the end in the middle of it. Whatever the order, every start has one finish, nothing is
//! left, every exchange is let go once, and what `complete` promised comes exactly once.

mod support;

use http_container_abi::Status;
use proptest::prelude::*;
use std::sync::Arc;
use support::{Memory, Plan, Rig};

/// What happens next; numbers choose among the tasks that there are.
#[derive(Clone, Debug)]
enum Event {
    Open(usize),
    Start(usize),
    Feed(usize),
    EndBody(usize),
    Room(usize),
    Complete(usize),
    CompleteElsewhere(usize),
    Leave(usize),
    Cancel(usize),
    Pass(u64),
    Run,
    Drain,
    Maintain,
}

/// Scripts of module `a`, most of which use every sort of wait; `N` is the number of the request.
const SCRIPTS: [&str; 9] = [
    "respond 200 hi; done",
    "completion 1 cN; read 2; timer 3 40; yield | read 2; again; yield",
    "read 1; yield | read 1; start 200; write 2 30; yield | write 2 30; end; done",
    "notices 15; completion 1 cN; yield | notices 15; timer 9 5; yield | respond 200; done",
    "spawn any work tN; spawn self work tN; task-cancel tN; timer 1 0; yield | respond 200; done",
    "open 5 0 kN; yield | child-read kN 6; completion 1 cN; yield | respond 200; done",
    "open 5 2 kN; timer 3 3; yield | close kN; respond 200; completion 1 cN; yield",
    "completion 1 cN; complete 1 cN 1; cancel 1; completion 1 cN; yield | fail",
    "completion 1 cN; timer 2 7; yield | panic",
];
const CHILD: &str = "read 1; start 200; timer 2 2; yield | read 3; write 4 9; yield | end; done";
const WORK: &str = "timer 1 3; yield | timer 1 0; yield | done";

fn event() -> impl Strategy<Value = Event> {
    let index = 0usize..12;
    prop_oneof![
        3 => (0..SCRIPTS.len()).prop_map(Event::Open),
        5 => index.clone().prop_map(Event::Start),
        2 => index.clone().prop_map(Event::Feed),
        1 => index.clone().prop_map(Event::EndBody),
        1 => index.clone().prop_map(Event::Room),
        2 => index.clone().prop_map(Event::Complete),
        2 => index.clone().prop_map(Event::CompleteElsewhere),
        1 => index.clone().prop_map(Event::Leave),
        1 => index.prop_map(Event::Cancel),
        2 => (0u64..60).prop_map(Event::Pass),
        4 => Just(Event::Run),
        1 => Just(Event::Drain),
        1 => Just(Event::Maintain),
    ]
}

struct Play {
    rig: Rig,
    requests: Vec<(Arc<Memory>, u64)>,
}

impl Play {
    fn act(&mut self, event: &Event) {
        let count = self.requests.len();
        let chosen = |index: usize| (count > 0).then(|| index % count);
        match event {
            Event::Open(script) => {
                let text = SCRIPTS[*script].replace('N', &count.to_string());
                let exchange = self.rig.exchange("POST", &[("a", &text), ("b", CHILD)]);
                let task = self.rig.open_exchange(&exchange);
                self.requests.push((exchange, task));
            }
            Event::Pass(ms) => self.rig.pass(*ms),
            Event::Run => {
                self.rig.worker.turn(self.rig.now_ns);
                self.rig.worker.run(2);
            }
            Event::Drain => self.rig.container.drain(),
            Event::Maintain => drop(self.rig.container.maintain()),
            Event::Start(index)
            | Event::Feed(index)
            | Event::EndBody(index)
            | Event::Room(index)
            | Event::Complete(index)
            | Event::CompleteElsewhere(index)
            | Event::Leave(index)
            | Event::Cancel(index) => {
                if let Some(index) = chosen(*index) {
                    self.act_on(event, index);
                }
            }
        }
    }

    fn act_on(&self, event: &Event, index: usize) {
        let (exchange, task) = &self.requests[index];
        let container = &self.rig.container;
        let (world, host, name) = (&self.rig.world, self.rig.world.host("a"), format!("c{index}"));
        match event {
            Event::Start(_) => self.rig.worker.start(*task),
            _ if exchange.ended().is_some() && !matches!(event, Event::Complete(_)) => {}
            Event::Feed(_) => exchange.feed(container, b"12345"),
            Event::EndBody(_) => exchange.end_body(container, Status::OK),
            Event::Room(_) => exchange.give_room(container, 7),
            Event::Complete(_) => drop(world.complete(&host, &name, 1, Status::OK, 2)),
            Event::CompleteElsewhere(_) => {
                std::thread::scope(|scope| {
                    scope.spawn(|| world.complete(&host, &name, 1, Status::E_IO, 3)).join().unwrap();
                });
            }
            Event::Leave(_) => exchange.leave(container, *task),
            _ => drop(container.request_cancel(*task, Status::CANCELLED_MODULE)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_ends_well(
        events in proptest::collection::vec(event(), 1..60),
        grace_ms in prop_oneof![Just(0u64), Just(10)],
        deadline_ms in prop_oneof![Just(50u64), Just(100_000)],
        starts_rest: bool,
    ) {
        let mut plan = Plan { grace_ms, deadline_ms, ..Plan::default() };
        plan.limits.replace_interval_ns = 0;
        let rig = Rig::created(&plan);
        rig.world.script("work", WORK);
        let mut play = Play { rig, requests: Vec::new() };
        std::panic::set_hook(Box::new(|_| ()));
        events.iter().for_each(|event| play.act(event));
        if starts_rest {
            play.rig.run();
        }
        let Play { mut rig, requests } = play;
        // A request that no worker took is the server's to start: here it is dropped.
        for (_, task) in &requests {
            rig.container.request_cancel(*task, Status::CANCELLED_DRAIN);
            rig.worker.start(*task);
        }
        rig.end();
        prop_assert!(requests.iter().all(|(exchange, _)| exchange.ended().is_some()));
        drop(rig);
        let _ = std::panic::take_hook();
        for (exchange, _) in &requests {
            prop_assert_eq!(Arc::strong_count(exchange), 1);
        }
    }
}
