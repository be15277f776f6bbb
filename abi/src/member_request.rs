//! Where a container keeps one request to a member in the layout of the boundary: a copy of what the user of the resource
//! asked for. Reusable. Must not know which member it is for.

use std::ptr::{self, NonNull};

use crate::constants::member_request;
use crate::ext_kv::KvRequestView;
use crate::ext_sql::StatementView;
use crate::raw::{hc_bytes, hc_kv_request, hc_member_request, hc_sql_statement};
use crate::sql_rows::RowsStorage;
use crate::sql_value::SqlValue;

/// A request that a container hands to a provider. Carries no lifetime: the container keeps it alive for as long as the
/// header says. Made by [`MemberRequestStorage::raw`], or one of the constants.
#[derive(Clone, Copy, Debug)]
pub struct RawMemberRequest(pub(crate) *const hc_member_request);

/// A request that never changes.
struct Plain(hc_member_request);

// SAFETY: the pointers in it are NULL.
unsafe impl Sync for Plain {}

static RESET: Plain = Plain(plain(member_request::RESET));
static CHECK: Plain = Plain(plain(member_request::CHECK));
static INTERRUPT: Plain = Plain(plain(member_request::INTERRUPT));
static CLOSE: Plain = Plain(plain(member_request::CLOSE));

impl RawMemberRequest {
    /// `HC_MEMBER_RESET`.
    pub const RESET: RawMemberRequest = RawMemberRequest(&raw const RESET.0);
    /// `HC_MEMBER_CHECK`.
    pub const CHECK: RawMemberRequest = RawMemberRequest(&raw const CHECK.0);
    /// `HC_MEMBER_INTERRUPT`.
    pub const INTERRUPT: RawMemberRequest = RawMemberRequest(&raw const INTERRUPT.0);
    /// `HC_MEMBER_CLOSE`.
    pub const CLOSE: RawMemberRequest = RawMemberRequest(&raw const CLOSE.0);
}

/// A request of that kind, and nothing more.
const fn plain(kind: u32) -> hc_member_request {
    hc_member_request {
        size: size_of::<hc_member_request>() as u32,
        kind,
        statement: ptr::null(),
        kv: ptr::null(),
        transaction: 0,
        reserved: 0,
    }
}

const NO_STATEMENT: hc_sql_statement = hc_sql_statement {
    size: size_of::<hc_sql_statement>() as u32,
    flags: 0,
    text: hc_bytes::NONE,
    values: ptr::null(),
    value_count: 0,
};

const NO_KV: hc_kv_request = hc_kv_request {
    size: size_of::<hc_kv_request>() as u32,
    operation: 0,
    flags: 0,
    reserved: 0,
    key: hc_bytes::NONE,
    value: hc_bytes::NONE,
    expected: hc_bytes::NONE,
    number: 0,
    ttl_ms: 0,
};

struct Block {
    raw: hc_member_request,
    statement: hc_sql_statement,
    kv: hc_kv_request,
    /// The text of the statement; or key, value and expected value, one after the other.
    bytes: Vec<u8>,
    values: RowsStorage,
}

/// The storage of one request. It stays at its address, wherever the storage itself is moved, until it is set to another.
pub struct MemberRequestStorage {
    /// From `Box::leak`, so that moving the storage does not end the pointers into the block.
    block: NonNull<Block>,
}

// SAFETY: the block is owned, and the pointers in it point into it or into its own buffers.
unsafe impl Send for MemberRequestStorage {}
// SAFETY: a shared storage is only read.
unsafe impl Sync for MemberRequestStorage {}

impl MemberRequestStorage {
    /// A storage of a request with nothing in it: one of [`member_request`].
    #[must_use]
    pub fn plain(kind: u32) -> MemberRequestStorage {
        let block = Block {
            raw: plain(kind),
            statement: NO_STATEMENT,
            kv: NO_KV,
            bytes: Vec::new(),
            values: RowsStorage::new(),
        };
        MemberRequestStorage { block: NonNull::from(Box::leak(Box::new(block))) }
    }

    /// A storage of a copy of that statement.
    #[must_use]
    pub fn new_statement(text: &str, flags: u32, values: &[SqlValue<'_>]) -> MemberRequestStorage {
        let mut made = MemberRequestStorage::plain(member_request::STATEMENT);
        made.set(text, flags, values.iter().copied());
        made
    }

    /// A storage of a copy of that statement.
    #[must_use]
    pub fn statement(statement: &StatementView<'_>) -> MemberRequestStorage {
        let mut made = MemberRequestStorage::plain(member_request::STATEMENT);
        made.set_statement(statement);
        made
    }

    /// A storage of the beginning or end of a transaction: one of
    /// [`sql_transaction`](crate::constants::sql_transaction).
    #[must_use]
    pub fn transaction(what: u32) -> MemberRequestStorage {
        let mut made = MemberRequestStorage::plain(member_request::TRANSACTION);
        made.set_transaction(what);
        made
    }

    /// A storage of a copy of that request to a store.
    #[must_use]
    pub fn kv(request: &KvRequestView<'_>) -> MemberRequestStorage {
        let mut made = MemberRequestStorage::plain(member_request::KV);
        made.set_kv(request);
        made
    }

    /// Replaces the request by a copy of that statement.
    pub fn set_statement(&mut self, statement: &StatementView<'_>) {
        self.set(statement.text, statement.flags, statement.values.iter());
    }

    fn set<'v>(&mut self, text: &str, flags: u32, values: impl Iterator<Item = SqlValue<'v>>) {
        let place = self.block.as_ptr();
        let block = self.cleared();
        block.bytes.extend_from_slice(text.as_bytes());
        values.for_each(|value| block.values.push_value(value));
        let values = block.values.values();
        let (data, value_count) =
            if values.is_empty() { (ptr::null(), 0) } else { (values.as_ptr(), values.len()) };
        block.statement = hc_sql_statement {
            flags,
            text: hc_bytes::of(&block.bytes),
            values: data,
            value_count,
            ..NO_STATEMENT
        };
        block.raw = plain(member_request::STATEMENT);
        // SAFETY: the block is ours; the address is taken with no reference in between.
        block.raw.statement = unsafe { &raw const (*place).statement };
    }

