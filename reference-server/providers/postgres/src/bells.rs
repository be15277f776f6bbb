//! Two futures in one task that wake each other: each has a bell of its own, and only the one that was rung for is polled. So a
//! socket is not asked again because a request came, nor the other way round. Must not know what the futures do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// So often the two may wake each other in one poll of the task before others run.
const ROUNDS_MAX: u32 = 4;

/// Polls one of the futures.
type Polled<'a, T> = &'a mut dyn FnMut(&mut Context<'_>) -> Poll<T>;

/// The bells of two futures.
pub(crate) struct Bells {
    house: Arc<House>,
    bells: [Arc<Bell>; 2],
    wakers: [Waker; 2],
}

/// Rung when its future is to be polled.
struct Bell {
    is_rung: AtomicBool,
    house: Arc<House>,
}

/// What both share.
struct House {
    /// The task is being polled, and looks at the bells before it sleeps: it need not be woken.
    is_awake: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl House {
    fn wake(&self) {
        let waker = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In one total order with what the sleeper does: it says that it sleeps, then looks at the bells.
        if !self.is_rung.swap(true, Ordering::SeqCst) && !self.house.is_awake.load(Ordering::SeqCst) {
            self.house.wake();
        }
    }
}

impl Bells {
    /// Both are rung at first.
    pub(crate) fn new() -> Self {
        let house = Arc::new(House { is_awake: AtomicBool::new(false), task: Mutex::new(None) });
        let bell = || Arc::new(Bell { is_rung: AtomicBool::new(true), house: Arc::clone(&house) });
        let bells = [bell(), bell()];
        let wakers = [Waker::from(Arc::clone(&bells[0])), Waker::from(Arc::clone(&bells[1]))];
        Self { house, bells, wakers }
    }

    /// Polls each of two futures as long as it is rung for, the first one first. Either ends it.
    pub(crate) fn poll<T>(&self, context: &mut Context<'_>, mut futures: [Polled<'_, T>; 2]) -> Poll<T> {
        self.enter(context.waker());
        for _ in 0..ROUNDS_MAX {
            for (place, poll) in futures.iter_mut().enumerate() {
                if self.bells[place].is_rung.swap(false, Ordering::SeqCst) {
                    let polled = poll(&mut Context::from_waker(&self.wakers[place]));
                    if polled.is_ready() {
                        return polled;
                    }
                }
            }
            if self.is_quiet() {
                self.house.is_awake.store(false, Ordering::SeqCst);
                if self.is_quiet() {
                    return Poll::Pending;
                }
                self.house.is_awake.store(true, Ordering::SeqCst);
            }
        }
        self.house.is_awake.store(false, Ordering::SeqCst);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn enter(&self, waker: &Waker) {
        self.house.is_awake.store(true, Ordering::SeqCst);
        let mut task = self.house.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *task {
            Some(known) => known.clone_from(waker),
            None => *task = Some(waker.clone()),
        }
    }

    fn is_quiet(&self) -> bool {
        self.bells.iter().all(|bell| !bell.is_rung.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::sync::atomic::AtomicU32;

    /// Counts how often the task is woken.
    #[derive(Default)]
    struct Task(AtomicU32);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn only_who_is_rung_for_is_polled() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let (bells, polls) = (Bells::new(), [Cell::new(0), Cell::new(0)]);
        let kept = RefCell::new(None);
        let poll = |place: usize, context: &mut Context<'_>| {
            polls[place].set(polls[place].get() + 1);
            if place == 1 {
                *kept.borrow_mut() = Some(context.waker().clone());
            }
            Poll::<()>::Pending
        };
        let poll_all = || {
            let (mut first, mut second) =
                (|context: &mut Context<'_>| poll(0, context), |context: &mut Context<'_>| poll(1, context));
            bells.poll(&mut Context::from_waker(&waker), [&mut first, &mut second])
        };
        let seen = || (polls[0].get(), polls[1].get(), task.0.load(Ordering::SeqCst));
        assert!(poll_all().is_pending());
        assert_eq!(seen(), (1, 1, 0));
        assert!(poll_all().is_pending());
        assert_eq!(seen(), (1, 1, 0));
        let second = kept.borrow().clone().unwrap();
        second.wake_by_ref();
        second.wake();
        assert_eq!(seen(), (1, 1, 1));
        assert!(poll_all().is_pending());
        assert_eq!(seen(), (1, 2, 1));
    }

    #[test]
    fn two_that_wake_each_other_let_others_run() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let (bells, kept, polls) = (Bells::new(), RefCell::new(None::<Waker>), Cell::new(0));
        let mut first = |context: &mut Context<'_>| {
            *kept.borrow_mut() = Some(context.waker().clone());
            Poll::<()>::Pending
        };
        let mut second = |context: &mut Context<'_>| {
            polls.set(polls.get() + 1);
            kept.borrow().iter().for_each(Waker::wake_by_ref);
            context.waker().wake_by_ref();
            Poll::Pending
        };
        assert!(bells.poll(&mut Context::from_waker(&waker), [&mut first, &mut second]).is_pending());
        assert_eq!((polls.get(), task.0.load(Ordering::SeqCst)), (ROUNDS_MAX, 1));
        let mut third = |_: &mut Context<'_>| Poll::Ready(());
        assert!(bells.poll(&mut Context::from_waker(&waker), [&mut third, &mut second]).is_ready());
    }
}
