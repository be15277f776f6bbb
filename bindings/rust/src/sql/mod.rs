//! Databases over hc.sql/1: leases on connections, statements, typed rows, transactions. Must not know which database it
//! is.
//!
//! ```
//! use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, params, sql::Database};
//!
//! struct Notes { database: Database }
//!
//! impl App for Notes {
//!     type Config = NoConfig;
//!     type Worker = ();
//!
//!     fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
//!         Ok(Self { database: setup.sql("notes")? })
//!     }
//!
//!     fn worker(&self, _: u32) -> Result<(), Error> {
//!         Ok(())
//!     }
//!
//!     async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
//!         let id: i64 = request.uri().path()[1..].parse()?;
//!         let mut sql = state.database.acquire().await?;
//!         let note = sql.query_one("SELECT text FROM notes WHERE id = $1", params![id]).await?;
//!         Ok(Response::new(note.get::<String>("text")?.into()))
//!     }
//! }
//! ```
//!
//! # Clean, dirty, poisoned
//!
//! A [`Sql`] runs one statement at a time, which `&mut` sees to. When it is dropped with nothing under way, its connection is
//! given back clean. In the middle of a statement, of its rows or of a transaction, the connection is dirty: the container
//! interrupts what is under way, and makes the connection like a fresh one before somebody else has it.
//!
//! Dropping the future of a statement before it is done (a `timeout`, a `select`, a request that is cancelled) withdraws the
//! statement: the database is told to stop, and the lease is poisoned \[lease.poison\]. Further statements on it fail with
//! `E_STATE`; acquire a new one. Dropping the future of [`Rows::next`] loses nothing: ask again. Dropping [`Rows`] early lets
//! the next statement read what is left first, so drop the [`Sql`] as well where that may be much.
//!
//! What a statement changes in the session (`SET`, a temporary table) is not seen from here: say
//! [`set_dirty`](Sql::set_dirty).

mod database;
mod error;
mod row;
mod rows;
mod session;
mod transaction;
mod value;

pub use database::Database;
pub use error::SqlError;
pub use http_container_abi::SqlValue;
pub use row::{ColumnIndex, Row};
pub use rows::Rows;
pub use session::Sql;
pub use transaction::Transaction;
pub use value::{FromValue, Mismatch, ToValue};
