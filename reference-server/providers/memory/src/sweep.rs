//! Clearing away what has expired, also when nobody asks for it any more: by a timer of one member that waits for requests.
//! Must not know what a member does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_container::{Sleep, ctx, sleep};

use crate::store::Store;

/// How many entries are cleared away in one step of a member.
const STEP_ENTRIES: usize = 256;

/// The shortest time between two sweeps: what expires meanwhile is not found, and only takes room.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest time, since something may expire earlier that came after the timer was set.
const LONGEST: Duration = Duration::from_secs(30);

/// Whether some member has the timer of a store.
#[derive(Default)]
pub(crate) struct Broom(AtomicBool);

/// A member's part in clearing away.
pub(crate) struct Sweeper {
    broom: Arc<Broom>,
    timer: Option<Sleep>,
}

impl Sweeper {
    pub(crate) fn new(broom: &Arc<Broom>) -> Self {
        Self { broom: Arc::clone(broom), timer: None }
    }

    /// Sets the timer, when something will expire and no other member has set it.
    pub(crate) fn watch(&mut self, store: &Store) {
        if self.timer.is_none()
            && let Some(next_ns) = store.next_expiry_ns()
            && !self.broom.0.swap(true, Ordering::Relaxed)
        {
            self.timer = Some(sleep(pause(next_ns)));
        }
    }

    /// Waits for the timer, and sweeps; ready when the member has to wait anew.
    pub(crate) fn poll(&mut self, store: &Store, context: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        ready!(Pin::new(timer).poll(context));
        let swept = store.sweep(now_ns(), STEP_ENTRIES);
        self.put_down();
        if swept == STEP_ENTRIES {
            // There is more; but others have their turn before that.
            self.broom.0.store(true, Ordering::Relaxed);
            self.timer = Some(sleep(Duration::ZERO));
        } else {
            self.watch(store);
        }
        Poll::Ready(())
    }

    fn put_down(&mut self) {
        if self.timer.take().is_some() {
            self.broom.0.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.put_down();
    }
}

/// The time on the clock of the store.
pub(crate) fn now_ns() -> u64 {
    u64::try_from(ctx().now().as_nanos()).unwrap_or(u64::MAX)
}

fn pause(next_ns: u64) -> Duration {
    Duration::from_nanos(next_ns.saturating_sub(now_ns())).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Condition, Life, WhenFull};
    use http_container::testing::Container;
    use http_container::{Body, Bytes, Error, Request, Response};
    use std::future::poll_fn;

    const COUNT: u32 = 1_000;

    fn fill(store: &Store, ttl_ms: u64) {
        for key in 0..COUNT {
            let life = Life::Milliseconds(ttl_ms);
            store.set(now_ns(), &key.to_le_bytes(), &Bytes::new(), Condition::Always, life).unwrap();
        }
    }

    async fn handler(_: Request<Body>) -> Result<Response<String>, Error> {
        let (store, broom) = (Store::new(u64::MAX, WhenFull::Evict), Arc::<Broom>::default());
        let (mut one, mut two) = (Sweeper::new(&broom), Sweeper::new(&broom));
        one.watch(&store);
        assert!(one.timer.is_none(), "nothing will expire");
        fill(&store, 1_500);
        one.watch(&store);
        two.watch(&store);
        assert!(one.timer.is_some() && two.timer.is_none(), "one timer for a store");
        drop(one);
        two.watch(&store);
        assert!(two.timer.is_some(), "another member takes over");

        let begin = ctx().now();
        let mut steps = 0;
        while !store.is_empty() {
            poll_fn(|context| two.poll(&store, context)).await;
            steps += 1;
        }
        assert_eq!(steps, COUNT.div_ceil(256), "so many in each step");
        assert!((Duration::from_millis(1_500)..Duration::from_secs(3)).contains(&(ctx().now() - begin)));
        two.watch(&store);
        assert!(two.timer.is_none(), "an empty store needs no timer");

        fill(&store, 1_000_000);
        two.watch(&store);
        fill(&store, 1_000);
        poll_fn(|context| two.poll(&store, context)).await;
        assert!(
            store.len() < COUNT as usize,
            "what expires earlier than the timer was set for is not forgotten"
        );
        Ok(Response::new("swept".into()))
    }

    #[test]
    fn what_has_expired_is_swept_bit_by_bit_by_one_member() {
        assert_eq!(Container::handler(handler).get("/").text(), "swept");
    }
}
