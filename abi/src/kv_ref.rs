//! hc.kv/1 as a Rust module sees it. Must not know which store it is.

use crate::raw::{hc_bytes, hc_kv_reply, hc_kv_request};

/// An operation on a store: `hc_kv_request`, member by member.
#[derive(Clone, Copy, Debug, Default)]
pub struct KvRequestView<'a> {
    /// One of `enum hc_kv_operation`.
    pub operation: u32,
    /// Bits of `enum hc_kv_flag`.
    pub flags: u32,
    /// The key, or the channel.
    pub key: &'a [u8],
    /// What is stored or published.
    pub value: &'a [u8],
    /// What the value must be.
    pub expected: &'a [u8],
    /// What is added.
    pub number: i64,
    /// The time to live, in milliseconds; 0: for ever.
    pub ttl_ms: u64,
}

impl<'a> KvRequestView<'a> {
    /// # Safety
    /// A request of the container's, with views that are readable and unchanged during `'a`.
    pub(crate) unsafe fn trusted(raw: &hc_kv_request) -> KvRequestView<'a> {
        // SAFETY: the caller's promise.
        let (key, value, expected) = unsafe { (raw.key.slice(), raw.value.slice(), raw.expected.slice()) };
        KvRequestView {
            operation: raw.operation,
            flags: raw.flags,
            key,
            value,
            expected,
            number: raw.number,
            ttl_ms: raw.ttl_ms,
        }
    }
}

/// What an operation answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplyView<'a> {
    /// Whether there was one, or it was stored.
    pub found: bool,
    /// The value.
    pub value: &'a [u8],
    /// The number.
    pub number: i64,
    /// What is left of the time to live, in milliseconds; 0: for ever.
    pub ttl_ms: u64,
}

impl ReplyView<'_> {
    /// As it crosses. It carries no lifetime.
    pub(crate) fn raw(&self) -> hc_kv_reply {
        hc_kv_reply {
            size: size_of::<hc_kv_reply>() as u32,
            found: self.found.into(),
            value: hc_bytes::of(self.value),
            number: self.number,
            ttl_ms: self.ttl_ms,
        }
    }
}
