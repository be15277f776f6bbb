//! Per-worker queues, stealing and parking for event-loop workers that sleep in their own poll.
//!
//! A worker's poll brings fresh items; the worker runs them itself, oldest first. A worker that has
//! run dry takes from the other end of another's queue, when that pays. The crate starts no thread,
//! makes no system call and reads no clock; how a worker sleeps and is interrupted is the caller's
//! ([`Unpark`]). It must not know HTTP, sockets, modules, or what an item means.
//!
//! | file | idea |
//! | --- | --- |
//! | `lane` | one worker's deque and inbox, and why nothing starves |
//! | `policy` | when another core is worth involving |
//! | `parking` | sleeping and waking without a lost wake-up; model-checked |
//! | `gate` | nothing comes in after the close; model-checked |
//! | `queues`, `sync`, `padded` | what these stand on, real or modelled |
//! | `worker`, `scheduler` | the owner's side and everybody's side |
//! | `counters` | what each worker has done |
#![forbid(unsafe_code)]

mod counters;
mod gate;
mod lane;
mod padded;
mod parking;
mod policy;
mod queues;
mod scheduler;
mod sync;
mod worker;

pub use counters::{SharedCounters, WorkerCounters};
pub use policy::Policy;
pub use scheduler::{Config, Distribution, RejectReason, Rejected, Scheduler, Unpark};
pub use worker::{Park, Worker};
