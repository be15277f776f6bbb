//! Where a container keeps one request head in the layout of the boundary: bytes, fields and the `hc_request` over them, in
//! one reusable block. In the steady state it allocates nothing. Must not know how a head is parsed.

use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::constants::{LENGTH_UNKNOWN, NO_DEADLINE, address_family};
use crate::raw::{hc_address, hc_bytes, hc_field, hc_request, hc_tls};
use crate::request_view::RequestView;
use crate::sums::{fill, sum};

/// A part of a buffer: start and end in bytes.
pub type Span = (u32, u32);

/// Where in the buffer the parts of a request head lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestSpans {
    /// The method.
    pub method: Span,
    /// The request target as sent.
    pub target: Span,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and port; (0, 0) when there is none.
    pub authority: Span,
    /// The path.
    pub path: Span,
    /// The query; `None` when there is no `?`.
    pub query: Option<Span>,
    /// The protocol asked for; (0, 0) when there is none.
    pub protocol: Span,
}

/// What a container knows of a request beside its head.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    /// Unique in the process.
    pub id: u64,
    /// 10, 11, 20 or 30.
    pub version: u32,
    /// The length of the body; `None` when it was not told.
    pub content_length: Option<u64>,
    /// When the task is cancelled (ns on the clock of `now`); `None` if never.
    pub deadline_ns: Option<u64>,
    /// The peer's address.
    pub peer: hc_address,
    /// The address at which the connection was accepted.
    pub local: hc_address,
    /// The connection's TLS session.
    pub tls: Option<Arc<TlsStorage>>,
}

/// What is known of a TLS session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    pub version: u32,
    /// The cipher suite's name.
    pub cipher: Box<[u8]>,
    /// SNI, or empty.
    pub server_name: Box<[u8]>,
    /// ALPN, or empty.
    pub protocol: Box<[u8]>,
    /// The peer's verified certificate in DER, or empty.
    pub certificate: Box<[u8]>,
}

/// The facts of a TLS session in the layout of the boundary; one per connection, shared by its requests.
#[derive(Debug)]
pub struct TlsStorage {
    raw: hc_tls,
    _facts: TlsFacts,
}

// SAFETY: `raw` points into the boxes beside it, which never change.
unsafe impl Send for TlsStorage {}
// SAFETY: as above.
unsafe impl Sync for TlsStorage {}

impl TlsStorage {
    /// Stores the facts.
    #[must_use]
    pub fn new(facts: TlsFacts) -> Arc<TlsStorage> {
        let raw = hc_tls {
            size: size_of::<hc_tls>() as u32,
            version: facts.version,
            cipher: hc_bytes::of(&facts.cipher),
            server_name: hc_bytes::of(&facts.server_name),
            protocol: hc_bytes::of(&facts.protocol),
            certificate: hc_bytes::of(&facts.certificate),
        };
        Arc::new(TlsStorage { raw, _facts: facts })
    }
}

const NOWHERE: hc_address = hc_address { ip: [0; 16], port: 0, family: address_family::UNKNOWN };

const EMPTY: hc_request = hc_request {
    size: size_of::<hc_request>() as u32,
    version: 11,
    id: 0,
    method: hc_bytes::NONE,
    target: hc_bytes::NONE,
    scheme: hc_bytes::NONE,
    authority: hc_bytes::NONE,
    path: hc_bytes::NONE,
    query: hc_bytes::NONE,
    protocol: hc_bytes::NONE,
    fields: ptr::null(),
    field_count: 0,
    content_length: 0,
    deadline_ns: NO_DEADLINE,
    peer: ptr::null(),
    local: ptr::null(),
    tls: ptr::null(),
};

struct Block {
    raw: hc_request,
    peer: hc_address,
    local: hc_address,
    head: Vec<u8>,
    fields: Vec<hc_field>,
    tls: Option<Arc<TlsStorage>>,
}

