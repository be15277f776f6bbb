//! A store for tests: it does what hc.kv/1 says, in memory, on the container's clock. Must not know who uses it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::function::{Place, shelve, take};
use crate::app::Setup;
use crate::ctx::ctx;
use crate::error::Error;
use crate::kv::{Condition, Lifetime};
use crate::provider::{KvRequest, Member, Outcome, Provider, Reply, Request};

/// A store in memory. Clones are the same store: keep one to put values in beforehand, and to look at them.
///
/// ```
/// use http_container::testing::{Container, FakeStore};
/// use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, kv::Store};
/// # struct Hits { store: Store }
/// # impl App for Hits {
/// #     type Config = NoConfig;
/// #     type Worker = ();
/// #     fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> { Ok(Self { store: setup.kv("cache")? }) }
/// #     fn worker(&self, _: u32) -> Result<(), Error> { Ok(()) }
/// #     async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
/// #         let hits = state.store.acquire().await?.add("hits", 1).await?;
/// #         Ok(Response::new(hits.to_string().into()))
/// #     }
/// # }
/// let store = FakeStore::new();
/// store.set("hits", "41");
/// let mut container = Container::new(1).with_store("cache", 1, &store).add_app::<Hits>("{}").unwrap();
/// assert_eq!(container.get("/").text(), "42");
/// assert_eq!(store.get("hits").unwrap(), "42");
/// ```
#[derive(Clone, Default)]
pub struct FakeStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<Bytes, Entry>,
    /// The container's clock, as the last operation saw it.
    now: Duration,
    inboxes: BTreeMap<u64, Inbox>,
    next_inbox: u64,
}

struct Entry {
    value: Bytes,
    /// On the container's clock; `None`: it lives for ever.
    until: Option<Duration>,
}

/// Messages on their way to a member.
#[derive(Default)]
struct Inbox {
    channels: BTreeSet<Bytes>,
    messages: VecDeque<(Bytes, Bytes)>,
    waker: Option<Waker>,
}

impl FakeStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value in, for ever.
    pub fn set(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.lock().entries.insert(key.into(), Entry { value: value.into(), until: None });
    }

    /// The value of a key, as of the last operation.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Bytes> {
        self.lock().live(key.as_ref()).map(|entry| entry.value.clone())
    }

    /// What is left of the time to live of a key, as of the last operation; `None` when it lives for ever, or is none.
    #[must_use]
    pub fn ttl(&self, key: impl AsRef<[u8]>) -> Option<Duration> {
        let inner = self.lock();
        Some(inner.live(key.as_ref())?.until? - inner.now)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration with which its provider finds it.
    pub(super) fn place(&self) -> String {
        shelve(self.clone())
    }

    /// Hands the member what has come for it, and sees to it that it is told of more.
    fn deliver(&self, inbox: u64, member: &Member, context: &mut Context<'_>) {
        let messages = {
            let mut inner = self.lock();
            let inbox = inner.inboxes.entry(inbox).or_default();
            inbox.waker = Some(context.waker().clone());
            std::mem::take(&mut inbox.messages)
        };
        for (channel, value) in messages {
            member.message(&channel, &value);
        }
    }
}

impl fmt::Debug for FakeStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.lock().entries.keys()).finish()
    }
}

