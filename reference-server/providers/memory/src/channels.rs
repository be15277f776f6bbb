//! Who is subscribed to which channel. Must not know how messages are brought to them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use http_container::Bytes;

use crate::mailbox::{Mailbox, Message};

/// How many channels one member is subscribed to at most.
const MOST_CHANNELS: usize = 1024;

/// The channels of one store, by name. A channel is there as long as somebody is subscribed to it.
#[derive(Default)]
pub struct Channels {
    by_name: RwLock<HashMap<Box<[u8]>, Subscribers>>,
}

/// Copied when somebody comes or goes, so that a message is put into mailboxes without the lock.
type Subscribers = Arc<Vec<Arc<Mailbox>>>;

impl Channels {
    /// Gives a message to all who are subscribed; answers how many get it. \[kv.publish\]
    pub fn publish(&self, channel: &Bytes, value: &Bytes) -> usize {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let Some(subscribers) = by_name.get(&**channel).map(Arc::clone) else { return 0 };
        drop(by_name);
        let message = Message { channel: channel.clone(), value: value.clone() };
        subscribers.iter().filter(|mailbox| mailbox.put(message.clone())).count()
    }

    /// A member that is subscribed to nothing yet.
    #[must_use]
    pub fn subscriptions(self: &Arc<Self>) -> Subscriptions {
        Subscriptions { channels: Arc::clone(self), mailbox: None, names: Vec::new() }
    }

    fn add(&self, channel: &[u8], mailbox: &Arc<Mailbox>) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(by_name.entry(channel.into()).or_default()).push(Arc::clone(mailbox));
    }

    fn remove(&self, channel: &[u8], mailbox: &Arc<Mailbox>) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let Some(subscribers) = by_name.get_mut(channel) else { return };
        Arc::make_mut(subscribers).retain(|other| !Arc::ptr_eq(other, mailbox));
        if subscribers.is_empty() {
            by_name.remove(channel);
        }
    }
}

/// What one member is subscribed to. Dropping it ends all of that.
pub struct Subscriptions {
    channels: Arc<Channels>,
    /// Since the first subscription.
    mailbox: Option<Arc<Mailbox>>,
    names: Vec<Box<[u8]>>,
}

/// A member is subscribed to as many channels as it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany;

impl Subscriptions {
    /// From now on messages to the channel come. Once more changes nothing. \[kv.subscribe\]
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn subscribe(&mut self, channel: &[u8]) -> Result<(), TooMany> {
        if self.names.iter().any(|name| **name == *channel) {
            return Ok(());
        }
        if self.names.len() == MOST_CHANNELS {
            return Err(TooMany);
        }
        self.names.push(channel.into());
        self.channels.add(channel, self.mailbox.get_or_insert_default());
        Ok(())
    }

    /// No more messages of the channel; those that wait still come. Answers whether it was subscribed.
    pub fn unsubscribe(&mut self, channel: &[u8]) -> bool {
        let place = self.names.iter().position(|name| **name == *channel);
        if let (Some(place), Some(mailbox)) = (place, &self.mailbox) {
            self.names.swap_remove(place);
            self.channels.remove(channel, mailbox);
        }
        place.is_some()
    }

    /// Ends all subscriptions, and forgets what waits.
    pub fn clear(&mut self) {
        // With its mailbox: somebody may be about to put a message into that, which the next holder must not see.
        let Some(mailbox) = self.mailbox.take() else { return };
        for name in std::mem::take(&mut self.names) {
            self.channels.remove(&name, &mailbox);
        }
    }

    /// Whether it is subscribed to nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The next message; `None` in the place of those that were lost.
    pub fn poll_message(&self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        match &self.mailbox {
            Some(mailbox) => mailbox.poll_take(context),
            None => Poll::Pending,
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn publish(channels: &Channels, channel: &'static [u8], value: &'static [u8]) -> usize {
        channels.publish(&Bytes::from_static(channel), &Bytes::from_static(value))
    }

    fn take(member: &Subscriptions) -> Option<Vec<u8>> {
        match member.poll_message(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(message) => message.map(|message| message.value.to_vec()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn messages_reach_those_who_are_subscribed_and_nobody_else() {
        let channels = Arc::new(Channels::default());
        let (mut one, mut two) = (channels.subscriptions(), channels.subscriptions());
        assert_eq!(publish(&channels, b"news", b"early"), 0);
        one.subscribe(b"news").unwrap();
        one.subscribe(b"news").unwrap();
        two.subscribe(b"news").unwrap();
        two.subscribe(b"sport").unwrap();
        assert_eq!(publish(&channels, b"news", b"a"), 2, "subscribed twice is subscribed once");
        assert_eq!(publish(&channels, b"sport", b"b"), 1);
        assert_eq!((take(&one), take(&one)), (Some(b"a".to_vec()), None));
        assert_eq!((take(&two), take(&two), take(&two)), (Some(b"a".to_vec()), Some(b"b".to_vec()), None));

        assert!(two.unsubscribe(b"news"));
        assert!(!two.unsubscribe(b"news") && !two.unsubscribe(b"never"));
        assert_eq!(publish(&channels, b"news", b"c"), 1);
        let before = two.mailbox.clone().unwrap();
        two.clear();
        assert!(two.is_empty());
        before.put(Message { channel: Bytes::from_static(b"sport"), value: Bytes::from_static(b"late") });
        assert_eq!(take(&two), None, "what was on its way is not for the next holder");
        assert_eq!(publish(&channels, b"sport", b"d"), 0);
        drop(one);
        assert_eq!(publish(&channels, b"news", b"e"), 0);
        assert!(channels.by_name.read().unwrap().is_empty(), "an empty channel leaves nothing behind");
    }

    #[test]
    fn a_member_is_subscribed_to_a_bounded_number_of_channels() {
        let channels = Arc::new(Channels::default());
        let mut member = channels.subscriptions();
        for number in 0..MOST_CHANNELS {
            member.subscribe(&number.to_le_bytes()).unwrap();
        }
        assert_eq!(member.subscribe(b"one more"), Err(TooMany));
        member.unsubscribe(&0_usize.to_le_bytes());
        assert_eq!(member.subscribe(b"one more"), Ok(()));
    }

    #[test]
    fn a_member_that_has_no_room_does_not_count() {
        let channels = Arc::new(Channels::default());
        let (mut stuck, mut quick) = (channels.subscriptions(), channels.subscriptions());
        stuck.subscribe(b"news").unwrap();
        quick.subscribe(b"news").unwrap();
        while publish(&channels, b"news", b"") == 2 {
            assert_eq!(take(&quick), Some(vec![]));
        }
        assert_eq!(publish(&channels, b"news", b"after"), 1);
    }
}
