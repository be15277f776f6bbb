//! Notices: advice from the container (the peer left, a drain or reload began, the deadline nears). Must not end anything;
//! what a notice means is the author's to say.

use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http_container_abi::Status;
use http_container_abi::constants::notice;

use crate::context::{self, TaskContext};
use crate::operation::Operation;

/// What the container advises. A set: kinds are joined with `|`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Notice(u32);

impl Notice {
    /// The peer went away, or closed its half of the connection.
    pub const PEER: Notice = Notice(notice::PEER);
    /// The container is stopping: end soon.
    pub const DRAIN: Notice = Notice(notice::DRAIN);
    /// A newer generation of the module serves: end soon.
    pub const RELOAD: Notice = Notice(notice::RELOAD);
    /// Nine tenths of the task's time have passed.
    pub const DEADLINE: Notice = Notice(notice::DEADLINE);
    /// All of them.
    pub const ANY: Notice = Notice(notice::PEER | notice::DRAIN | notice::RELOAD | notice::DEADLINE);

    /// The set as the ABI's bits.
    #[cfg(feature = "testing")]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// Whether it has a kind in common with `other`.
    #[must_use]
    pub const fn has(self, other: Notice) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for Notice {
    type Output = Notice;

    fn bitor(self, other: Notice) -> Notice {
        Notice(self.0 | other.0)
    }
}

/// The wishes of one task. The container is told their union.
#[derive(Default)]
pub(crate) struct Subscriptions {
    next: u64,
    wishes: Vec<Wish>,
    is_over: bool,
}

struct Wish {
    number: u64,
    mask: u32,
    pending: u32,
    waker: Option<Waker>,
}

impl Subscriptions {
    fn mask(&self) -> u32 {
        self.wishes.iter().fold(0, |mask, wish| mask | wish.mask)
    }

    fn find(&mut self, number: u64) -> Option<&mut Wish> {
        self.wishes.iter_mut().find(|wish| wish.number == number)
    }

    /// The task ends: answers who is to be told.
    pub(crate) fn end(&mut self) -> Vec<Waker> {
        self.is_over = true;
        self.wishes.iter_mut().filter_map(|wish| wish.waker.take()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.wishes.clear();
        self.is_over = false;
    }
}

impl TaskContext {
    pub(crate) fn take_notice(&self, bits: u64) {
        let mut wakers = Vec::new();
        for wish in &mut self.subscriptions.borrow_mut().wishes {
            let wanted = wish.mask & bits as u32;
            if wanted != 0 {
                wish.pending |= wanted;
                wakers.extend(wish.waker.take());
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Notices to the current task, as they come. Made by [`notices`].
pub struct Notices {
    context: Rc<TaskContext>,
    number: u64,
    /// A wish is no operation: this completion, which nobody completes, keeps a task that waits for a notice from being
    /// taken for lost.
    anchor: Option<Operation>,
}

/// Asks for notices of the kinds in `kinds`, until the answer is dropped. One that is true already comes at once.
///
/// # Panics
/// Outside a task.
#[must_use]
#[track_caller]
pub fn notices(kinds: Notice) -> Notices {
    let context = context::current();
    let number = {
        let mut subscriptions = context.subscriptions.borrow_mut();
        subscriptions.next += 1;
        let number = subscriptions.next;
        subscriptions.wishes.push(Wish { number, mask: kinds.0, pending: 0, waker: None });
        number
    };
    let this = Notices { context, number, anchor: None };
    this.ask();
    this
}

/// Waits until the peer goes away, or the container wishes the task to end. It is advice: the task goes on.
///
/// # Panics
/// Outside a task.
#[track_caller]
pub fn cancelled() -> impl Future<Output = Notice> {
    let mut notices = notices(Notice::PEER | Notice::DRAIN | Notice::RELOAD | Notice::DEADLINE);
    async move { notices.next().await }
}

impl Notices {
    fn ask(&self) {
        let mask = self.context.subscriptions.borrow().mask();
        let status = self.context.host.notices(self.context.task.get(), mask);
        if !matches!(status, Status::OK | Status::E_CANCELLED | Status::E_GONE) {
            self.context.failure.set(status);
        }
    }

    /// The kinds that came since the last call, at least one.
    pub async fn next(&mut self) -> Notice {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next), for hand-written futures.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Notice> {
        {
            let mut subscriptions = self.context.subscriptions.borrow_mut();
            if subscriptions.is_over {
                return Poll::Pending;
            }
            if let Some(wish) = subscriptions.find(self.number) {
                if wish.pending != 0 {
                    self.anchor = None;
                    return Poll::Ready(Notice(std::mem::take(&mut wish.pending)));
                }
                let is_own = context.waker().will_wake(&self.context.waker);
                wish.waker = (!is_own).then(|| context.waker().clone());
            }
        }
        if self.anchor.is_none() {
            let anchor = Operation::of(Rc::clone(&self.context));
            match anchor.complete_later() {
                Ok(_) => self.anchor = Some(anchor),
                Err(Status::E_CANCELLED) => {}
                Err(status) => self.context.failure.set(status),
            }
        }
        Poll::Pending
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let wish = {
            let mut subscriptions = self.context.subscriptions.borrow_mut();
            let place = subscriptions.wishes.iter().position(|wish| wish.number == self.number);
            place.map(|place| subscriptions.wishes.swap_remove(place))
        };
        drop(wish);
        if self.context.outcome.get().is_none() && context::is_inside(&self.context.instance) {
            let mask = self.context.subscriptions.borrow().mask();
            // A refusal means that the task is at its end, where no notice comes any more.
            self.context.host.notices(self.context.task.get(), mask);
        }
    }
}
