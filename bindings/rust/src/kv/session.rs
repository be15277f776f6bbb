//! A leased connection to a store: operations one after another, and in which state it is given back. Must not know what is
//! stored.

use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_container_abi::constants::{kv_flag, kv_operation};
use http_container_abi::{KvRef, KvRequestView, ReplyView, Status};

use super::subscription::Subscription;
use super::{Condition, Lifetime, milliseconds, ttl};
use crate::error::Error;
use crate::operation::Operation;
use crate::resource::{Lease, LeaseEnd};

/// A connection to a store, held by this task. Dropped, it is given back; see [`kv`](super) for the state in which. Keys are 1
/// to 512 bytes. Every operation fails with `E_FAILED` when the store refuses it, `E_LIMIT` when the store is full,
/// `E_RESOURCE` when the connection is lost, `E_STATE` when the lease is poisoned.
pub struct Kv {
    extension: KvRef,
    lease: Lease,
    is_under_way: bool,
    is_doubtful: bool,
}

/// A request for nothing yet.
const NOTHING: KvRequestView<'_> =
    KvRequestView { operation: 0, flags: 0, key: &[], value: &[], expected: &[], number: 0, ttl_ms: 0 };

impl Kv {
    pub(crate) fn new(lease: Lease, extension: KvRef) -> Self {
        Self { extension, lease, is_under_way: false, is_doubtful: false }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    pub(super) fn extension(&self) -> KvRef {
        self.extension
    }

    /// The value of a key.
    ///
    /// # Errors
    /// As of every operation; see [`Kv`].
    pub async fn get(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>, Error> {
        Ok(self.get_with_ttl(key).await?.map(|(value, _)| value))
    }

    /// The value of a key, and what is left of its time to live; `None`: it lives for ever.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn get_with_ttl(
        &mut self,
        key: impl AsRef<[u8]>,
    ) -> Result<Option<(Bytes, Option<Duration>)>, Error> {
        let request = KvRequestView { operation: kv_operation::GET, key: key.as_ref(), ..NOTHING };
        self.run("get", &request, |reply| {
            (reply.found != 0).then(|| (Bytes::copy_from_slice(reply.value), ttl(reply.ttl_ms)))
        })
        .await
    }

    /// Stores a value for ever.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn set(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.set_where(key, value, Condition::Always, Lifetime::Forever).await?;
        Ok(())
    }

