//! hc.dispatch/1 as a Rust module sees it. Must not know how a child is run.

use std::ptr::{self, NonNull};

use crate::bytes::FieldsView;
use crate::constants::LENGTH_UNKNOWN;
use crate::host_ref::{HostRef, Look, call};
use crate::raw::{HC_DISPATCH_ID, hc_bytes, hc_dispatch, hc_dispatch_options, hc_response};
use crate::request_storage::RequestStorage;
use crate::status::Status;

/// What a child is to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChildOptions<'a> {
    /// Bits of [`dispatch_flag`](crate::constants::dispatch_flag).
    pub flags: u32,
    /// The child's request head; `None`: the parent's own.
    pub request: Option<&'a RequestStorage>,
    /// The child's whole request body, where it does not take over the parent's.
    pub body: &'a [u8],
}

/// The response head of a child. Lives during the look at it.
#[derive(Clone, Copy, Debug)]
pub struct ChildHead<'a> {
    /// The status code.
    pub status: u32,
    /// The fields.
    pub fields: FieldsView<'a>,
    /// The length of the body, `None` when it is not known.
    pub content_length: Option<u64>,
}

/// The extension `hc.dispatch/1` of one host; valid as long as the host.
#[derive(Clone, Copy)]
pub struct DispatchRef {
    host: HostRef,
    table: NonNull<hc_dispatch>,
}

// SAFETY: a constant vtable; the container checks the thread of each call.
unsafe impl Send for DispatchRef {}
// SAFETY: as above.
unsafe impl Sync for DispatchRef {}

impl DispatchRef {
    pub(crate) fn new(host: HostRef) -> Option<DispatchRef> {
        host.extension(HC_DISPATCH_ID).map(|table| DispatchRef { host, table })
    }

    fn table(&self) -> &hc_dispatch {
        // SAFETY: whole by its size, and valid as long as the host.
        unsafe { self.table.as_ref() }
    }

    /// Starts a child: the status (`HC_OK` or `HC_PENDING` when there is one), and its handle.
    pub fn open(&self, task: u64, token: u64, options: &ChildOptions<'_>) -> (Status, u64) {
        let given = hc_dispatch_options {
            size: size_of::<hc_dispatch_options>() as u32,
            flags: options.flags,
            request: options.request.map_or(ptr::null(), |request| ptr::from_ref(request.view())),
            body: hc_bytes::of(options.body),
        };
        let mut child = 0;
        let status =
            call!(self.table(), open(self.host.pointer(), task, token, &raw const given, &raw mut child));
        (status, child)
    }

    /// The child's response head, after its event: `take` looks at it. Inside `take` the child can be neither read nor closed
    /// (`HC_E_STATE`).
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn head<R>(&self, task: u64, child: u64, take: impl FnOnce(ChildHead<'_>) -> R) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut head = hc_response {
            size: size_of::<hc_response>() as u32,
            status: 0,
            fields: ptr::null(),
            field_count: 0,
            body: hc_bytes::NONE,
            content_length: LENGTH_UNKNOWN,
        };
        match call!(self.table(), head(self.host.pointer(), task, child, &raw mut head)) {
            Status::OK => Ok(take(ChildHead {
                status: head.status,
                // SAFETY: the fields live until the child is closed, which `_look` excludes, or the parent finished.
                fields: unsafe { FieldsView::trusted(head.fields, head.field_count) },
                content_length: (head.content_length != LENGTH_UNKNOWN).then_some(head.content_length),
            })),
            other => Err(other),
        }
    }

    /// The next chunk of the child's response body: `take` looks at it, as with [`HostRef::body_read`].
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn read<R>(
        &self,
        task: u64,
        child: u64,
        token: u64,
        take: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let mut chunk = hc_bytes::NONE;
        match call!(self.table(), read(self.host.pointer(), task, child, token, &raw mut chunk)) {
            // SAFETY: the chunk lives until the child's next read or its close, which `_look` excludes.
            Status::OK => Ok(take(unsafe { chunk.slice() })),
            other => Err(other),
        }
    }

    /// The child's trailers, after `HC_END`; `take` looks at them, as with [`head`](Self::head).
    ///
    /// # Errors
    /// Any status but `HC_OK`.
    pub fn trailers<R>(
        &self,
        task: u64,
        child: u64,
        take: impl FnOnce(FieldsView<'_>) -> R,
    ) -> Result<R, Status> {
        let _look = Look::begin()?;
        let (mut data, mut count) = (ptr::null(), 0);
        match call!(self.table(), trailers(self.host.pointer(), task, child, &raw mut data, &raw mut count)) {
            // SAFETY: the fields live until the child is closed, which `_look` excludes.
            Status::OK => Ok(take(unsafe { FieldsView::trusted(data, count) })),
            other => Err(other),
        }
    }

    /// The parent has no more use for the child. `HC_E_STATE` inside a look at it.
    pub fn close(&self, task: u64, child: u64) -> Status {
        match Look::begin() {
            Ok(_look) => call!(self.table(), close(self.host.pointer(), task, child)),
            Err(status) => status,
        }
    }
}

impl std::fmt::Debug for DispatchRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "hc.dispatch/1 of {:?}", self.host)
    }
}
