//! The provider: one store for all members of a resource, and what a member does with a request. Must not know how the store
//! keeps its entries.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_container::kv::{Condition as Wanted, Lifetime};
use http_container::provider::{KvRequest, Member, Outcome, Provider, Reply, Request};
use http_container::{Bytes, Error, Setup, yield_now};

use crate::channels::{Channels, Subscriptions};
use crate::config::Config;
use crate::mailbox::Message;
use crate::store::{Condition, Life, Refusal, Store};
use crate::sweep::{Broom, Sweeper, now_ns};

/// How many messages a member hands on before others have their turn: somebody may publish as fast as it does.
const MESSAGES_AT_ONCE: u32 = 64;

/// The provider of one resource: one store, and its channels.
pub struct Memory {
    store: Store,
    channels: Arc<Channels>,
    broom: Arc<Broom>,
}

impl Provider for Memory {
    const INTERFACE: &'static str = "hc.kv/1";
    type Config = Config;

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        config.check().map_err(Error::new)?;
        let store = Store::new(config.max_bytes, config.when_full);
        Ok(Self { store, channels: Arc::default(), broom: Arc::default() })
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        let mut subscriptions = self.channels.subscriptions();
        let mut sweeper = Sweeper::new(&self.broom);
        let mut messages = 0_u32;
        member.ready()?;
        loop {
            sweeper.watch(&self.store);
            let next =
                poll_fn(|context| poll_next(&self.store, &member, &subscriptions, &mut sweeper, context));
            let outcome = match next.await {
                Next::Request(Request::Kv(request)) => self.answer(&mut subscriptions, request).await,
                Next::Request(Request::Reset) => {
                    subscriptions.clear();
                    Outcome::ok()
                }
                Next::Request(Request::Check) => Outcome::ok(),
                Next::Request(Request::Close) => return Ok(()),
                Next::Request(Request::Statement(_) | Request::Transaction(_)) => Outcome::unsupported(),
                // What is asked here is done in no time: there is nothing to be ended early.
                Next::Request(Request::Interrupt) | Next::Again => continue,
                Next::Message(message) => {
                    match message {
                        Some(message) => {
                            member.message(&message.channel, &message.value);
                        }
                        None => member.messages_lost(),
                    }
                    messages = messages.wrapping_add(1);
                    if messages.is_multiple_of(MESSAGES_AT_ONCE) {
                        yield_now().await;
                    }
                    continue;
                }
            };
            member.done(outcome.dirty_if(!subscriptions.is_empty()));
        }
    }
}

/// What a member does next.
enum Next {
    Request(Request),
    /// A message, or that some were lost.
    Message(Option<Message>),
    /// Nothing but to wait again.
    Again,
}

fn poll_next(
    store: &Store,
    member: &Member,
    subscriptions: &Subscriptions,
    sweeper: &mut Sweeper,
    context: &mut Context<'_>,
) -> Poll<Next> {
    if let Poll::Ready(request) = member.poll_next(context) {
        return Poll::Ready(Next::Request(request));
    }
    if let Poll::Ready(message) = subscriptions.poll_message(context) {
        return Poll::Ready(Next::Message(message));
    }
    sweeper.poll(store, context).map(|()| Next::Again)
}

impl Memory {
    async fn answer(&self, subscriptions: &mut Subscriptions, request: KvRequest) -> Outcome {
        let reply = match request {
            KvRequest::Get { key } => self.store.get(now_ns(), &key).map_or_else(Reply::default, |found| {
                Reply::value(found.value, (found.ttl_ms > 0).then(|| Duration::from_millis(found.ttl_ms)))
            }),
            KvRequest::Set { key, value, condition, lifetime } => {
                let stored = with_room(|| self.set(&key, &value, &condition, lifetime)).await;
                match stored {
                    Ok(stored) => Reply::found(stored),
                    Err(refusal) => return refused(refusal),
                }
            }
            KvRequest::Add { key, number, ttl } => {
                let sum = with_room(|| self.store.add(now_ns(), &key, number, milliseconds(ttl))).await;
                match sum {
                    Ok(number) => Reply { number, ..Reply::default() },
                    Err(refusal) => return refused(refusal),
                }
            }
            KvRequest::Delete { key, expected } => {
                let condition = expected.as_deref().map_or(Condition::Always, Condition::Equal);
                Reply::found(self.store.delete(now_ns(), &key, condition))
            }
            KvRequest::Expire { key, ttl } => {
                Reply::found(self.store.expire(now_ns(), &key, milliseconds(ttl)))
            }
            KvRequest::Publish { channel, value } => {
                let count = self.channels.publish(&channel, &value);
                Reply { number: i64::try_from(count).unwrap_or(i64::MAX), ..Reply::default() }
            }
            KvRequest::Subscribe { channel } => match subscriptions.subscribe(&channel) {
                Ok(()) => Reply::default(),
                Err(_) => return Outcome::limit("a connection is subscribed to so many channels at most"),
            },
            KvRequest::Unsubscribe { channel } => Reply::found(subscriptions.unsubscribe(&channel)),
        };
        Outcome::reply(reply)
    }

    fn set(&self, key: &Bytes, value: &Bytes, wanted: &Wanted, lifetime: Lifetime) -> Result<bool, Refusal> {
        let condition = match wanted {
            Wanted::Always => Condition::Always,
            Wanted::IfAbsent => Condition::Absent,
            Wanted::IfPresent => Condition::Present,
            Wanted::IfEqual(expected) => Condition::Equal(expected),
        };
        let life = match lifetime {
            Lifetime::Forever => Life::Milliseconds(0),
            Lifetime::Keep => Life::Kept,
            Lifetime::For(ttl) => Life::Milliseconds(milliseconds(Some(ttl))),
        };
        self.store.set(now_ns(), key, value, condition, life)
    }
}

/// Does what may need room, which is made bit by bit: others have their turns in between.
async fn with_room<T>(attempt: impl Fn() -> Result<T, Refusal>) -> Result<T, Refusal> {
    loop {
        match attempt() {
            Err(Refusal::RoomNeeded) => yield_now().await,
            result => return result,
        }
    }
}

fn milliseconds(ttl: Option<Duration>) -> u64 {
    ttl.map_or(0, |ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1))
}

fn refused(refusal: Refusal) -> Outcome {
    match refusal {
        Refusal::Full | Refusal::RoomNeeded => Outcome::limit("the store is full"),
        Refusal::NoNumber => Outcome::failed("the value is no decimal number"),
        Refusal::Overflow => Outcome::failed("the sum is beyond 64 bits"),
    }
}
