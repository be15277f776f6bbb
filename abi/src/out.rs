//! Out parameters of a module's: refused when they cannot be written, and written once. Must not know what an answer means.

use crate::bytes::RawFields;
use crate::host_side::{BoundaryRefusal, Read};
use crate::raw::{hc_bytes, hc_field};
use crate::response_view::STRUCT_BYTES_MAX;
use crate::status::Status;

/// An out parameter of the module's: refused when NULL or misaligned, written with no read of what was there.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is NULL or may be written during the call.
    pub(crate) unsafe fn new(pointer: *mut T) -> Result<Out<T>, BoundaryRefusal> {
        if pointer.is_null() {
            Err(BoundaryRefusal::NULL_ARGUMENT)
        } else if !pointer.is_aligned() {
            Err(BoundaryRefusal::MISALIGNED)
        } else {
            Ok(Out(pointer))
        }
    }

    /// As [`new`](Self::new), where NULL means that the module does not want the answer.
    ///
    /// # Safety
    /// As [`new`](Self::new).
    pub(crate) unsafe fn optional(pointer: *mut T) -> Result<Option<Out<T>>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        if pointer.is_null() { Ok(None) } else { unsafe { Out::new(pointer) }.map(Some) }
    }

    /// Writes the answer.
    pub(crate) fn set(self, value: T) {
        // SAFETY: `new` checked NULL and alignment, and its caller promised that the place may be written.
        unsafe { self.0.write(value) }
    }

    /// Writes the answer, if there is one: a call that is refused writes nothing [host.call.refused-no-effect].
    pub(crate) fn set_answer(self, answer: Result<T, Status>) -> Status {
        match answer {
            Ok(value) => {
                self.set(value);
                Status::OK
            }
            Err(status) => status,
        }
    }
}

impl Out<hc_bytes> {
    /// Writes the chunk of a read; an empty view when the read went well and there is none.
    pub(crate) fn set_read(self, read: Read) -> Status {
        if !read.status.is_error() {
            self.set(if read.status == Status::OK { read.chunk } else { hc_bytes::NONE });
        }
        read.status
    }
}

/// Writes where fields are and how many, if there is an answer.
pub(crate) fn set_fields(
    data: Out<*const hc_field>,
    count: Out<usize>,
    answer: Result<RawFields, Status>,
) -> Status {
    if let Ok(found) = answer {
        count.set(found.count);
    }
    data.set_answer(answer.map(|found| found.data))
}

/// An out structure that grows: the module says in its first member how large it is [version.size.output].
pub(crate) struct OutStruct<T> {
    place: *mut T,
    size: u32,
}

impl<T> OutStruct<T> {
    /// Reads the size that the module set, and nothing else.
    ///
    /// # Safety
    /// `pointer` is NULL or points at a structure whose first member, a `uint32_t`, is its size in bytes; all of it may be
    /// written during the call. `T` begins with that member.
    pub(crate) unsafe fn new(pointer: *mut T) -> Result<OutStruct<T>, BoundaryRefusal> {
        // SAFETY: passed on from the caller.
        let Out(place) = unsafe { Out::new(pointer) }?;
        // SAFETY: not NULL and aligned, and the caller promises that the size is set.
        let size = unsafe { place.cast::<u32>().read() };
        if (size as usize) < size_of::<T>() {
            Err(BoundaryRefusal::STRUCT_SMALL)
        } else if size as usize > STRUCT_BYTES_MAX {
            Err(BoundaryRefusal::STRUCT_LARGE)
        } else {
            Ok(OutStruct { place, size })
        }
    }

    /// Writes the members of this version, and zeros for those of later ones; the size stays as the module set it.
    pub(crate) fn set(self, value: T) {
        // SAFETY: `new` found at least size_of::<T>() bytes, and its caller promised that all of them may be written.
        unsafe {
            self.place.cast::<u8>().add(size_of::<T>()).write_bytes(0, self.size as usize - size_of::<T>());
            self.place.write(value);
            self.place.cast::<u32>().write(self.size);
        }
    }

    /// Writes the answer, if there is one.
    pub(crate) fn set_answer(self, answer: Result<T, Status>) -> Status {
        match answer {
            Ok(value) => {
                self.set(value);
                Status::OK
            }
            Err(status) => status,
        }
    }
}
