//! Opening a database as the operator wants it. Must not know what is done with it then.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::config::{JournalMode, Mode, Options, Synchronous};
use crate::failure::{Failure, Kind};
use crate::url::Place;

/// The file system of SQLite in which databases are in memory, and shared by all connections with the same name.
const MEMORY_FILES: &str = "memdb";

/// How long opening waits for a lock, in its thread.
const OPEN_WAIT: Duration = Duration::from_millis(100);

/// A database, before any connection to it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    path: PathBuf,
    options: Options,
}

impl Database {
    pub(crate) fn new(options: Options) -> Self {
        let path = match &options.place {
            Place::File(path) => plain(path),
            Place::Memory => memory_name(),
        };
        Self { path, options }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.options.place == Place::Memory
    }

    /// The file; `None` for a database in memory.
    pub(crate) fn file(&self) -> Option<&Path> {
        (!self.is_in_memory()).then_some(&*self.path)
    }

    /// Opens a connection. It reads the file, and may have to write to it.
    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        let connection = self.open().and_then(|connection| {
            self.set_up(&connection)?;
            // From now on who waits for a lock waits in the member, and holds no thread.
            connection.busy_timeout(Duration::ZERO)?;
            Ok(connection)
        });
        connection.map_err(|failure| Failure {
            message: format!("{}: {}", self.options.place, failure.message),
            ..failure
        })
    }

    fn open(&self) -> Result<Connection, Failure> {
        let access = match self.options.mode {
            Mode::Rwc => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Mode::Rw => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Mode::Ro => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(match self.is_in_memory() {
            true => Connection::open_with_flags_and_vfs(&self.path, flags, MEMORY_FILES)?,
            false => Connection::open_with_flags(&self.path, flags)?,
        })
    }

    fn set_up(&self, connection: &Connection) -> Result<(), Failure> {
        let options = &self.options;
        // The first connection prepares the file for all others, which takes a moment.
        connection.busy_timeout(OPEN_WAIT)?;
        connection.set_prepared_statement_cache_capacity(options.prepared_statements);
        // "x" is the name of a column, as in every other database, and never a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.pragma_update(None, "foreign_keys", options.foreign_keys)?;
        if let Some(kib) = options.cache_kib {
            connection.pragma_update(None, "cache_size", -i64::from(kib))?;
        }
        if self.is_in_memory() {
            return Ok(());
        }
        connection.pragma_update(None, "synchronous", synchronous(options.synchronous))?;
        if options.mode != Mode::Ro {
            self.set_journal_mode(connection)?;
        }
        // Opening reads nothing: that the file is a database is found out now.
        Ok(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?)
    }

    fn set_journal_mode(&self, connection: &Connection) -> Result<(), Failure> {
        let wanted = journal_mode(self.options.journal_mode);
        let mut actual = String::new();
        connection.pragma_update_and_check(None, "journal_mode", wanted, |row| {
            actual = row.get(0)?;
            Ok(())
        })?;
        if actual.eq_ignore_ascii_case(wanted) {
            return Ok(());
        }
        let message = format!("the journal mode `{wanted}` is not possible there: SQLite chose `{actual}`");
        Err(Failure { kind: Kind::Refused, code: "", message })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Memory => out.write_str(":memory:"),
        }
    }
}

/// A path that SQLite takes for nothing else: `file:x` would be a URI, and `:memory:` no file.
fn plain(path: &Path) -> PathBuf {
    let is_special = |prefix| path.as_os_str().as_encoded_bytes().starts_with(prefix);
    if is_special(b"file:") || is_special(b":") { Path::new(".").join(path) } else { path.to_owned() }
}

/// A name that no other database in memory has, in this process. The slash at the begin says that connections share it.
fn memory_name() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("/http-container-{}", COUNT.fetch_add(1, Ordering::Relaxed)).into()
}

fn journal_mode(mode: JournalMode) -> &'static str {
    match mode {
        JournalMode::Wal => "wal",
        JournalMode::Delete => "delete",
        JournalMode::Truncate => "truncate",
        JournalMode::Persist => "persist",
        JournalMode::Memory => "memory",
        JournalMode::Off => "off",
    }
}

fn synchronous(synchronous: Synchronous) -> &'static str {
    match synchronous {
        Synchronous::Off => "off",
        Synchronous::Normal => "normal",
        Synchronous::Full => "full",
        Synchronous::Extra => "extra",
    }
}
