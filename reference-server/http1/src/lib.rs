//! Sans-IO HTTP/1.1, the server's side: bytes in, events out; responses in, bytes out.
//!
//! There is no socket, no clock and no buffer here. [`Connection`] is the whole of one connection's state;
//! the crate's README shows the loop that drives it and lists the choices made where the RFCs leave freedom.
#![forbid(unsafe_code)]

mod chunked;
mod connection;
mod encode;
mod event;
mod framing;
mod grammar;
mod head;
mod head_parser;
mod limits;
mod lines;
mod misuse;
mod refusal;
mod request_line;
mod response;
mod span;
pub mod state;
mod status;
mod target;
mod words;

pub use connection::Connection;
pub use event::{CloseReason, Event, NextCycle, Outstanding, Received};
pub use head::{Head, RequestBody, TargetForm, Version};
pub use limits::{Limits, MAXIMUM_FIELD_COUNT};
pub use misuse::Misuse;
pub use refusal::{Refusal, Rule};
pub use response::{Date, Frame, Length, Outcome};
pub use span::{Field, FieldTable, Span, copy_head_lowercased};
pub use status::reason;

/// The loop of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
