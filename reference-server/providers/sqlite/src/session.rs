//! One connection, and what is done with it, on a thread of the pool. Nothing here waits for others: who would have to is told
//! so, and comes back. Must not know members, nor the container.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::alteration::Alteration;
use crate::failure::{Failure, Kind};
use crate::interrupt::Interrupt;
use crate::open::Database;
use crate::transaction::Transaction;
use crate::write_gate::{Turn, WriteGate};

/// A connection and where it stands.
pub(crate) struct Session {
    database: Arc<Database>,
    pub(crate) connection: Connection,
    pub(crate) interrupt: Interrupt,
    pub(crate) alteration: Alteration,
    pub(crate) transaction: Transaction,
    /// The turn to write: for a statement, or until the end of a transaction.
    pub(crate) turn: Turn,
    file: Option<FileId>,
}

/// Why something was not done.
#[derive(PartialEq, Debug)]
pub(crate) enum Stop {
    /// It failed.
    Failed(Failure),
    /// It is somebody else's turn. Nothing was done: wait for the permit, and come back with it.
    Turn,
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Session {
    /// Opens a connection.
    pub(crate) fn open(
        database: &Arc<Database>,
        gate: &Arc<WriteGate>,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let mut alteration = Alteration::default();
        let (connection, file) = connect(database, &mut alteration, interrupt)?;
        Ok(Self {
            database: Arc::clone(database),
            connection,
            interrupt: interrupt.clone(),
            alteration,
            transaction: Transaction::None,
            turn: Turn::new(gate),
            file,
        })
    }

    /// Whether something may be run that reads, or that writes. Who reads a file needs no turn. In memory, SQLite lets nobody
    /// read while somebody writes, and has no queue for that either: so there all take turns.
    pub(crate) fn may_run(&mut self, writes: bool) -> Result<(), Stop> {
        let needs_turn = writes || self.database.is_in_memory();
        if needs_turn && !self.turn.has_come() { Err(Stop::Turn) } else { Ok(()) }
    }

    /// Notes where the connection stands when something was run.
    pub(crate) fn settle<T>(&mut self, result: Result<T, Stop>) -> Result<T, Stop> {
        let is_open = !self.connection.is_autocommit();
        self.transaction = self.transaction.after(result.is_err(), is_open);
        self.leave();
        result
    }

    /// Ends its turn, unless a transaction needs it.
    pub(crate) fn leave(&mut self) {
        if self.connection.is_autocommit() {
            self.turn.end();
        }
    }

    /// Whether the next holder could tell it from a fresh one.
    pub(crate) fn is_dirty(&self) -> bool {
        self.transaction != Transaction::None || self.alteration.is_altered()
    }

    /// Runs a statement that has no values and answers no rows.
    pub(crate) fn run(&self, text: &str) -> Result<(), Failure> {
        Ok(self.connection.prepare_cached(text)?.execute([]).map(|_| ())?)
    }

    /// Rolls back, if there is anything to be rolled back.
    pub(crate) fn roll_back(&mut self) -> Result<(), Failure> {
        if !self.connection.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        self.transaction = Transaction::None;
        self.turn.end();
        Ok(())
    }

    /// Makes it like a fresh one. \[provider.reset\]
    pub(crate) fn reset(&mut self) -> Result<(), Failure> {
        self.roll_back()?;
        if self.alteration.is_altered() {
            (self.connection, self.file) = connect(&self.database, &mut self.alteration, &self.interrupt)?;
        }
        Ok(())
    }

    /// Finds out whether the database can be read, and is still the one at its path. \[provider.check\]
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        if self.database.is_in_memory() {
            return Ok(());
        }
        let read = "SELECT count(*) FROM sqlite_schema";
        self.connection.prepare_cached(read)?.query_row([], |_| Ok(()))?;
        let now = self.database.file().and_then(FileId::of);
        if now == self.file {
            return Ok(());
        }
        let message = format!("{}: another file is at its place now", self.database.options().place);
        Err(Failure { kind: Kind::Broken, code: "", message })
    }
}

fn connect(
    database: &Database,
    alteration: &mut Alteration,
    interrupt: &Interrupt,
) -> Result<(Connection, Option<FileId>), Failure> {
    let mut connection = database.connect()?;
    interrupt.attach(&mut connection)?;
    alteration.watch(&mut connection)?;
    Ok((connection, database.file().and_then(FileId::of)))
}

/// Which file is at a path: its device, and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FileId(u64, u64);

impl FileId {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self(metadata.dev(), metadata.ino()))
    }
}
