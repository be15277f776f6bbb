//! The extensions for resources as modules written in C call them: what they hand over arrives as it was given, what breaks a
//! rule is refused before the host sees it, and answers are written where the module wants them. These tests play the C
//! module, so they call the vtables themselves.

#[path = "../support/mod.rs"]
mod support;

mod c_module;
mod kv;
mod offload;
mod provider;
mod sql;
