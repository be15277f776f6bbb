//! Cases about containers, driven by an adapter, with probe modules inside. Must not know any container.

use crate::case::Case;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    Vec::new()
}
