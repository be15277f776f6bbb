//! Real PostgreSQL and Redis servers for tests: started on free ports of loopback, gone with the test, however that ends; and a
//! proxy in front of them that breaks connections. It must not know who talks to the servers: its own clients, for assertions,
//! share no code with anybody's. Everything panics with what the server said, since it is for tests only.
#![forbid(unsafe_code)]

mod files;
mod nest;
mod ports;
mod postgres;
mod postgres_session;
mod postgres_template;
mod programs;
mod proxy;
mod redis;
mod redis_session;
mod sampler;
mod service;

pub use nest::place;
pub use postgres::{PASSWORD, Postgres, PostgresSettings, USER, WATCHER};
pub use postgres_session::{PostgresSession, Refused};
pub use proxy::Proxy;
pub use redis::Redis;
pub use redis_session::{RedisSession, Reply};
pub use sampler::Sampler;
pub use service::End;

use std::time::{Duration, Instant};

/// How long a condition may take to become true before a test gives up. Generous: no test measures time with it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `look` finds something, and answers it; fails the test with `what` when nothing comes.
#[track_caller]
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, look).unwrap_or_else(|| panic!("waited in vain: {what}"))
}

/// As [`wait_for`]; `None` when nothing came in time.
pub fn wait_within<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + time;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= until {
            return found;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