    /// Stores a value for so long.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn set_for(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> Result<(), Error> {
        self.set_where(key, value, Condition::Always, Lifetime::For(ttl)).await?;
        Ok(())
    }

    /// Stores a value where there is none, and answers whether it did.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn set_if_absent(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        lifetime: Lifetime,
    ) -> Result<bool, Error> {
        self.set_where(key, value, Condition::IfAbsent, lifetime).await
    }

    /// Stores a value under a condition, and answers whether it did.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn set_where(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        condition: Condition,
        lifetime: Lifetime,
    ) -> Result<bool, Error> {
        let (mut flags, expected) = match &condition {
            Condition::Always => (0, &[][..]),
            Condition::IfAbsent => (kv_flag::IF_ABSENT, &[][..]),
            Condition::IfPresent => (kv_flag::IF_PRESENT, &[][..]),
            Condition::IfEqual(expected) => (kv_flag::IF_EQUAL, &expected[..]),
        };
        let ttl_ms = match lifetime {
            Lifetime::Forever => 0,
            Lifetime::Keep => {
                flags |= kv_flag::KEEP_TTL;
                0
            }
            Lifetime::For(ttl) => milliseconds(ttl),
        };
        let (operation, key, value) = (kv_operation::SET, key.as_ref(), value.as_ref());
        let request = KvRequestView { operation, flags, key, value, expected, ttl_ms, ..NOTHING };
        self.run("set", &request, |reply| reply.found != 0).await
    }

    /// Adds to the decimal number that is the value, or to 0, and answers the sum.
    ///
    /// # Errors
    /// As of every operation; `E_FAILED` when the value is no number.
    pub async fn add(&mut self, key: impl AsRef<[u8]>, number: i64) -> Result<i64, Error> {
        self.add_with(key.as_ref(), number, 0).await
    }

    /// As [`add`](Self::add); a counter that this makes lives so long.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn add_for(&mut self, key: impl AsRef<[u8]>, number: i64, ttl: Duration) -> Result<i64, Error> {
        self.add_with(key.as_ref(), number, milliseconds(ttl)).await
    }

    async fn add_with(&mut self, key: &[u8], number: i64, ttl_ms: u64) -> Result<i64, Error> {
        let request = KvRequestView { operation: kv_operation::ADD, key, number, ttl_ms, ..NOTHING };
        self.run("add", &request, |reply| reply.number).await
    }

    /// Deletes a key, and answers whether there was one.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let request = KvRequestView { operation: kv_operation::DELETE, key: key.as_ref(), ..NOTHING };
        self.run("delete", &request, |reply| reply.found != 0).await
    }

    /// Deletes a key that has this value, and answers whether there was one.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn delete_if_equal(
        &mut self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let (operation, flags) = (kv_operation::DELETE, kv_flag::IF_EQUAL);
        let (key, expected) = (key.as_ref(), expected.as_ref());
        let request = KvRequestView { operation, flags, key, expected, ..NOTHING };
        self.run("delete", &request, |reply| reply.found != 0).await
    }

    /// Lets a key live for so long from now on, `None`: for ever; answers whether there is one.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn expire(&mut self, key: impl AsRef<[u8]>, ttl: Option<Duration>) -> Result<bool, Error> {
        let (key, ttl_ms) = (key.as_ref(), ttl.map_or(0, milliseconds));
        let request = KvRequestView { operation: kv_operation::EXPIRE, key, ttl_ms, ..NOTHING };
        self.run("expire", &request, |reply| reply.found != 0).await
    }

    /// Sends a message to a channel, and answers how many get it.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn publish(
        &mut self,
        channel: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<i64, Error> {
        let (key, value) = (channel.as_ref(), value.as_ref());
        let request = KvRequestView { operation: kv_operation::PUBLISH, key, value, ..NOTHING };
        self.run("publish", &request, |reply| reply.number).await
    }

    /// Takes the messages of a channel from now on. While the answer lives, the connection does nothing else.
    ///
    /// # Errors
    /// As of every operation.
    pub async fn subscribe(&mut self, channel: impl Into<Bytes>) -> Result<Subscription<'_>, Error> {
        let mut subscription = Subscription::new(self);
        subscription.add(channel).await?;
        Ok(subscription)
    }

    pub(super) async fn turn(&mut self, operation: u32, channel: &[u8]) -> Result<(), Error> {
        let request = KvRequestView { operation, key: channel, ..NOTHING };
        self.run("subscription", &request, |_| ()).await
    }

    pub(super) fn set_doubtful(&mut self, is_doubtful: bool) {
        self.is_doubtful = is_doubtful;
    }

    /// Begins an operation and waits for its reply. Dropping the future withdraws it.
    async fn run<R>(
        &mut self,
        what: &'static str,
        request: &KvRequestView<'_>,
        take: impl FnOnce(ReplyView<'_>) -> R,
    ) -> Result<R, Error> {
        if self.is_under_way {
            let text = "an operation was given up in its middle: the lease is poisoned, acquire another one";
            return Err(Error::with_status(Status::E_STATE, text));
        }
        let (extension, lease) = (self.extension, self.lease.handle());
        let operation = Operation::of(Rc::clone(self.lease.context()));
        match operation.call(|_, task, token| extension.run(task, lease, token, request)) {
            Status::PENDING => {}
            // The task is being cancelled: its future is dropped when this step has ended.
            Status::E_CANCELLED => std::future::pending().await,
            status => {
                self.is_doubtful = true;
                return Err(Error::refused(what, status));
            }
        }
        self.is_under_way = true;
        let event = poll_fn(|context| operation.poll(context.waker())).await;
        self.is_under_way = false;
        match event.map_or(Status::E_GONE, |event| event.status) {
            Status::OK => extension
                .reply(self.lease.task(), lease, take)
                .map_err(|status| Error::refused("the reply of the store", status)),
            status => {
                self.is_doubtful |= !matches!(status, Status::E_FAILED | Status::E_LIMIT);
                let text = format!("the store failed to {what}: {}", status.text());
                Err(Error::with_status(status, text))
            }
        }
    }
}

impl Drop for Kv {
    fn drop(&mut self) {
        let is_settled = !self.is_under_way && !self.is_doubtful;
        self.lease.set_end(if is_settled { LeaseEnd::Clean } else { LeaseEnd::Dirty });
    }
}

impl fmt::Debug for Kv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Kv({:#x})", self.lease.handle())
    }
}
