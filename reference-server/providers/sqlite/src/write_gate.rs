//! Whose turn it is to write: SQLite lets one connection of a database write at a time, and has no queue. This is the queue of
//! the members of one resource, first come, first served, in which no thread waits. Must not know SQLite.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The gate of one database. At most one [`Permit`] of it is there at any time.
#[derive(Default)]
pub(crate) struct WriteGate {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_taken: bool,
    queue: VecDeque<Arc<Place>>,
}

/// One place in the queue.
#[derive(Default)]
struct Place {
    /// The permit was handed over to this place. Set and read with the lock of the gate.
    is_called: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl WriteGate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The permit, if nobody has it and nobody waits for it.
    pub(crate) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        if state.is_taken {
            return None;
        }
        state.is_taken = true;
        Some(Permit { gate: Arc::clone(self) })
    }

    /// Waits for the permit. Dropping the future gives up the place in the queue.
    pub(crate) fn enter(self: &Arc<Self>) -> Enter {
        Enter { gate: Arc::clone(self), place: None }
    }

    /// Hands the permit to the next in the queue.
    fn leave(&self) {
        let mut state = self.lock();
        let next = state.queue.pop_front();
        match &next {
            Some(place) => place.is_called.store(true, Ordering::Relaxed),
            None => state.is_taken = false,
        }
        drop(state);
        if let Some(place) = next {
            let waker = place.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// The right to write. Dropping it lets the next one write.
pub(crate) struct Permit {
    gate: Arc<WriteGate>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.leave();
    }
}

/// A connection's end of the gate: the permit, while it has it.
pub(crate) struct Turn {
    gate: Arc<WriteGate>,
    permit: Option<Permit>,
}

impl Turn {
    pub(crate) fn new(gate: &Arc<WriteGate>) -> Self {
        Self { gate: Arc::clone(gate), permit: None }
    }

    /// Takes a permit that was waited for.
    pub(crate) fn give(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// Whether it may write: it has the permit, or gets it at once.
    pub(crate) fn has_come(&mut self) -> bool {
        if self.permit.is_none() {
            self.permit = self.gate.try_enter();
        }
        self.permit.is_some()
    }

    /// Gives the permit back.
    pub(crate) fn end(&mut self) {
        self.permit = None;
    }
}

/// The wait for a [`Permit`].
#[must_use = "the queue is joined when this is awaited"]
pub(crate) struct Enter {
    gate: Arc<WriteGate>,
    place: Option<Arc<Place>>,
}

impl Future for Enter {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        let gate = Arc::clone(&self.gate);
        let mut state = gate.lock();
        let is_mine = match &self.place {
            Some(place) => place.is_called.load(Ordering::Relaxed),
            None => !std::mem::replace(&mut state.is_taken, true),
        };
        if is_mine {
            self.place = None;
            drop(state);
            return Poll::Ready(Permit { gate });
        }
        let place = self.place.get_or_insert_with(|| {
            let place = Arc::<Place>::default();
            state.queue.push_back(Arc::clone(&place));
            place
        });
        // With the lock of the gate: whoever calls this place afterwards finds the waker.
        let mut waker = place.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waker.replace(context.waker().clone());
        drop(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Enter {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let mut state = self.gate.lock();
        let is_called = place.is_called.load(Ordering::Relaxed);
        state.queue.retain(|other| !Arc::ptr_eq(other, &place));
        drop(state);
        if is_called {
            self.gate.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    fn poll(enter: &mut Enter) -> Option<Permit> {
        match pin!(enter).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    #[test]
    fn permits_are_given_in_the_order_of_the_queue() {
        let gate = Arc::new(WriteGate::default());
        let first = gate.try_enter().unwrap();
        let (mut second, mut third) = (gate.enter(), gate.enter());
        assert!(poll(&mut second).is_none() && poll(&mut third).is_none());
        drop(first);
        assert!(gate.try_enter().is_none(), "who waits comes before who tries");
        assert!(poll(&mut third).is_none());
        let permit = poll(&mut second).unwrap();
        assert!(poll(&mut third).is_none());
        drop(permit);
        drop(poll(&mut third).unwrap());
        drop(gate.try_enter().unwrap());
    }

    #[test]
    fn who_gives_up_is_passed_over() {
        let gate = Arc::new(WriteGate::default());
        let first = gate.try_enter().unwrap();
        let (mut gone, mut called, mut last) = (gate.enter(), gate.enter(), gate.enter());
        for enter in [&mut gone, &mut called, &mut last] {
            assert!(poll(enter).is_none());
        }
        drop(gone);
        drop(first);
        // Called, but gone before it looked: the next one is called.
        drop(called);
        drop(poll(&mut last).unwrap());
        drop(gate.try_enter().unwrap());
    }

    #[test]
    fn one_writes_at_a_time() {
        let gate = Arc::new(WriteGate::default());
        let inside = AtomicBool::new(false);
        let rounds = std::thread::scope(|scope| {
            let work = || {
                let mut rounds = 0;
                while rounds < 2_000 {
                    let mut enter = gate.enter();
                    let permit = loop {
                        if let Some(permit) = poll(&mut enter) {
                            break permit;
                        }
                        std::thread::yield_now();
                    };
                    assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
                    rounds += 1;
                    inside.store(false, Ordering::SeqCst);
                    drop(permit);
                }
                rounds
            };
            let threads = [scope.spawn(work), scope.spawn(work), scope.spawn(work)];
            threads.map(|thread| thread.join().unwrap()).iter().sum::<u32>()
        });
        assert_eq!(rounds, 6_000);
    }
}
