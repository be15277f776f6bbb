//! Clients that ask the same all the time, each on a connection of its own, and count what became of it.

use crate::server::Server;
use crate::site::{refused, request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// The clients. Every answer is 200 or a proper refusal, and none takes for ever: else the test fails.
pub struct Load {
    tally: Arc<Tally>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts so many clients.
    pub fn start(server: &Server, clients: usize, commands: &str) -> Load {
        let tally = Arc::new(Tally::default());
        let client = |_| {
            let (mut peer, request, tally) = (server.connect(), request("/", commands), Arc::clone(&tally));
            std::thread::spawn(move || {
                while !tally.stop.load(Ordering::Relaxed) {
                    let response = peer.ask(&request);
                    if response.status == 200 {
                        tally.answered.fetch_add(1, Ordering::Relaxed);
                    } else {
                        refused(&response);
                        tally.refused.fetch_add(1, Ordering::Relaxed);
                        // As a client that was told to come back later, so that the processor is not all theirs.
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            })
        };
        let clients = (0..clients).map(client).collect();
        Load { tally, clients }
    }

    /// Waits for so many more answers.
    #[track_caller]
    pub fn wait_for_answers(&self, count: u64) {
        self.wait(&self.tally.answered, count, "answers");
    }

    /// Waits for so many more refusals.
    #[track_caller]
    pub fn wait_for_refusals(&self, count: u64) {
        self.wait(&self.tally.refused, count, "refusals");
    }

    #[track_caller]
    fn wait(&self, number: &AtomicU64, count: u64, what: &str) {
        let enough = number.load(Ordering::Relaxed) + count;
        crate::wait_for(&format!("{count} more {what}"), || {
            assert!(!self.clients.iter().any(JoinHandle::is_finished), "a client failed");
            (number.load(Ordering::Relaxed) >= enough).then_some(())
        });
    }

    /// Ends them; none may have failed. How many answers there were.
    pub fn finish(mut self) -> u64 {
        self.tally.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().expect("every answer was as it has to be");
        }
        self.tally.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tally.stop.store(true, Ordering::Relaxed);
    }
}
