//! Write HTTP Container modules in async Rust.
