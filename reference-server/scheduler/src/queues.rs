//! The queues that the workers stand on: crossbeam's, or for the model checker a weak imitation.
//!
//! It must not know workers. crossbeam's deque does not run under loom, so the checker gets queues with
//! the same operations, whose lengths are read relaxed: nothing but the park protocol's own barriers
//! can make an item visible to a worker that is about to sleep.

#[cfg(not(all(loom, test)))]
pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};
#[cfg(all(loom, test))]
pub(crate) use modelled::{Deque, Injector, Steal, Stealer};

#[cfg(all(loom, test))]
mod modelled {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    pub(crate) use crossbeam_deque::Steal;
    use loom::sync::atomic::{AtomicUsize, Ordering};

    /// A queue with two ends; the back is the owner's end of a deque, and where an inbox is filled.
    /// Its lock is a standard one, which orders nothing in the model and is never held across a
    /// modelled operation. The length is the number of items whenever another thread may run.
    #[derive(Debug)]
    struct Queue<T> {
        items: Mutex<VecDeque<T>>,
        len: AtomicUsize,
    }

    impl<T> Queue<T> {
        fn new() -> Arc<Self> {
            Arc::new(Self { items: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) })
        }

        fn push_back(&self, item: T) {
            self.len.fetch_add(1, Ordering::Relaxed);
            self.items.lock().unwrap().push_back(item);
        }

        /// As a real queue does, it looks at the length before it touches anything, and a thread that
        /// has won an item is seen to have won it at once.
        fn remove(&self, take: impl FnOnce(&mut VecDeque<T>) -> Option<T>) -> Option<T> {
            let mut len = self.len();
            while len > 0 {
                match self.len.compare_exchange(len, len - 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => return take(&mut self.items.lock().unwrap()),
                    Err(now) => len = now,
                }
            }
            None
        }

        fn len(&self) -> usize {
            self.len.load(Ordering::Relaxed)
        }

        fn steal(&self) -> Steal<T> {
            self.remove(VecDeque::pop_front).map_or(Steal::Empty, Steal::Success)
        }
    }

    #[derive(Debug)]
    pub(crate) struct Deque<T>(Arc<Queue<T>>);

    impl<T> Deque<T> {
        pub(crate) fn new_lifo() -> Self {
            Self(Queue::new())
        }

        pub(crate) fn push(&self, item: T) {
            self.0.push_back(item);
        }

        pub(crate) fn pop(&self) -> Option<T> {
            self.0.remove(VecDeque::pop_back)
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        pub(crate) fn stealer(&self) -> Stealer<T> {
            Stealer(Arc::clone(&self.0))
        }
    }

    #[derive(Debug)]
    pub(crate) struct Stealer<T>(Arc<Queue<T>>);

    impl<T> Stealer<T> {
        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.len() == 0
        }

        pub(crate) fn steal(&self) -> Steal<T> {
            self.0.steal()
        }
    }

    #[derive(Debug)]
    pub(crate) struct Injector<T>(Arc<Queue<T>>);

    impl<T> Injector<T> {
        pub(crate) fn new() -> Self {
            Self(Queue::new())
        }

        pub(crate) fn push(&self, item: T) {
            self.0.push_back(item);
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.len() == 0
        }

        pub(crate) fn steal(&self) -> Steal<T> {
            self.0.steal()
        }

        pub(crate) fn steal_batch_with_limit_and_pop(&self, deque: &Deque<T>, limit: usize) -> Steal<T> {
            let next = |_| self.0.remove(VecDeque::pop_front);
            let mut batch: VecDeque<T> = (0..limit).map_while(next).collect();
            let first = batch.pop_front();
            batch.into_iter().rev().for_each(|item| deque.push(item));
            first.map_or(Steal::Empty, Steal::Success)
        }
    }
}
