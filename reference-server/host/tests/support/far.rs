//! A further worker on a thread of its own, which does what the test says, when it says so.

use super::NoPoller;
use hc_host::{Container, Worker};
use http_container_abi::Status;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

type Order = Box<dyn FnOnce(&Rc<Worker>) -> bool + Send>;

pub struct Far {
    orders: Sender<Order>,
    answers: Mutex<Receiver<bool>>,
}

impl Far {
    pub fn enter(container: &Arc<Container>, index: u32) -> Arc<Far> {
        let (orders, to_do) = channel::<Order>();
        let (done, answers) = channel();
        let container = Arc::clone(container);
        let body = move || {
            let worker = Worker::enter(container, index, Box::new(NoPoller));
            for order in to_do {
                done.send(order(&worker)).unwrap();
            }
        };
        std::thread::spawn(body);
        Arc::new(Far { orders, answers: Mutex::new(answers) })
    }

    /// Does that there, and waits until it is done.
    pub fn tell(&self, order: impl FnOnce(&Rc<Worker>) -> bool + Send + 'static) -> bool {
        self.orders.send(Box::new(order)).unwrap();
        self.answers.lock().unwrap().recv().unwrap()
    }

    /// Runs all that is ready; `false` when there was nothing.
    pub fn run(&self, now_ns: u64) -> bool {
        self.tell(move |worker| {
            let mut ran = false;
            loop {
                worker.turn(now_ns.max(worker.now_ns()));
                let mut fresh = Vec::new();
                worker.take_fresh(&mut fresh);
                fresh.iter().for_each(|task| worker.start(*task));
                ran |= worker.run(1000) > 0 || !fresh.is_empty();
                if !worker.has_work() {
                    return ran;
                }
            }
        })
    }

    /// The worker ends its tasks and leaves.
    pub fn leave(&self) {
        self.tell(|worker| {
            worker.leave(Status::CANCELLED_DRAIN);
            true
        });
    }
}
