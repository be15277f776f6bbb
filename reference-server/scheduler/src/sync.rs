//! The atomics that the park and close protocols, and what they make visible, are written against: the standard ones, or loom's
//! when the crate's own tests are built under `--cfg loom`.
//!
//! It must not grow: only what `parking`, `gate` and `lane` use is named here, so everything that is named
//! here is model-checked.

#[cfg(all(loom, test))]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    thread::yield_now,
};
#[cfg(not(all(loom, test)))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    thread::yield_now,
};