impl Inner {
    fn live(&self, key: &[u8]) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.until.is_none_or(|until| until > self.now))
    }

    fn until(&self, ttl: Option<Duration>) -> Option<Duration> {
        ttl.map(|ttl| self.now + ttl)
    }

    fn set(&mut self, key: Bytes, value: Bytes, condition: &Condition, lifetime: Lifetime) -> bool {
        let before = self.live(&key);
        let is_met = match condition {
            Condition::Always => true,
            Condition::IfAbsent => before.is_none(),
            Condition::IfPresent => before.is_some(),
            Condition::IfEqual(expected) => before.is_some_and(|entry| entry.value == expected),
        };
        let until = match lifetime {
            Lifetime::Forever => None,
            Lifetime::Keep => before.and_then(|entry| entry.until),
            Lifetime::For(ttl) => self.until(Some(ttl)),
        };
        if is_met {
            self.entries.insert(key, Entry { value, until });
        }
        is_met
    }

    fn add(&mut self, key: Bytes, number: i64, ttl: Option<Duration>) -> Outcome {
        let (before, until) = match self.live(&key) {
            None => (Some(0), self.until(ttl)),
            Some(entry) => {
                let number = str::from_utf8(&entry.value).ok().and_then(|text| text.parse::<i64>().ok());
                (number, entry.until)
            }
        };
        let Some(sum) = before.and_then(|before| before.checked_add(number)) else {
            return Outcome::failed("the value is no number, or the sum is none");
        };
        self.entries.insert(key, Entry { value: sum.to_string().into(), until });
        Outcome::reply(Reply::number(sum))
    }

    fn publish(&mut self, channel: &Bytes, value: &Bytes) -> Reply {
        let mut count = 0;
        for inbox in self.inboxes.values_mut().filter(|inbox| inbox.channels.contains(channel)) {
            inbox.messages.push_back((channel.clone(), value.clone()));
            inbox.waker.take().into_iter().for_each(Waker::wake);
            count += 1;
        }
        Reply::number(count)
    }

    fn apply(&mut self, inbox: u64, request: KvRequest) -> Outcome {
        Outcome::reply(match request {
            KvRequest::Get { key } => match self.live(&key) {
                Some(entry) => Reply::value(entry.value.clone(), entry.until.map(|until| until - self.now)),
                None => Reply::found(false),
            },
            KvRequest::Set { key, value, condition, lifetime } => {
                Reply::found(self.set(key, value, &condition, lifetime))
            }
            KvRequest::Add { key, number, ttl } => return self.add(key, number, ttl),
            KvRequest::Delete { key, expected } => {
                let is_met = |entry: &Entry| expected.is_none_or(|expected| entry.value == expected);
                let found = self.live(&key).is_some_and(is_met);
                if found {
                    self.entries.remove(&key);
                }
                Reply::found(found)
            }
            KvRequest::Expire { key, ttl } => {
                let (found, until) = (self.live(&key).is_some(), self.until(ttl));
                if let Some(entry) = self.entries.get_mut(&key).filter(|_| found) {
                    entry.until = until;
                }
                Reply::found(found)
            }
            KvRequest::Publish { channel, value } => self.publish(&channel, &value),
            KvRequest::Subscribe { channel } => {
                Reply::found(self.inboxes.entry(inbox).or_default().channels.insert(channel))
            }
            KvRequest::Unsubscribe { channel } => {
                Reply::found(self.inboxes.entry(inbox).or_default().channels.remove(&channel))
            }
        })
    }
}

/// The provider of its connections.
pub(super) struct InMemory(FakeStore);

impl Provider for InMemory {
    const INTERFACE: &'static str = "hc.kv/1";
    type Config = Place;

    fn create(place: Place, _: &Setup) -> Result<Self, Error> {
        Ok(Self(take(&place)?))
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        let number = {
            let mut inner = self.0.lock();
            inner.next_inbox += 1;
            inner.next_inbox
        };
        let leaving = Leaving(&self.0, number);
        member.ready()?;
        loop {
            let next = poll_fn(|context| {
                self.0.deliver(number, &member, context);
                member.poll_next(context)
            });
            match next.await {
                Request::Kv(request) => {
                    let outcome = {
                        let mut inner = self.0.lock();
                        inner.now = ctx().now();
                        inner.apply(number, request)
                    };
                    let is_subscribed =
                        self.0.lock().inboxes.get(&number).is_some_and(|inbox| !inbox.channels.is_empty());
                    member.done(outcome.dirty_if(is_subscribed));
                }
                Request::Reset => {
                    self.0.lock().inboxes.remove(&number);
                    member.done(Outcome::ok());
                }
                Request::Close => break,
                Request::Interrupt => {}
                Request::Check => member.done(Outcome::ok()),
                _ => member.done(Outcome::unsupported()),
            }
        }
        drop(leaving);
        Ok(())
    }
}

/// A member that goes away takes its inbox with it.
struct Leaving<'s>(&'s FakeStore, u64);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.lock().inboxes.remove(&self.1);
    }
}
