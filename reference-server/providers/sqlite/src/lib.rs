//! The provider `sqlite`: hc.sql/1 on an embedded database. SQLite is built in; there is no server to be installed, and a file
//! or the memory of the process holds everything.
//!
//! ```toml
//! [resource."db"]
//! kind = "sqlite"
//! url = "sqlite:notes.db"              # or "sqlite::memory:"; %XX in a path is a byte
//! max = 8                              # members: connections to the file
//! config = { busy_timeout_ms = 5000, synchronous = "normal" }
//! ```
//! | key of `config`, or option of the URL (`?mode=ro`) | |
//! | --- | --- |
//! | `mode` | `rwc`: read, write, make the file when it is not there; `rw`; `ro` |
//! | `journal_mode` | `wal` (readers and a writer do not wait for one another), `delete`, `truncate`, `persist`, `memory`, `off` |
//! | `synchronous` | `normal`, `off`, `full`, `extra`; with `wal`, `normal` may lose the last commits when the power fails, and never damages the file |
//! | `foreign_keys` | `true` |
//! | `busy_timeout_ms` | how long a statement waits for its turn to write, or for a lock of another process; 5000 |
//! | `cache_kib` | page cache of each member; SQLite's own default, 2 MiB |
//! | `prepared_statements` | that each member keeps; 64 |
//! | `buffer_bytes` | rows that wait in memory for their reader, for each statement; 256 KiB |
//! | `spill_bytes` | rows that wait in a file beyond that; 1 GiB. Past it the statement ends with `HC_E_LIMIT` |
//! | `spill_directory` | where that file is; where the system has its temporary files |
//!
//! # What a module should know
//! - Placeholders are `$1` to `$n`; `?`, `?1` and `:name` are refused. A column declared `BOOLEAN` or `BOOL` answers truth
//!   values where it holds 0 or 1, other integers are numbers. `"x"` is always a name, never a text. SQLite has no NaN: one is
//!   refused. A text that is not UTF-8 comes as bytes.
//! - Failures have SQLSTATE codes, as those of other databases do.
//! - `HC_SQL_BEGIN` is `BEGIN IMMEDIATE`: the turn to write is had at the begin, so that no transaction fails in its middle
//!   since another one was quicker. A commit that fails, for whatever reason, has rolled back. When SQLite itself rolls a
//!   transaction back (a full disk, an interrupt), what follows is refused until the transaction is ended, so that nothing is
//!   done outside of it by mistake.
//! - A reset rolls back, and opens the connection anew when something has changed its settings, attached a file, or made a
//!   temporary table, view or trigger.
//!
//! # Nobody waits on a thread
//! Each piece of work is a job of the container's pool of threads (hc.offload/1), which is shared with everybody else and may
//! have a single thread. So no job waits for another: with a pool of n threads, n of them that wait for a lock would keep out
//! the job that gives it back.
//!
//! **Writers.** SQLite lets one connection write at a time, and has no queue: others are told `SQLITE_BUSY`, and try again
//! after a while, the lucky first. The members of a resource have a queue (`write_gate`): a job whose statement writes ends
//! at once when it is not its turn, and is begun again when it is, in the order in which they came. What another process has
//! locked is tried again after 1 to 20 ms, by the member. Both end after `busy_timeout_ms` with the code 55P03.
//!
//! **Readers** of a file need no turn. A database in memory is one for all members of the resource, and goes with it. SQLite
//! lets nobody read it while somebody writes, so there every statement takes its turn, and a transaction, also one for
//! reading, has its turn until it ends.
//!
//! **Rows.** A statement cannot be left alone between two jobs: it borrows its connection, and both belong to the thread on
//! which they are used. So one job runs a statement to its end, as fast as the disk allows, and its rows go through a queue
//! (`row_queue`): at most `buffer_bytes` of them wait in memory, and, when their reader is slower than the database, the rest
//! in a file without a name. Memory is bounded however long the answer is; the thread is free as soon as SQLite is done; and
//! the locks and the snapshot of a statement, which would keep the write-ahead log from being shortened, do not last for as
//! long as a slow peer reads. What it costs is space on disk, for answers of more than `buffer_bytes` that are read slowly.
//!
//! **Interrupts.** `sqlite3_interrupt` strikes only what runs at that moment; so there is a flag, too, at which SQLite's
//! machine looks every 1,000 instructions, and every wait in the member with it.
//!
//! # How many members
//! Each is an open connection with a page cache of its own, and works on one thread of the pool at a time: a few more than the
//! threads of the pool are enough. More writers do not write faster; they only wait in the queue instead of at the resource.
//!
//! | file | idea |
//! | --- | --- |
//! | `config` `url` `open` | what the operator wants, and opening it |
//! | `session` `statement` `transact` | one connection, on a thread: statements, transactions, resets |
//! | `placeholders` `alteration` `transaction` `interrupt` `failure` `sqlstate` | what these stand on |
//! | `write_gate` `patience` | waiting |
//! | `row_queue` `row_writer` `chunk` `spill` `forward` | rows, from the thread to the user |
//! | `provider` `connection` | members in a container |
//!
//! Must not know who uses it, nor any container but through the SDK.
#![forbid(unsafe_code)]

mod alteration;
mod chunk;
mod config;
mod connection;
mod failure;
mod forward;
mod interrupt;
mod open;
mod patience;
mod placeholders;
mod provider;
mod row_queue;
mod row_writer;
mod session;
mod spill;
mod sqlstate;
mod statement;
mod transact;
mod transaction;
mod url;
mod write_gate;

pub use config::Config;
pub use provider::Sqlite;

http_container::provider_entry! { id: "org.http-container.sqlite", provider: Sqlite }

#[cfg(test)]
mod tests;
