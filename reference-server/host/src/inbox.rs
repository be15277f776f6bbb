//! What other threads send to a worker, and what they see of it. It must not know what a message leads to.

use crate::container::lock;
use crate::counters::Counters;
use crate::worker::Due;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Sent to a worker from another thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    /// The task in that slot is queued.
    Run(u32),
    /// A fresh task to be started here.
    Fresh(u64),
    /// A fresh task that has passed its gates: to be started by whichever worker.
    Passed(u64),
    /// A timer of a thread that is no worker: by then, ns.
    Due(u64, Due),
}

/// What other threads see of a worker.
#[derive(Default)]
pub(crate) struct WorkerShared {
    inbox: Mutex<Inbox>,
    waiting: AtomicBool,
    pub counters: Counters,
}

#[derive(Default)]
struct Inbox {
    messages: Vec<Message>,
    closed: bool,
}

impl WorkerShared {
    /// Leaves a message, after `announce` was called; `false`, with nothing done, when the worker has left.
    pub fn post(&self, message: Message, announce: impl FnOnce()) -> bool {
        let mut inbox = lock(&self.inbox);
        if !inbox.closed {
            announce();
            inbox.messages.push(message);
            self.waiting.store(true, Ordering::SeqCst);
        }
        !inbox.closed
    }

    /// Whether a message may wait: a look that costs nothing, and that may miss one that comes at this moment.
    #[inline]
    pub fn may_wait(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether a message waits.
    pub fn waits(&self) -> bool {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Takes all messages, in their order, into a list that is empty.
    pub fn take(&self, messages: &mut Vec<Message>) {
        self.waiting.store(false, Ordering::SeqCst);
        std::mem::swap(messages, &mut lock(&self.inbox).messages);
    }

    /// Takes no message any more; `false` when one waits.
    pub fn close(&self) -> bool {
        let mut inbox = lock(&self.inbox);
        inbox.closed = inbox.messages.is_empty();
        inbox.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_worker_that_has_left_takes_no_message() {
        let shared = WorkerShared::default();
        let announced = Cell::new(0);
        let post = || shared.post(Message::Fresh(1), || announced.set(announced.get() + 1));
        assert!(post() && !shared.close(), "it may not leave a message behind");
        assert!(post(), "not closed yet");
        let mut messages = Vec::new();
        shared.take(&mut messages);
        assert_eq!((messages.len(), shared.waits()), (2, false));
        assert!(shared.close());
        assert!(!post());
        assert_eq!((announced.get(), lock(&shared.inbox).messages.len()), (2, 0));
    }
}
