//! Shared resources through the real boundary: scripted users, scripted members, one or two workers, time that a test moves.

#[path = "../support/mod.rs"]
mod support;

mod acquiring;
mod finding;
mod interrupts;
mod losses;
mod members;
mod members_calls;
mod objects;
mod operations;
mod order;
mod permits;
mod providers;
mod reach;
mod rooms;
mod statements;
mod stopping;
mod stores;
mod using;
