//! Views of bytes and fields as they cross the boundary, and how foreign ones are checked. Must not know whose they are.

use std::marker::PhantomData;
use std::{ptr, slice};

use crate::raw::{hc_bytes, hc_field};

impl hc_bytes {
    /// No bytes, and no pointer.
    pub const NONE: hc_bytes = hc_bytes { data: ptr::null(), size: 0 };

    /// A view of `bytes`. It carries no lifetime: whoever hands it over keeps the bytes alive for as long as the header says.
    #[must_use]
    pub const fn of(bytes: &[u8]) -> hc_bytes {
        hc_bytes { data: bytes.as_ptr().cast(), size: bytes.len() }
    }

    /// Whether a slice may be made from it: a pointer unless it is empty, and a size that an object can have.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.size == 0 || (!self.data.is_null() && self.size <= isize::MAX as usize)
    }

    /// The bytes.
    ///
    /// # Safety
    /// [`is_valid`](Self::is_valid) holds, and the `size` bytes at `data` stay readable and unchanged during `'a`.
    #[must_use]
    pub(crate) unsafe fn slice<'a>(self) -> &'a [u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: the caller promises `size` readable bytes; the pointer is not NULL since `is_valid` holds.
        unsafe { slice::from_raw_parts(self.data.cast(), self.size) }
    }
}

/// One header or trailer field in the layout of the boundary (`hc_field`), borrowing its name and value. A slice of these
/// crosses with no copy.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Field<'a> {
    raw: hc_field,
    life: PhantomData<&'a [u8]>,
}

// SAFETY: a Field is two shared slices of bytes, which may be sent and shared.
unsafe impl Send for Field<'_> {}
// SAFETY: as above.
unsafe impl Sync for Field<'_> {}

impl<'a> Field<'a> {
    /// A field of that name and value.
    #[must_use]
    pub const fn new(name: &'a [u8], value: &'a [u8]) -> Field<'a> {
        Field { raw: hc_field { name: hc_bytes::of(name), value: hc_bytes::of(value) }, life: PhantomData }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        // SAFETY: a Field is made from slices that live for 'a (`new`), or from checked foreign ones (`FieldsView`).
        unsafe { self.raw.name.slice() }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        // SAFETY: as for the name.
        unsafe { self.raw.value.slice() }
    }
}

impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.name().escape_ascii(), self.value().escape_ascii())
    }
}

/// Header or trailer fields, in their order. Iterates over `(name, value)`.
#[derive(Clone, Copy, Default)]
pub struct FieldsView<'a> {
    fields: &'a [Field<'a>],
}

impl<'a> FieldsView<'a> {
    /// A view of fields of one's own.
    #[must_use]
    pub const fn new(fields: &'a [Field<'a>]) -> FieldsView<'a> {
        FieldsView { fields }
    }

    /// Checks fields from the other side: no NULL with a size, no size that no object has.
    ///
    /// # Safety
    /// Every view that passes the checks is readable and unchanged during `'a`.
    pub(crate) unsafe fn check(data: *const hc_field, count: usize) -> Option<FieldsView<'a>> {
        if count == 0 {
            return Some(FieldsView { fields: &[] });
        }
        if data.is_null() || !data.is_aligned() || count > isize::MAX as usize / size_of::<hc_field>() {
            return None;
        }
        // SAFETY: the pointer is aligned and not NULL, and the caller promises `count` readable fields. Field is a
        // transparent wrapper of hc_field.
        let fields: &'a [Field<'a>] = unsafe { slice::from_raw_parts(data.cast(), count) };
        fields
            .iter()
            .all(|field| field.raw.name.is_valid() && field.raw.value.is_valid())
            .then_some(FieldsView { fields })
    }

    /// Fields that the container vouches for; none when the pointer is NULL.
    ///
    /// # Safety
    /// `data` is NULL or points at `count` fields whose views are readable and unchanged during `'a`.
    pub(crate) unsafe fn trusted(data: *const hc_field, count: usize) -> FieldsView<'a> {
        if data.is_null() || count == 0 {
            return FieldsView { fields: &[] };
        }
        // SAFETY: the caller promises `count` readable fields; Field is a transparent wrapper of hc_field.
        FieldsView { fields: unsafe { slice::from_raw_parts(data.cast(), count) } }
    }

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields as a slice.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [Field<'a>] {
        self.fields
    }

    /// Name and value of each field, in order.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + DoubleEndedIterator + Clone + use<'a> {
        self.fields.iter().map(|field| (field.name(), field.value()))
    }

    /// The value of the first field of that name, compared without case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The fields as they cross the boundary; the pointer may dangle when there is none.
    pub(crate) const fn raw(&self) -> RawFields {
        RawFields { data: self.fields.as_ptr().cast(), count: self.fields.len() }
    }
}

impl<'a> IntoIterator for FieldsView<'a> {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = std::iter::Map<slice::Iter<'a, Field<'a>>, fn(&'a Field<'a>) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.iter().map(|field| (field.name(), field.value()))
    }
}

impl std::fmt::Debug for FieldsView<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.fields).finish()
    }
}

/// Fields that a container hands to a module: where they are and how many. Carries no lifetime: the container keeps them
/// alive for as long as the header says. Made by [`FieldStorage::raw`](crate::FieldStorage::raw).
#[derive(Clone, Copy, Debug)]
pub struct RawFields {
    pub(crate) data: *const hc_field,
    pub(crate) count: usize,
}

impl RawFields {
    /// No fields.
    pub const NONE: RawFields = RawFields { data: ptr::null(), count: 0 };

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
