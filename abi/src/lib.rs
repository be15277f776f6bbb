//! The HTTP Container ABI in Rust: the only crate in which the C boundary is crossed.