/// The storage of one request head. Copy the bytes into [`buffer`](Self::buffer), then [`seal`](Self::seal) it; until the
/// next `buffer` the head stays at its address, wherever the storage itself is moved.
pub struct RequestStorage {
    /// From `Box::into_raw`, so that moving the storage does not end the pointers into the block.
    block: NonNull<Block>,
}

// SAFETY: the block is owned, and the pointers in it point into it, into its own buffers, or into the Arc beside them.
unsafe impl Send for RequestStorage {}
// SAFETY: a shared storage is only read.
unsafe impl Sync for RequestStorage {}

impl RequestStorage {
    /// A storage with no head in it.
    #[must_use]
    pub fn new() -> RequestStorage {
        let block = Block {
            raw: EMPTY,
            peer: NOWHERE,
            local: NOWHERE,
            head: Vec::new(),
            fields: Vec::new(),
            tls: None,
        };
        let mut storage = RequestStorage { block: NonNull::from(Box::leak(Box::new(block))) };
        storage.forget();
        storage
    }

    fn block(&self) -> &Block {
        // SAFETY: the block lives as long as the storage, and `&self` excludes changes.
        unsafe { self.block.as_ref() }
    }

    fn block_mut(&mut self) -> &mut Block {
        // SAFETY: as above; `&mut self` excludes other borrows. A module that still reads the old head breaks the promise
        // of whoever started the task: it lives until `finish`.
        unsafe { self.block.as_mut() }
    }

    /// Shows no head any more.
    fn forget(&mut self) {
        let place = self.block.as_ptr();
        // SAFETY: the block is ours; the addresses are taken with no reference in between.
        let (peer, local) = unsafe { (&raw const (*place).peer, &raw const (*place).local) };
        let block = self.block_mut();
        block.raw = hc_request { peer, local, ..EMPTY };
        block.tls = None;
    }

