//! How long is waited for what should come. Must not know what that is.
//!
//! Where a case is expected to fail, as in the kit's proof of itself, less patience saves time and changes nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static IS_IN_A_HURRY: AtomicBool = AtomicBool::new(false);

/// From now on, less.
pub fn hurry() {
    IS_IN_A_HURRY.store(true, Ordering::Relaxed);
}

fn one_of(usual: u64, hurried: u64) -> Duration {
    Duration::from_millis(if IS_IN_A_HURRY.load(Ordering::Relaxed) { hurried } else { usual })
}

/// For an answer to bytes that were sent.
#[must_use]
pub fn answer() -> Duration {
    one_of(3_000, 1_200)
}

/// For a task to end, or another thing that a container does by itself.
#[must_use]
pub fn container() -> Duration {
    one_of(15_000, 2_000)
}

/// For the start and the end of a process.
#[must_use]
pub fn process() -> Duration {
    Duration::from_secs(15)
}

/// For a process that is to be killed, so that it can put its files away.
#[must_use]
pub fn parting() -> Duration {
    one_of(2_000, 200)
}
