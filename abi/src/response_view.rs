//! A response as a module handed it over, checked so that it can be read in safe Rust. Must not know what HTTP permits.

use std::slice;

use crate::bytes::FieldsView;
use crate::constants::LENGTH_UNKNOWN;
use crate::host_side::BoundaryRefusal;
use crate::raw::hc_response;

/// The largest options structure that is looked at [version.size.limit].
pub(crate) const STRUCT_BYTES_MAX: usize = 4096;

/// A response head, and for `respond` its body. Lives during the call.
#[derive(Clone, Copy, Debug)]
pub struct ResponseView<'a> {
    /// The status code as the module gave it.
    pub status: u32,
    /// The fields as the module gave them.
    pub fields: FieldsView<'a>,
    /// The body; for `response_start` it must be empty, which the container checks.
    pub body: &'a [u8],
    /// For `response_start`: the length of the body, `None` when it is not known beforehand.
    pub content_length: Option<u64>,
}

impl<'a> ResponseView<'a> {
    /// Reads what a module handed over, as far as `size` goes.
    ///
    /// # Errors
    /// `HC_E_INVALID` for NULL, misaligned, too small or with a view that is NULL and not empty; `HC_E_UNSUPPORTED` when it
    /// is of a later version and uses what this version does not know.
    ///
    /// # Safety
    /// What passes the checks is readable and unchanged during `'a`.
    pub(crate) unsafe fn check(response: *const hc_response) -> Result<ResponseView<'a>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let response: &'a hc_response = unsafe { read_options(response) }?;
        // SAFETY: passed on from the caller.
        let fields = unsafe { FieldsView::check(response.fields, response.field_count) };
        let (Some(fields), true) = (fields, response.body.is_valid()) else {
            return Err(BoundaryRefusal::NULL_VIEW);
        };
        // SAFETY: the view is valid; the caller promises the rest.
        let body = unsafe { response.body.slice() };
        let content_length = (response.content_length != LENGTH_UNKNOWN).then_some(response.content_length);
        Ok(ResponseView { status: response.status, fields, body, content_length })
    }
}

/// Reads an options structure: not NULL, aligned, whole, and with nothing but zeros past what is known here
/// [version.size.options-tail].
///
/// # Safety
/// `pointer` is NULL or points at a structure that begins with its size, readable and unchanged during `'a`.
pub(crate) unsafe fn read_options<'a, T>(pointer: *const T) -> Result<&'a T, BoundaryRefusal> {
    // SAFETY: passed on from the caller.
    let (value, given) = unsafe { read_view(pointer) }?;
    if given > STRUCT_BYTES_MAX {
        return Err(BoundaryRefusal::STRUCT_LARGE);
    }
    // SAFETY: `given` bytes are there, and those past T begin inside the same object.
    let tail =
        unsafe { slice::from_raw_parts(pointer.cast::<u8>().add(size_of::<T>()), given - size_of::<T>()) };
    if tail.iter().any(|&byte| byte != 0) { Err(BoundaryRefusal::TAIL_NOT_ZERO) } else { Ok(value) }
}

/// Reads a view, and its size: not NULL, aligned, whole. What lies beyond what is known here is ignored
/// [version.size.vtable-tail].
///
/// # Safety
/// As [`read_options`].
pub(crate) unsafe fn read_view<'a, T>(pointer: *const T) -> Result<(&'a T, usize), BoundaryRefusal> {
    if pointer.is_null() {
        return Err(BoundaryRefusal::NULL_ARGUMENT);
    }
    if !pointer.is_aligned() {
        return Err(BoundaryRefusal::MISALIGNED);
    }
    // SAFETY: the structure begins with its size, so four bytes are readable.
    let given = unsafe { pointer.cast::<u32>().read() } as usize;
    if given < size_of::<T>() {
        return Err(BoundaryRefusal::STRUCT_SMALL);
    }
    // SAFETY: at least size_of::<T>() bytes are there.
    Ok((unsafe { &*pointer }, given))
}
