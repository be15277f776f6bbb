//! Modules that make the members of a resource, over hc.provider/1: connections to a database, sessions, permits. A provider
//! never sees who uses its members. Must not know any kind of resource.

mod adapter;
mod entry;
mod member;
mod outcome;
mod request;

use std::future::Future;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use adapter::ProviderAdapter;
pub use http_container_abi::{Opaque, SqlValue};
pub use member::{Member, Race, Taken};
pub use outcome::{Outcome, Reply};
pub use request::{KvRequest, Request, Statement, TransactionKind};

use crate::app::Setup;
use crate::error::Error;
pub use crate::kv::{Condition, Lifetime};

/// A module that makes the members of one resource: one value per resource, made from the operator's configuration, shared
/// by all workers.
///
/// ```
/// use std::sync::Arc;
/// use http_container::provider::{Member, Outcome, Provider, Request, SqlValue};
/// use http_container::{Error, Setup};
///
/// #[derive(serde::Deserialize)]
/// struct Config { url: String }
/// struct Answers { url: String }
///
/// impl Provider for Answers {
///     const INTERFACE: &'static str = "hc.sql/1";
///     type Config = Config;
///
///     fn create(config: Config, _: &Setup) -> Result<Self, Error> {
///         Ok(Self { url: config.url })
///     }
///
///     async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
///         // Here a connection is made: net::TcpStream::connect(..).await?
///         member.ready()?;
///         loop {
///             match member.next().await {
///                 Request::Statement(_) => {
///                     member.columns(&["answer"])?;
///                     member.rows(&[SqlValue::Int64(42)]).await?;
///                     member.done(Outcome::ok().affected(1));
///                 }
///                 Request::Close => return Ok(()),
///                 _ => member.done(Outcome::ok()),
///             }
///         }
///     }
/// }
///
/// http_container::provider! { id: "org.example.answers", provider: Answers }
/// ```
pub trait Provider: Send + Sync + Sized + 'static {
    /// The interface of the members: `"hc.sql/1"`, `"hc.kv/1"`, `"hc.pool/1"`, `"hc.limit/1"`.
    const INTERFACE: &'static str;
    /// What the operator may configure: `{ "url": ..., }` and the table `config` of the resource.
    type Config: DeserializeOwned;

    /// Makes the provider. It connects to nothing: members do. An error refuses the instance, and is logged.
    ///
    /// # Errors
    /// Why there can be no members with this configuration.
    fn create(config: Self::Config, setup: &Setup) -> Result<Self, Error>;

    /// The life of one member: connects, says [`ready`](Member::ready), does one request after another, and ends with
    /// [`Request::Close`]. It is a task of its own, which stays on its worker; the future is dropped when the container
    /// cancels it. Sockets, timers and [`spawn`](crate::spawn) work in it as in every task.
    ///
    /// An error says that the member could not be opened, or is lost: the container tells its message to the operator, and
    /// to those who are refused.
    ///
    /// # Errors
    /// Why it could not be opened, or was lost.
    fn member(self: Arc<Self>, member: Member) -> impl Future<Output = Result<(), Error>> + 'static;
}
