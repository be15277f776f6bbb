//! Names of columns as they cross the boundary: checked when they come from a provider, stored for the user. Must not know
//! what the columns hold.

use std::marker::PhantomData;
use std::{fmt, ptr, slice};

use crate::host_side::BoundaryRefusal;
use crate::raw::hc_bytes;

/// Names, in their order. Iterates over their bytes.
#[derive(Clone, Copy, Default)]
pub struct NamesView<'a> {
    raw: &'a [hc_bytes],
    life: PhantomData<&'a [u8]>,
}

// SAFETY: names are shared slices of bytes, which may be sent and shared.
unsafe impl Send for NamesView<'_> {}
// SAFETY: as above.
unsafe impl Sync for NamesView<'_> {}

impl<'a> NamesView<'a> {
    /// Checks names from the other side: no NULL with a size, no size that no object has.
    ///
    /// # Safety
    /// Every view that passes the checks is readable and unchanged during `'a`.
    pub(crate) unsafe fn check(
        data: *const hc_bytes,
        count: usize,
    ) -> Result<NamesView<'a>, BoundaryRefusal> {
        if count == 0 {
            return Ok(NamesView::default());
        }
        if data.is_null() || count > isize::MAX as usize / size_of::<hc_bytes>() {
            return Err(BoundaryRefusal::NULL_VIEW);
        }
        if !data.is_aligned() {
            return Err(BoundaryRefusal::MISALIGNED);
        }
        // SAFETY: not NULL and aligned, and the caller promises `count` readable views.
        let raw = unsafe { slice::from_raw_parts(data, count) };
        if !raw.iter().all(hc_bytes::is_valid) {
            return Err(BoundaryRefusal::NULL_VIEW);
        }
        Ok(NamesView { raw, life: PhantomData })
    }

    /// Names that the other side vouches for, or a storage of this crate; none when the pointer is NULL.
    ///
    /// # Safety
    /// `data` is NULL or points at `count` valid views, readable and unchanged during `'a`.
    pub(crate) unsafe fn trusted(data: *const hc_bytes, count: usize) -> NamesView<'a> {
        if data.is_null() || count == 0 {
            return NamesView::default();
        }
        // SAFETY: the caller promises `count` readable views.
        NamesView { raw: unsafe { slice::from_raw_parts(data, count) }, life: PhantomData }
    }

    /// How many names there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Each name, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        // SAFETY: whoever made this view promised that the names are readable during 'a.
        self.raw.iter().map(|name| unsafe { name.slice() })
    }
}

impl fmt::Debug for NamesView<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter().map(String::from_utf8_lossy)).finish()
    }
}

/// Names that a container hands to a module: where they are and how many. Carries no lifetime: the container keeps them
/// alive for as long as the header says. Made by [`NamesStorage::raw`].
#[derive(Clone, Copy, Debug)]
pub struct RawNames {
    pub(crate) data: *const hc_bytes,
    pub(crate) count: usize,
}

impl RawNames {
    /// No names.
    pub const NONE: RawNames = RawNames { data: ptr::null(), count: 0 };

    /// How many names there are.
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

/// Copied names, in the layout of the boundary. Reusable.
#[derive(Default)]
pub struct NamesStorage {
    text: Vec<u8>,
    names: Vec<hc_bytes>,
}

// SAFETY: the pointers in `names` point into `text`, which moves with it (the heap block stays where it is).
unsafe impl Send for NamesStorage {}
// SAFETY: a shared NamesStorage is only read.
unsafe impl Sync for NamesStorage {}

impl NamesStorage {
    /// Room for nothing yet.
    #[must_use]
    pub const fn new() -> NamesStorage {
        NamesStorage { text: Vec::new(), names: Vec::new() }
    }

    /// Forgets the names and keeps the memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.text.clear();
    }

    /// Replaces all by a copy of `names`.
    pub fn copy_from(&mut self, names: NamesView<'_>) {
        self.copy_names(names.iter());
    }

    /// Replaces all by a copy of `names`.
    pub fn copy_names<'n>(&mut self, names: impl Iterator<Item = &'n [u8]> + Clone) {
        self.clear();
        names.clone().for_each(|name| self.text.extend_from_slice(name));
        let text = &self.text;
        let mut start = 0;
        self.names.extend(names.map(|name| {
            let end = start + name.len();
            let view = hc_bytes::of(&text[start..end]);
            start = end;
            view
        }));
    }

    /// How many names there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names.
    #[must_use]
    pub fn view(&self) -> NamesView<'_> {
        // SAFETY: every view was made from `text`, and neither changes while `self` is borrowed.
        unsafe { NamesView::trusted(self.names.as_ptr(), self.names.len()) }
    }

    /// The names as they are handed to a module, which may read them until this storage changes.
    #[must_use]
    pub const fn raw(&self) -> RawNames {
        if self.names.is_empty() {
            return RawNames::NONE;
        }
        RawNames { data: self.names.as_ptr(), count: self.names.len() }
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.text.capacity() + self.names.capacity() * size_of::<hc_bytes>()
    }
}

impl fmt::Debug for NamesStorage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(names: Vec<Vec<u8>>, again: Vec<Vec<u8>>) {
            let mut storage = NamesStorage::new();
            for names in [&names, &again] {
                storage.copy_names(names.iter().map(Vec::as_slice));
                let mut copy = NamesStorage::new();
                copy.copy_from(std::mem::take(&mut storage).view());
                let found: Vec<_> = copy.view().iter().map(<[u8]>::to_vec).collect();
                prop_assert_eq!(&found, names);
                prop_assert_eq!((copy.len(), copy.raw().len(), copy.raw().is_empty()), (names.len(), names.len(), names.is_empty()));
                storage = copy;
            }
            storage.clear();
            prop_assert!(storage.is_empty() && storage.view().is_empty());
        }
    }
}
