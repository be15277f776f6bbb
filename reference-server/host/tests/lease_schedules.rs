//! Any order of what can happen to tasks, members and requests at gates ends well: nothing is left, nothing goes back twice.

mod support;

use hc_host::{Gates, PartitionGate, PartitionKey};
use http_container_abi::Status;
use proptest::prelude::*;
use std::sync::Arc;
use support::{MS, Memory, Plan, Rig};

/// What happens next; numbers choose among what there is.
#[derive(Clone, Debug)]
enum Event {
    Spawn(usize),
    Come(usize),
    EndBody(usize),
    Leave(usize),
    CancelTask(usize),
    CancelMember(usize),
    Complete(usize),
    LetGo(usize),
    Down,
    Up,
    Pass(u64),
    Run(usize),
    Panic,
    Maintain,
    Drain,
}

/// Tasks that take leases; `N` is their number.
const SCRIPTS: [&str; 10] = [
    "acquire 1 db none LN; yield | query 2 LN c:n/r:1/ok; yield | rows 3 LN; release LN clean; done",
    "acquire 1 db 30 LN; completion 9 cN; yield | query 2 LN hold; timer 3 5; yield | cancel 2; release LN clean; done",
    "acquire 1 db,ob none LN,MN; yield | object MN thing; completion 9 cN; yield | object MN thing; release MN dirty; fail",
    "acquire 1 ob none LN; yield | completion 9 cN; yield | done",
    "acquire 1 db none LN; acquire 2 ob 10 MN; yield | timer 3 0; yield | release LN broken; cancel 2; completion 9 cN; yield",
    "acquire 1 db none LN; yield | query 2 LN end; yield | query 2 LN ok; release LN clean; done",
    "acquire 1 db none LN; yield | query 2 LN c:n/n:9000,100/ok; timer 3 2; yield | rows 4 LN; timer 5 3; yield | release LN dirty; done",
    "acquire 1 db 0 LN; acquire 2 db none MN; yield | query 3 MN hold; completion 9 cN; yield | query 4 MN ok; panic",
    "acquire 1 db,db 20 LN,MN; yield | release MN clean; acquire 2 ob none ON; yield | release ON clean; done",
    "acquire 1 ob none LN; cancel 1; acquire 1 ob none LN; yield | cancel 1; release LN clean; acquire 3 db none MN; yield | query 2 MN status:-16; yield",
];
const REQUESTS: [&str; 4] = [
    "respond 200; done",
    "query 2 g1 ok; yield | respond 200; done",
    "query 2 g1 hold; timer 3 4; yield | fail",
    "release g1 dirty; timer 3 4; yield | respond 200; done",
];

fn event() -> impl Strategy<Value = Event> {
    let index = 0usize..16;
    prop_oneof![
        6 => (0..SCRIPTS.len()).prop_map(Event::Spawn),
        3 => (0..REQUESTS.len()).prop_map(Event::Come),
        3 => index.clone().prop_map(Event::EndBody),
        1 => index.clone().prop_map(Event::Leave),
        1 => index.clone().prop_map(Event::CancelTask),
        2 => index.clone().prop_map(Event::CancelMember),
        3 => index.clone().prop_map(Event::Complete),
        4 => index.prop_map(Event::LetGo),
        1 => Just(Event::Down),
        2 => Just(Event::Up),
        4 => prop_oneof![0u64..8, 20u64..300, Just(1_000), Just(70_000)].prop_map(Event::Pass),
        8 => (1usize..6).prop_map(Event::Run),
        1 => Just(Event::Panic),
        1 => Just(Event::Maintain),
        1 => Just(Event::Drain),
    ]
}

fn plan(least: u32) -> Plan {
    let mut plan = Plan::with(&[("db", "sql"), ("ob", "pool")]);
    plan.resources[0].min = least;
    plan.resources[0].max_waiting = 4;
    plan.resources[1].max = 1;
    plan.limits.replace_interval_ns = 0;
    plan.deadline_ms = 100_000;
    plan.gates = Gates {
        whole_body_bytes: Some(10),
        partition: Some(PartitionGate {
            key: PartitionKey::Path(1),
            concurrent: 1,
            max_waiting: 3,
            timeout_ns: 200 * MS,
        }),
        resources: vec![0],
        resources_timeout_ns: 300 * MS,
    };
    plan
}