    /// The buffer for the bytes of a new head, empty. The head that was sealed before is forgotten.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.forget();
        let block = self.block_mut();
        block.fields.clear();
        block.head.clear();
        &mut block.head
    }

    /// Makes the head of what the buffer holds. `fields` are spans of name and value; names have to be in lower case.
    ///
    /// # Panics
    /// When a span lies outside the buffer.
    pub fn seal(
        &mut self,
        spans: &RequestSpans,
        fields: impl Iterator<Item = (Span, Span)>,
        facts: RequestFacts,
    ) {
        self.forget();
        let block = self.block_mut();
        let head = &block.head[..];
        let part = |(start, end): Span| hc_bytes::of(&head[start as usize..end as usize]);
        block.fields.clear();
        block.fields.extend(fields.map(|(name, value)| hc_field { name: part(name), value: part(value) }));
        block.raw = hc_request {
            size: size_of::<hc_request>() as u32,
            version: facts.version,
            id: facts.id,
            method: part(spans.method),
            target: part(spans.target),
            scheme: hc_bytes::of(spans.scheme.as_bytes()),
            authority: part(spans.authority),
            path: part(spans.path),
            query: spans.query.map_or(hc_bytes::NONE, part),
            protocol: part(spans.protocol),
            fields: block.fields.as_ptr(),
            field_count: block.fields.len(),
            content_length: facts.content_length.unwrap_or(LENGTH_UNKNOWN),
            deadline_ns: facts.deadline_ns.unwrap_or(NO_DEADLINE),
            peer: block.raw.peer,
            local: block.raw.local,
            tls: facts.tls.as_ref().map_or(ptr::null(), |tls| &raw const tls.raw),
        };
        block.peer = facts.peer;
        block.local = facts.local;
        block.tls = facts.tls;
    }

    /// Makes the head a copy of `head`, with facts of its own: for the child of a task.
    pub fn copy_head(&mut self, head: &RequestView<'_>, scheme: &'static str, facts: RequestFacts) {
        let mut fields = Vec::with_capacity(head.fields().len());
        let buffer = self.buffer();
        let mut put = |bytes: &[u8]| {
            let start = buffer.len() as u32;
            buffer.extend_from_slice(bytes);
            (start, buffer.len() as u32)
        };
        let spans = RequestSpans {
            method: put(head.method()),
            target: put(head.target()),
            scheme,
            authority: put(head.authority()),
            path: put(head.path()),
            query: head.query().map(&mut put),
            protocol: put(head.protocol()),
        };
        for (name, value) in head.fields() {
            let name = put(name);
            fields.push((name, put(value)));
        }
        self.seal(&spans, fields.into_iter(), facts);
    }

    /// Makes the head, and all that is known of the request, those of another storage.
    pub fn copy_from(&mut self, other: &RequestStorage) {
        let block = other.block();
        let scheme = if other.part(block.raw.scheme) == b"https" { "https" } else { "http" };
        let known = |number: u64, none: u64| (number != none).then_some(number);
        let facts = RequestFacts {
            id: block.raw.id,
            version: block.raw.version,
            content_length: known(block.raw.content_length, LENGTH_UNKNOWN),
            deadline_ns: known(block.raw.deadline_ns, NO_DEADLINE),
            peer: block.peer,
            local: block.local,
            tls: block.tls.clone(),
        };
        self.copy_head(&other.head(), scheme, facts);
    }

    /// A sum of the bytes of the head, by which a write of the module to them shows.
    #[must_use]
    pub fn content_sum(&self) -> u64 {
        let block = self.block();
        // SAFETY: structures of words without padding (layout.rs), read as bytes while nobody of ours writes to them.
        let (raw, fields) = unsafe {
            let raw =
                std::slice::from_raw_parts((&raw const block.raw).cast::<u8>(), size_of::<hc_request>());
            let fields = std::slice::from_raw_parts(
                block.fields.as_ptr().cast::<u8>(),
                block.fields.len() * size_of::<hc_field>(),
            );
            (raw, fields)
        };
        sum([raw, fields, &block.head].into_iter())
    }

    /// Writes a mark over the bytes of the head. Whoever still reads the head reads that.
    pub fn overwrite(&mut self, mark: [u8; 8]) {
        fill(&mut self.block_mut().head, mark);
    }

    /// The head as a module is given it.
    #[must_use]
    pub fn view(&self) -> &hc_request {
        &self.block().raw
    }

    /// The head for safe reading.
    #[must_use]
    pub fn head(&self) -> RequestView<'_> {
        // SAFETY: `seal` made every view from what the block owns, and nothing changes while `self` is borrowed.
        let head = unsafe { RequestView::trusted(self.view()) };
        head.expect("a storage's head is never NULL")
    }

    /// A part of the head, with no look at the rest.
    #[inline]
    fn part(&self, view: hc_bytes) -> &[u8] {
        // SAFETY: `seal` made every view from what the block owns, and nothing changes while `self` is borrowed.
        unsafe { view.slice() }
    }

    /// The method.
    #[inline]
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.part(self.view().method)
    }
    /// The request target as sent.
    #[inline]
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.part(self.view().target)
    }
    /// Host and optional port.
    #[inline]
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.part(self.view().authority)
    }
    /// The path.
    #[inline]
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.part(self.view().path)
    }
    /// The facts of the connection's TLS session, shared; for the head of a child task.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<TlsStorage>> {
        self.block().tls.as_ref()
    }
    /// The value of the first header field of that name, compared without case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.head().field(name)
    }

    /// Forgets the head and gives memory back, down to `bytes` for the head and a share for its fields.
    pub fn shrink(&mut self, bytes: usize) {
        self.buffer();
        let block = self.block_mut();
        block.head.shrink_to(bytes);
        block.fields.shrink_to(bytes / size_of::<hc_field>());
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let block = self.block();
        size_of::<Block>() + block.head.capacity() + block.fields.capacity() * size_of::<hc_field>()
    }
}

impl Default for RequestStorage {
    fn default() -> RequestStorage {
        RequestStorage::new()
    }
}

impl Drop for RequestStorage {
    fn drop(&mut self) {
        // SAFETY: the block came from a Box in `new`, and is dropped once.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}

impl std::fmt::Debug for RequestStorage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.head().fmt(out)
    }
}
