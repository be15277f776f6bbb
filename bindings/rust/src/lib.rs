//! Modules in async Rust over the ABI. Must not know any container but through the ABI.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adapter;
mod app;
mod background;
mod body;
mod channel;
mod chunks;
mod completion;
mod config;
mod context;
mod ctx;
mod dispatch;
mod drive;
mod error;
mod facts;
mod fields;
mod gate;
mod handover;
mod hosts;
mod instance;
pub mod kv;
pub mod limit;
pub mod log;
mod module;
mod named;
mod names;
#[cfg(feature = "net")]
pub mod net;
mod notice;
mod offload;
mod operation;
pub mod pool;
#[cfg(feature = "provider")]
pub mod provider;
mod reply;
mod request;
mod resource;
mod slots;
pub mod sql;
mod streamed;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod turn;
mod wake;
mod writer;

pub use adapter::{Adapter, Worker};
pub use app::{App, IntoResponse, Setup, State};
pub use background::{JoinError, JoinHandle, Spawner, spawn};
pub use body::{Body, IntoBody};
pub use bytes::Bytes;
pub use channel::{Closed, Sender, TrySend};
pub use completion::{Abandoned, Completer, Completion, completion};
pub use config::NoConfig;
pub use ctx::{Ctx, Limit, ctx};
pub use dispatch::{dispatch, dispatch_route};
pub use error::{BodyError, Error};
pub use facts::{Address, Tls};
pub use http::{self, HeaderMap, Method, Request, Response, StatusCode};
pub use http_body::Body as HttpBody;
/// The ABI underneath, for what this crate does not cover.
pub use http_container_abi as abi;
pub use http_container_abi::Status;
pub use notice::{Notice, Notices, cancelled, notices};
pub use offload::{Offload, offload};
#[cfg(feature = "provider")]
pub use provider::Provider;
pub use resource::{Acquire, Lease, LeaseEnd, Resource, acquire};
pub use timer::{Elapsed, Sleep, sleep, timeout, yield_now};
pub use writer::Writer;