struct Play {
    rig: Rig,
    requests: Vec<(Arc<Memory>, u64)>,
    tasks: Vec<u64>,
}

impl Play {
    fn member(&self, index: usize) -> String {
        format!("{}{}", if index.is_multiple_of(2) { "db" } else { "ob" }, index / 2 + 1)
    }

    fn act(&mut self, event: &Event) {
        let (container, world) = (Arc::clone(&self.rig.container), Arc::clone(&self.rig.world));
        match event {
            Event::Spawn(script) => {
                let text = SCRIPTS[*script].replace('N', &self.tasks.len().to_string());
                // Refused when the instance ends.
                let made = world.host("a").spawn(0, Box::new(text));
                self.tasks.extend(made.ok());
            }
            Event::Come(script) => {
                let path = if script.is_multiple_of(2) { "/a" } else { "/b" };
                let exchange = self.rig.exchange_to("POST", path, &[("a", REQUESTS[*script])]);
                let task = self.rig.open_exchange(&exchange);
                assert!(!self.rig.worker.pass_gates(task, 0));
                self.requests.push((exchange, task));
            }
            Event::EndBody(index) | Event::Leave(index) => {
                let count = self.requests.len().max(1);
                let Some((exchange, task)) = self.requests.get(index % count) else { return };
                match event {
                    _ if exchange.ended().is_some() => {}
                    Event::Leave(_) => exchange.leave(&container, *task),
                    _ => exchange.end_body(&container, Status::OK),
                }
            }
            Event::CancelTask(index) => {
                let task = self.tasks.get(index % self.tasks.len().max(1));
                task.map(|task| container.request_cancel(*task, Status::CANCELLED_MODULE));
            }
            Event::CancelMember(index) => {
                container.request_cancel(world.handle(&self.member(*index)), Status::CANCELLED_MODULE);
            }
            Event::Complete(index) => {
                world.complete(&world.host("a"), &format!("c{index}"), 9, Status::OK, 0);
            }
            Event::LetGo(index) => {
                let member = self.member(*index);
                world.complete(&world.host(&member[..2]), &format!("hold-{member}"), 103, Status::OK, 0);
            }
            Event::Down => world.script("member-db", "explain no route; lost"),
            Event::Up => world.script("member-db", "ready; serve"),
            Event::Pass(ms) => self.rig.pass(*ms),
            Event::Run(budget) => {
                self.rig.worker.turn(self.rig.now_ns.max(self.rig.worker.now_ns()));
                let mut fresh = Vec::new();
                self.rig.worker.take_fresh(&mut fresh);
                fresh.iter().for_each(|task| self.rig.worker.start(*task));
                self.rig.worker.run(*budget);
            }
            Event::Panic => drop(world.host("db").spawn(0, Box::new("panic".to_owned()))),
            Event::Maintain => drop(container.maintain()),
            Event::Drain => container.drain(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_ends_well(
        events in proptest::collection::vec(event(), 1..120),
        least in 0u32..2,
        settles: bool,
    ) {
        let mut rig = Rig::ahead(&plan(least));
        rig.world.script("member-ob", "be thing 64; ready; serve");
        rig.run();
        let mut play = Play { rig, requests: Vec::new(), tasks: Vec::new() };
        std::panic::set_hook(Box::new(|_| ()));
        for event in &events {
            play.act(event);
            for (name, usage) in play.rig.container.resource_usage() {
                prop_assert!(usage.in_use + usage.idle <= usage.max, "{}: {:?}", name, usage);
            }
        }
        if settles {
            play.rig.run();
        }
        let Play { mut rig, requests, .. } = play;
        rig.end();
        let _ = std::panic::take_hook();
        prop_assert!(requests.iter().all(|(exchange, _)| exchange.ended().is_some()));
        for (name, usage) in rig.container.resource_usage() {
            prop_assert_eq!((usage.in_use, usage.idle, usage.waiting), (0, 0, 0), "{}", name);
        }
        drop(rig);
        for (exchange, _) in &requests {
            prop_assert_eq!(Arc::strong_count(exchange), 1);
        }
    }
}
