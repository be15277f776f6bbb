//! Connections of one worker: those that are free, and who waits for one, in order. Must not know what they are connected to.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A pool as small as can be.
pub(crate) struct Free<T> {
    state: RefCell<Waiting<T>>,
}

struct Waiting<T> {
    free: Vec<T>,
    wakers: VecDeque<Waker>,
}

impl<T> Free<T> {
    /// None is free until it is given back.
    pub(crate) fn new() -> Self {
        Self { state: RefCell::new(Waiting { free: Vec::new(), wakers: VecDeque::new() }) }
    }

    /// Waits for one.
    pub(crate) async fn take(&self) -> T {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            match state.free.pop() {
                Some(one) => Poll::Ready(one),
                None => {
                    state.wakers.push_back(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Gives one to who has waited longest.
    pub(crate) fn give(&self, one: T) {
        let mut state = self.state.borrow_mut();
        state.free.push(one);
        let next = state.wakers.pop_front();
        drop(state);
        next.into_iter().for_each(Waker::wake);
    }
}
