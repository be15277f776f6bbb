//! Generates what is derived from the header, and compares it with what is committed.
#![forbid(unsafe_code)]

pub mod inventory;
pub mod python;
pub mod raw;
pub mod roundtrip;
