//! hc.dispatch/1, the container's side: the vtable over the safe trait [`DispatchHost`]. Must not know how a child is run.

use crate::bytes::RawFields;
use crate::constants::LENGTH_UNKNOWN;
use crate::host_calls::{bytes, enter_status};
use crate::host_side::{BoundaryRefusal, Host, Read};
use crate::out::{Out, OutStruct, set_fields};
use crate::raw::{hc_bytes, hc_dispatch, hc_dispatch_options, hc_field, hc_host, hc_response, hc_status};
use crate::request_view::RequestView;
use crate::response_view::read_options;
use crate::status::Status;

/// What a module wants a child to do. Lives during the call.
#[derive(Clone, Copy, Debug)]
pub struct DispatchOptionsView<'a> {
    /// Bits of [`dispatch_flag`](crate::constants::dispatch_flag).
    pub flags: u32,
    /// The child's request head; `None`: the parent's own. The module wrote it, so it has passed no check of HTTP.
    pub request: Option<RequestView<'a>>,
    /// The child's whole request body, where the child does not take over the parent's.
    pub body: &'a [u8],
}

/// The response head of a child, in views that the container keeps alive until the child is closed.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead {
    /// The status code.
    pub status: u32,
    /// The fields.
    pub fields: RawFields,
    /// The length of the body, `None` when it is not known.
    pub content_length: Option<u64>,
}

/// A host that offers `hc.dispatch/1`.
pub trait DispatchHost: Host {
    /// Starts a child: the status (`HC_OK` or `HC_PENDING` when there is one) and the child's handle (else 0).
    fn dispatch_open(&self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64);
    /// The child's response head.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn dispatch_head(&self, task: u64, child: u64) -> Result<ResponseHead, Status>;
    /// The next chunk of the child's response body.
    fn dispatch_read(&self, task: u64, child: u64, token: u64) -> Read;
    /// The child's trailers.
    ///
    /// # Errors
    /// What the module is answered in place of `HC_OK`.
    fn dispatch_trailers(&self, task: u64, child: u64) -> Result<RawFields, Status>;
    /// The parent has no more use for the child.
    fn dispatch_close(&self, task: u64, child: u64) -> Status;
}

struct Table<H>(std::marker::PhantomData<H>);

impl<H: DispatchHost> Table<H> {
    const DISPATCH: &'static hc_dispatch = &hc_dispatch {
        size: size_of::<hc_dispatch>() as u32,
        reserved: 0,
        open: Some(open::<H>),
        head: Some(head::<H>),
        read: Some(read::<H>),
        trailers: Some(trailers::<H>),
        close: Some(close::<H>),
    };
}

/// The vtable of `hc.dispatch/1` over `H`: what [`Host::extension`] answers for
/// [`DISPATCH_ID`](crate::constants::DISPATCH_ID).
#[must_use]
pub const fn dispatch_table<H: DispatchHost>() -> &'static hc_dispatch {
    Table::<H>::DISPATCH
}

/// # Safety
/// What passes the checks is readable during `'a`.
unsafe fn options<'a>(
    options: *const hc_dispatch_options,
) -> Result<DispatchOptionsView<'a>, BoundaryRefusal> {
    // SAFETY: passed on from the caller.
    let options: &'a hc_dispatch_options = unsafe { read_options(options) }?;
    let request = match options.request.is_null() {
        true => None,
        // SAFETY: passed on from the caller.
        false => Some(unsafe { RequestView::check(options.request) }?),
    };
    // SAFETY: passed on from the caller.
    let body = unsafe { bytes(options.body) }?;
    Ok(DispatchOptionsView { flags: options.flags, request, body })
}

/// # Safety
/// The host pointer is this host's, and the arguments are what the header says.
unsafe extern "C" fn open<H: DispatchHost>(
    pointer: *const hc_host,
    task: u64,
    token: u64,
    wish: *const hc_dispatch_options,
    child: *mut u64,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: an out parameter and options of the module's, alive during the call.
        let (child, wish) = unsafe { (Out::new(child)?, options(wish)?) };
        let (status, handle) = host.dispatch_open(task, token, &wish);
        if !status.is_error() {
            child.set(handle);
        }
        Ok(status)
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.dispatch/1 open", body) }
}

/// # Safety
/// The host pointer is this host's; `answer` is a response whose size is set.
unsafe extern "C" fn head<H: DispatchHost>(
    pointer: *const hc_host,
    task: u64,
    child: u64,
    answer: *mut hc_response,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: a structure of the module's, alive during the call.
        let answer = unsafe { OutStruct::new(answer) }?;
        let head = host.dispatch_head(task, child).map(|head| hc_response {
            size: size_of::<hc_response>() as u32,
            status: head.status,
            fields: head.fields.data,
            field_count: head.fields.count,
            body: hc_bytes::NONE,
            content_length: head.content_length.unwrap_or(LENGTH_UNKNOWN),
        });
        Ok(answer.set_answer(head))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.dispatch/1 head", body) }
}

/// # Safety
/// The host pointer is this host's; `chunk` may be written.
unsafe extern "C" fn read<H: DispatchHost>(
    pointer: *const hc_host,
    task: u64,
    child: u64,
    token: u64,
    chunk: *mut hc_bytes,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: an out parameter of the module's, alive during the call.
        let chunk = unsafe { Out::new(chunk) }?;
        Ok(chunk.set_read(host.dispatch_read(task, child, token)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.dispatch/1 read", body) }
}

/// # Safety
/// The host pointer is this host's; `data` and `count` may be written.
unsafe extern "C" fn trailers<H: DispatchHost>(
    pointer: *const hc_host,
    task: u64,
    child: u64,
    data: *mut *const hc_field,
    count: *mut usize,
) -> hc_status {
    let body = |host: &H| {
        // SAFETY: out parameters of the module's, alive during the call.
        let (data, count) = unsafe { (Out::new(data)?, Out::new(count)?) };
        Ok(set_fields(data, count, host.dispatch_trailers(task, child)))
    };
    // SAFETY: the module keeps to the header.
    unsafe { enter_status(pointer, task, "hc.dispatch/1 trailers", body) }
}

/// # Safety
/// The host pointer is this host's.
unsafe extern "C" fn close<H: DispatchHost>(pointer: *const hc_host, task: u64, child: u64) -> hc_status {
    // SAFETY: the module keeps to the header.
    unsafe {
        enter_status(pointer, task, "hc.dispatch/1 close", |host: &H| Ok(host.dispatch_close(task, child)))
    }
}
