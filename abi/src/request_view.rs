//! A request head as it lies at the boundary, read in safe Rust. Must not know who stored it.

use std::marker::PhantomData;

use crate::bytes::FieldsView;
use crate::constants::{LENGTH_UNKNOWN, NO_DEADLINE, address_family};
use crate::host_side::BoundaryRefusal;
use crate::raw::{hc_address, hc_bytes, hc_request, hc_tls};
use crate::response_view::read_view;

/// The address of one who told none.
static NOWHERE: hc_address = hc_address { ip: [0; 16], port: 0, family: address_family::UNKNOWN };

/// A request head (`hc_request`). All bytes are as the peer sent them, not decoded.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    raw: &'a hc_request,
    fields: FieldsView<'a>,
}

// SAFETY: a RequestView is nothing but shared slices and numbers.
unsafe impl Send for RequestView<'_> {}
// SAFETY: as above.
unsafe impl Sync for RequestView<'_> {}

impl<'a> RequestView<'a> {
    /// Reads a request head, as far as this version knows it.
    ///
    /// # Errors
    /// As [`ResponseView::check`](crate::ResponseView::check).
    ///
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    pub(crate) unsafe fn check(request: *const hc_request) -> Result<RequestView<'a>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let raw: &'a hc_request = unsafe { read_view(request) }?.0;
        let views = [raw.method, raw.target, raw.scheme, raw.authority, raw.path, raw.query, raw.protocol];
        // SAFETY: passed on from the caller.
        let fields = unsafe { FieldsView::check(raw.fields, raw.field_count) };
        match fields {
            Some(fields) if views.iter().all(hc_bytes::is_valid) => Ok(RequestView { raw, fields }),
            _ => Err(BoundaryRefusal::NULL_VIEW),
        }
    }

    /// A request head that the container vouches for.
    ///
    /// # Safety
    /// `request` is NULL or a request head of this major version, all of whose views are readable and unchanged during `'a`.
    pub(crate) unsafe fn trusted(request: *const hc_request) -> Option<RequestView<'a>> {
        // SAFETY: passed on from the caller.
        let raw: &'a hc_request = unsafe { request.as_ref() }?;
        // SAFETY: passed on from the caller.
        let fields = unsafe { FieldsView::trusted(raw.fields, raw.field_count) };
        Some(RequestView { raw, fields })
    }

    fn bytes(self, view: hc_bytes) -> &'a [u8] {
        // SAFETY: whoever made this view promised that its views are readable during 'a.
        unsafe { view.slice() }
    }

    /// 10, 11, 20 or 30: HTTP/1.0, 1.1, 2, 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.raw.version
    }
    /// Unique in the process.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.raw.id
    }
    /// The method: a token, case-sensitive.
    #[must_use]
    pub fn method(&self) -> &'a [u8] {
        self.bytes(self.raw.method)
    }
    /// The request target as sent.
    #[must_use]
    pub fn target(&self) -> &'a [u8] {
        self.bytes(self.raw.target)
    }
    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'a [u8] {
        self.bytes(self.raw.scheme)
    }
    /// Host and optional port; may be empty.
    #[must_use]
    pub fn authority(&self) -> &'a [u8] {
        self.bytes(self.raw.authority)
    }
    /// Before any `?`; `*` for `OPTIONS *`.
    #[must_use]
    pub fn path(&self) -> &'a [u8] {
        self.bytes(self.raw.path)
    }
    /// After the first `?`; `None` when there is no `?`.
    #[must_use]
    pub fn query(&self) -> Option<&'a [u8]> {
        (!self.raw.query.data.is_null()).then(|| self.bytes(self.raw.query))
    }
    /// The protocol asked for by upgrade or extended CONNECT; else empty.
    #[must_use]
    pub fn protocol(&self) -> &'a [u8] {
        self.bytes(self.raw.protocol)
    }
    /// The header fields: order kept, names in lower case, values trimmed.
    #[must_use]
    pub fn fields(&self) -> FieldsView<'a> {
        self.fields
    }
    /// The value of the first header field of that name, compared without case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.get(name)
    }
    /// The length of the body in bytes, 0 when there is none; `None` when it was not told.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        (self.raw.content_length != LENGTH_UNKNOWN).then_some(self.raw.content_length)
    }
    /// When the task is cancelled (ns on the clock of `now`); `None` if never.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        (self.raw.deadline_ns != NO_DEADLINE).then_some(self.raw.deadline_ns)
    }
    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> &'a hc_address {
        // SAFETY: NULL, or an address that is readable as long as the head.
        unsafe { self.raw.peer.as_ref() }.unwrap_or(&NOWHERE)
    }
    /// The address at which the container accepted the connection.
    #[must_use]
    pub fn local(&self) -> &'a hc_address {
        // SAFETY: as for the peer.
        unsafe { self.raw.local.as_ref() }.unwrap_or(&NOWHERE)
    }
    /// What is known of TLS; `None` without it.
    #[must_use]
    pub fn tls(&self) -> Option<TlsView<'a>> {
        // SAFETY: NULL, or facts that are readable as long as the head.
        unsafe { self.raw.tls.as_ref() }.map(|raw| TlsView { raw, life: PhantomData })
    }
}

impl std::fmt::Debug for RequestView<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (method, target) = (self.method().escape_ascii(), self.target().escape_ascii());
        write!(out, "request {}: {method} {target} {:?}", self.id(), self.fields)
    }
}

/// What is known of the TLS session that carried a request (`hc_tls`).
#[derive(Clone, Copy)]
pub struct TlsView<'a> {
    raw: &'a hc_tls,
    life: PhantomData<&'a [u8]>,
}

impl<'a> TlsView<'a> {
    /// 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.raw.version
    }
    /// The cipher suite's name in the TLS registry.
    #[must_use]
    pub fn cipher(&self) -> &'a [u8] {
        // SAFETY: the views live as long as the head.
        unsafe { self.raw.cipher.slice() }
    }
    /// The server name that the peer asked for (SNI), or empty.
    #[must_use]
    pub fn server_name(&self) -> &'a [u8] {
        // SAFETY: as above.
        unsafe { self.raw.server_name.slice() }
    }
    /// The protocol agreed on (ALPN), or empty.
    #[must_use]
    pub fn protocol(&self) -> &'a [u8] {
        // SAFETY: as above.
        unsafe { self.raw.protocol.slice() }
    }
    /// The peer's verified certificate in DER, or empty.
    #[must_use]
    pub fn certificate(&self) -> &'a [u8] {
        // SAFETY: as above.
        unsafe { self.raw.certificate.slice() }
    }
}
