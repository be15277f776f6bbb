//! Owned fields in the layout of the boundary: trailers, and the response heads of children. Reusable. Must not know what
//! HTTP permits in a field.

use crate::bytes::{Field, FieldsView, RawFields};
use crate::raw::{hc_bytes, hc_field};

/// Fields with their bytes. Fill it with [`push`](Self::push), then [`seal`](Self::seal); until then it shows none.
#[derive(Default)]
pub struct FieldStorage {
    text: Vec<u8>,
    ends: Vec<(usize, usize)>,
    fields: Vec<hc_field>,
}

// SAFETY: the pointers in `fields` point into `text`, which moves with it (the heap block stays where it is).
unsafe impl Send for FieldStorage {}
// SAFETY: a shared FieldStorage is only read.
unsafe impl Sync for FieldStorage {}

impl FieldStorage {
    /// Room for nothing yet.
    #[must_use]
    pub const fn new() -> FieldStorage {
        FieldStorage { text: Vec::new(), ends: Vec::new(), fields: Vec::new() }
    }

    /// Forgets the fields and keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.ends.clear();
        self.text.clear();
    }

    /// Copies a field; the storage is unsealed by it.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.fields.clear();
        self.text.extend_from_slice(name);
        let name_end = self.text.len();
        self.text.extend_from_slice(value);
        self.ends.push((name_end, self.text.len()));
    }

    /// Makes the fields visible, at addresses that hold until the next change.
    pub fn seal(&mut self) {
        self.fields.clear();
        let text = &self.text;
        let mut start = 0;
        self.fields.extend(self.ends.iter().map(|&(name_end, value_end)| {
            let field = hc_field {
                name: hc_bytes::of(&text[start..name_end]),
                value: hc_bytes::of(&text[name_end..value_end]),
            };
            start = value_end;
            field
        }));
    }

    /// Replaces all by a copy of `fields`, sealed.
    pub fn copy_from(&mut self, fields: FieldsView<'_>) {
        self.clear();
        for (name, value) in fields {
            self.push(name, value);
        }
        self.seal();
    }

    /// The fields, once sealed.
    #[must_use]
    pub fn view(&self) -> FieldsView<'_> {
        // SAFETY: `seal` made every field from `text`, and neither changes while `self` is borrowed.
        let fields: &[Field<'_>] =
            unsafe { std::slice::from_raw_parts(self.fields.as_ptr().cast(), self.fields.len()) };
        FieldsView::new(fields)
    }

    /// The fields as they are handed to a module, which may read them until this storage changes.
    #[must_use]
    pub fn raw(&self) -> RawFields {
        self.view().raw()
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.text.capacity()
            + self.ends.capacity() * size_of::<(usize, usize)>()
            + self.fields.capacity() * size_of::<hc_field>()
    }
}

impl std::fmt::Debug for FieldStorage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view().fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(pairs: Vec<(Vec<u8>, Vec<u8>)>, again: Vec<(Vec<u8>, Vec<u8>)>) {
            let mut storage = FieldStorage::new();
            for pairs in [&pairs, &again] {
                storage.clear();
                prop_assert!(storage.view().is_empty());
                for (name, value) in pairs {
                    storage.push(name, value);
                    prop_assert!(storage.view().is_empty(), "unsealed fields show");
                }
                storage.seal();
                let moved = std::mem::take(&mut storage);
                let found: Vec<_> = moved.view().iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
                prop_assert_eq!(&found, pairs);
                storage.copy_from(moved.view());
                prop_assert_eq!(storage.raw().len(), pairs.len());
            }
        }
    }
}
