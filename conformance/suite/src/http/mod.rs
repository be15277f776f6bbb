//! Cases about HTTP/1.1 on the wire, by URL alone. Must not know what serves.

use crate::case::Case;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    Vec::new()
}