    /// Replaces the request by the beginning or end of a transaction.
    pub fn set_transaction(&mut self, what: u32) {
        let block = self.cleared();
        block.raw = hc_member_request { transaction: what, ..plain(member_request::TRANSACTION) };
    }

    /// Replaces the request by a copy of that one to a store.
    pub fn set_kv(&mut self, request: &KvRequestView<'_>) {
        let place = self.block.as_ptr();
        let block = self.cleared();
        for part in [request.key, request.value, request.expected] {
            block.bytes.extend_from_slice(part);
        }
        let (key, rest) = block.bytes.split_at(request.key.len());
        let (value, expected) = rest.split_at(request.value.len());
        block.kv = hc_kv_request {
            operation: request.operation,
            flags: request.flags,
            key: hc_bytes::of(key),
            value: hc_bytes::of(value),
            expected: hc_bytes::of(expected),
            number: request.number,
            ttl_ms: request.ttl_ms,
            ..NO_KV
        };
        block.raw = plain(member_request::KV);
        // SAFETY: the block is ours; the address is taken with no reference in between.
        block.raw.kv = unsafe { &raw const (*place).kv };
    }

    /// Replaces the request by one with nothing in it: one of [`member_request`].
    pub fn set_plain(&mut self, kind: u32) {
        self.cleared().raw = plain(kind);
    }

    /// The request as it is handed to a provider, which may read it until this storage is set to another or dropped.
    #[must_use]
    pub const fn raw(&self) -> RawMemberRequest {
        // SAFETY: the block is ours; the address is taken with no reference in between.
        RawMemberRequest(unsafe { &raw const (*self.block.as_ptr()).raw })
    }

    /// What the request is: one of [`member_request`].
    #[must_use]
    pub fn kind(&self) -> u32 {
        // SAFETY: the block lives as long as the storage, and `&self` excludes changes.
        unsafe { self.block.as_ref() }.raw.kind
    }

    /// Forgets what the request holds and gives memory back, down to about `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let block = self.cleared();
        block.bytes.shrink_to(bytes);
        block.values.shrink(bytes);
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        // SAFETY: the block lives as long as the storage, and `&self` excludes changes.
        let block = unsafe { self.block.as_ref() };
        size_of::<Block>() + block.bytes.capacity() + block.values.heap_bytes()
    }

    /// The block with nothing in it, and its memory kept.
    fn cleared(&mut self) -> &mut Block {
        // SAFETY: the block lives as long as the storage, and `&mut self` excludes other borrows. A provider that still
        // reads the old request breaks the promise that it ends with `done`.
        let block = unsafe { self.block.as_mut() };
        block.raw = plain(block.raw.kind);
        block.statement = NO_STATEMENT;
        block.kv = NO_KV;
        block.bytes.clear();
        block.values.clear();
        block
    }
}

impl Drop for MemberRequestStorage {
    fn drop(&mut self) {
        // SAFETY: the block came from a Box in `plain`, and is dropped once.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}

impl std::fmt::Debug for MemberRequestStorage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MemberRequestStorage").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql_value::SqlValues;

    #[test]
    fn requests_that_never_change() {
        for (request, kind) in [
            (RawMemberRequest::RESET, member_request::RESET),
            (RawMemberRequest::CHECK, member_request::CHECK),
            (RawMemberRequest::INTERRUPT, member_request::INTERRUPT),
            (RawMemberRequest::CLOSE, member_request::CLOSE),
        ] {
            // SAFETY: a static.
            let found = unsafe { *request.0 };
            assert_eq!(
                (found.size, found.kind, found.statement, found.kv),
                (32, kind, ptr::null(), ptr::null())
            );
        }
    }

    #[test]
    fn a_request_stays_where_it_is_and_keeps_its_memory() {
        let mut rows = RowsStorage::new();
        rows.push_value(SqlValue::Text("one"));
        let statement = StatementView { flags: 2, text: "SELECT $1", values: rows.values() };
        let mut storage = MemberRequestStorage::statement(&statement);
        drop(rows);
        let place = storage.raw().0;
        let mut moved = Box::new(std::mem::replace(&mut storage, MemberRequestStorage::transaction(3)));
        assert_eq!((moved.raw().0, moved.kind()), (place, member_request::STATEMENT));
        // SAFETY: the storage lives, and was set to a statement of one value.
        let values = unsafe { SqlValues::trusted((*(*place).statement).values, 1) };
        assert_eq!(values.get(0), Some(SqlValue::Text("one")));
        let before = moved.heap_bytes();
        moved.set_plain(member_request::RESET);
        assert_eq!((moved.raw().0, moved.kind(), moved.heap_bytes()), (place, member_request::RESET, before));
        moved.shrink(0);
        assert!(moved.heap_bytes() < before);
    }
}
