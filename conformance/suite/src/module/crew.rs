//! Threads on which callbacks run in lock-step: one at a time, and never two at once. Must not know what is run.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;

/// Some threads.
pub struct Crew {
    members: Vec<(Option<Sender<Job>>, JoinHandle<()>)>,
}

impl Crew {
    /// So many threads.
    #[must_use]
    pub fn new(count: usize) -> Crew {
        let member = |_| {
            let (sender, jobs) = mpsc::channel::<Job>();
            (Some(sender), thread::spawn(move || jobs.into_iter().for_each(|job| job())))
        };
        Crew { members: (0..count).map(member).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Runs `job` on the thread of that number, and waits for it.
    ///
    /// # Panics
    /// When the job panicked, or there is no such thread.
    pub fn run<T: Send + 'static>(&self, number: usize, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel();
        let job: Job = Box::new(move || {
            // Nobody but this function waits for it.
            let _ = answer.send(job());
        });
        let sender = self.members[number].0.as_ref().expect("the crew has not been dismissed");
        sender.send(job).expect("the thread waits for jobs");
        answered.recv().expect("the job does not panic")
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for (sender, handle) in self.members.drain(..) {
            drop(sender);
            // A panic of a job was seen by `run`.
            let _ = handle.join();
        }
    }
}
