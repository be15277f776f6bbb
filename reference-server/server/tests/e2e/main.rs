//! The reference server from outside: the real program as a child process, real sockets, real clients, modules compiled by the
//! test. Nothing in here knows the server's inside; the map is in `../README.md`.

mod artefacts;
mod counters;
mod message;
mod peer;
mod server;

mod cancel;
mod cases;
mod chains;
mod clients;
mod faults;
mod http_cases;
mod http_tables;
mod notes;
mod operations;
mod parked;
mod patience;
mod streams;
mod unread;
mod validation;

/// How long a condition may take to become true before a test gives up. Generous: no test measures time with it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Waits until `look` finds something, and answers it; fails the test with `what` when nothing comes.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < until, "waited in vain: {what}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
