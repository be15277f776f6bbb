//! What a task waits for: a table of operations by token. Pure data: it calls neither the container nor any waker, and
//! hands every waker that it gives up to its caller, so that no foreign code runs while the table is borrowed.

use std::task::{Poll, Waker};

use http_container_abi::Event;

/// The token of a task's wake completion.
pub(crate) const WAKE_TOKEN: u64 = u64::MAX;
/// The token of the timer with which a task that wakes itself without end lets others run.
pub(crate) const REST_TOKEN: u64 = u64::MAX - 1;

/// Tokens are a generation (upper half) and an index plus one (lower half), so none is 0 and none comes back soon.
#[derive(Default)]
pub(crate) struct Slots {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

struct Entry {
    generation: u32,
    state: State,
    waiter: Waiter,
}

enum State {
    Free,
    Idle,
    Waiting,
    Done(Event),
}

/// Who is to be told. `Task` stands for the task's own waker: its step polls the root future anyway, so no clone is kept.
enum Waiter {
    Nobody,
    Task,
    Other(Waker),
}

impl Waiter {
    fn take(&mut self) -> Option<Waker> {
        match std::mem::replace(self, Self::Nobody) {
            Self::Other(waker) => Some(waker),
            Self::Nobody | Self::Task => None,
        }
    }
}

impl Slots {
    /// A token for an operation that does not wait yet.
    pub(crate) fn allocate(&mut self) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { generation: 0, state: State::Free, waiter: Waiter::Nobody });
            u32::try_from(self.entries.len() - 1).expect("a task has fewer than 2^32 operations")
        });
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.state = State::Idle;
        u64::from(entry.generation) << 32 | u64::from(index + 1)
    }

    fn entry(&mut self, token: u64) -> Option<&mut Entry> {
        let index = (token as u32).checked_sub(1)?;
        let entry = self.entries.get_mut(index as usize)?;
        let current = entry.generation == (token >> 32) as u32 && !matches!(entry.state, State::Free);
        current.then_some(entry)
    }

    /// The container said that an event will come.
    pub(crate) fn wait(&mut self, token: u64) {
        if let Some(entry) = self.entry(token) {
            entry.state = State::Waiting;
        }
    }

    /// The operation's event, `None` if it waits for none. While it waits, `waker` is who is told; `None` stands for the
    /// task's own. The second value is a waker given up.
    pub(crate) fn poll(&mut self, token: u64, waker: Option<&Waker>) -> (Poll<Option<Event>>, Option<Waker>) {
        let Some(entry) = self.entry(token) else { return (Poll::Ready(None), None) };
        match entry.state {
            State::Waiting => {}
            State::Done(event) => {
                entry.state = State::Idle;
                return (Poll::Ready(Some(event)), entry.waiter.take());
            }
            State::Idle | State::Free => return (Poll::Ready(None), None),
        }
        if let (Waiter::Other(kept), Some(waker)) = (&entry.waiter, waker)
            && kept.will_wake(waker)
        {
            return (Poll::Pending, None);
        }
        let given_up = entry.waiter.take();
        entry.waiter = waker.map_or(Waiter::Task, |waker| Waiter::Other(waker.clone()));
        (Poll::Pending, given_up)
    }

    /// An event came. Events of operations that nobody has an interest in any more are dropped.
    pub(crate) fn store(&mut self, event: Event) {
        if let Some(entry) = self.entry(event.token)
            && matches!(entry.state, State::Waiting)
        {
            entry.state = State::Done(event);
        }
    }

    /// Who is to be told of the event of that token, other than the task itself.
    pub(crate) fn take_waiter(&mut self, token: u64) -> Option<Waker> {
        self.entry(token)?.waiter.take()
    }

    /// Ends the operation. Answers whether it still waited, the event nobody looked at, and a waker given up.
    pub(crate) fn release(&mut self, token: u64) -> (bool, Option<Event>, Option<Waker>) {
        let Some(entry) = self.entry(token) else { return (false, None, None) };
        let waker = entry.waiter.take();
        let state = std::mem::replace(&mut entry.state, State::Free);
        self.free.push(token as u32 - 1);
        match state {
            State::Waiting => (true, None, waker),
            State::Done(event) => (false, Some(event), waker),
            State::Idle | State::Free => (false, None, waker),
        }
    }

    /// The task has ended: whatever still waits gets `ending`, with its own token. Answers those tokens, and who is to be
    /// told.
    pub(crate) fn end_all(&mut self, ending: Event) -> (Vec<u64>, Vec<Waker>) {
        let (mut tokens, mut wakers) = (Vec::new(), Vec::new());
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if matches!(entry.state, State::Waiting) {
                let token = u64::from(entry.generation) << 32 | (index as u64 + 1);
                entry.state = State::Done(Event { token, ..ending });
                tokens.push(token);
                wakers.extend(entry.waiter.take());
            }
        }
        (tokens, wakers)
    }

    /// Whether no operation is left, so that the table may serve another task.
    pub(crate) fn is_empty(&self) -> bool {
        self.free.len() == self.entries.len()
    }
}
