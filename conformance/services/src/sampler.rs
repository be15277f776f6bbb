//! A number that is looked at all the time, and the greatest it was. Must not know what it counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Default)]
struct Seen {
    most: AtomicU64,
    samples: AtomicU64,
    stop: AtomicBool,
}

/// A thread that looks at a number until this value is dropped.
pub struct Sampler {
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Looks at what `look` says, about every millisecond; `None` is no sample.
    pub fn start(mut look: impl FnMut() -> Option<u64> + Send + 'static) -> Sampler {
        let seen = Arc::new(Seen::default());
        let own = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            while !own.stop.load(Ordering::Relaxed) {
                if let Some(number) = look() {
                    own.most.fetch_max(number, Ordering::Relaxed);
                    own.samples.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Sampler { seen, thread: Some(thread) }
    }

    /// The greatest so far.
    pub fn most(&self) -> u64 {
        self.seen.most.load(Ordering::Relaxed)
    }

    /// How often it was looked at.
    pub fn samples(&self) -> u64 {
        self.seen.samples.load(Ordering::Relaxed)
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.seen.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
