//! One at a time: futures of one task that have to ask the container one after the other. Must not know what they ask.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// A turn that at most one future of a task has.
#[derive(Default)]
pub(crate) struct Turn {
    is_taken: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl Turn {
    /// Takes the turn; `false` when another has it, and `waker` is woken when that one is done.
    pub(crate) fn take(&self, waker: &Waker) -> bool {
        if !self.is_taken.replace(true) {
            return true;
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        false
    }

    /// Gives it back: all that wait try anew, in the order in which they are polled.
    pub(crate) fn give_back(&self) {
        self.is_taken.set(false);
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Bell(AtomicU32);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_is_woken_once_and_may_then_have_it() {
        let bell = Arc::new(Bell::default());
        let (one, other) = (Waker::from(Arc::clone(&bell)), Waker::noop());
        let turn = Turn::default();
        assert!(turn.take(other));
        assert!(!turn.take(&one) && !turn.take(&one));
        turn.give_back();
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert!(turn.take(&one) && !turn.take(other));
    }
}
