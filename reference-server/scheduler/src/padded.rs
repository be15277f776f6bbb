//! A value alone on its cache lines, so that workers do not slow each other down by neighbourhood.
//! It must not know what it holds.

use std::ops::Deref;

/// 128 bytes: two 64-byte lines, because the adjacent-line prefetcher of x86-64 fetches pairs, and
/// the line of several 64-bit ARM cores is that long.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
