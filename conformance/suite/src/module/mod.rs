//! Cases about modules, driven by an adversarial host. Must not know any module.

use crate::case::Case;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    Vec::new()
}
