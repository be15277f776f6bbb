//! How a connection's shard hears that one of its exchanges has something for it: bytes to send, room for body, an end.
//!
//! On the shard's own thread that is a list; from another worker it is a mailbox and, if the shard sleeps, a wake.

use hc_scheduler::Scheduler;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A connection of a shard: its place and the number that tells it from others that had the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// Index in the shard's table.
    pub index: u32,
    /// Grows with every use of the index.
    pub generation: u32,
}

/// The way to one shard.
pub struct Door {
    shard: usize,
    scheduler: Scheduler<u64>,
    mailbox: Mutex<Vec<Place>>,
    waiting: AtomicBool,
    stopping: Arc<AtomicBool>,
}

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(usize::MAX) };
    static NOTED: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static DATE: Cell<[u8; 29]> = const { Cell::new(*b"Thu, 01 Jan 1970 00:00:00 GMT") };
}

impl Door {
    /// The door of that shard; `stopping` says that the server ends.
    pub fn new(shard: usize, scheduler: Scheduler<u64>, stopping: Arc<AtomicBool>) -> Arc<Door> {
        let waiting = AtomicBool::new(false);
        Arc::new(Door { shard, scheduler, mailbox: Mutex::default(), waiting, stopping })
    }

    /// Whether connections end with the responses whose heads are still to be sent.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The calling thread drives that shard from now on.
    pub fn enter(&self) {
        HERE.set(self.shard);
    }

    /// Notes a connection, from any thread.
    pub fn note(&self, place: Place) {
        if HERE.get() == self.shard {
            NOTED.with(|noted| noted.borrow_mut().push(place));
            return;
        }
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        self.waiting.store(true, Ordering::SeqCst);
        self.scheduler.notify(self.shard);
    }

    /// Wakes every shard that sleeps.
    pub fn wake_all(&self) {
        (0..self.scheduler.worker_count()).for_each(|shard| {
            self.scheduler.notify(shard);
        });
    }

    /// Takes all that was noted; to be called by the shard's thread.
    pub fn take(&self, into: &mut Vec<Place>) {
        NOTED.with(|noted| into.append(&mut noted.borrow_mut()));
        if self.waiting.swap(false, Ordering::SeqCst) {
            into.append(&mut self.mailbox.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Whether something is noted.
    pub fn has_notes(&self) -> bool {
        NOTED.with(|noted| !noted.borrow().is_empty()) || self.waiting.load(Ordering::SeqCst)
    }
}

/// How many buffers a thread keeps, and how large one may be to be kept.
const SPARE_BUFFERS: usize = 256;
const SPARE_BYTES: usize = 16 << 10;

/// A buffer for response bytes, one that was used before if there is one.
pub fn spare_buffer() -> Vec<u8> {
    BUFFERS.with(|buffers| buffers.borrow_mut().pop()).unwrap_or_default()
}

/// Keeps a buffer of ordinary size for the next response.
pub fn keep_buffer(mut buffer: Vec<u8>) {
    if (1..=SPARE_BYTES).contains(&buffer.capacity()) {
        buffer.clear();
        BUFFERS.with(|buffers| {
            let mut buffers = buffers.borrow_mut();
            if buffers.len() < SPARE_BUFFERS {
                buffers.push(buffer);
            }
        });
    }
}

/// The text of `Date` for responses that this thread writes.
pub fn date() -> [u8; 29] {
    DATE.get()
}

/// Sets it.
pub fn set_date(date: [u8; 29]) {
    DATE.set(date);
}
