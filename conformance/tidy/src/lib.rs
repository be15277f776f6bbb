//! The repository's own rules: checks that read tracked files and give findings. `tests/` holds the repository to them.
//!
//! Each check is a function of texts, so that its own tests can show it a small text that breaks the rule. Nothing here
//! builds or runs the server, and nothing may know `host`, `http1`, `scheduler` or `server` but as texts.
#![forbid(unsafe_code)]

pub mod book;
pub mod call_table;
pub mod code_blocks;
pub mod dependencies;
pub mod edges;
pub mod exceptions;
pub mod finding;
pub mod functions;
pub mod licences;
pub mod links;
pub mod places;
pub mod repository;
pub mod rule_uses;
pub mod rules;
pub mod sources;
pub mod statuses;
pub mod tags;
pub mod traces;
pub mod words;

pub use finding::Finding;
pub use repository::Repository;
