//! Messages on their way to one subscribed member: put in on any worker, taken out on the member's own. Must not know channels.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_container::Bytes;

/// How many messages wait at most. A member that runs takes them at once, so this many wait for one whose worker is stuck.
const MOST_MESSAGES: usize = 4096;

/// How many bytes of messages wait at most.
const MOST_BYTES: usize = 4 << 20;

/// A published message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The channel to which it was published.
    pub channel: Bytes,
    /// What was published.
    pub value: Bytes,
}

impl Message {
    fn bytes(&self) -> usize {
        self.channel.len() + self.value.len()
    }
}

/// The messages that wait for one member.
#[derive(Default)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// `None`: here some came for which there was no room.
    messages: VecDeque<Option<Message>>,
    bytes: usize,
    waker: Option<Waker>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message in. Answers whether it will be taken out.
    pub(crate) fn put(&self, message: Message) -> bool {
        let mut waiting = self.lock();
        let fits = waiting.messages.len() < MOST_MESSAGES && waiting.bytes + message.bytes() <= MOST_BYTES;
        if fits {
            waiting.bytes += message.bytes();
            waiting.messages.push_back(Some(message));
        } else if !matches!(waiting.messages.back(), Some(None)) {
            waiting.messages.push_back(None);
        }
        let waker = waiting.waker.take();
        drop(waiting);
        waker.into_iter().for_each(Waker::wake);
        fits
    }

    /// The next message; `None` in the place of those that were lost.
    pub fn poll_take(&self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut waiting = self.lock();
        if let Some(next) = waiting.messages.pop_front() {
            waiting.bytes -= next.as_ref().map_or(0, Message::bytes);
            return Poll::Ready(next);
        }
        let before = waiting.waker.replace(context.waker().clone());
        drop(waiting);
        drop(before);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn message(value: &[u8]) -> Message {
        Message { channel: Bytes::from_static(b"news"), value: Bytes::copy_from_slice(value) }
    }

    fn take(mailbox: &Mailbox) -> Poll<Option<Message>> {
        mailbox.poll_take(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn messages_come_in_order_and_wake_whoever_waits() {
        let (mailbox, count) = (Mailbox::default(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        assert!(mailbox.poll_take(&mut Context::from_waker(&waker)).is_pending());
        assert!(mailbox.put(message(b"one")));
        assert!(mailbox.put(message(b"two")));
        assert_eq!(count.0.load(Ordering::Relaxed), 1, "who was woken is not woken again");
        assert_eq!(take(&mailbox), Poll::Ready(Some(message(b"one"))));
        assert_eq!(take(&mailbox), Poll::Ready(Some(message(b"two"))));
        assert_eq!(take(&mailbox), Poll::Pending);
    }

    #[test]
    fn those_for_which_there_is_no_room_leave_a_gap_in_their_place() {
        for (value, most) in [(&b""[..], MOST_MESSAGES), (&[0; 1 << 20][..], 3)] {
            let mailbox = Mailbox::default();
            for _ in 0..most {
                assert!(mailbox.put(message(value)));
            }
            assert!(!mailbox.put(message(value)) && !mailbox.put(message(value)));
            assert_eq!(take(&mailbox), Poll::Ready(Some(message(value))));
            assert_eq!(take(&mailbox), Poll::Ready(Some(message(value))));
            assert!(mailbox.put(message(b"after")), "there is room again");
            for _ in 2..most {
                assert_eq!(take(&mailbox), Poll::Ready(Some(message(value))));
            }
            assert_eq!(take(&mailbox), Poll::Ready(None), "once");
            assert_eq!(take(&mailbox), Poll::Ready(Some(message(b"after"))));
            assert_eq!(take(&mailbox), Poll::Pending);
        }
    }
}
